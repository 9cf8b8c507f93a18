import EngineProtocol
import Rooms
import Store

/// A participant who is on the embedded engine: the visit on record, and what the engine said last.
final class EmbeddedAttendance {
    var visit: Visit
    var reported: EngineStatus.Participant
    var roundTrips = RoundTrips()
    var isSilent = false
    /// How many statuses in a row have not named it.
    var absences = 0
    /// The engine that it was on has ended, and the next one has not named it yet.
    var outlivesEngine = false
    /// How many it had played when last asked.
    var notes: UInt64?
    private var history = LossHistory()

    init(_ visit: Visit, _ reported: EngineStatus.Participant) { (self.visit, self.reported) = (visit, reported) }

    /// What the engine says now.
    func update(_ reported: EngineStatus.Participant, at moment: Timestamp) {
        self.reported = reported
        history.add(reported.counts, at: moment)
    }

    /// `policy` and `portIndex` are those of its room.
    func view(_ policy: Policy, _ portIndex: Int) -> Snapshot.Participant {
        var view = Snapshot.Participant(
            id: visit.id, name: visit.name, room: visit.room, port: visit.port, engine: visit.engine,
            since: visit.joined.latest.milliseconds)
        view.state = isSilent ? .silent : .present
        let direction = policy.direction(name: visit.name, portIndex: portIndex)
        view.sends = direction.sends
        view.receives = direction.receives
        view.rtt = roundTrips.view
        view.rtt?.p95 = reported.rtt?.p95
        view.jitter = reported.rtt?.jitter
        (view.received, view.lost, view.repaired) = (
            reported.counts.received, reported.counts.lost, reported.counts.repaired
        )
        (view.unreadable, view.mayHaveLeftNotes) = (reported.counts.unreadable, reported.mayHaveLeftNotes)
        view.loss = history.loss
        view.address = visit.address
        view.ssrc = visit.ssrc
        if reported.loops {
            view.muted = true
            view.remark =
                "sends back what it hears (a feedback loop): nobody hears it until that is lifted or it joins anew"
        } else if direction == .neither {
            view.remark = "its name says neither In nor Out: not connected"
        } else if reported.mayHaveLeftNotes ?? false {
            view.remark = "may have left a note: its software does not repair losses"
        } else if let unreadable = reported.counts.unreadable, unreadable > 0 {
            view.remark = "\(unreadable) of its packets could not be read"
        }
        return view
    }
}

/// What came and what was lost in the last minute, by the counts of now and then.
struct LossHistory {
    private var counts: [(at: Timestamp, counts: EngineStatus.Counts)] = []

    mutating func add(_ now: EngineStatus.Counts, at moment: Timestamp) {
        // Counts begin anew with an engine that does.
        if let last = counts.last, now.received < last.counts.received { counts = [] }
        counts.append((moment, now))
        let since = moment.advanced(by: .seconds(-60))
        // One from before stays, to count from.
        while counts.count > 2, counts[1].at <= since { counts.removeFirst() }
        if counts.count > 100 { counts.remove(at: counts.count - 2) }
    }

    /// 0 to 1; nil where nothing was expected.
    var loss: Double? {
        guard let first = counts.first?.counts, let last = counts.last?.counts else { return nil }
        let (received, lost) = (last.received &- first.received, last.lost >= first.lost ? last.lost - first.lost : 0)
        guard received + lost > 0 else { return nil }
        return Double(lost) / Double(received + lost)
    }
}

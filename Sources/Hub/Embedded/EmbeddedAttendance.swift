import EngineProtocol
import Rooms
import Store

/// A participant who is on the embedded engine: the visit on record, and what the engine said last.
final class EmbeddedAttendance {
    var visit: Visit
    var said: EngineStatus.Participant
    var roundTrips = RoundTrips()
    var isSilent = false
    /// How many statuses in a row have not named it.
    var absences = 0
    /// The engine that it was on has ended, and the next one has not named it yet.
    var outlivesEngine = false
    /// How many it had played when last asked.
    var notes: UInt64?
    private var history = LossHistory()

    init(_ visit: Visit, _ said: EngineStatus.Participant) { (self.visit, self.said) = (visit, said) }

    /// What the engine says now.
    func take(_ said: EngineStatus.Participant, at moment: Timestamp) {
        self.said = said
        history.add(said.counts, at: moment)
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
        view.rtt?.p95 = said.rtt?.p95
        view.jitter = said.rtt?.jitter
        (view.received, view.lost, view.repaired) = (said.counts.received, said.counts.lost, said.counts.repaired)
        (view.unreadable, view.mayHaveLeftNotes) = (said.counts.unreadable, said.mayHaveLeftNotes)
        view.loss = history.loss
        view.address = visit.address
        view.ssrc = visit.ssrc
        if said.loops {
            view.muted = true
            view.remark =
                "sends back what it hears (a feedback loop): nobody hears it until that is lifted or it joins anew"
        } else if direction == .neither {
            view.remark = "its name says neither In nor Out: not connected"
        } else if said.mayHaveLeftNotes ?? false {
            view.remark = "may have left a note: its software does not repair losses"
        } else if let unreadable = said.counts.unreadable, unreadable > 0 {
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
        let received = last.received &- first.received
        let lost = last.lost >= first.lost ? last.lost - first.lost : 0
        let overtaken = (last.overtaken ?? 0) &- (first.overtaken ?? 0)
        guard received + lost > 0 else { return nil }
        // Those that came late are among both.
        let missing = lost >= overtaken ? lost - overtaken : 0
        return Double(missing) / Double(received + missing)
    }
}

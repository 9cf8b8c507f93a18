import EngineProtocol
import Rooms
import Store

/// A participant who is on an embedded engine, with what the engine said of it last.
final class EmbeddedAttendee: Attendee {
    var reported: EngineStatus.Participant
    /// How many statuses in a row have not named it.
    var absences = 0
    /// The engine that it was on has ended, and the next one has not named it yet.
    var outlivesEngine = false
    /// How many it had played when last asked.
    var notes: UInt64?
    private var history = LossHistory()

    init(_ visit: Visit, _ reported: EngineStatus.Participant) {
        self.reported = reported
        super.init(visit)
    }

    /// What the engine says now.
    func update(_ reported: EngineStatus.Participant, at moment: Timestamp) {
        self.reported = reported
        history.add(reported.counts, at: moment)
    }

    private static let loopRemark =
        "sends back what it hears (a feedback loop): nobody hears it until that is lifted or it joins anew"

    /// `policy` and `portIndex` are those of its room.
    func view(_ policy: Policy, _ portIndex: Int) -> Snapshot.Participant {
        var view = commonView(policy.direction(name: visit.name, portIndex: portIndex))
        if relay != nil {
            // The engine's figures are of the hub's own session.
            if reported.loops { (view.muted, view.remark) = (true, Self.loopRemark) }
            return view
        }
        view.rtt?.p95 = reported.rtt?.p95
        view.jitter = reported.rtt?.jitter
        (view.received, view.lost, view.repaired) = (
            reported.counts.received, reported.counts.lost, reported.counts.repaired
        )
        (view.unreadable, view.mayHaveLeftNotes) = (reported.counts.unreadable, reported.mayHaveLeftNotes)
        (view.loss, view.link, view.device) = (history.loss, reported.link, reported.device)
        view.invited = reported.isInvited
        if reported.loops {
            view.muted = true
            view.remark = Self.loopRemark
        } else if view.remark == nil, reported.mayHaveLeftNotes ?? false {
            view.remark = "may have left a note: its software does not repair losses"
        } else if view.remark == nil, let unreadable = reported.counts.unreadable, unreadable > 0 {
            view.remark = "\(unreadable) of its packets could not be read"
        } else if view.remark == nil {
            view.remark = reported.link?.remark
        }
        return view
    }
}

/// The loss of the last minute, from counts that are told every few seconds.
struct LossHistory {
    private var counts: [(at: Timestamp, counts: EngineStatus.Counts)] = []

    mutating func add(_ now: EngineStatus.Counts, at moment: Timestamp) {
        // A new engine process counts from 0.
        if let last = counts.last, now.received < last.counts.received { counts = [] }
        counts.append((moment, now))
        let since = moment.advanced(by: .seconds(-60))
        // One count from before the last minute is kept as the beginning.
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

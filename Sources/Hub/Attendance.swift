import Linux
import Rooms
import Store

/// One participant who is on an engine: what every carrier knows of it. Each carrier has a subclass with what it alone
/// knows.
class Attendee {
    var visit: Visit
    /// The store knows of the visit, so its end has to be recorded too.
    fileprivate(set) var isRecorded = false
    fileprivate(set) var isSilent = false
    fileprivate(set) var roundTrips = RoundTrips()
    /// Where it really is, if the hub takes part in its place.
    var relay: Relay?

    init(_ visit: Visit) { self.visit = visit }

    final func commonView(_ direction: Direction) -> Snapshot.Participant {
        var view = Snapshot.Participant(
            id: visit.id, name: visit.name, room: visit.room, port: visit.port, engine: visit.engine,
            since: visit.joined.latest.milliseconds)
        view.state = isSilent ? .silent : .present
        (view.sends, view.receives) = (direction.sends, direction.receives)
        view.rtt = roundTrips.view
        (view.address, view.ssrc) = (visit.address, visit.ssrc)
        if let relay { (view.kind, view.remark, view.unreadable) = (.tcp, relay.remark, relay.unreadable) }
        if direction == .neither { view.remark = "its name says neither In nor Out: not connected" }
        return view
    }
}

/// Who is on one engine, by the carrier's own numbers. The carrier tells it who comes and goes, falls silent and is how far
/// away; here that becomes visits, events and round trips on record, the same for every carrier.
final class Attendance<ID: Hashable, One: Attendee> {
    private let engine: String
    private let context: HubContext
    private(set) var present: [ID: One] = [:]
    /// Visits that the hub before this one left open, until it is clear whose they are.
    private(set) var openVisits: [Visit] = []

    init(_ engine: String, _ context: HubContext) { (self.engine, self.context) = (engine, context) }

    subscript(id: ID) -> One? { present[id] }
    var all: Dictionary<ID, One>.Values { present.values }

    // MARK: Coming

    /// Called by an engine that goes on or is about to be started: it decides what becomes of its open visits.
    func takeOver() { openVisits += context.removeOpenVisits(of: engine) }

    /// Somebody is there, who is not on record yet.
    func add(_ one: One, as id: ID) { present[id] = one }

    /// Records the beginning of a visit.
    func joined(_ one: One, at when: TimeRange = TimeRange(.now)) {
        one.isRecorded = true
        context.recorder.add(.visit(one.visit))
        context.note(.joined, at: when, visit: one.visit, "\(one.visit.name) joined room \(one.visit.room)")
    }

    /// Removes and returns an open visit: the first one for which the first condition holds, else the second, and so on.
    func removeOpenVisit(where conditions: (Visit) -> Bool...) -> Visit? {
        let index = conditions.lazy.compactMap { [openVisits] in openVisits.firstIndex(where: $0) }.first
        return index.map { openVisits.remove(at: $0) }
    }

    /// Goes on with a visit that the hub before this one has recorded. `trusts`: its round trips count too, also those that
    /// were not confirmed.
    func resumed(_ one: One, trusts: Bool = true) {
        one.isRecorded = true
        if trusts, let earlier = context.earlierRoundTrips[one.visit.id] { one.roundTrips = RoundTrips(earlier) }
    }

    // MARK: Being there

    /// A reload has renamed the room, or put the port into another one. The visit stays the same.
    func moved(_ one: One, to room: String) {
        guard one.visit.room != room else { return }
        one.visit.room = room
        if one.isRecorded { context.recorder.add(.visit(one.visit)) }
    }

    func fellSilent(_ one: One, for seconds: Int64, at moment: Timestamp = .now) {
        guard !one.isSilent else { return }
        one.isSilent = true
        context.note(
            .silent, severity: .warning, at: TimeRange(moment), visit: one.visit,
            "\(one.visit.name) has been silent for \(seconds) s")
        context.isMissing(one.visit)
    }

    func cameBack(_ one: One, at moment: Timestamp = .now) {
        guard one.isSilent else { return }
        one.isSilent = false
        context.note(.back, at: TimeRange(moment), visit: one.visit, "\(one.visit.name) is back")
    }

    /// Records a round trip that is believed; of one in whose place the hub takes part, that from the hub to it.
    func measured(_ one: One, _ microseconds: Int, at moment: Timestamp = .now) {
        var microseconds = microseconds
        if let relay = one.relay {
            guard let roundTrip = relay.roundTrip else { return }
            microseconds = roundTrip
        }
        let sample = LatencySample(
            visit: one.visit.id, at: TimeRange(moment), roundTrip: Int64(microseconds), trust: .confirmed)
        context.recorder.add(.latency(sample))
        confirmed(one, microseconds, at: moment)
    }

    /// Counts a round trip that was recorded before and is believed now.
    func confirmed(_ one: One, _ microseconds: Int, at moment: Timestamp) {
        one.roundTrips.add(microseconds, at: moment)
        context.changed()
    }

    // MARK: Going

    /// The participant is gone. `ended` follows when it is known how.
    @discardableResult
    func remove(_ id: ID) -> One? { present.removeValue(forKey: id) }

    /// Records how the visit of a removed participant ended.
    func ended(_ one: One, _ end: VisitEnd, at when: TimeRange = TimeRange(.now)) {
        if one.isRecorded { context.close(one.visit, end, at: when) }
    }

    /// The engine's process has ended, and every session with it.
    func everyoneHasLeft(because reason: String) {
        for one in present.values { ended(one, .left("left: \(reason)")) }
        present = [:]
        abandonOpenVisits("left: \(reason)")
        context.changed()
    }

    /// Visits that nobody has continued ended while no hub was looking.
    func abandonOpenVisits(_ text: String = "left while the hub was away") {
        for visit in openVisits { context.close(visit, .left(text), at: context.whileAway(visit)) }
        openVisits = []
    }

    // MARK: The store

    /// The store works again after a failure, or is a new file: it gets all visits that have not ended.
    func rerecord() {
        for one in present.values where one.isRecorded { context.recorder.add(.visit(one.visit)) }
    }
}

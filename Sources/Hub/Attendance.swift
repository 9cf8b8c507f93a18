import Linux
import Rooms
import Store

/// One participant who is on an engine, as every carrier knows it; each adds to it what it alone knows.
class Attendee {
    var visit: Visit
    /// The visit is on record, and its end will have to be.
    fileprivate(set) var isRecorded = false
    fileprivate(set) var isSilent = false
    fileprivate(set) var roundTrips = RoundTrips()

    init(_ visit: Visit) { self.visit = visit }

    final func commonView(_ direction: Direction) -> Snapshot.Participant {
        var view = Snapshot.Participant(
            id: visit.id, name: visit.name, room: visit.room, port: visit.port, engine: visit.engine,
            since: visit.joined.latest.milliseconds)
        view.state = isSilent ? .silent : .present
        (view.sends, view.receives) = (direction.sends, direction.receives)
        view.rtt = roundTrips.view
        (view.address, view.ssrc) = (visit.address, visit.ssrc)
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
    var all: some Collection<One> { present.values }

    // MARK: Coming

    /// The engine goes on from before this hub, or is about to be started again: its open visits are its own affair.
    func takeOver() { openVisits += context.takeOpenVisits(of: engine) }

    /// Somebody is there, who is not on record yet.
    func add(_ one: One, as id: ID) { present[id] = one }

    /// Who is there is a participant: from now on it is on record.
    func joined(_ one: One, at when: TimeRange = TimeRange(.now)) {
        one.isRecorded = true
        context.recorder.add(.visit(one.visit))
        context.note(.joined, at: when, visit: one.visit, "\(one.visit.name) joined room \(one.visit.room)")
    }

    /// Takes the first open visit of those that the earliest of these conditions finds.
    func takeOpenVisit(where conditions: (Visit) -> Bool...) -> Visit? {
        let index = conditions.lazy.compactMap { [openVisits] in openVisits.firstIndex(where: $0) }.first
        return index.map { openVisits.remove(at: $0) }
    }

    /// Who is there was on record before this hub. `trusts`: so are its round trips, also those nobody has judged.
    func resumed(_ one: One, trusts: Bool = true) {
        one.isRecorded = true
        if trusts, let earlier = context.earlierRoundTrips[one.visit.id] { one.roundTrips = RoundTrips(earlier) }
    }

    // MARK: Being there

    /// The same visit, in a room that a reload has renamed or put its port into.
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
    }

    func cameBack(_ one: One, at moment: Timestamp = .now) {
        guard one.isSilent else { return }
        one.isSilent = false
        context.note(.back, at: TimeRange(moment), visit: one.visit, "\(one.visit.name) is back")
    }

    /// One round trip that is believed.
    func measured(_ one: One, _ microseconds: Int, at moment: Timestamp = .now) {
        let sample = LatencySample(
            visit: one.visit.id, at: TimeRange(moment), roundTrip: Int64(microseconds), trust: .confirmed)
        context.recorder.add(.latency(sample))
        confirmed(one, microseconds, at: moment)
    }

    /// One that is on record already, and is believed now.
    func confirmed(_ one: One, _ microseconds: Int, at moment: Timestamp) {
        one.roundTrips.add(microseconds, at: moment)
        context.changed()
    }

    // MARK: Going

    /// Somebody is there no more; how its visit ended may become known later.
    @discardableResult
    func remove(_ id: ID) -> One? { present.removeValue(forKey: id) }

    /// Of who has been removed.
    func ended(_ one: One, _ end: VisitEnd, at when: TimeRange = TimeRange(.now)) {
        if one.isRecorded { context.close(one.visit, end, at: when) }
    }

    /// The process has ended, and with it every session.
    func everyoneHasLeft(because reason: String) {
        for one in present.values { ended(one, .left("left: \(reason)")) }
        present = [:]
        abandonOpenVisits("left: \(reason)")
        context.changed()
    }

    /// Visits that nobody has continued ended while no hub was looking.
    func abandonOpenVisits(_ words: String = "left while the hub was away") {
        for visit in openVisits { context.close(visit, .left(words), at: context.whileAway(visit)) }
        openVisits = []
    }

    // MARK: The store

    /// The store works again: what is still true is said to it anew.
    func rerecord() {
        for one in present.values where one.isRecorded { context.recorder.add(.visit(one.visit)) }
    }
}

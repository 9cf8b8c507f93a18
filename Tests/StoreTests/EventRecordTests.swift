import Store
import Testing

struct EventRecordTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `an event comes back as it was written, with the id it was given`() async throws {
        let database = try Database(path: scratch.path)
        var told = EventRecord(
            id: 99, at: TimeRange(earliest: moment(1), latest: moment(2)), kind: .lost, severity: .error, room: "Hall",
            engine: "5004", participant: "Piano", visit: 3, text: "Piano went silent",
            address: "192.0.2.7")
        #expect(try await database.commit([.event(told)]) == 1)
        told.id = 1
        #expect(try await database.events(limit: 10) == [told])
    }

    @Test func `a commit's events are consecutive and end at the id it answers`() async throws {
        let database = try Database(path: scratch.path)
        #expect(try await database.commit([offset(1)]) == 0)
        #expect(try await database.eventIDs() == nil)
        #expect(try await database.commit([event("a"), offset(2), event("b")]) == 2)
        #expect(try await database.commit([event("c")]) == 3)
        #expect(try await database.commit([]) == 3)
        #expect(try await database.events(after: 0, limit: 10).map(\.text) == ["a", "b", "c"])
        #expect(try await database.eventIDs() == 1...3)
    }

    @Test func `a follower gets what it missed in order, a reader the newest first`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit((1...9).map { event("\($0)") })
        #expect(try await database.events(after: 6, limit: 2).map(\.id) == [7, 8])
        #expect(try await database.events(after: 9, limit: 2) == [])
        #expect(try await database.events(limit: 2).map(\.id) == [9, 8])
        #expect(try await database.events(before: 3, limit: 9).map(\.id) == [2, 1])
    }

    @Test(arguments: [
        (EventFilter(kinds: ["joined", "left"]), [1, 2]), (EventFilter(kinds: ["it's"]), []),
        (EventFilter(atLeast: .warning), [2, 3]), (EventFilter(room: "Hall"), [1]),
        (EventFilter(participant: "P'"), [3]), (EventFilter(kinds: ["left"], atLeast: .error), []),
    ])
    func `a filter keeps what it names`(filter: EventFilter, ids: [Int64]) async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([
            .event(EventRecord(at: exactly(0), kind: .joined, room: "Hall", text: "")),
            .event(EventRecord(at: exactly(0), kind: .left, severity: .warning, room: "hall", text: "")),
            .event(EventRecord(at: exactly(0), kind: .unknown, severity: .error, participant: "P'", text: "")),
        ])
        #expect(try await database.events(after: 0, limit: 10, where: filter).map(\.id) == ids)
        #expect(try await database.events(limit: 10, where: filter).map(\.id) == ids.reversed())
    }
}

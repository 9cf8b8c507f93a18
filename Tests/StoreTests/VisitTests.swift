import Store
import Testing

struct VisitTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `a visit comes back as it was written, and again as it was changed`() async throws {
        let database = try Database(path: scratch.path)
        var guest = Visit(
            id: 1, room: "Hall", engine: "5004", port: 65535, name: "Flügel", address: "[2001:db8::1]:5004",
            ssrc: .max, joined: TimeRange(earliest: moment(10), latest: moment(20)))
        try await database.commit([.visit(guest)])
        #expect(try await database.openVisits() == [guest])

        guest.left = TimeRange(earliest: moment(30), latest: moment(40))
        guest.reason = "said goodbye"
        guest.address = nil
        guest.ssrc = 0
        try await database.commit([.visit(guest)])
        #expect(try await database.openVisits() == [])
        await database.close()
        #expect(try await Database(path: scratch.path).visits(limit: 10) == [guest])
    }

    @Test func `visits come newest first and continue below an id`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit((1...5).map { .visit(visit($0)) })
        #expect(try await database.visits(limit: 2).map(\.id) == [5, 4])
        #expect(try await database.visits(limit: 9, before: 4).map(\.id) == [3, 2, 1])
        #expect(try await database.visits(limit: 0) == [])
    }

    @Test func `an id is never given twice, though its visit is gone`() async throws {
        let database = try Database(path: scratch.path)
        #expect(try await database.nextVisitID() == 1)
        try await database.commit([.visit(visit(1)), .visit(visit(7, left: 100))])
        try await database.housekeep(now: .now)
        #expect(try await database.visits(limit: 9).map(\.id) == [1])
        await database.close()
        #expect(try await Database(path: scratch.path).nextVisitID() == 8)
    }
}

import Store
import Testing

/// 2023-11-15 00:00:00 UTC, a whole minute.
private let today: Int64 = 1_700_006_400_000
private let minute: Int64 = 60_000
private let hour = 60 * minute

/// How much is kept where everything would take too much space on disk.
struct SizeTests {
    private let scratch: Scratch
    private static let size: Int64 = 1 << 20

    init() throws { scratch = try Scratch() }

    /// Bytes of the file that hold something.
    private func used() throws -> Int64 {
        let file = try Stranger(scratch.path)
        func number(_ pragma: String) throws -> Int64 {
            try #require(try file.run("PRAGMA \(pragma)").flatMap(Int64.init))
        }
        return (try number("page_count") - number("freelist_count")) * (try number("page_size"))
    }

    /// Comes and goes in ten seconds, and is told of.
    private func stranger(_ id: Int64, at joined: Int64) -> [Change] {
        let text = String(repeating: "x", count: 500)
        return [
            .visit(visit(id, joined: joined, left: joined + 10_000)), sample(id, at: joined, 5),
            .event(EventRecord(at: exactly(joined), kind: .joined, visit: id, text: text)),
        ]
    }

    @Test func `strangers go first, the oldest of them, with what was told of them; who stayed keeps all`() async throws
    {
        let database = try Database(path: scratch.path)
        let old = today - 10 * hour
        for id in Int64(1)...20 {
            try await database.commit(
                [.visit(visit(id, joined: old, left: old + hour)), sample(id, at: old, 7), event("stayed", at: old)])
        }
        try await database.commit((Int64(100)..<10_100).flatMap { stranger($0, at: today - hour + $0) })
        #expect(try used() > 4 * Self.size)
        try await database.housekeep(now: moment(today), size: Self.size)
        #expect(try used() <= Self.size)
        let kept = try await database.visits(limit: 20_000).map(\.id)
        #expect(kept.suffix(20) == (1...20).reversed())
        #expect(
            kept.count > 100 && kept.first == 10_099
                && kept.dropLast(20) == (10_120 - Int64(kept.count)...10_099).reversed()[...])
        #expect(try await points(database, of: 20).map(\.least) == [7])
        let events = try await database.events(limit: 20_000)
        #expect(events.count(where: { $0.text == "stayed" }) == 20)
        #expect(events.compactMap(\.visit) == Array(kept.dropLast(20)))
    }

    @Test func `without strangers the oldest events and round trips go, and visits stay`() async throws {
        let database = try Database(path: scratch.path)
        let old = today - 20 * 24 * hour
        let text = String(repeating: "x", count: 500)
        try await database.commit([.visit(visit(1, joined: old, left: old + hour)), .visit(visit(2, joined: old))])
        try await database.commit((0..<4000).map { event(text, at: old + $0 * hour / 9) })
        try await database.commit((0..<20_000).map { sample(2, at: old + $0 * minute, 5) })
        try await database.housekeep(now: moment(today), size: Self.size)
        #expect(try used() <= Self.size)
        #expect(try await database.visits(limit: 9).map(\.id) == [2, 1])
        let ids = try #require(try await database.eventIDs())
        #expect(ids.lowerBound > 1 && ids.upperBound == 4000)
        let trips = try await points(database, of: 2)
        #expect(!trips.isEmpty && trips.count < 20_000 && trips.last?.at == moment(old + 19_999 * minute))
    }

    @Test func `a flood of events of the last hour goes too, the oldest first, and visits stay`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([.visit(visit(1, joined: today - 9 * hour, left: today - hour))])
        try await database.commit((0..<20_000).map { event(String(repeating: "x", count: 200), at: today - $0) })
        try await database.housekeep(now: moment(today), size: Self.size)
        #expect(try used() <= Self.size)
        #expect(try await database.visits(limit: 9).map(\.id) == [1])
        let ids = try #require(try await database.eventIDs())
        #expect(ids.upperBound == 20_000 && ids.count >= 1000)
    }

    @Test func `where only visits are left the oldest that are over go`() async throws {
        let database = try Database(path: scratch.path)
        let name = String(repeating: "x", count: 64)
        try await database.commit([.visit(visit(1, name: name, joined: today - hour))])
        try await database.commit(
            (Int64(2)...8000).map { .visit(visit($0, name: name, joined: today - hour, left: today)) })
        try await database.housekeep(now: moment(today), size: Self.size)
        #expect(try used() <= Self.size)
        let kept = try await database.visits(limit: 9000).map(\.id)
        #expect(kept.first == 8000 && kept.last == 1 && kept.count > 1000)
    }

    @Test func `the file does not grow while it is filled again and again`() async throws {
        let database = try Database(path: scratch.path)
        var sizes: [Int] = []
        for round in Int64(0)..<4 {
            let first = round * 4000 + 1
            try await database.commit((first..<first + 4000).flatMap { stranger($0, at: today + $0) })
            try await database.housekeep(now: moment(today + hour), size: Self.size)
            sizes.append(Int(try #require(try Stranger(scratch.path).run("PRAGMA page_count")))!)  // a number
        }
        // What one round brings, on top of what may be kept.
        #expect(sizes.dropFirst(2).allSatisfy { $0 <= sizes[1] }, "\(sizes)")
    }
}

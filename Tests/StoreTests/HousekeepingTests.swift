import Store
import Testing

/// 2023-11-15 00:00:00 UTC, a whole minute.
private let today: Int64 = 1_700_006_400_000
private let minute: Int64 = 60_000
private let day = 1440 * minute

struct HousekeepingTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `samples older than a day become minutes, and graph and summary stay what they were`() async throws {
        let database = try Database(path: scratch.path)
        let first = today - 2 * day
        var changes: [Change] = [.visit(visit(1, joined: first)), .visit(visit(2, name: "Drums", joined: first))]
        // Every 10 s for two days, with every seventh not to be believed and every fifth not yet judged.
        for index in 0..<Int64(2 * 8640) {
            let trust: LatencySample.Trust = index % 7 == 0 ? .rejected : index % 5 == 0 ? .unconfirmed : .confirmed
            changes.append(sample(index % 3 == 0 ? 2 : 1, at: first + index * 10_000, 1000 + index % 100, trust))
        }
        try await database.commit(changes)
        func picture() async throws -> (graphs: [[LatencyPoint]], summaries: [LatencySummary]) {
            var (graphs, summaries) = ([[LatencyPoint]](), try await database.latencySummary(since: moment(first)))
            for visit in try await database.visits(limit: 9) {
                graphs.append(try await points(database, of: visit.id, step: minute))
                for unconfirmed in [false, true] {
                    let summary = try await database.latencySummary(of: visit, includingUnconfirmed: unconfirmed)
                    summaries.append(try #require(summary))
                }
            }
            return (graphs, summaries)
        }
        let before = try await picture()
        #expect(before.graphs.map(\.count).max() == 2880)
        #expect(before.summaries.count == 6 && before.summaries[2].count < before.summaries[3].count)
        for now in [today - day / 2, today] { try await database.housekeep(now: moment(now)) }
        #expect(try await picture() == before)

        let graph = try await points(database)
        let old = graph.prefix { $0.at.milliseconds < today - day }
        #expect(old.count == 1440 && old.allSatisfy { $0.at.milliseconds % minute == 0 })
        #expect(graph.dropFirst(1440).allSatisfy { $0.count == 1 })
    }

    @Test func `a minute summed up in pieces adds up`() async throws {
        let database = try Database(path: scratch.path)
        let first = today - 3 * day
        // More in one minute, and more in one millisecond, than one transaction takes.
        let spread = (0..<Int64(5000)).map { sample(1, at: first + $0 * 10, $0) }
        let heap = (0..<Int64(4500)).map { _ in sample(1, at: first + 55_000, 7) }
        try await database.commit([.visit(visit(1, joined: first))] + spread + heap)
        try await database.housekeep(now: moment(today))
        try await database.commit([sample(1, at: first + 59_999, 1_000_000)])
        try await database.housekeep(now: moment(today))
        let total = (0..<5000).reduce(0, +) + 4500 * 7 + 1_000_000
        #expect(
            try await points(database) == [
                LatencyPoint(
                    at: moment(first), count: 9501, average: Double(total) / 9501, least: 0, most: 1_000_000)
            ])
    }

    @Test func `minutes and visits go after a month, visits still open stay`() async throws {
        let database = try Database(path: scratch.path)
        let old = today - 32 * day
        try await database.commit([
            .visit(visit(1, joined: old, left: old + minute)), .visit(visit(2, joined: old)),
            .visit(visit(3, joined: old, left: today - 30 * day)), sample(1, at: old, 5), sample(2, at: old, 5),
            sample(2, at: today - 30 * day, 6), sample(3, at: today - 2 * day, 7),
            .latency(
                LatencySample(
                    visit: 2, at: TimeRange(earliest: moment(old), latest: moment(old + 5)), roundTrip: 1,
                    trust: .confirmed)
            ),
        ])
        try await database.housekeep(now: moment(today))
        #expect(try await database.visits(limit: 9).map(\.id) == [3, 2])
        func kept(_ id: Int64) async throws -> [Int64] {
            try await points(database, of: id).map(\.least)
        }
        #expect(try await kept(1) == [])
        #expect(try await kept(2) == [6])
        #expect(try await kept(3) == [7])
        #expect(try await database.latencySummary(since: moment(0)).map(\.count) == [2])
    }

    @Test func `events go after ninety days, whatever order their times are in`() async throws {
        let database = try Database(path: scratch.path)
        let old = today - 91 * day
        try await database.commit([
            event("a", at: today - 89 * day), event("b", at: old), event("c", at: today), event("d", at: old),
        ])
        try await database.housekeep(now: moment(today))
        #expect(try await database.events(after: 0, limit: 9).map(\.text) == ["a", "c"])
        #expect(try await database.eventIDs() == 1...3)
    }

    @Test func `a hundred thousand events are kept, and the newest of them`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit((0..<100_003).map { _ in event("", at: today) })
        try await database.housekeep(now: moment(today))
        #expect(try await database.eventIDs() == 4...100_003)
    }

    @Test func `fifty thousand visits are kept, and the newest of them, whatever their ids, and those who are here`()
        async throws
    {
        let database = try Database(path: scratch.path)
        let count = Retention.visitCount
        // The ids in between belong to visits that were only counted.
        var changes = (1...count + 2).map { Change.visit(visit($0 * 9, joined: today, left: $0 == 1 ? nil : today)) }
        changes.append(sample(18, at: today, 5))
        try await database.commit(changes)
        try await database.housekeep(now: moment(today))
        #expect(try await database.openVisits().map(\.id) == [9])
        let oldest = try await database.visits(limit: 9, before: 40)
        #expect(oldest.map(\.id) == [36, 27, 9])
        #expect(try await points(database, of: 18).isEmpty)
    }

    @Test func `other calls pass while much is swept`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit(
            [.visit(visit(1))] + (0..<100_000).map { sample(1, at: today - 5 * day + $0 * 1000, 5) })
        let sweep = Task { try await database.housekeep(now: moment(today)) }
        // The sweep's first step is over when samples have gone; its last one has to find the reader in between.
        func left() async throws -> Int {
            try await points(database, limit: 100_000).count
        }
        var seen: Set<Int> = []
        while true {
            let count = try await left()
            seen.insert(count)
            if count < 2000 { break }
        }
        try await sweep.value
        #expect(seen.count > 5)
    }
}

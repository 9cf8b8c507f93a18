import Store
import Testing

struct LatencyTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `the summary is of one name and port over all its visits`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([
            .visit(visit(1, left: 50)), .visit(visit(2)), .visit(visit(3, name: "Drums")), .visit(visit(4, port: 5006)),
            sample(2, at: 60, 2000), sample(1, at: 10, 4000), sample(1, at: 40, 9000), sample(3, at: 5, 1),
        ])
        let summary = try await database.latencySummary(since: moment(0))
        #expect(
            summary == [
                LatencySummary(
                    name: "Drums", port: 5004, count: 1, average: 1, least: 1, most: 1, last: 1, lastAt: exactly(5)),
                LatencySummary(
                    name: "Piano", port: 5004, count: 3, average: 5000, least: 2000, most: 9000, last: 2000,
                    lastAt: exactly(60)),
            ])
        #expect(try await database.latencySummary(since: moment(40)).map(\.count) == [2])
        #expect(try await database.latencySummary(since: moment(61)) == [])
    }

    @Test func `unconfirmed samples count only for those who ask, rejected ones never`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([
            .visit(visit(1)), sample(1, at: 1, 10, .confirmed), sample(1, at: 2, 20, .unconfirmed),
            sample(1, at: 3, 99, .rejected),
        ])
        #expect(try await database.latencySummary(since: moment(0)).map(\.last) == [10])
        #expect(try await database.latencySummary(of: visit(1))?.last == 10)
        #expect(try await database.latencySummary(of: visit(1), includingUnconfirmed: true)?.last == 20)
        #expect(try await points(database).map(\.least) == [10])
    }

    @Test func `a judgement reaches unconfirmed samples that lie wholly in its span, and no others`() async throws {
        let database = try Database(path: scratch.path)
        let ranged = TimeRange(earliest: moment(15), latest: moment(25))
        try await database.commit([
            .visit(visit(1)), .visit(visit(2, name: "Drums")), sample(1, at: 9, 1, .unconfirmed),
            sample(1, at: 10, 2, .unconfirmed), sample(1, at: 20, 4, .unconfirmed), sample(1, at: 21, 8, .unconfirmed),
            sample(1, at: 15, 16, .rejected), sample(2, at: 15, 32, .unconfirmed),
            .latency(LatencySample(visit: 1, at: ranged, roundTrip: 64)),
        ])
        func confirmed() async throws -> [Int64] {
            try await database.latencySummary(since: moment(0)).map { Int64($0.average * Double($0.count)) }
        }
        try await database.commit([.trust(visit: 1, from: moment(10), to: moment(20), .confirmed)])
        #expect(try await confirmed() == [2 + 4])
        try await database.commit([.trust(visit: 1, from: moment(10), to: moment(20), .rejected)])
        #expect(try await confirmed() == [2 + 4])
        try await database.commit([.trust(visit: 1, from: moment(15), to: moment(25), .confirmed)])
        #expect(try await confirmed() == [2 + 4 + 8 + 64])
    }

    @Test func `samples of one visit and one time are all kept, also those of an earlier run`() async throws {
        for _ in 0..<3 {
            let database = try Database(path: scratch.path)
            try await database.commit([.visit(visit(1))] + (1...20).map { sample(1, at: 5, $0) })
            await database.close()
        }
        let database = try Database(path: scratch.path)
        let summary = try #require(try await database.latencySummary(since: moment(0)).first)
        #expect(summary.count == 60)
        #expect(summary.average == 10.5)
        #expect(summary.last == 20)
    }

    @Test func `samples of which only a range of time is known are counted but not drawn`() async throws {
        let database = try Database(path: scratch.path)
        let ranged = LatencySample(
            visit: 1, at: TimeRange(earliest: moment(10), latest: moment(90)), roundTrip: 50, trust: .confirmed)
        try await database.commit([.visit(visit(1)), .latency(ranged), sample(1, at: 20, 10)])
        #expect(try await database.latencySummary(since: moment(5)).map(\.count) == [2])
        #expect(try await database.latencySummary(since: moment(5)).map(\.lastAt) == [ranged.at])
        #expect(try await database.latencySummary(since: moment(11)).map(\.count) == [1])
        for step in [1, 1000] as [Int64] { #expect(try await points(database, step: step).map(\.count) == [1]) }
    }

    @Test func `a graph's steps hold average, least and most, in the order of time`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([
            .visit(visit(1)), .visit(visit(2)), sample(1, at: 2500, 90), sample(1, at: 1000, 10),
            sample(1, at: 1999, 20), sample(1, at: 2000, 30), sample(2, at: 1500, 999),
        ])
        #expect(
            try await points(database, step: 1000) == [
                LatencyPoint(at: moment(1000), count: 2, average: 15, least: 10, most: 20),
                LatencyPoint(at: moment(2000), count: 2, average: 60, least: 30, most: 90),
            ])
        #expect(try await points(database).map(\.least) == [10, 20, 30, 90])
        #expect(try await points(database, from: 1001, to: 2000).map(\.least) == [20, 30])
        #expect(try await points(database, limit: 3).map(\.least) == [10, 20, 30])
        #expect(try await points(database, from: .min, limit: -1) == [])
    }

    @Test func `absurd numbers neither trap nor spoil the sums`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([
            .visit(visit(1)), sample(1, at: .max, .max), sample(1, at: .min, .min), sample(1, at: -1, 5),
            .latency(
                LatencySample(visit: 1, at: TimeRange(earliest: moment(.min), latest: moment(.max)), roundTrip: 1)),
            sample(.max, at: 0, 1), sample(.min, at: 0, 1),
            .trust(visit: 1, from: moment(.max), to: moment(.min), .rejected),
        ])
        let summary = try #require(try await database.latencySummary(since: moment(.min)).first)
        #expect(summary.least == -3_600_000_000 && summary.most == 3_600_000_000)
        for step in [0, -5, .max, 1] as [Int64] {
            let graph = try await points(database, from: .min, step: step, limit: .max)
            #expect(graph.reduce(0) { $0 + $1.count } == 3)
        }
        for now in [Int64.min, 0, .max] { try await database.housekeep(now: moment(now)) }
    }
}

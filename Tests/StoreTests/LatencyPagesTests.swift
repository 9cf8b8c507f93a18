import Store
import Testing

struct LatencyPagesTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Everything, page after page: the points' visits, starts and counts, and how many pages it took.
    private func read(
        _ database: Database, _ filter: LatencyFilter, limit: Int
    ) async throws -> (points: [[Int64]], pages: Int) {
        var (points, pages) = ([[Int64]](), 0)
        var position: LatencyPage.Position?
        repeat {
            let page = try await database.latency(filter, after: position, limit: limit)
            points += page.points.map { [$0.of.visit, $0.point.at.milliseconds, $0.point.count] }
            position = page.next
            pages += 1
        } while position != nil
        return (points, pages)
    }

    private var always: LatencyFilter { LatencyFilter(from: moment(0), to: moment(.max)) }

    @Test func `minutes and samples, wherever pages are cut, are the same points in the same order`() async throws {
        let database = try Database(path: scratch.path)
        let day: Int64 = 86_400_000
        var changes: [Change] = [.visit(visit(1, left: 5)), .visit(visit(2, name: "Drums")), .visit(visit(3))]
        for id: Int64 in [1, 3] {
            for number: Int64 in 0..<5 {
                changes += [sample(id, at: 61_000 * number, 10), sample(id, at: 2 * day + number, 20)]
            }
        }
        changes += [sample(3, at: 2 * day + 9, 99, .unconfirmed), sample(3, at: 2 * day + 1, 30)]
        try await database.commit(changes)
        try await database.housekeep(now: moment(2 * day + 10))
        let whole = try await read(database, always, limit: 100)
        #expect(whole.pages == 1)
        #expect(whole.points.map { $0[0] } == Array(repeating: 1, count: 10) + Array(repeating: 3, count: 10))
        #expect(whole.points.filter { $0[2] == 2 }.map { $0[1] } == [2 * day + 1], "two of one time are one point")
        for limit in 1...20 { #expect(try await read(database, always, limit: limit).points == whole.points) }

        var steps = always
        steps.step = 120_000
        let summed = try await read(database, steps, limit: 100).points
        #expect(summed.reduce(0) { $0 + $1[2] } == whole.points.reduce(0) { $0 + $1[2] })
        for limit in 1...5 { #expect(try await read(database, steps, limit: limit).points == summed) }
    }

    @Test func `the work for one page is bounded, also where little comes of it`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit((1...5000).map { .visit(visit($0)) } + [sample(5000, at: 7, 1)])
        let all = try await read(database, always, limit: 10)
        #expect(all.points == [[5000, 7, 1]])
        #expect(all.pages > 1)
        var one = always
        one.visit = 5000
        #expect(try await read(database, one, limit: 10).pages == 1)
    }

    @Test func `places and filters from elsewhere do no harm`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([.visit(visit(1)), sample(1, at: 5, 1)])
        for position in [
            LatencyPage.Position(visit: .min), .init(visit: .max), .init(visit: .max, at: moment(.max)),
            .init(visit: 1, at: moment(.max)),
        ] {
            _ = try await database.latency(always, after: position, limit: 5)
        }
        var odd = LatencyFilter(room: "'; DROP TABLE visit", from: moment(.max), to: moment(.min), step: .max)
        #expect(try await database.latency(odd, limit: 5).points.isEmpty)
        odd = LatencyFilter(from: moment(.min), to: moment(.max), step: .max)
        #expect(try await database.latency(odd, limit: 5).points.count == 1)
    }
}

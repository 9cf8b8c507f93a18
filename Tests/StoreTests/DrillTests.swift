import Store
import Testing

struct DrillTests {
    @Test func `drills are kept, the newest first, and what is told of one again replaces it`() async throws {
        let scratch = try Scratch()
        let database = try Database(path: scratch.path)
        try await database.commit((1...105).map { .drill(Drill(id: $0, passed: $0 % 2 == 0, report: "{}")) })
        try await database.commit([.drill(Drill(id: 105, passed: true, report: "{\"more\":1}"))])
        let all = try await database.drills(limit: 200)
        #expect(all.count == Int(Retention.drillCount) && all.last?.id == 6)
        #expect(all.first == Drill(id: 105, passed: true, report: "{\"more\":1}") && all[1].passed)
    }

    @Test func `a file from before there were drills takes them`() async throws {
        let scratch = try Scratch()
        await (try Database(path: scratch.path, migrations: Array(Migration.all.prefix(2)))).close()
        let database = try Database(path: scratch.path)
        try await database.commit([.drill(Drill(id: 1, passed: true, report: "{}"))])
        #expect(try await database.drills(limit: 9).count == 1)
    }
}

import Foundation
import Store
import TestSupport
import Testing

extension SmallDisk {
    fileprivate var path: String { directory + "/hub.sqlite" }
    fileprivate static let reason: Comment =
        "mounting a tmpfs is not allowed here; the test with a page limit stands in for it"
}

/// 500 lines, the offset behind them and an event.
private func batch(_ number: Int64) -> [Change] {
    [.visit(visit(1)), offset(number + 1), event("batch \(number)")]
        + (0..<500).map { sample(1, at: number * 500 + $0, 5) }
}

/// Commits batches until one does not fit; answers how many did.
private func commitUntilFull(_ database: Database) async throws -> Int64 {
    for number in 0..<Int64(100_000) {
        if let kind = await kind({ try await database.commit(batch(number)) }) {
            #expect(kind == .diskFull)
            return number
        }
    }
    Issue.record("never full")
    return 0
}

/// Exactly the first `count` batches are there.
private func check(_ database: Database, holds count: Int64) async throws {
    let points = try await points(database, limit: .max)
    #expect(points.map(\.at.milliseconds) == Array(0..<count * 500))
    #expect(try await database.offsets().map(\.offset) == [count])
    #expect(try await database.events(limit: 1).map(\.text) == ["batch \(count - 1)"])
    #expect(try await database.latencySummary(since: moment(0)).map(\.count) == [count * 500])
    #expect(try await database.openVisits().count == 1)
}

struct FullDiskTests {
    @Test(.enabled(if: SmallDisk.isAllowed, SmallDisk.reason))
    func `a full disk stops commits and nothing else, and with room the same commit works`() async throws {
        let disk = try #require(SmallDisk(megabytes: 6))
        let database = try Database(path: disk.path)
        let fitted = try await commitUntilFull(database)
        #expect(fitted > 10)
        disk.fill()
        for _ in 0..<3 {
            #expect(await kind { try await database.commit(batch(fitted)) } == .diskFull)
            try await check(database, holds: fitted)
        }
        #expect(await database.drainNotices() == [])

        try await check(database, holds: fitted)
        try #require(disk.grow(megabytes: 40))
        disk.makeRoom()
        for number in fitted..<fitted + 50 { try await database.commit(batch(number)) }
        try await check(database, holds: fitted + 50)
        await database.close()
        #expect(try Stranger(disk.path).run("PRAGMA integrity_check") == "ok")
        let again = try Database(path: disk.path)
        try await check(again, holds: fitted + 50)
        await again.close()
    }

    @Test(.enabled(if: SmallDisk.isAllowed, SmallDisk.reason))
    func `opening on a full disk says so, and works when there is room`() async throws {
        let disk = try #require(SmallDisk(megabytes: 1))
        disk.fill()
        #expect(await kind { _ = try Database(path: disk.path) } == .diskFull)
        disk.makeRoom()
        let database = try Database(path: disk.path)
        try await database.commit(batch(0))
        await database.close()
        disk.fill()
        #expect(await kind { _ = try Database(path: disk.path) } == .diskFull)
        disk.makeRoom()
        let again = try Database(path: disk.path)
        try await check(again, holds: 1)
        #expect(await again.drainNotices() == [])
        await again.close()
    }

    @Test(.enabled(if: SmallDisk.isAllowed, SmallDisk.reason))
    func `damage found on a full disk waits for room`() async throws {
        let disk = try #require(SmallDisk(megabytes: 1))
        try Data(repeating: 65, count: 5000).write(to: URL(fileURLWithPath: disk.path))
        disk.fill()
        #expect(await kind { _ = try Database(path: disk.path) } == .diskFull)
        disk.makeRoom()
        let database = try Database(path: disk.path)
        try await database.commit(batch(0))
        try await check(database, holds: 1)
        await database.close()
    }

    @Test(.enabled(if: SmallDisk.isAllowed, SmallDisk.reason))
    func `a read-only file system is named so`() async throws {
        let disk = try #require(SmallDisk(megabytes: 1))
        try #require(disk.makeReadOnly())
        #expect(await kind { _ = try Database(path: disk.path) } == .readOnly)
    }

    @Test func `a file at its page limit stops commits and nothing else, and with room the same commit works`()
        async throws
    {
        let scratch = try Scratch()
        let database = try Database(path: scratch.path, pageLimit: 200)
        let fitted = try await commitUntilFull(database)
        #expect(fitted > 10)
        #expect(await kind { try await database.commit(batch(fitted)) } == .diskFull)
        try await check(database, holds: fitted)
        await database.close()

        let roomy = try Database(path: scratch.path)
        for number in fitted..<fitted + 5 { try await roomy.commit(batch(number)) }
        try await check(roomy, holds: fitted + 5)
        await roomy.close()
    }
}

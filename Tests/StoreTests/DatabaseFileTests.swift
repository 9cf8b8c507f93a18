import Foundation
import Store
import Testing

/// Damage done to real database files.
struct DatabaseFileTests {
    /// A closed file with something in every table.
    private func filled() async throws -> Scratch {
        let scratch = try Scratch()
        let database = try Database(path: scratch.path)
        var changes: [Change] = (1...8).map { .visit(visit($0, name: "Player \($0)", left: $0 > 4 ? 9_000_000 : nil)) }
        changes += (0..<4000).map { sample($0 % 8 + 1, at: $0 * 1000, 5000 + $0, .confirmed) }
        changes += (0..<200).map { event("Something happened in a room, number \($0)") }
        changes += (0..<40).map { .setting(key: "key \($0)", value: String(repeating: "v", count: 100)) }
        changes += [offset(5), .block(room: "Hall", from: "A", to: "B")]
        try await database.commit(changes)
        try await database.housekeep(now: moment(86_400_000 + 2_000_000))
        await database.close()
        return scratch
    }

    /// Everything that reads, and a commit.
    private func use(_ database: Database) async throws {
        try await database.commit([
            .visit(visit(1, left: 5)), sample(1, at: 9_000_000, 5), event("x"), offset(6),
            .trust(visit: 2, from: moment(0), to: moment(.max), .confirmed), .block(room: "Hall", from: "C", to: "D"),
        ])
        _ = try await database.latencySummary(since: moment(0))
        for id in Int64(1)...8 {
            _ = try await points(database, of: id)
        }
        _ = try await (database.events(limit: 1000), database.visits(limit: 1000), database.openVisits())
        _ = try await (database.settings(), database.blocks(), database.offsets())
        try await database.housekeep(now: moment(200_000_000_000))
    }

    private static let pages = 4096

    @Test(arguments: ["text", "header", "cut in half", "cut to a page", "cut mid-page", "all pages but the first"])
    func `a file damaged at large is set aside at the start, and a new one works`(damage: String) async throws {
        let scratch = try await filled()
        let good = try scratch.bytes()
        try #require(good.count > 20 * Self.pages)
        let bad =
            switch damage {
            case "text": Array(("dear diary\n" + String(repeating: "z", count: 5000)).utf8)
            case "header": Array([UInt8](repeating: 0, count: 100) + good.dropFirst(100))
            case "cut in half": Array(good.prefix(good.count / 2))
            case "cut to a page": Array(good.prefix(Self.pages))
            case "cut mid-page": Array(good.prefix(good.count / 2 + 100))
            default: Array(good.prefix(Self.pages) + [UInt8](repeating: 0xA5, count: good.count - Self.pages))
            }
        try scratch.write(bad)
        try scratch.write(Array("left over".utf8), to: "hub.sqlite-wal")

        let began = Timestamp.now.milliseconds / 1000
        let database = try Database(path: scratch.path)
        let notices = await database.drainNotices()
        try #require(notices.count == 1)
        let aside = try #require(scratch.files.first { $0.contains(".damaged-") && !$0.hasSuffix("-wal") })
        #expect(aside.wholeMatch(of: /hub\.sqlite\.damaged-\d{8}-\d{6}/) != nil)
        #expect(notices[0].contains("damaged") && notices[0].contains(aside))
        #expect(await database.drainNotices() == [])
        #expect(try scratch.bytes(aside) == bad)
        #expect(scratch.files.contains(aside + "-wal"))

        // Ids of the lost file are not given again.
        #expect(try await database.nextVisitID() > began)
        #expect(try await database.commit([event("first")]) > began)
        try await use(database)
        await database.close()
        #expect(try Stranger(scratch.path).run("PRAGMA integrity_check") == "ok")
    }

    @Test func `whichever page is broken, it is noticed before wrong things are told, and the next call works`()
        async throws
    {
        let scratch = try await filled()
        let good = try scratch.bytes()
        let known = try await Self.contents(Database(path: scratch.path))
        var atStart = 0
        var later = 0
        for page in 0..<good.count / Self.pages {
            let copy = try Scratch()
            var bad = good
            for index in page * Self.pages..<(page + 1) * Self.pages { bad[index] = 0xA5 }
            try copy.write(bad)
            let database = try Database(path: copy.path)
            if await !database.drainNotices().isEmpty {
                atStart += 1
            } else {
                do {
                    // What can still be read must be what was written.
                    let now = try await Self.contents(database)
                    #expect(now == known, "page \(page)")
                    try await use(database)
                    continue  // A page that nothing uses.
                } catch let error as StoreError {
                    #expect(error.kind == .damaged, "page \(page): \(error)")
                    later += 1
                    #expect(await database.drainNotices().count == 1)
                    #expect(copy.files.contains { $0.contains(".damaged-") })
                }
            }
            try await use(database)
            await database.close()
            #expect(try Stranger(copy.path).run("PRAGMA integrity_check") == "ok")
        }
        #expect(atStart > 5 && later > 5)
    }

    private static func contents(_ database: Database) async throws -> [String] {
        var lines = try await database.latencySummary(since: moment(0)).map { "\($0)" }
        for id in Int64(1)...8 {
            lines += try await points(database, of: id).map { "\($0)" }
        }
        lines += try await database.events(limit: 1000).map { "\($0)" }
        lines += try await database.visits(limit: 1000).map { "\($0)" }
        lines += try await database.blocks().map { "\($0)" }
        lines += try await database.settings().map { "\($0)" }.sorted()
        return lines
    }

    @Test func `damage that a commit meets is told, and the same commit works on the new file`() async throws {
        let scratch = try await filled()
        let database = try Database(path: scratch.path)
        // While it is open, and before its pages are in memory.
        let handle = try #require(FileHandle(forUpdatingAtPath: scratch.path))
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: UInt64(Self.pages))
        try handle.write(contentsOf: Data(repeating: 0xA5, count: Int(size) - Self.pages))
        try handle.close()

        let changes: [Change] = [
            .visit(visit(3, name: "Player 3")), sample(3, at: 5, 1), offset(9), event("x"),
            .trust(visit: 5, from: moment(0), to: moment(.max), .confirmed),
        ]
        #expect(await kind { try await database.commit(changes) } == .damaged)
        #expect(await database.drainNotices().count == 1)
        try await database.commit(changes)
        #expect(try await database.openVisits().map(\.id) == [3])
        #expect(try await database.offsets().map(\.offset) == [9])
        #expect(
            scratch.files.filter { $0.contains(".damaged-") && !$0.contains("-wal") && !$0.contains("-shm") }.count == 1
        )
    }

    @Test(arguments: ["deleted", "emptied", "overwritten", "replaced"])
    func `a file that is taken away while it is open is noticed at once, and begun anew`(how: String) async throws {
        let scratch = try Scratch()
        let database = try Database(path: scratch.path)
        try await database.commit([event("old"), .visit(visit(1))])
        try await database.verify()
        switch how {
        case "deleted": try scratch.remove("hub.sqlite")
        case "emptied": #expect(truncate(scratch.path, 0) == 0)
        case "overwritten":
            let handle = try #require(FileHandle(forWritingAtPath: scratch.path))
            try handle.write(contentsOf: Data(repeating: 0x20, count: 8192))
            try handle.close()
        default:
            let other = try Scratch()
            let backup = try Database(path: other.path)
            try await backup.commit([event("of the backup")])
            await backup.close()
            try scratch.write(try other.bytes(), to: "backup")
            #expect(rename(scratch.directory + "/backup", scratch.path) == 0)
        }
        #expect(await kind { try await database.verify() } == .damaged)
        let notices = await database.drainNotices()
        #expect(notices.count == 1 && notices[0].contains("anew"))
        try await database.commit([event("new"), .visit(visit(1))])
        let texts = try await database.events(after: 0, limit: 9).map(\.text)
        #expect(texts == (how == "replaced" ? ["of the backup", "new"] : ["new"]))
        await database.close()
        #expect(try Stranger(scratch.path).run("PRAGMA integrity_check") == "ok")
        #expect(try Stranger(scratch.path).run("SELECT count(*) FROM event") == "\(texts.count)")
    }

    @Test func `two damaged files of one second are both kept`() async throws {
        let scratch = try Scratch()
        for number in UInt8(0)..<4 {
            try scratch.write(Array(repeating: number, count: 2000))
            await (try Database(path: scratch.path)).close()
        }
        let kept = try scratch.files.filter { $0.contains(".damaged-") }.map { try scratch.bytes($0)[0] }
        #expect(kept.sorted() == [0, 1, 2, 3])
    }

    @Test func `an empty file is begun anew and said so`() async throws {
        let scratch = try Scratch()
        try scratch.write([])
        let database = try Database(path: scratch.path)
        let notices = await database.drainNotices()
        #expect(notices.count == 1 && notices[0].contains("empty"))
        #expect(try await database.commit([event("x")]) == 1)
        #expect(!scratch.files.contains { $0.contains("damaged") })
    }

    @Test func `a file emptied beside a full log is set aside with its log`() async throws {
        let scratch = try Scratch()
        let killed = try Database(path: scratch.path)
        try await killed.commit([event("x")])
        let copy = try Scratch()
        let log = try scratch.bytes("hub.sqlite-wal")
        try copy.write(log, to: "hub.sqlite-wal")
        try copy.write([])
        let database = try Database(path: copy.path)
        #expect(await database.drainNotices().count == 1)
        let aside = try #require(copy.files.first { $0.contains(".damaged-") && $0.hasSuffix("-wal") })
        #expect(try copy.bytes(aside) == log)
        try await use(database)
    }

    @Test func `a file of ours without its tables is damaged`() async throws {
        let scratch = try await filled()
        try Stranger(scratch.path).run("DROP TABLE minute")
        let database = try Database(path: scratch.path)
        #expect(await database.drainNotices().count == 1)
        try await use(database)
    }

    @Test func `a new file has nothing to tell`() async throws {
        let scratch = try Scratch()
        #expect(await (try Database(path: scratch.path)).drainNotices() == [])
    }
}

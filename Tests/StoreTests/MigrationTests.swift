import Store
import Testing

struct MigrationTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private let next = Migration(name: "colours", sql: "CREATE TABLE colour (name TEXT); ALTER TABLE visit ADD hue;")

    @Test func `a new file has the newest schema`() async throws {
        await (try Database(path: scratch.path)).close()
        #expect(try Stranger(scratch.path).run("PRAGMA user_version") == "\(Migration.all.count)")
    }

    @Test func `a later migration runs once and keeps what is there`() async throws {
        let old = try Database(path: scratch.path)
        try await old.commit([event("kept")])
        await old.close()
        for _ in 0..<2 {
            let database = try Database(path: scratch.path, migrations: Migration.all + [next])
            #expect(try await database.events(limit: 9).map(\.text) == ["kept"])
            await database.close()
        }
        #expect(try Stranger(scratch.path).run("PRAGMA user_version") == "\(Migration.all.count + 1)")
    }

    @Test func `events of the first schema are kept, without an address of their own`() async throws {
        let old = try Database(path: scratch.path, migrations: [Migration.all[0]])
        await old.close()
        let words = "INSERT INTO event VALUES (NULL, 1, 1, 'panic', 1, NULL, NULL, NULL, NULL, 'by 192.0.2.7')"
        try Stranger(scratch.path).run(words)
        let database = try Database(path: scratch.path)
        try await database.commit([event("new")])
        let events = try await database.events(after: 0, limit: 9)
        #expect(events.map(\.text) == ["by 192.0.2.7", "new"])
        #expect(events.allSatisfy { $0.address == nil })
    }

    @Test func `a migration that fails is named and undone`() async throws {
        let old = try Database(path: scratch.path)
        try await old.commit([event("kept")])
        await old.close()
        let bad = Migration(name: "colours", sql: "CREATE TABLE colour (name TEXT); DROP TABLE nowhere;")
        let error = #expect(throws: StoreError.self) {
            try Database(path: scratch.path, migrations: Migration.all + [bad])
        }
        #expect(error?.kind == .other && error?.message.contains("colours") == true)
        #expect(try Stranger(scratch.path).run("SELECT count(*) FROM sqlite_master WHERE name = 'colour'") == "0")
        #expect(try await Database(path: scratch.path).events(limit: 9).count == 1)
    }

    @Test(arguments: [false, true])
    func `a newer schema is refused and every byte left as it was`(withLog: Bool) async throws {
        let copy = try Scratch()
        let newer = try Database(path: scratch.path, migrations: Migration.all + [next])
        try await newer.commit((0..<1000).map { event("\($0)") })
        if !withLog { await newer.close() }
        // With the log: the files of a hub that was killed.
        let names = withLog ? ["hub.sqlite", "hub.sqlite-wal"] : ["hub.sqlite"]
        for name in names { try copy.write(try scratch.bytes(name), to: name) }
        let before = try names.map { try copy.bytes($0) }

        let known = Migration.all.count
        let expected = StoreError.Kind.newerSchema(found: known + 1, known: known)
        #expect(await kind { _ = try Database(path: copy.path) } == expected)
        #expect(try names.map { try copy.bytes($0) } == before)
        #expect(!copy.files.contains { $0.contains("damaged") })
        await newer.close()
    }

    @Test func `another program's database is refused and left`() async throws {
        try Stranger(scratch.path).run("CREATE TABLE bookmark (url TEXT)")
        let before = try scratch.bytes()
        let error = #expect(throws: StoreError.self) { try Database(path: scratch.path) }
        #expect(error?.kind == .other && error?.message.contains("another program") == true)
        #expect(try scratch.bytes() == before)
        #expect(scratch.files == ["hub.sqlite"])
    }
}

import Foundation
import Store
import Testing

struct DatabaseTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `a commit that cannot be finished leaves nothing behind and can be made again`() async throws {
        let database = try Database(path: scratch.path)
        // Refuses one event, after everything else in the commit has been written.
        let stranger = try Stranger(scratch.path)
        try stranger.run(
            """
            CREATE TRIGGER refuse BEFORE INSERT ON event WHEN NEW.text = 'last'
            BEGIN SELECT RAISE(ABORT, 'refused'); END
            """)
        let changes: [Change] = [
            .visit(visit(1)), sample(1, at: 1, 5), offset(77), .setting(key: "k", value: "v"), event("first"),
            .block(room: "a", from: "b", to: "c"), event("last"),
        ]
        let error = await #expect(throws: StoreError.self) { try await database.commit(changes) }
        #expect(
            error?.kind == .other && error?.message == "refused" && error?.sql.contains("INSERT INTO event") == true)
        #expect(try await database.visits(limit: 9) == [])
        #expect(try await database.offsets() == [])
        #expect(try await database.settings() == [:])
        #expect(try await database.blocks().isEmpty)
        #expect(try await database.eventIDs() == nil)
        #expect(try await database.nextVisitID() == 1)

        try stranger.run("DROP TRIGGER refuse")
        #expect(try await database.commit(changes) == 2)
        #expect(try await database.latencySummary(since: moment(0)).map(\.count) == [1])
        #expect(try await database.offsets().map(\.offset) == [77])
    }

    @Test func `an error tells the statement but no value`() async throws {
        let database = try Database(path: scratch.path)
        try Stranger(scratch.path).run("DROP TABLE setting")
        let error = await #expect(throws: StoreError.self) {
            try await database.commit([.setting(key: "token", value: "secret")])
        }
        let text = try #require(error?.description)
        #expect(text.contains("no such table") && text.contains("?") && !text.contains("secret"))
    }

    @Test func `a file locked by another program is busy, and works when it is let go`() async throws {
        let database = try Database(path: scratch.path)
        let stranger = try Stranger(scratch.path)
        try stranger.run("BEGIN IMMEDIATE")
        #expect(await kind { try await database.commit([event("x")]) } == .busy)
        #expect(try await database.events(limit: 1) == [])
        try stranger.run("COMMIT")
        #expect(try await database.commit([event("x")]) == 1)
    }

    @Test func `the file is private and in WAL mode, and closing leaves just the file`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([event("x")])
        #expect(scratch.files == ["hub.sqlite", "hub.sqlite-shm", "hub.sqlite-wal"])
        for name in scratch.files {
            let attributes = try FileManager.default.attributesOfItem(atPath: scratch.directory + "/" + name)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        await database.close()
        #expect(scratch.files == ["hub.sqlite"])
        let stranger = try Stranger(scratch.path)
        #expect(try stranger.run("PRAGMA integrity_check") == "ok")
        #expect(try stranger.run("PRAGMA journal_mode") == "wal")
    }

    @Test func `after closing every call throws and nothing is opened again`() async throws {
        let database = try Database(path: scratch.path)
        await database.close()
        await database.close()
        #expect(await kind { try await database.commit([event("x")]) } == .other)
        #expect(await kind { _ = try await database.offsets() } == .other)
        #expect(scratch.files == ["hub.sqlite"])
    }

    @Test func `a database that is let go without closing closes itself`() async throws {
        try await Database(path: scratch.path).commit([event("x")])
        #expect(try await Database(path: scratch.path).events(limit: 1).map(\.text) == ["x"])
    }

    @Test func `a link leads to the file, and what belongs to it lies beside it`() async throws {
        let elsewhere = try Scratch()
        try FileManager.default.createSymbolicLink(atPath: scratch.path, withDestinationPath: elsewhere.path)
        try elsewhere.write(
            Array("no database at all, but text of more than a hundred bytes. ".utf8) + Array(repeating: 65, count: 500)
        )
        let database = try Database(path: scratch.path)
        try await database.commit([event("x")])
        await database.close()
        #expect(elsewhere.files.count == 2 && elsewhere.files.contains("hub.sqlite"))
        #expect(scratch.files == ["hub.sqlite"])
        #expect(try await Database(path: scratch.path).events(limit: 1).count == 1)
    }

    @Test func `a path that cannot be made is refused in words`() async throws {
        let error = #expect(throws: StoreError.self) { try Database(path: "/nonexistent/hub.sqlite") }
        #expect(error?.description.contains("No such file or directory") == true)
    }

    @Test func `a directory in the file's place is refused and left`() async throws {
        #expect(await kind { _ = try Database(path: scratch.directory) } == .other)
        #expect(scratch.files == [])
    }
}

import Hub
import Linux
import Store
import TestSupport
import TestTraits
import Testing

@Suite(.ownThread) struct RecorderTests {
    private let loop = try! EventLoop()  // a test that cannot have a loop cannot run
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("hub.sqlite") }

    private func event(_ text: String) -> Change {
        .event(EventRecord(at: TimeRange(.now), kind: .unknown, severity: .info, text: text))
    }

    private func offset(_ offset: Int64) -> Change {
        .offset(TailOffset(log: "one", device: 1, inode: 2, offset: offset))
    }

    /// Why there is no database at `path`.
    private func failure(_ path: String) -> StoreError? {
        do throws(StoreError) { _ = try Database(path: path) } catch { return error }
        return nil
    }

    /// Runs the loop until all that was added is on disk or given up.
    private func settle(_ recorder: StoreWriter) throws {
        var isDone = false
        recorder.whenDone { isDone = true }
        #expect(!isDone, "never within the call")
        try loop.run(until: "the recorder is done", within: .seconds(600)) { isDone }
    }

    @Test func `what was added is on disk when that is said`() async throws {
        let database = try Database(path: path)
        let recorder = try StoreWriter(database, path: path, failure: nil, loop: loop)
        recorder.add(event("one"))
        recorder.add([event("two"), offset(7)])
        try settle(recorder)
        try settle(recorder)
        #expect(recorder.view.state == .recording)
        #expect(recorder.view.lost == 0)
        let events = try await database.events(limit: 10)
        #expect(Set(events.map(\.text)) == ["one", "two"])
        #expect(try await database.offsets().map(\.offset) == [7])
    }

    @Test func `what belongs together is one transaction: all of it or nothing`() async throws {
        let database = try Database(path: path, pageLimit: 60)
        let recorder = try StoreWriter(database, path: path, failure: nil, loop: loop)
        recorder.add(offset(1))
        try settle(recorder)
        // The log's line and the offset behind it, and the disk is full in between.
        recorder.add(offset(2))
        recorder.add(event("small"))
        for _ in 0..<200 { recorder.add(event(String(repeating: "large ", count: 400))) }
        try settle(recorder)
        #expect(recorder.view.state == .stopped)
        #expect(try await database.offsets().map(\.offset) == [1])
        #expect(try await database.events(limit: 10).isEmpty)
    }

    @Test func `every transaction says when the hub was alive`() async throws {
        let database = try Database(path: path)
        let recorder = try StoreWriter(database, path: path, failure: nil, loop: loop)
        let began = Timestamp.now.milliseconds
        recorder.add(event("one"))
        try settle(recorder)
        let alive = try #require(try await database.setting(StoreWriter.aliveKey).flatMap { Int64($0) })
        #expect(began...Timestamp.now.milliseconds ~= alive)
    }

    @Test func `a full disk stops recording and nothing else`() throws {
        let database = try Database(path: path, pageLimit: 60)
        let recorder = try StoreWriter(database, path: path, failure: nil, loop: loop, retry: .seconds(3600))
        var notices: [String] = []
        recorder.noticed = { notices.append($0) }
        for _ in 0..<200 { recorder.add(event(String(repeating: "large ", count: 400))) }
        try settle(recorder)
        #expect(recorder.view.state == .stopped)
        #expect(recorder.view.reason == "the disk is full")
        #expect(recorder.view.lost == 200)
        recorder.add([event("one more"), event("and one more")])
        try settle(recorder)
        #expect(recorder.view.lost == 202, "they are counted")
        #expect(notices == ["Recording stopped: the disk is full. MIDI goes on."], "once")
    }

    @Test func `when the store works again, that is said with the number of changes lost, and it goes on`() async throws
    {
        let path = directory.file("not/yet/hub.sqlite")
        let recorder = try StoreWriter(
            nil, path: path, failure: failure(path), loop: loop, retry: .milliseconds(20))
        var notices: [String] = []
        var recoveries = 0
        recorder.noticed = { notices.append($0) }
        recorder.recovered = { recoveries += 1 }
        #expect(recorder.view.state == .stopped)
        recorder.add(event("lost"))
        try settle(recorder)
        #expect(recorder.view.lost == 1)
        try loop.run(until: "the first failure is said, too") { notices.count == 1 }
        #expect(notices[0].hasPrefix("Recording stopped: ") && notices[0].hasSuffix(" MIDI goes on."))
        loop.run(for: .milliseconds(100))
        #expect(notices.count == 1, "not at every attempt")
        #expect(recoveries == 0)

        try File.makeDirectory(directory.file("not/yet"))
        try loop.run(until: "it works again", within: .seconds(600)) { recoveries == 1 && notices.count == 2 }
        #expect(notices[1] == "Recording again. Changes that were not recorded: 1.")
        #expect(recorder.view.state == .recording)
        recorder.add(event("kept"))
        try settle(recorder)
        let database = try #require(recorder.database)
        #expect(try await database.events(limit: 10).map(\.text) == ["kept"])
    }

    @Test func `a database that is deleted is begun anew within a look, though nothing is to be recorded`() async throws
    {
        let database = try Database(path: path)
        let recorder = try StoreWriter(database, path: path, failure: nil, loop: loop)
        var notices: [String] = []
        var recoveries = 0
        recorder.noticed = { notices.append($0) }
        recorder.recovered = { recoveries += 1 }
        recorder.add(event("old"))
        try settle(recorder)
        recorder.check()
        try settle(recorder)
        #expect(recoveries == 0)
        File.remove(path)
        recorder.check()
        try loop.run(until: "it is begun anew", within: .seconds(600)) { recoveries == 1 && notices.count == 3 }
        #expect(notices[0] == "Recording stopped: the database is damaged (it was deleted). MIDI goes on.")
        recorder.add(event("new"))
        try settle(recorder)
        #expect(try await database.events(limit: 10).map(\.text) == ["new"])
        #expect(File.exists(path))
    }

    @Test func `those who come and go too often are counted, and that is told`() async throws {
        let database = try Database(path: path)
        let recorder = try StoreWriter(database, path: path, failure: nil, loop: loop)
        var told: [EventRecord] = []
        recorder.counted = { told.append($0) }
        for id in Int64(1)...150 {
            var visit = Visit(
                id: id, room: "Hall", engine: "e", port: 5004, name: "P", address: "192.0.2.66", joined: TimeRange(.now)
            )
            recorder.add(.visit(visit))
            visit.left = TimeRange(.now)
            recorder.add(.visit(visit))
        }
        try settle(recorder)
        #expect(try await database.visits(limit: 200).count == 100)
        try loop.run(until: "it is told", within: .seconds(600)) { !told.isEmpty }
        #expect(told.map(\.kind) == [.visitsCounted])
        #expect(told[0].text.contains("50"))
    }

    @Test func `a newer database is refused in text, and left alone`() async throws {
        let newer = try Database(
            path: path, migrations: Migration.all + [Migration(name: "future", sql: "CREATE TABLE future (x)")])
        await newer.close()
        let text = StoreWriter.text(for: try #require(failure(path)))
        #expect(text.contains("made by a newer MIDI Hub") && text.contains("--state"))
    }
}

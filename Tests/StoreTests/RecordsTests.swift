import Store
import Testing

struct RecordsTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func `an offset is kept per log, whatever its numbers`() async throws {
        let database = try Database(path: scratch.path)
        let one = TailOffset(log: "5004", device: .max, inode: 1 << 63, offset: 1 << 40)
        try await database.commit([.offset(TailOffset(log: "5004", device: 1, inode: 1, offset: 1)), .offset(one)])
        let other = TailOffset(log: "5006", device: 0, inode: 0, offset: 0)
        try await database.commit([.offset(other)])
        await database.close()
        #expect(try await Database(path: scratch.path).offsets() == [one, other])
    }

    @Test func `a setting is replaced, and forgotten without a value`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([.setting(key: "engine", value: "rtpmidid"), .setting(key: "empty", value: "")])
        #expect(try await database.setting("engine") == "rtpmidid")
        try await database.commit([.setting(key: "engine", value: "embedded")])
        #expect(try await database.settings() == ["engine": "embedded", "empty": ""])
        try await database.commit([.setting(key: "engine", value: nil)])
        #expect(try await database.setting("engine") == nil)
        #expect(try await database.setting("empty") == "")
    }

    @Test func `a block is one direction in one room, and there once`() async throws {
        let database = try Database(path: scratch.path)
        try await database.commit([
            .block(room: "Hall", from: "A", to: "B"), .block(room: "Hall", from: "A", to: "B"),
            .block(room: "Hall", from: "B", to: "A"), .block(room: "Attic", from: "A", to: ""),
        ])
        try await database.commit([.unblock(room: "Hall", from: "B", to: "A"), .unblock(room: "?", from: "", to: "")])
        #expect(
            try await database.blocks().map { [$0.room, $0.from, $0.to] } == [["Attic", "A", ""], ["Hall", "A", "B"]])
    }

    /// Strangers' names, labelled so that the test's output stays text.
    static let names = [
        "empty": "", "NUL": "\0", "NUL inside": "a\0b\0", "lines": "line\nbreak\r\n", "SQL": "'); DROP TABLE visit;--",
        "quotes": "\"`[?1", "emoji": "👩‍👩‍👧‍👦🎹", "decomposed": "e\u{301}", "composed": "é", "byte order mark": "\u{FEFF}x",
        "ends of Unicode": "\u{FFFF}\u{10FFFF}\u{202E}", "long": String(repeating: "長", count: 100_000),
    ]

    @Test(arguments: names.keys.sorted())
    func `any name comes back byte for byte and is found again`(label: String) async throws {
        let name = try #require(Self.names[label])
        let database = try Database(path: scratch.path)
        try await database.commit([
            .visit(visit(1, name: name, room: name)), sample(1, at: 5, 7), .setting(key: name, value: name),
            .block(room: name, from: name, to: name),
            .event(EventRecord(at: exactly(0), kind: .joined, participant: name, text: name)),
            .offset(TailOffset(log: name, device: 0, inode: 0, offset: 3)),
        ])
        let utf8 = Array(name.utf8)
        #expect(try await database.visits(limit: 1).map { Array($0.name.utf8) } == [utf8])
        #expect(try await database.setting(name).map { Array($0.utf8) } == utf8)
        #expect(try await database.blocks().map { Array($0.to.utf8) } == [utf8])
        #expect(try await database.offsets().map { Array($0.log.utf8) } == [utf8])
        let filter = EventFilter(participant: name)
        #expect(try await database.events(limit: 1, where: filter).map { Array($0.text.utf8) } == [utf8])
        #expect(try await database.latencySummary(since: moment(0)).map { Array($0.name.utf8) } == [utf8])
        let graph = LatencyFilter(room: name, from: moment(0), to: moment(9))
        #expect(try await database.latency(graph, limit: 9).points.map { Array($0.of.name.utf8) } == [utf8])
        try await database.commit([.unblock(room: name, from: name, to: name), .setting(key: name, value: nil)])
        #expect(try await database.blocks().isEmpty)
        #expect(try await database.settings() == [:])
    }
}

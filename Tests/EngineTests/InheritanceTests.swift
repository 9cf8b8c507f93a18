import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@testable import Engine

/// What an engine finds in the session table of the one before it, which was killed.
@Suite struct InheritanceTests {
    private let note = Message.noteOn(Channel(truncating: 3), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 3), note: 60, velocity: 64)

    /// Two players, of whom the first holds a note, and the engine after the one that was killed once their clocks were known.
    private final class Succession {
        let directory = TemporaryDirectory()
        let one: TestPlayer
        let two: TestPlayer
        let second: EngineUnderTest
        /// How many exchanges the first engine knew of.
        let before: [UInt32]

        /// `change` makes of the table that was left the one that is found.
        init(_ note: Message, _ change: ([UInt8]) -> [UInt8] = { $0 }) throws {
            let first = try EngineUnderTest(sessions: directory.file("first"))
            one = try first.player("Piano")
            two = try first.player("Synth", others: [one])
            one.play(note)
            let (players, live) = ([one, two], Self.table(directory.file("first")))
            try pumping(players, "the note, and some exchanges") {
                players[1].heard == [note] && Self.counts(live).allSatisfy { $0 >= 3 }
            }
            // The goodbyes of this one nobody gets.
            let left = try #require(File.bytes(directory.file("first"), limit: 64 << 20))
            let found = directory.write("second", change(left))
            first.stop()
            for player in players {
                for socket in [player.control, player.data] { while socket.receive({ _, _ in }) > 0 {} }
            }
            before = Self.counts(Self.table(directory.write("copy", left)))
            second = try EngineUnderTest(sessions: found, port: first.port)
        }

        static func table(_ path: String) -> SessionTable {
            var random = SeededRandom(seed: 1)
            return SessionTable(path: path, random: &random)
        }
        static func counts(_ table: SessionTable) -> [UInt32] {
            table.taken.map { table.record($0).pointee.clock.count }
        }
    }

    @Test func `what was known of the players' clocks goes on`() throws {
        let succession = try Succession(note)
        #expect(succession.before.count == 2)
        let table = Succession.table(succession.directory.file("second"))
        try pumping([succession.one, succession.two], "an exchange with each") {
            zip(Succession.counts(table), succession.before).allSatisfy { $0 != $1 }
        }
        #expect(zip(Succession.counts(table), succession.before).allSatisfy { $0 > $1 })
    }

    @Test func `those in a table of version 2 are taken up`() throws {
        let succession = try Succession(note) { Self.version2(of: $0, recordSize: 5856) }
        let (one, two, second) = (succession.one, succession.two, succession.second)
        try pumping([one, two], "both") { try second.status().participants.map(\.name) == ["Piano", "Synth"] }
        two.forget()
        one.leave()
        try pumping([two], "the end of the note") { two.heard.contains(off) }
        #expect(two.ended == nil)
    }

    @Test func `one of this machine who died with the engine is not waited for, and what it held is ended`() throws {
        let directory = TemporaryDirectory()
        let first = try EngineUnderTest(sessions: directory.file("first"))
        let synth = try first.player("Synth")
        var device: TestPlayer? = try first.player("APC40", others: [synth])
        device?.play(note)
        try pumping([synth], "the note") { synth.heard == [note] }
        let found = directory.write("second", try #require(File.bytes(directory.file("first"), limit: 64 << 20)))
        first.stop()
        for socket in [synth.control, synth.data] { while socket.receive({ _, _ in }) > 0 {} }
        device = nil
        let second = try EngineUnderTest(sessions: found, port: first.port)
        #expect(try second.status().participants.map(\.name) == ["Synth"])
        try pumping([synth], "the end of the note") { synth.heard == [note, off] }
    }

    @Test func `a table with records of another size is begun anew`() throws {
        let succession = try Succession(note) { Self.version2(of: $0, recordSize: 5848) }
        #expect(try succession.second.status().participants.isEmpty)
    }

    /// The same table as an engine of version 2 would have left it.
    private static func version2(of table: [UInt8], recordSize: Int) -> [UInt8] {
        var result = Array(table[..<4096])
        result.replaceSubrange(8..<16, with: [2, 0, 0, 0, UInt8(recordSize & 0xFF), UInt8(recordSize >> 8), 0, 0])
        for start in stride(from: 4096, to: table.count, by: 5920) { result += table[start..<start + recordSize] }
        return result
    }
}

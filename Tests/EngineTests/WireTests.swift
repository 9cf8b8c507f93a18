import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// What a wire has begun at its far end is what it ends there.
@Suite struct WireTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)
    private let mark = Message.noteOn(Channel(truncating: 1), note: 1, velocity: 1)
    private func pedal(_ value: DataByte) -> Message {
        .controlChange(Channel(truncating: 0), controller: 64, value: value)
    }

    @Test func `a note that a latecomer never heard of one keeps no other's note sounding there`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Organ", others: [one])
        one.play(note)
        try pumping([one, two], "the note") { two.heard == [note] }
        let late = try engine.player("Late", others: [one, two])
        two.play(note)
        try pumping([one, two, late], "the other's note") { late.heard == [note] && one.heard == [note] }
        two.leave()
        try pumping([one, late], "its end") { late.heard == [note, off] }
    }

    @Test func `who leaves is ended nowhere but where it was heard`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        one.play(note)
        try pumping([one, two], "the note") { two.heard == [note] }
        let late = try engine.player("Late", others: [one, two])
        one.leave()
        try pumping([two, late], "the end") { two.heard == [note, off] }
        two.play(mark)
        try pumping([two, late], "what comes after") { !late.heard.isEmpty }
        #expect(late.heard == [mark])
    }

    @Test func `a pedal that a latecomer was told of is lifted there`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        one.play(pedal(127))
        try pumping([one], "the engine's count") { try engine.status().participants.first?.messages == 1 }
        let late = try engine.player("Late", others: [one])
        try pumping([one, late], "the pedal") { late.heard == [pedal(127)] }
        one.leave()
        try pumping([late], "its end") { late.heard == [pedal(127), pedal(0)] }
    }

    @Test func `chords on all channels end on all channels`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        var ends: Set<Message> = []
        for channel in Channel.all {
            for number in UInt8(0)..<6 {
                let key = DataByte(truncating: number * 25)
                one.play(.noteOn(channel, note: key, velocity: 90))
                ends.insert(.noteOff(channel, note: key, velocity: 64))
            }
        }
        try pumping([one, two], "the notes") { two.heard.count == 96 }
        two.forget()
        one.leave()
        try pumping([two], "their ends") { two.heard.count == 96 }
        #expect(Set(two.heard) == ends)
    }

    @Test func `what was begun before an engine was killed is ended under the next`() throws {
        let directory = TemporaryDirectory()
        let first = try EngineUnderTest(sessions: directory.file("first"))
        let one = try first.player("Piano")
        let two = try first.player("Synth", others: [one])
        one.play(note, pedal(127))
        try pumping([one, two], "the note") { two.heard == [note, pedal(127)] }
        // As it is found by one who comes after a kill; the goodbyes of this one nobody gets.
        let left = directory.write("second", try #require(File.bytes(directory.file("first"), limit: 64 << 20)))
        first.stop()
        for player in [one, two] {
            for socket in [player.control, player.data] { while socket.receive({ _, _ in }) > 0 {} }
        }
        let second = try EngineUnderTest(sessions: left, port: first.port)
        try pumping([one, two], "both") { try second.status().participants.count == 2 }
        two.forget()
        one.leave()
        try pumping([two], "the ends") { two.heard.contains(off) && two.heard.contains(pedal(0)) }
        #expect(two.ended == nil)
    }

    @Test func `a wire has a small body, since in a full room a member has hundreds`() {
        #expect(MemoryLayout<Engine.Wire.Body>.stride == 24)
    }

    @Test func `a record lies where engines of this table's version look for it`() {
        var record = SessionTable.Record()
        record.state.follow(note)
        record.state.follow(.controlChange(Channel(truncating: 1), controller: 7, value: 99))
        let bytes = withUnsafeBytes(of: record) { Array($0) }
        #expect(SessionTable.Header().version == 3)
        #expect(MemoryLayout<SessionTable.Record>.stride == 5920)
        // The note among those held, the volume among the controllers, and how hard the note was struck.
        #expect(bytes[208 + 60 / 8] == 1 << (60 % 8))
        #expect(bytes[1232 + 160 + 7] == 99)
        #expect(bytes[3794 + 60] == 100)
        // Since version 3, behind all that version 2 had: the peer's clock.
        #expect(MemoryLayout<SessionTable.Record>.offset(of: \.clock) == 5848)
    }
}

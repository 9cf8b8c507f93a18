import EngineProtocol
import Foundation
import MIDI
import RTPMIDI
import TestSupport
import Testing

@testable import Engine

/// What the engine does for those who repair from the journal, and for those who do not.
@Suite struct RepairTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    /// One that has sent no filled journal, and will not.
    private func blind(_ name: String, in engine: EngineUnderTest, others: [TestPlayer] = []) throws -> TestPlayer {
        let player = try TestPlayer(name, port: engine.port)
        player.showsJournals = false
        try pumping(others + [player], "\(name) on the hub") { player.isUp }
        return player
    }

    @Test func `who has shown no journal hears each end six times, and small journals of one channel`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try blind("Synth", in: engine, others: [one])
        two.givesFeedback = false
        var longest = 0
        two.onDatagram = { path, octets in
            guard path == .data, let header = try? RTPHeader(decoding: octets.span.bytes),
                let section = try? CommandSection(decoding: octets.span.bytes, in: header.payload)
            else { return }
            longest = max(longest, section.journal?.count ?? 0)
        }
        for number in UInt8(0)..<40 {
            one.play(
                .noteOn(Channel(truncating: number & 1), note: DataByte(truncating: 20 + number), velocity: 100),
                .controlChange(
                    Channel(truncating: 0), controller: DataByte(truncating: 70 + number), value: number > 20 ? 1 : 0))
        }
        one.play(note)
        one.play(off)
        try pumping([one, two], "the end and its repetitions") { two.heard.count { $0 == off } == 6 }
        #expect(two.heard.count { $0 == note } == 1)
        #expect((4...64).contains(longest))
    }

    @Test func `an end is not said again while another holds the note there`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Organ", others: [one])
        let three = try blind("Synth", in: engine, others: [one, two])
        one.play(note)
        try pumping([one, two, three], "the first note") { three.heard == [note] }
        two.play(note)
        try pumping([one, two, three], "the second note") { three.heard == [note, note] }
        one.play(off)
        let other = Message.noteOn(Channel(truncating: 0), note: 61, velocity: 100)
        let otherOff = Message.noteOff(Channel(truncating: 0), note: 61, velocity: 64)
        one.play(other, otherOff)
        try pumping([one, two, three], "the other's repetitions") { three.heard.count { $0 == otherOff } == 6 }
        #expect(three.heard.count { $0 == off } == 1)
        two.play(off)
        try pumping([one, two, three], "the repetitions") { three.heard.count { $0 == off } == 7 }
    }

    private func piano(_ engine: EngineUnderTest) throws -> EngineStatus.Participant {
        try #require(try engine.status().participants.first { $0.name == "Piano" })
    }

    @Test func `a sender without a journal that lost packets may have left a note, and that can be released`() throws {
        let engine = try EngineUnderTest()
        let one = try TestPlayer("Piano", port: engine.port, journals: false)
        let two = try engine.player("Synth", others: [one])
        try pumping([one, two], "both") { one.isUp }
        one.play(note)
        one.play([off], losing: true)
        try pumping([one, two], "the note") { two.heard == [note] }
        #expect(try piano(engine).mayHaveLeftNotes == nil)
        let bend = Message.pitchBend(Channel(truncating: 0), Bend(truncating: 9000))
        one.play(bend)
        try pumping([one, two], "what came after") { two.heard == [note, bend] }
        let status = try piano(engine)
        #expect(status.mayHaveLeftNotes == true && status.counts.lost == 1)
        #expect(try engine.release(status.id) && !engine.release(9999))
        try pumping([one, two], "the release") {
            two.heard == [note, bend, off, .pitchBend(Channel(truncating: 0), .centre)]
        }
        #expect(try piano(engine).mayHaveLeftNotes == nil)
    }

    @Test func `packets that cannot be read are counted by themselves`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let ssrc = (0..<4).map { UInt8(truncatingIfNeeded: one.ssrc.rawValue >> (24 - 8 * UInt32($0))) }
        // A command cut off; a header of version 1.
        one.sendRaw([0x80, 0x61, 0, 1, 0, 0, 0, 0] + ssrc + [0x02, 0x90, 60])
        one.sendRaw([0x40, 0x61, 0, 1, 0, 0, 0, 0] + ssrc + [0x03, 0x90, 60, 64])
        try pumping([one], "the count") { try piano(engine).counts.unreadable == 2 }
        #expect(try piano(engine).counts.dropped == 0)
    }

    @Test func `packets that were overtaken are heard, and not counted as dropped`() throws {
        let engine = try EngineUnderTest()
        let one = try TestPlayer("Piano", port: engine.port, journals: false)
        let two = try engine.player("Synth", others: [one])
        try pumping([one, two], "both") { one.isUp }
        let ssrc = (0..<4).map { UInt8(truncatingIfNeeded: one.ssrc.rawValue >> (24 - 8 * UInt32($0))) }
        for (number, note) in [(1, 60), (3, 62), (2, 61), (2, 61)] as [(UInt8, UInt8)] {
            one.sendRaw([0x80, 0x61, 0, number, 0, 0, 0, 0] + ssrc + [0x03, 0x90, note, 64])
        }
        try pumping([one, two], "the counts") { try piano(engine).counts.received == 4 }
        try pumping([one, two], "the notes") { two.heard.count == 3 }
        let counts = try piano(engine).counts
        #expect(counts.lost == 1 && counts.overtaken == 1 && counts.dropped == 1)
    }

    @Test func `an older engine's counts are read too`() throws {
        let text = #"{"received": 5, "lost": 1, "repaired": 2, "dropped": 3, "limited": 0}"#
        let counts = try JSONDecoder().decode(EngineStatus.Counts.self, from: Data(text.utf8))
        #expect(counts.unreadable == nil && counts.dropped == 3)
    }

    @Test func `what lies ahead in a packet keeps its distances, up to a second`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Sequencer")
        let two = try engine.player("Synth", others: [one])
        var times: [UInt32] = []
        two.onDatagram = { path, octets in
            guard path == .data, let header = try? RTPHeader(decoding: octets.span.bytes),
                let section = try? CommandSection(decoding: octets.span.bytes, in: header.payload)
            else { return }
            var reader = CommandListReader(section, timestamp: header.timestamp)
            while case .command = try? reader.next(in: octets.span.bytes) { times.append(reader.time) }
        }
        let messages = (UInt8(0)..<5).map {
            Message.noteOn(Channel(truncating: 0), note: DataByte(truncating: 60 + $0), velocity: 100)
        }
        one.play(messages, ticksApart: 700)
        try pumping([one, two], "the notes") { two.heard == messages }
        #expect(times.map { $0 &- times[0] } == [0, 700, 1400, 2100, 2800])
        times = []
        // Seven hours, and seven more.
        one.play(messages, ticksApart: 0x0FFF_FFFF)
        try pumping([one, two], "the notes again") { times.count >= 5 }
        #expect(times.prefix(5).map { $0 &- times[0] } == [0, 10000, 10000, 10000, 10000])
    }

    @Test func `who shows its own journal is sent ours, and hears each end once`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        var tells = false
        two.onDatagram = { path, octets in
            guard path == .data, let header = try? RTPHeader(decoding: octets.span.bytes),
                let section = try? CommandSection(decoding: octets.span.bytes, in: header.payload)
            else { return }
            tells = tells || section.journal?.count ?? 0 > 3
        }
        try pumping([one, two], "a filled journal before any music") { tells }
        one.play(note)
        one.play(off)
        // Later than five repetitions would be.
        let began = TestPlayer.now
        try pumping([one, two], "the time of repetitions") { TestPlayer.now > began + 3000 }
        #expect(two.heard == [note, off])
    }
}

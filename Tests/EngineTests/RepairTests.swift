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

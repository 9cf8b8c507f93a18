import EngineProtocol
import MIDI
import TestSupport
import Testing

@testable import Engine

/// Who has vanished without a word, and who comes back.
@Suite struct SilenceTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    @Test func `what somebody held who has vanished is released in seconds, and its session waits for it`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        one.play(note)
        try pumping([one, two], "the note") { two.heard == [note] }
        one.isDead = true
        let since = ContinuousClock.now
        try pumping([two], "its end") { two.heard == [note, off] }
        let after = since.duration(to: .now)
        #expect(after > .seconds(4) && after < .seconds(15), "\(after)")
        try eventually("word of it") {
            engine.all.contains {
                if case .silent(let who, let released) = $0 { who.name == "Piano" && released == 1 } else { false }
            }
        }
        #expect(try engine.status().participants.first { $0.name == "Piano" }?.isSilent == true)
        one.isDead = false
        // It has let go meanwhile, and plays on.
        one.play(off, note)
        try pumping([one, two], "what it plays now") { two.heard == [note, off, off, note] }
        #expect(one.ended == nil)
        try pumping([one, two], "word that it is back") {
            engine.all.contains { if case .back(let who) = $0 { who.name == "Piano" } else { false } }
        }
        #expect(try engine.status().participants.allSatisfy { $0.isSilent == false })
        // Vanishes again, which is noticed as soon as the first time.
        one.isDead = true
        two.forget()
        try pumping([two], "its end again") { two.heard == [off] }
    }

    @Test func `the late ends of one who was released do not cut what another holds`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Organ", others: [one])
        let three = try engine.player("Synth", others: [one, two])
        let pedal = Message.controlChange(Channel(truncating: 0), controller: 64, value: 127)
        let up = Message.controlChange(Channel(truncating: 0), controller: 64, value: 0)
        for player in [one, two] { player.play(note, pedal) }
        try pumping([one, two, three], "both") { three.heard == [note, pedal, note, pedal] }
        one.isDead = true
        try pumping([two, three], "silence") { try engine.status().participants.contains { $0.isSilent == true } }
        one.isDead = false
        let mark = Message.noteOn(Channel(truncating: 0), note: 72, velocity: 1)
        one.play(off, up, mark)
        try pumping([one, two, three], "what it plays now") { three.heard.contains(mark) }
        #expect(three.heard == [note, pedal, note, pedal, mark])
        // Once the other has released the note, and for notes that it strikes again, its own note-offs count.
        two.play(off, up)
        one.play(note, off)
        try pumping([one, two, three], "the ends") { three.heard.count == 9 }
        #expect(three.heard.suffix(4).filter { $0 == off }.count == 2 && three.heard.contains(up))
    }
}

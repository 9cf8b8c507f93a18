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
    }
}

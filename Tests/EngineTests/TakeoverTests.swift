import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@testable import Engine

/// Nobody loses a session to a stranger, to a twin, or to a goodbye that somebody else sent.
@Suite struct TakeoverTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let mark = Message.noteOn(Channel(truncating: 1), note: 1, velocity: 1)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    @Test func `a stranger who answers is nobody as long as the owner of the session answers`() throws {
        let engine = try EngineUnderTest(host: nil)
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        let arrivals = Arrivals(at: alice)
        let mallory = try Stranger(as: alice.ssrc, port: engine.port, bind: "127.0.0.66")
        mallory.askTime()
        // The second one is the first whose answer cannot have been under way.
        try pumping([ear, alice], "questions to the owner") {
            mallory.pump()
            return mallory.questions > 0 && arrivals.questions >= 2
        }
        let answered = TestPlayer.now
        try pumping([ear, alice], "notes for longer than a session takes to move") {
            mallory.pump()
            mallory.askTime()
            ear.play(note)
            return TestPlayer.now > answered + 25_000
        }
        #expect(!alice.heard.isEmpty)
        #expect(mallory.midi == 0 && mallory.questions == 1)
        let address = try engine.status().participants.first { $0.name == "Alice" }?.address
        #expect(address == "127.0.0.1:\(alice.control.port)")
    }

    @Test func `what a stranger got while the owner could not answer goes back as soon as the owner does`() throws {
        let engine = try EngineUnderTest(host: nil)
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        let mallory = try Stranger(as: alice.ssrc, port: engine.port, bind: "127.0.0.66")
        alice.isDead = true
        try pumping([ear], "the session at the stranger's") {
            mallory.pump()
            mallory.askTime()
            ear.play(mark)
            return mallory.midi > 0
        }
        alice.isDead = false
        try pumping([ear, alice], "her note") {
            mallory.pump()
            mallory.askTime()
            alice.play(note)
            return ear.heard.contains(note)
        }
        alice.forget()
        ear.play(note)
        try pumping([ear, alice], "a note to her") {
            mallory.pump()
            mallory.askTime()
            return alice.heard.contains(note)
        }
        let address = try engine.status().participants.first { $0.name == "Alice" }?.address
        #expect(address == "127.0.0.1:\(alice.control.port)")
    }

    @Test(arguments: [true, false])
    func `nobody elsewhere can say goodbye for a participant`(knowsTheToken: Bool) throws {
        let engine = try EngineUnderTest(host: nil)
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        try Stranger(as: alice.ssrc, port: engine.port, bind: "127.0.0.66").sayBye(knowsTheToken ? alice.token : 0)
        if !knowsTheToken { try Stranger(as: alice.ssrc, port: engine.port, bind: "127.0.0.1").sayBye(0) }
        alice.play(note)
        try pumping([ear, alice], "the note") { ear.heard == [note] }
        #expect(try engine.status().participants.map(\.name) == ["Ear", "Alice"])
    }

    @Test func `a goodbye with another token than the session's is ignored`() throws {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        for path in [Session.Path.control, .data] {
            alice.send(.bye(token: alice.token &+ 1 | 1, ssrc: alice.ssrc, name: nil), path)
        }
        alice.play(note)
        try pumping([ear, alice], "the note") { ear.heard == [note] }
        #expect(try engine.status().participants.count == 2)
    }

    @Test func `of twins one leaves, and what it sends afterwards does the other no harm`() throws {
        let engine = try EngineUnderTest(host: nil)
        let ear = try engine.player("Ear")
        let one = try engine.player("Board A", others: [ear])
        let two = try TestPlayer("Board B", port: engine.port, ssrc: one.ssrc, token: one.token, bind: "127.0.0.9")
        try pumping([ear, one, two], "the twin") { two.isUp }
        // Twice on both ports; and its stack goes on for a while.
        two.leave()
        two.leave()
        try pumping([ear, one], "its leaving") { (try? engine.status().participants.count) == 2 }
        let arrivals = Arrivals(at: one)
        let remains = Stranger(remainsOf: two, port: engine.port)
        let left = TestPlayer.now
        try pumping([ear, one], "clocks for longer than a session takes to move") {
            remains.pump()
            remains.askTime()
            return TestPlayer.now > left + 25_000
        }
        one.play(note)
        try pumping([ear, one], "the note") { ear.heard == [note] }
        ear.play(note)
        try pumping([ear, one], "a note the other way") { one.heard == [note] }
        #expect(arrivals.byes == 0)
        #expect(!engine.all.contains { if case .left(let who, _, _) = $0 { who.name == "Board A" } else { false } })
        let there = try engine.status().participants.first { $0.name == "Board A" }
        #expect(there?.address == "127.0.0.1:\(one.control.port)")
    }

    @Test func `who goes on playing after a goodbye is asked and taken back, and what it held is released at once`()
        throws
    {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        alice.play(note)
        try pumping([ear, alice], "the note") { ear.heard == [note] }
        // Sent as by somebody who forges her address.
        alice.send(.bye(token: 0, ssrc: alice.ssrc, name: nil), .control)
        try pumping([ear, alice], "the release") { ear.heard == [note, off] }
        let goodbye = TestPlayer.now
        try pumping([ear, alice], "her notes again") {
            alice.play(mark)
            return ear.heard.contains(mark)
        }
        // Within two seconds on any machine that is not overwhelmed.
        #expect(TestPlayer.now - goodbye < 100_000)
        ear.play(note)
        try pumping([ear, alice], "a note to her") { alice.heard == [note] }
        #expect(try engine.status().participants.map(\.name) == ["Ear", "Alice"])
        #expect(alice.ended == nil)
    }

    @Test func `one chatty stranger does not keep another participant from moving`() throws {
        let engine = try EngineUnderTest(host: nil)
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        // It never answers.
        let mallory = try Stranger(as: alice.ssrc, port: engine.port, bind: "127.0.0.66")
        try alice.moveData()
        try pumping([ear, alice], "her notes from the new port") {
            for _ in 0..<100 { mallory.askTime() }
            alice.play(note)
            return ear.heard.contains(note)
        }
    }
}

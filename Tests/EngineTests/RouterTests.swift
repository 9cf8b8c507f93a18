import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@testable import Engine

/// Routers that give a participant other ports, or another address, in the middle of its session.
@Suite struct RouterTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)

    @Test(arguments: [nil, "127.0.0.8"])
    func `music, feedback and goodbye follow one whose router has changed both ports`(host: String?) throws {
        let engine = try EngineUnderTest(host: nil)
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        let arrivals = Arrivals(at: alice)
        try alice.moveControl(to: host)
        try alice.moveData(to: host)
        let moved = TestPlayer.now
        try pumping([ear, alice], "her music") {
            alice.play(note)
            return ear.heard.contains(note)
        }
        // Three seconds on any machine that is not overwhelmed.
        #expect(TestPlayer.now - moved < 100_000)
        let address = { try engine.status().participants.first { $0.name == "Alice" }?.address }
        let expected = "\(host ?? "127.0.0.1"):\(alice.control.port)"
        // Although nobody plays to her and she sends nothing herself.
        try pumping([ear, alice], "the feedback", seen: (try? address()) ?? "") {
            alice.play(note)
            return try arrivals.feedback > 0 && address() == expected
        }
        ear.play(note)
        try pumping([ear, alice], "a note to her") { alice.heard == [note] }
        alice.send(.bye(token: 0, ssrc: alice.ssrc, name: nil), .control)
        try pumping([ear], "her leaving") { (try engine.status().participants.count) == 1 }
    }

    @Test func `where only the control port has changed, feedback finds it`() throws {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        let arrivals = Arrivals(at: alice)
        try alice.moveControl()
        try pumping([ear, alice], "the feedback both ways") {
            ear.play(note)
            alice.play(note)
            return arrivals.feedback > 0
        }
        let address = try engine.status().participants.first { $0.name == "Alice" }?.address
        #expect(address == "127.0.0.1:\(alice.control.port)")
    }

    @Test func `until the control port is known the address shown is one that exists`() throws {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        alice.givesFeedback = false
        try alice.moveData()
        try pumping([ear, alice], "her music") {
            alice.play(note)
            return ear.heard.contains(note)
        }
        let address = try engine.status().participants.first { $0.name == "Alice" }?.address
        #expect(address == "127.0.0.1:\(alice.data.port)")
    }

    @Test func `feedback that cannot be about what was sent moves nothing`() throws {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        var number: UInt16?
        alice.onDatagram = { _, bytes in
            if let header = try? RTPHeader(decoding: bytes.span.bytes) { number = header.sequence.rawValue }
        }
        ear.play(note)
        let heard = try awaited("a packet to her") {
            for one in [ear, alice] { one.pump() }
            return number
        }
        let stranger = try Stranger(as: alice.ssrc, port: engine.port, bind: "127.0.0.1")
        for off: UInt16 in [0x1000, 0x4000, 0xF000] {
            stranger.send(.feedback(ssrc: alice.ssrc, value: UInt32(heard &+ off) << 16), .control)
        }
        alice.play(note)
        try pumping([ear, alice], "the note") { ear.heard == [note] }
        let address = try engine.status().participants.first { $0.name == "Alice" }?.address
        #expect(address == "127.0.0.1:\(alice.control.port)")
    }
}

import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@testable import Engine

@Suite struct ProtectionTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)

    @Test func `nothing is sent to an address that has not answered, and nothing is taken from it`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        // Invites itself on both ports and never answers a clock question: as one would who forges a source address.
        let forger = try TestPlayer("Victim", port: engine.port)
        var questions = 0
        try pumping([one], "a clock question") {
            // Two sockets: the second invitation may be read before the first.
            forger.send(.invitation(token: forger.token, ssrc: forger.ssrc, name: "Victim"), .control)
            forger.send(.invitation(token: forger.token, ssrc: forger.ssrc, name: nil), .data)
            _ = forger.control.receive { _, _ in }
            while forger.data.receive({ bytes, _ in if bytes.byteCount == 36 { questions += 1 } }) > 0 {}
            return questions > 0
        }
        one.play(note)
        forger.sendRaw([0x80, 0x61, 0, 1, 0, 0, 0, 0] + bytes(forger.ssrc) + [0x03, 0x90, 0x30, 0x40])
        let two = try engine.player("Synth", others: [one])
        one.play(note)
        var midi = 0
        try pumping([one, two], "the note at the one who answers") {
            while forger.data.receive({ bytes, _ in if !SessionPacket.isSession(bytes) { midi += 1 } }) > 0 {}
            return two.heard.contains(note)
        }
        #expect(midi == 0)
        #expect(one.heard.isEmpty)
        #expect(try engine.status().participants.map(\.name) == ["Piano", "Synth"])
    }

    @Test func `who is not let in sees NO, and the log says who and why`() throws {
        let engine = try EngineUnderTest(deny: ["127.0.0.0/8"])
        let one = try TestPlayer("Piano", port: engine.port)
        try pumping([one], "the refusal") { one.refusals > 0 }
        try eventually("word of it") {
            engine.all.contains {
                if case .refused("127.0.0.1", "Piano", _, _, 1) = $0 { true } else { false }
            }
        }
    }

    @Test func `only those on the list are let in`() throws {
        let engine = try EngineUnderTest(allow: ["10.0.0.0/8", "127.0.0.1"])
        _ = try engine.player("Piano")
    }

    @Test func `a full room refuses the next one until somebody leaves`() throws {
        let engine = try EngineUnderTest(maximum: 2)
        let one = try engine.player("One")
        let two = try engine.player("Two", others: [one])
        let three = try TestPlayer("Three", port: engine.port)
        try pumping([one, two, three], "the refusal") { three.refusals > 0 }
        two.leave()
        try pumping([one], "room") { (try? engine.status().participants.count) == 1 }
        _ = try engine.player("Four", others: [one])
    }

    @Test func `two with the same name and the same SSRC are two`() throws {
        let engine = try EngineUnderTest()
        let one = try TestPlayer("Piano", port: engine.port, ssrc: SSRC(7))
        let two = try TestPlayer("Piano", port: engine.port, ssrc: SSRC(7))
        try pumping([one, two], "both") { one.isUp && two.isUp }
        one.play(note)
        try pumping([one, two], "the note") { two.heard == [note] }
        #expect(one.heard.isEmpty)
        #expect(try engine.status().participants.count == 2)
    }

    @Test func `a program that was started anew takes the place of the old one, whose notes are released`() throws {
        let engine = try EngineUnderTest()
        let listener = try engine.player("Synth")
        let one = try engine.player("Piano", others: [listener])
        one.play(note)
        try pumping([one, listener], "the note") { listener.heard == [note] }
        let again = try TestPlayer("Piano", port: engine.port, ssrc: one.ssrc)
        (again.control, again.data) = (one.control, one.data)
        try pumping([again, listener], "the new one") { again.isUp && listener.heard.count == 2 }
        #expect(listener.heard.last == .noteOff(Channel(truncating: 0), note: 60, velocity: 64))
        #expect(try engine.status().participants.count == 2)
    }

    @Test func `a participant whose router gives it another port is followed, once it has answered there`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        try one.moveData()
        one.play(note)
        // The first packet from there is answered by a question only.
        try pumping([one, two], "the way back") {
            one.play(note)
            return two.heard.contains(note)
        }
        two.play(.noteOn(Channel(truncating: 1), note: 50, velocity: 1))
        try pumping([one, two], "a note to the new port") { !one.heard.isEmpty }
        #expect(try engine.status().participants.count == 2)
    }

    @Test func `a forged BY from another address ends nobody's session`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        let stranger = try TestPlayer("Stranger", port: engine.port)
        stranger.send(.bye(token: 0, ssrc: one.ssrc, name: nil), .data)
        stranger.sendRaw([0x80, 0x61, 0, 1, 0, 0, 0, 0] + bytes(one.ssrc) + [0x03, 0x90, 0x30, 0x40])
        one.play(note)
        try pumping([one, two], "the note") { two.heard.contains(note) }
        #expect(two.heard == [note])
        #expect(try engine.status().participants.count == 2)
    }

    @Test func `rubbish is dropped, and nothing is answered to it`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        var random = SeededRandom(seed: 5)
        let stranger = try TestPlayer("Stranger", port: engine.port)
        for index in 0..<2000 {
            var bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            if index % 3 == 0, bytes.count > 2 { (bytes[0], bytes[1]) = (0x80, 0x61) }
            stranger.sendRaw(bytes, index % 2 == 0 ? .control : .data)
            if index % 3 == 0 { one.sendRaw([0x80, 0x61] + bytes, .data) }
        }
        one.play(note)
        try pumping([one, two], "the note") { two.heard.contains(note) }
        var answers = 0
        _ = stranger.control.receive { _, _ in answers += 1 }
        _ = stranger.data.receive { _, _ in answers += 1 }
        #expect(answers == 0)
    }

    private func bytes(_ ssrc: SSRC) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: ssrc.rawValue >> (24 - 8 * $0)) }
    }
}

import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@testable import Engine

@Suite struct CarryingTests {
    private func note(_ number: UInt8, _ velocity: UInt8 = 100, channel: UInt8 = 0) -> Message {
        .noteOn(
            Channel(truncating: channel), note: DataByte(truncating: number), velocity: DataByte(truncating: velocity))
    }
    private func off(_ number: UInt8) -> Message {
        .noteOff(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 64)
    }

    @Test func `everyone hears everyone else and nobody themselves`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Drums", others: [one])
        let three = try engine.player("Bass", others: [one, two])
        one.play(note(60))
        two.play(note(36), note(38))
        try pumping([one, two, three], "notes") {
            three.heard.count >= 3 && two.heard.count >= 1 && one.heard.count >= 2
        }
        #expect(one.heard == [note(36), note(38)])
        #expect(two.heard == [note(60)])
        #expect(Set(three.heard) == [note(60), note(36), note(38)])
    }

    @Test func `a participant that says BY has its notes released at those who heard them`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Drums", others: [one])
        one.play(note(60), note(64), .controlChange(Channel(truncating: 0), controller: 64, value: 127))
        try pumping([one, two], "the chord") { two.heard.count == 3 }
        two.forget()
        one.leave()
        try pumping([two], "the releases") { two.heard.count >= 3 }
        #expect(two.heard == [off(60), off(64), .controlChange(Channel(truncating: 0), controller: 64, value: 0)])
        try eventually("word of it") {
            engine.all.contains {
                if case .left(let who, .bye, let released) = $0 { who.name == "Piano" && released == 3 } else { false }
            }
        }
    }

    @Test func `a note that another still holds goes on`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Organ", others: [one])
        let three = try engine.player("Synth", others: [one, two])
        one.play(note(60), note(62))
        two.play(note(60))
        try pumping([one, two, three], "the notes") { three.heard.count == 3 }
        three.forget()
        one.leave()
        try pumping([two, three], "a release") { !three.heard.isEmpty }
        #expect(three.heard == [off(62)])
    }

    @Test func `who joins late gets the room's programs and controllers`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let channel = Channel(truncating: 3)
        let state: [Message] = [
            .controlChange(channel, controller: 0, value: 1), .programChange(channel, program: 19),
            .controlChange(channel, controller: 7, value: 90), .pitchBend(channel, Bend(truncating: 9000)),
        ]
        one.play(state)
        try pumping([one], "the engine's count") { (try? engine.status().participants.first?.messages) == 4 }
        let two = try engine.player("Late", others: [one])
        try pumping([one, two], "the state") { two.heard.count >= 4 }
        #expect(two.heard == state)
    }

    @Test func `active sensing and undefined bytes are for nobody else, clock is`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Keyboard")
        let two = try engine.player("Synth", others: [one])
        for status in [UInt8(0xFE), 0xF9, 0xFD, 0xF8, 0xFE] { one.playRealTime(status) }
        one.play(note(60))
        try pumping([one, two], "the note") { two.heard == [note(60)] }
        #expect(two.system == [0xF8])
    }

    @Test func `a lost note-off is repaired for those who hear`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        one.play(note(60))
        try pumping([one, two], "the note") { two.heard.count == 1 }
        one.play([off(60)], losing: true)
        one.play(note(72))
        try pumping([one, two], "its end") { two.heard.count >= 3 }
        #expect(two.heard.dropFirst().first == off(60))
        #expect(two.heard.last == note(72))
        let counts = try #require(try engine.status().participants.first { $0.name == "Piano" }?.counts)
        #expect(counts.lost == 1)
        #expect(counts.repaired == 1)
    }

    @Test func `a long system exclusive message arrives whole, and notes and clock do not wait for it`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Librarian")
        let two = try engine.player("Synth", others: [one])
        let three = try engine.player("Piano", others: [one, two])
        let dump = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7) & 0x7F }
        one.playExclusive(dump)
        three.playRealTime(0xF8)
        three.play(note(60))
        try pumping([one, two, three], "the note") { two.heard.contains(note(60)) }
        #expect(two.system.contains(0xF8))
        try pumping([one, two, three], "the dump") { !two.exclusives.isEmpty && !three.exclusives.isEmpty }
        #expect(two.exclusives == [dump])
        #expect(three.exclusives == [dump])
    }

    @Test func `an unfinished system exclusive message blocks nobody and is given up`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Librarian")
        let two = try engine.player("Synth", others: [one])
        one.playExclusive([UInt8](repeating: 1, count: 1000), complete: false)
        one.play(note(61))
        try pumping([one, two], "the note") { two.heard == [note(61)] }
        one.playExclusive([1, 2, 3])
        try pumping([one, two], "the short one") { two.exclusives == [[1, 2, 3]] }
    }

    @Test func `who is sent away gets BY, its notes are released, and it may come again`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        one.play(note(60))
        try pumping([one, two], "the note") { two.heard == [note(60)] }
        let id = try #require(try engine.status().participants.first { $0.name == "Piano" }?.id)
        #expect(try engine.kick(id))
        try pumping([one, two], "the goodbye") { one.ended == .bye && two.heard == [note(60), off(60)] }
        #expect(try !engine.kick(id))
        _ = try engine.player("Piano", others: [two])
    }

    @Test func `IPv6 carries as IPv4 does`() throws {
        let engine = try EngineUnderTest(host: "::1")
        let one = try engine.player("Piano", host: "::1")
        let two = try engine.player("Synth", others: [one], host: "::1")
        one.play(note(60))
        try pumping([one, two], "the note") { two.heard == [note(60)] }
        #expect(try engine.status().participants.allSatisfy { $0.address.hasPrefix("[::1]:") })
    }

    @Test func `a panic silences everyone`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Synth", others: [one])
        one.play(note(60))
        try pumping([one, two], "the note") { two.heard.count == 1 }
        let (hearers, notes) = try engine.panic()
        #expect(hearers == 2 && notes == 1)
        try pumping([one, two], "the silence") { two.heard.count >= 50 && one.heard.count >= 49 }
        #expect(two.heard[1] == off(60))
    }
}

import EngineProtocol
import MIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Who sends back what it hears, and who only plays the same.
@Suite struct LoopTests {
    private func note(_ number: Int, _ velocity: UInt8 = 100) -> Message {
        .noteOn(
            Channel(truncating: 0), note: DataByte(truncating: UInt8(40 + number % 60)),
            velocity: DataByte(truncating: velocity))
    }
    private func off(_ number: Int) -> Message {
        .noteOff(Channel(truncating: 0), note: DataByte(truncating: UInt8(40 + number % 60)), velocity: 64)
    }

    /// Plays one message after the other every 30 ms, until the condition holds.
    private func playing(
        _ player: TestPlayer, with others: [TestPlayer], _ what: String, beside: (Message) -> Void = { _ in },
        until condition: () throws -> Bool
    ) throws {
        var (step, next) = (0, TestPlayer.now)
        try pumping([player] + others, what) {
            if TestPlayer.now >= next {
                let message = step % 2 == 0 ? note(step / 2) : off(step / 2)
                player.play(message)
                beside(message)
                (step, next) = (step + 1, next + 300)
            }
            return try step % 2 == 0 && condition()
        }
    }

    private func named(_ engine: EngineUnderTest) -> [String] {
        engine.all.compactMap { if case .loop(let who) = $0 { who.name } else { nil } }
    }

    /// To software that writes no journal ends are told again, and it sends those back as well.
    @Test(arguments: [true, false])
    func `a feedback loop is cut and named, and heard again once somebody lifts that`(journals: Bool) throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Looper", others: [one], journals: journals)
        two.echoes = true
        try playing(one, with: [two], "word of the loop") { named(engine) == ["Looper"] }
        one.forget()
        two.forget()
        one.play(note(90, 101))
        try pumping([one, two], "the note") { two.heard.contains(note(90, 101)) }
        two.echoes = false
        let looper = try #require(try engine.status().participants.first { $0.name == "Looper" })
        #expect(looper.loops && !one.heard.contains(note(90, 101)))
        #expect(try engine.unmute(looper.id) && !engine.unmute(9999))
        two.play(note(91, 101))
        try pumping([one, two], "its note") { one.heard.contains(note(91, 101)) }
        #expect(try engine.status().participants.allSatisfy { !$0.loops })
    }

    @Test func `what goes round between two after everybody has stopped comes to rest`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let loopers = [
            try engine.player("First", others: [one], journals: false),
            try engine.player("Second", others: [one], journals: false),
        ]
        for looper in loopers { looper.echoes = true }
        one.play(.controlChange(Channel(truncating: 0), controller: 7, value: 99), note(5), off(5))
        try pumping([one] + loopers, "a loop") { one.heard.count > 20 }
        // Longer than any trial: nothing comes any more.
        var (seen, since) = (0, ContinuousClock.now)
        try pumping([one] + loopers, "rest", seen: "\(one.heard.count)") {
            if one.heard.count != seen { (seen, since) = (one.heard.count, .now) }
            return since.duration(to: .now) > .seconds(2)
        }
    }

    @Test func `a part that two play at once is no loop, and nothing is left sounding at either`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Double", others: [one])
        let three = try engine.player("Synth", others: [one, two])
        var steps = 0
        // Long enough for a suspicion and a whole trial.
        try playing(
            one, with: [two, three], "the part",
            beside: {
                two.play($0)
                steps += 1
            }, until: { steps >= 100 })
        try pumping([one, two, three], "all of it", seen: "\(three.heard.count)") { three.heard.count >= 200 }
        #expect(named(engine).isEmpty)
        #expect(two.heard.count < steps, "it was tried: nothing was sent to it for a moment")
        two.forget()
        one.play(note(90, 101))
        try pumping([one, two, three], "the note") { two.heard.contains(note(90, 101)) }
    }

    @Test func `what goes round in a ring of hubs comes to rest, and who brings it back is named`() throws {
        let ports = (0..<3).map { _ in freeUDPPortPair() }
        let hubs = try (0..<3).map {
            try EngineUnderTest(
                port: ports[$0], invites: [Invitee(host: "127.0.0.1", port: ports[($0 + 1) % 3], name: "Next")])
        }
        try eventually("the ring") { try hubs.allSatisfy { try $0.status().participants.count == 2 } }
        let piano = try hubs[0].player("Piano")
        // For longer than a trial takes.
        var calm = 0
        try playing(piano, with: [], "an end of what goes round") {
            calm = piano.heard.isEmpty ? calm + 1 : 0
            piano.forget()
            return calm > 50
        }
        #expect(hubs.contains { !named($0).isEmpty })
    }

    @Test func `what a suspect was not sent it is told afterwards`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        let two = try engine.player("Double", others: [one])
        let channel = Channel(truncating: 0)
        one.play(note(80))
        for step in 0..<24 {
            let message = step % 2 == 0 ? note(step / 2) : off(step / 2)
            one.play(message)
            two.play(message)
        }
        // Of what comes after the suspicion nothing is sent: one note ends, another begins and stays, a wheel moves.
        one.play(off(80), note(81), .pitchBend(channel, Bend(truncating: 9000)))
        one.playRealTime(0xF8)
        try pumping([one, two], "the clock, which is") { two.system == [0xF8] }
        #expect(!two.heard.contains(off(80)) && !two.heard.contains(note(81)))
        try pumping([one, two], "what is owed", seen: "\(two.heard.suffix(6))") {
            two.heard.contains(off(80)) && two.heard.contains(note(81))
                && two.heard.contains(.pitchBend(channel, Bend(truncating: 9000)))
        }
        #expect(named(engine).isEmpty)
    }
}

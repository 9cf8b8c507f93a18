import EngineProtocol
import Linux
import MIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

@Suite struct EchoTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    private func echo(_ isOn: Bool, in engine: EngineUnderTest) {
        var plan = EngineUnderTest.plan(port: engine.port)
        plan.rooms[0].echoes = isOn
        engine.send(.serve(plan))
    }

    @Test func `each hears what it plays once more, the others once`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("One")
        echo(true, in: engine)
        let two = try engine.player("Two", others: [one])
        one.play(note)
        two.play(off)
        try pumping([one, two], "both echoes") { one.heard.count >= 2 && two.heard.count >= 2 }
        one.playExclusive([1, 2, 3])
        try pumping([one, two], "the message at both") {
            one.exclusives == [[1, 2, 3]] && two.exclusives == [[1, 2, 3]]
        }
        #expect(one.heard.contains(note) && one.heard.contains(off) && one.heard.count == 2)
        #expect(two.heard.contains(note) && two.heard.contains(off) && two.heard.count == 2)
    }

    @Test func `an echo that is switched off lets go of what it holds`() throws {
        let engine = try EngineUnderTest()
        echo(true, in: engine)
        let one = try engine.player("One")
        one.play(note)
        try pumping([one], "the echo") { one.heard == [note] }
        echo(false, in: engine)
        try pumping([one], "its end") { one.heard == [note, off] }
        one.play(off, note)
        let two = try engine.player("Two", others: [one])
        one.play(off)
        try pumping([one, two], "the note at the other") { two.heard.contains(off) }
        #expect(one.heard == [note, off])
    }

    @Test func `who leaves is released at the others, and only there`() throws {
        let engine = try EngineUnderTest()
        echo(true, in: engine)
        let one = try engine.player("One")
        let two = try engine.player("Two", others: [one])
        one.play(note)
        try pumping([one, two], "the note at both") { one.heard == [note] && two.heard == [note] }
        one.leave()
        try pumping([two], "the release") { two.heard == [note, off] }
        try eventually("word of it") {
            let left = engine.all.compactMap { news -> Int? in
                if case .left(_, _, let released) = news { released } else { nil }
            }
            return left == [1]
        }
    }

    @Test func `who sends the echo back is cut from the echo, nothing goes round for ever and nothing hangs`() throws {
        let engine = try EngineUnderTest()
        echo(true, in: engine)
        let thru = try engine.player("Thru")
        let two = try engine.player("Two", others: [thru])
        thru.echoes = true
        thru.play(note)
        thru.play(off)
        try pumping([thru, two], "the end of the loop") {
            engine.all.contains { if case .echoReturned(let one) = $0 { one.name == "Thru" } else { false } }
        }
        // Waits for what was under way: after a clock exchange nothing earlier can still arrive.
        var before = -1
        try pumping([thru, two], "silence") {
            defer { before = two.heard.count }
            return (try? engine.status()) != nil && before == two.heard.count
        }
        var held: Set<UInt8> = []
        for message in two.heard {
            if case .noteOn(_, let note, _) = message { held.insert(note.rawValue) }
            if case .noteOff(_, let note, _) = message { held.remove(note.rawValue) }
        }
        #expect(held.isEmpty)
        #expect(try engine.status().participants.allSatisfy { !$0.loops })
        // It is still heard, and hears.
        thru.echoes = false
        thru.forget()
        two.forget()
        thru.play(note)
        two.play(off)
        try pumping([thru, two], "each other's notes") { two.heard.contains(note) && thru.heard.contains(off) }
        #expect(thru.heard == [off])
    }

    @Test func `who plays the same note again and again keeps the echo`() throws {
        let engine = try EngineUnderTest()
        echo(true, in: engine)
        let one = try engine.player("Hi-hat")
        // As soon after another as software would return it, and for longer than it takes to be suspected and tried.
        var (step, next) = (0, TestPlayer.now)
        try pumping([one], "the part") {
            if TestPlayer.now >= next {
                one.play(step % 2 == 0 ? note : off)
                (step, next) = (step + 1, next + 200)
            }
            return step == 150
        }
        one.play(.noteOn(Channel(truncating: 0), note: 61, velocity: 90))
        try pumping([one], "the echo of another") {
            one.heard.contains(.noteOn(Channel(truncating: 0), note: 61, velocity: 90))
        }
        #expect(!engine.all.contains { if case .echoReturned = $0 { true } else { false } })
        #expect(one.heard.last { $0 == note || $0 == off } == off, "nothing is left sounding")
    }

    @Test func `two who give each other nothing back are no loop, echo or not`() throws {
        let engine = try EngineUnderTest()
        echo(true, in: engine)
        let one = try engine.player("One")
        let two = try engine.player("Two", others: [one])
        for number in UInt8(0)..<100 {
            one.play(.noteOn(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 90))
            two.play(.noteOn(Channel(truncating: 1), note: DataByte(truncating: number), velocity: 80))
        }
        try pumping([one, two], "all of it, at both") { one.heard.count == 200 && two.heard.count == 200 }
        #expect(
            !engine.all.contains {
                switch $0 {
                case .loop, .echoReturned: true
                default: false
                }
            })
    }
}

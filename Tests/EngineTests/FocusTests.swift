import EngineProtocol
import Linux
import MIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Rooms with controllers: who feeds back to them, and which of two is heard.
@Suite struct FocusTests {
    private func note(_ number: UInt8, _ velocity: UInt8 = 100) -> Message {
        .noteOn(Channel(truncating: 0), note: DataByte(truncating: number), velocity: DataByte(truncating: velocity))
    }
    private func off(_ number: UInt8) -> Message {
        .noteOff(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 64)
    }
    private func knob(_ number: UInt8, _ value: UInt8) -> Message {
        .controlChange(
            Channel(truncating: 0), controller: DataByte(truncating: number), value: DataByte(truncating: value))
    }

    private func plan(
        _ engine: EngineUnderTest, holder: String? = nil, byTouch: Bool? = nil, inputs: [Input]? = nil,
        controllers: [String]? = ["APC"]
    ) -> EnginePlan {
        var plan = EngineUnderTest.plan(port: engine.port)
        plan.rooms[0].focus = controllers.map {
            Focus(controllers: $0, byTouch: byTouch, holder: holder.map(Focus.Claim.init))
        }
        plan.rooms[0].inputs = inputs
        return plan
    }
    /// The plan is served once what was asked behind it is answered.
    private func serve(_ plan: EnginePlan, by engine: EngineUnderTest) throws {
        engine.send(.serve(plan))
        _ = try engine.status()
    }

    private struct Stage {
        let engine: EngineUnderTest
        let controller, one, two: TestPlayer
        var all: [TestPlayer] { [controller, one, two] }
    }
    private func stage(holder: String? = nil, byTouch: Bool? = nil) throws -> Stage {
        let engine = try EngineUnderTest()
        try serve(plan(engine, holder: holder, byTouch: byTouch), by: engine)
        let controller = try engine.player("APC")
        let one = try engine.player("One", others: [controller])
        let two = try engine.player("Two", others: [controller, one])
        return Stage(engine: engine, controller: controller, one: one, two: two)
    }

    @Test func `only who has the focus reaches the controller, and the controller reaches all`() throws {
        let stage = try stage(holder: "One")
        stage.two.play(note(61))
        try pumping(stage.all, "the other's note at one") { stage.one.heard == [note(61)] }
        stage.one.play(note(60))
        try pumping(stage.all, "the note at the controller") { stage.controller.heard == [note(60)] }
        stage.controller.play(note(40))
        try pumping(stage.all, "the controller's note") {
            stage.one.heard.contains(note(40)) && stage.two.heard.contains(note(40))
        }
    }

    @Test func `when the focus changes, the old holder is released and the new one's lights and faders are told`()
        throws
    {
        let stage = try stage(holder: "One")
        stage.one.play(note(60, 3))
        try pumping(stage.all, "one's light") { stage.controller.heard == [note(60, 3)] }
        stage.two.play(note(61, 5))
        stage.two.play(knob(7, 99))
        try pumping(stage.all, "two's at one") { stage.one.heard == [note(61, 5), knob(7, 99)] }
        #expect(stage.controller.heard == [note(60, 3)])
        stage.controller.forget()
        try serve(plan(stage.engine, holder: "Two"), by: stage.engine)
        try pumping(stage.all, "the new state", seen: "\(stage.controller.heard)") { stage.controller.heard.count == 3 }
        #expect(stage.controller.heard == [off(60), knob(7, 99), note(61, 5)])
        stage.controller.forget()
        try serve(plan(stage.engine), by: stage.engine)
        try pumping(stage.all, "the release") { stage.controller.heard == [off(61)] }
        // The players among each other have noticed nothing.
        #expect(stage.two.heard == [note(60, 3)])
    }

    @Test func `a controller that comes back is told what its holder has lit`() throws {
        let stage = try stage(holder: "One")
        stage.one.play(note(60, 3))
        try pumping(stage.all, "the light") { stage.controller.heard == [note(60, 3)] }
        stage.controller.leave()
        let again = try stage.engine.player("APC", others: [stage.one, stage.two])
        try pumping([again, stage.one, stage.two], "the light again") { again.heard == [note(60, 3)] }
    }

    @Test func `a light that went out while the controller was told of it stays out`() throws {
        let stage = try stage()
        for number in UInt8(0)..<100 { stage.one.play(note(number)) }
        try pumping(stage.all, "all at the other") { stage.two.heard.count == 100 }
        try serve(plan(stage.engine, holder: "One"), by: stage.engine)
        stage.one.play(off(99))
        try pumping(stage.all, "the end", seen: "\(stage.controller.heard.count)") {
            stage.controller.heard.contains(off(99)) && stage.controller.heard.count >= 100
        }
        #expect(stage.controller.heard.last { $0 == note(99) || $0 == off(99) } == off(99))
        #expect(Set(stage.controller.heard).count == 101)
    }

    @Test func `a holder that leaves is released, and one of its name who is there goes on`() throws {
        let stage = try stage(holder: "One")
        let twin = try stage.engine.player("One", others: stage.all)
        twin.play(note(70))
        try pumping(stage.all + [twin], "the twin's note") { stage.two.heard == [note(70)] }
        #expect(stage.controller.heard.isEmpty)
        stage.one.leave()
        try pumping([stage.controller, stage.two, twin], "the twin's light") { stage.controller.heard == [note(70)] }
    }

    @Test func `a holder that was killed and comes anew lights the controller as soon as its old session is silent`()
        throws
    {
        let stage = try stage(holder: "One")
        stage.one.isDead = true
        let anew = try stage.engine.player("One", others: [stage.controller, stage.two])
        anew.play(note(70))
        try pumping([stage.controller, stage.two, anew], "its light") { stage.controller.heard == [note(70)] }
    }

    @Test func `a controller that is reached by numbered events is told the same, whoever had the focus before`() throws
    {
        let engine = try EngineUnderTest()
        try serve(plan(engine, holder: "One"), by: engine)
        let controller = try GroupUnderTest([engine], name: "APC")
        let one = try engine.player("One")
        let two = try GroupUnderTest([engine], name: "Two")
        one.play(note(60))
        one.play(knob(7, 10))
        try controller.hears(["903c64", "b0070a"])
        two.send([[0x90, 62, 5], [0xB0, 7, 99]])
        try pumping([one], "two's at one") { one.heard.count == 2 }
        func heard(_ more: [String], of all: [String]) throws -> [String] {
            let now = all + more
            try eventually("\(more)", seen: "\(controller.heard)") { controller.heard.count == now.count }
            #expect(controller.heard == now)
            return now
        }
        var all = ["903c64", "b0070a"]
        try serve(plan(engine, holder: "Two"), by: engine)
        all = try heard(["803c40", "b00763", "903e05"], of: all)
        // One has done nothing meanwhile, and its fader has been moved.
        try serve(plan(engine, holder: "One"), by: engine)
        all = try heard(["803e40", "b0070a", "903c64"], of: all)
        one.play(off(60))
        all = try heard(["803c40"], of: all)
        two.send([[0x80, 62, 64], [0xB0, 7, 98]])
        try pumping([one], "two's again") { one.heard.count == 4 }
        try serve(plan(engine, holder: "Two"), by: engine)
        _ = try heard(["b00762"], of: all)
    }

    @Test func `of two hubs whose focus changes one after the other, the last word is the new holder's`() throws {
        let engines = [try EngineUnderTest(), try EngineUnderTest()]
        for engine in engines { try serve(plan(engine, holder: "One"), by: engine) }
        let controller = try GroupUnderTest(engines, name: "APC")
        let one = try GroupUnderTest(engines, name: "One")
        let two = try GroupUnderTest(engines, name: "Two")
        one.send([[0x90, 60, 3], [0xB0, 7, 10]])
        two.send([[0x90, 60, 5], [0xB0, 7, 99]])
        try controller.hears(["903c03", "b0070a"])
        try serve(plan(engines[0], holder: "Two"), by: engines[0])
        try eventually("two's lights", seen: "\(controller.heard)") { controller.heard.last == "903c05" }
        // By the other hub one lights it still.
        one.send([[0x90, 60, 7], [0xB0, 7, 11]])
        try eventually("one's once more", seen: "\(controller.heard)") { controller.heard.last == "b0070b" }
        try serve(plan(engines[1], holder: "Two"), by: engines[1])
        try eventually("two's lights again", seen: "\(controller.heard)") {
            controller.heard.suffix(2) == ["b00763", "903c05"]
        }
    }

    // MARK: Touch

    private func touches(_ stage: Stage) -> [String] {
        stage.engine.all.compactMap { if case .touched(let who) = $0 { who.name } else { nil } }
    }

    @Test func `who plays where nobody has the focus is told of, but no controller, and nothing that only ends`() throws
    {
        let stage = try stage(byTouch: true)
        stage.controller.play(note(40))
        stage.one.play(off(60))
        try pumping(stage.all, "both at two") { stage.two.heard.count == 2 }
        stage.two.play(note(61))
        try pumping(stage.all, "who has played") { !touches(stage).isEmpty }
        #expect(touches(stage) == ["Two"])
    }

    @Test func `nobody is told of where somebody has it, or it is given by order`() throws {
        let stage = try stage(holder: "One", byTouch: true)
        stage.two.play(note(61))
        try pumping(stage.all, "the note") { stage.one.heard == [note(61)] }
        try serve(plan(stage.engine), by: stage.engine)
        stage.two.play(note(62))
        try pumping(stage.all, "the next") { stage.one.heard == [note(61), note(62)] }
        _ = try stage.engine.status()
        #expect(touches(stage).isEmpty)
    }

    @Test func `where who has it answers no more, which is seen in seconds, the next one who plays is told of`() throws
    {
        let stage = try stage(holder: "One", byTouch: true)
        // It holds nothing, for which it would be watched.
        stage.one.isDead = true
        let since = ContinuousClock.now
        try pumping([stage.controller, stage.two], "who has played", seen: "\(touches(stage))") {
            stage.two.play(knob(1, 1))
            return !touches(stage).isEmpty
        }
        #expect(touches(stage).first == "Two" && since.duration(to: .now) < .seconds(20))
        stage.one.isDead = false
        try pumping(stage.all, "its return") {
            try stage.engine.status().participants.allSatisfy { $0.isSilent == false }
        }
        let told = touches(stage).count
        stage.two.play(knob(1, 2))
        try pumping(stage.all, "the knob at one") { stage.one.heard.contains(knob(1, 2)) }
        _ = try stage.engine.status()
        #expect(touches(stage).count == told)
    }

    @Test func `a hub that has missed it is told again`() throws {
        let stage = try stage(byTouch: true)
        stage.one.play(note(60))
        try pumping(stage.all, "who has played") { touches(stage) == ["One"] }
        try pumping(stage.all, "another time") {
            stage.one.play(knob(1, 1))
            return touches(stage).count == 2
        }
        #expect(touches(stage) == ["One", "One"])
    }

    // MARK: Inputs

    private func pair(firstOnly: Bool? = true, picksUp: Bool? = nil, chosen: String? = nil) -> [Input] {
        [
            Input(
                name: "APC", of: ["Left", "Right"], firstOnly: firstOnly, picksUp: picksUp,
                chosen: chosen.map(Focus.Claim.init))
        ]
    }

    @Test func `of two controllers the first is heard, and the other from the moment it goes`() throws {
        let engine = try EngineUnderTest()
        try serve(plan(engine, inputs: pair(), controllers: nil), by: engine)
        let ear = try engine.player("Ear")
        let right = try engine.player("Right", others: [ear])
        right.play(note(50))
        try pumping([ear, right], "the only one") { ear.heard == [note(50)] }
        let left = try engine.player("Left", others: [ear, right])
        try pumping([ear, left, right], "its end") { ear.heard == [note(50), off(50)] }
        right.play(note(51))
        left.play(note(60))
        try pumping([ear, left, right], "the first's") { right.heard == [note(60)] && ear.heard.contains(note(60)) }
        #expect(!ear.heard.contains(note(51)))
        left.leave()
        try pumping([ear, right], "its release") { ear.heard.contains(off(60)) }
        right.play(note(52))
        try pumping([ear, right], "the other's") { ear.heard.contains(note(52)) }
    }

    @Test func `a knob counts again when it meets the value that the other has left`() throws {
        let engine = try EngineUnderTest()
        try serve(plan(engine, inputs: pair(firstOnly: nil, picksUp: true), controllers: nil), by: engine)
        let ear = try engine.player("Ear")
        let left = try engine.player("Left", others: [ear])
        let right = try engine.player("Right", others: [ear, left])
        let all = [ear, left, right]
        left.play(knob(7, 60))
        try pumping(all, "the first value") { ear.heard == [knob(7, 60)] }
        for value in [UInt8(10), 40, 70] { right.play(knob(7, value)) }
        right.play(knob(64, 127))
        right.play(note(48))
        try pumping(all, "what counts of the other's", seen: "\(ear.heard)") { ear.heard.last == note(48) }
        #expect(ear.heard == [knob(7, 60), knob(7, 70), knob(64, 127), note(48)])
        left.play(knob(7, 61))
        left.play(knob(7, 71))
        try pumping(all, "the first again") { ear.heard.last == knob(7, 71) }
        #expect(!ear.heard.contains(knob(7, 61)))
        // Whoever comes now is told what counts, whoever played last.
        let late = try engine.player("Late", others: all)
        try pumping(all + [late], "the state", seen: "\(late.heard)") { late.heard.contains(knob(7, 71)) }
        #expect(!late.heard.contains(knob(7, 70)))
    }

    @Test func `a value that does not count reaches those who hear by numbers neither`() throws {
        let engine = try EngineUnderTest()
        try serve(plan(engine, inputs: pair(firstOnly: nil, picksUp: true), controllers: nil), by: engine)
        let ear = try GroupUnderTest([engine], name: "Ear")
        let left = try GroupUnderTest([engine], name: "Left")
        let right = try GroupUnderTest([engine], name: "Right")
        left.send([[0xB0, 7, 60]])
        try ear.hears(["b0073c"])
        right.send([[0xB0, 7, 10], [0x90, 48, 1], [0xB0, 7, 70]])
        // In the place of the value that does not count stands the one that does.
        try ear.hears(["b0073c", "b0073c", "903001", "b00746"])
        let late = try GroupUnderTest([engine], name: "Late")
        try eventually("the state", seen: "\(late.heard)") { !late.heard.isEmpty }
        _ = try engine.status()
        #expect(Set(late.heard) == ["b00746"])
    }

    @Test func `with pickup nothing jumps when the other controller becomes live`() throws {
        let engine = try EngineUnderTest()
        try serve(plan(engine, inputs: pair(picksUp: true), controllers: nil), by: engine)
        let ear = try engine.player("Ear")
        let left = try engine.player("Left", others: [ear])
        let right = try engine.player("Right", others: [ear, left])
        left.play(knob(7, 60))
        try pumping([ear, left, right], "the value") { ear.heard == [knob(7, 60)] }
        right.play(knob(7, 10))
        right.play(note(1))
        func hasRight(played count: UInt64, of players: Int) throws -> Bool {
            let all = try engine.status().participants
            return all.count == players && all.first { $0.name == "Right" }?.messages == count
        }
        try pumping([ear, left, right], "the other's note") { try hasRight(played: 1, of: 3) }
        left.leave()
        try pumping([ear, right], "its leaving") { try hasRight(played: 1, of: 2) }
        right.play(knob(7, 30))
        right.play(knob(7, 80))
        try pumping([ear, right], "the knob that has met it", seen: "\(ear.heard)") { ear.heard.last == knob(7, 80) }
        #expect(ear.heard.filter { $0 != knob(7, 60) } == [knob(7, 80)])
    }
}

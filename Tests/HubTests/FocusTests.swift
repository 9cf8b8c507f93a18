import EngineProtocol
import Foundation
import Linux
import Rooms
import Store
import TestSupport
import TestTraits
import Testing

@testable import Hub

/// Who gets the focus, who is refused, and what is kept.
@Suite(.ownThread) struct HubFocusTests {
    private func stage(
        by touch: Bool? = nil, in directory: HubStage? = nil, _ names: [String] = ["APC", "One", "Two"]
    ) throws -> HubStage {
        let change: (inout Configuration) -> Void = { configuration in
            configuration.rooms[0].focus = Focus(controllers: ["APC"], byTouch: touch)
        }
        let stage = try directory.map { try HubStage(in: $0.die(), change) } ?? HubStage(change)
        for name in names { stage.engine.join(name) }
        return stage
    }
    private func holder(_ stage: HubStage) -> String? { stage.carrier.plans.last?.rooms[0].focus?.holder?.member }
    private func give(_ name: String?, _ stage: HubStage, room: String = "Main") throws -> CommandReply {
        try stage.obey(.focus(room: room, name))
    }

    @Test func `an order gives it, takes it from whoever has it, and frees it`() throws {
        let stage = try stage()
        #expect(holder(stage) == nil)
        #expect(try give("One", stage) == .done("One has the focus in room Main."))
        #expect(try give("One", stage) == .done("One has the focus in room Main: it was so before."))
        #expect(try give("Two", stage) == .done("Two has the focus in room Main; One had it."))
        #expect(holder(stage) == "Two")
        #expect(try give(nil, stage) == .done("Nobody has the focus in room Main any more; Two had it."))
        #expect(try give(nil, stage) == .done("Nobody had the focus in room Main."))
        #expect(holder(stage) == nil)
        #expect(
            try stage.texts(.focus) == [
                "One has the focus in room Main, by somebody with the token",
                "Two has the focus in room Main; One had it, by somebody with the token",
                "Nobody has the focus in room Main any more; Two had it, by somebody with the token",
            ])
    }

    @Test func `who cannot have it is refused with the reason`() throws {
        let stage = try stage()
        #expect(try give("Nobody", stage) == .notFound("There is no participant \"Nobody\" in room Main."))
        #expect(
            try give("APC", stage)
                == .conflict("APC is itself a controller: the focus is for who feeds back to it."))
        #expect(
            try give("One", stage, room: "Duets")
                == .conflict(
                    "There is no controller in room Duets: name it in the room's focus in the configuration."))
        #expect(try give(nil, stage, room: "Duets").outcome == .conflict)
        #expect(try give("One", stage, room: "Cellar") == .notFound("There is no room \"Cellar\"."))
        _ = try stage.obey(.block(room: "Main", Block(from: "One", to: "APC"), isBlocked: true))
        #expect(
            try give("One", stage) == .conflict("One would not reach a controller in room Main: blocked."))
        #expect(holder(stage) == nil)
    }

    @Test func `where the engine is too old for it, or does not answer, it is kept and that is said`() throws {
        let stage = try stage()
        stage.carrier.shortcoming = "it is too old"
        let text = "It is kept, but the engine does not follow it yet: "
        #expect(try give("One", stage) == .unavailable(text + "it is too old"))
        stage.carrier.refusal = "it does not answer"
        #expect(try give("Two", stage) == .unavailable(text + "it does not answer"))
        #expect(holder(stage) == "Two")
    }

    @Test func `it shows who has it, and who is a controller`() throws {
        let stage = try stage()
        _ = try give("Two", stage)
        let snapshot = stage.publish()
        #expect(snapshot.participants.filter { $0.focus ?? false }.map(\.name) == ["Two"])
        #expect(snapshot.participants.filter { $0.controller ?? false }.map(\.name) == ["APC"])
        #expect(snapshot.rooms[0].focus == .init(controllers: ["APC"], by: .order, holder: "Two"))
        #expect(snapshot.rooms[1].focus == nil)
        #expect(snapshot.pairs.first { $0.fromName == "One" && $0.toName == "APC" }?.reason?.contains("focus") == true)
        #expect(snapshot.wires.contains { $0.fromName == "Two" && $0.toName == "APC" })
    }

    @Test func `the next hub knows who has it`() throws {
        let first = try stage()
        _ = try give("One", first)
        let next = try stage(in: first)
        #expect(next.carrier.plans[0].rooms[0].focus?.holder?.member == "One")
        #expect(next.publish().participants.filter { $0.focus ?? false }.map(\.name) == ["One"])
    }

    @Test func `a holder who has left while no hub was there has it no more`() throws {
        let first = try stage()
        _ = try give("One", first)
        let next = try stage(in: first, ["APC", "Two"])
        next.engine.attendance.abandonOpenVisits()
        try next.loop.run(until: "it is free") { holder(next) == nil }
    }

    @Test func `a store that was down is told again`() throws {
        let stage = try stage()
        _ = try give("One", stage)
        stage.hub.context.recorder.add(.setting(key: Claims.key, value: nil))
        stage.hub.context.recorder.recovered()
        let next = try self.stage(in: stage)
        #expect(next.carrier.plans[0].rooms[0].focus?.holder?.member == "One")
    }

    @Test func `what is on record and cannot be read is nothing`() {
        #expect(Claims(recorded: "{\"rooms\": 7}") == Claims() && Claims(recorded: nil) == Claims())
        #expect(Claims().recorded == nil)
    }

    @Test func `who leaves frees it, and a later one of that name does not have it`() throws {
        let stage = try stage(["APC", "Two"])
        let one = stage.engine.join("One")
        _ = try give("One", stage)
        stage.engine.leave(one, .left("left"))
        try stage.loop.run(until: "it is free") { holder(stage) == nil }
        #expect(try stage.texts(.focus).last == "Nobody has the focus in room Main any more: One has left")
        stage.engine.join("One")
        #expect(stage.publish().participants.allSatisfy { $0.focus == nil })
    }

    private func stage(_ names: [String]) throws -> HubStage { try stage(by: nil, in: nil, names) }

    @Test func `as long as one of that name is there it is not free`() throws {
        let stage = try stage()
        let twin = stage.engine.join("One")
        _ = try give("One", stage)
        stage.engine.leave(twin, .left("left"))
        try stage.settle()
        #expect(holder(stage) == "One")
    }

    @Test func `an engine's death frees nothing, since its players come back`() throws {
        let stage = try stage()
        _ = try give("One", stage)
        stage.engine.run.isReady = false
        stage.engine.hasEnded(expected: false)
        try stage.settle()
        stage.hub.freeAbandonedFocus()
        #expect(holder(stage) == "One")
    }

    @Test func `touch gives it to the first who plays, and to nobody else while he has it`() throws {
        let stage = try stage(by: true)
        stage.hub.context.touched("Main", "APC")
        #expect(holder(stage) == nil)
        stage.hub.context.touched("Main", "Two")
        stage.hub.context.touched("Main", "One")
        #expect(holder(stage) == "Two")
        #expect(try stage.texts(.focus) == ["Two has the focus in room Main: it was the first who played"])
        _ = try give("One", stage)
        #expect(holder(stage) == "One")
    }

    @Test func `by touch, who does not answer loses it to the next one who plays, and keeps it where nobody does`()
        throws
    {
        let stage = try stage(by: true, ["APC", "Two"])
        let one = stage.engine.join("One")
        _ = try give("One", stage)
        stage.engine.attendance.fellSilent(one, for: 5)
        try stage.settle()
        stage.hub.context.touched("Main", "One")
        #expect(holder(stage) == "One")
        stage.hub.context.touched("Main", "Two")
        #expect(holder(stage) == "Two")
        #expect(try stage.texts(.focus).last == "Two has the focus in room Main: One, who had it, does not answer")
        stage.engine.attendance.cameBack(one)
        stage.hub.context.touched("Main", "One")
        #expect(holder(stage) == "Two")
    }

    @Test func `without touch, playing gives nothing`() throws {
        let stage = try stage()
        stage.hub.context.touched("Main", "Two")
        #expect(holder(stage) == nil)
    }

    @Test func `a room that has no controllers any more has no focus either`() throws {
        let stage = try stage()
        _ = try give("One", stage)
        stage.edit { $0.rooms[0].focus = nil }
        #expect(try stage.obey(.reload).text.contains("the controllers of room Main have changed"))
        stage.edit { $0.rooms[0].focus = Focus(controllers: ["APC"]) }
        _ = try stage.obey(.reload)
        #expect(stage.carrier.plans.last?.rooms[0].focus == Focus(controllers: ["APC"]))
    }

    @Test func `an engine of an older version tells nothing of what it knows, and a plan what it wants`() throws {
        let old = #"{"version": "0.1", "pid": 1, "ports": [], "participants": [], "sent": 0, "unsent": 0}"#
        let status = try JSONDecoder().decode(EngineStatus.self, from: Data(old.utf8))
        #expect(status.abilities.isEmpty)
        var plan = EnginePlan(rooms: [RoomPlan(name: "Main", policy: .all)])
        #expect(plan.wants.isEmpty)
        plan.rooms[0].focus = Focus(controllers: ["APC"])
        plan.rooms[0].inputs = [Input(name: "APC", of: ["L", "R"])]
        #expect(plan.wants == [.focus, .inputs])
        // Neither version stumbles over the other's plan.
        let bytes = JSON.bytes(plan)
        #expect(try JSONDecoder().decode(EnginePlan.self, from: Data(bytes)) == plan)
    }

    // MARK: Inputs

    private func pair(_ names: [String] = ["Ear", "Left", "Right"], firstOnly: Bool? = true) throws -> HubStage {
        let stage = try HubStage { configuration in
            configuration.rooms[0].inputs = [Input(name: "APC", of: ["Left", "Right"], firstOnly: firstOnly)]
        }
        for name in names { stage.engine.join(name) }
        return stage
    }
    private func chosen(_ stage: HubStage) -> String? { stage.carrier.plans.last?.rooms[0].inputs?[0].chosen?.member }
    private func choose(_ name: String?, _ stage: HubStage) throws -> CommandReply {
        try stage.obey(.choose(room: "Main", input: "APC", name))
    }

    @Test func `a controller is chosen by order, and the choice is given up by order`() throws {
        let stage = try pair()
        #expect(stage.publish().rooms[0].inputs?[0].heard == ["Left"])
        #expect(try choose("Right", stage) == .done("Right is live in input APC of room Main."))
        #expect(chosen(stage) == "Right")
        #expect(stage.publish().rooms[0].inputs?[0].heard == ["Right"])
        #expect(try choose("Right", stage).text.contains("it was so before"))
        #expect(try choose(nil, stage).outcome == .done)
        #expect(chosen(stage) == nil)
        #expect(try stage.texts(.input).count == 2)
    }

    @Test func `what cannot be chosen is refused with the reason`() throws {
        let stage = try pair(["Ear", "Left"])
        #expect(
            try choose("Ear", stage).text == "Ear is no controller of input APC of room Main: they are Left, Right.")
        #expect(try choose("Right", stage).outcome == .notFound)
        #expect(try stage.obey(.choose(room: "Main", input: "Pad", "Left")).outcome == .notFound)
        #expect(try choose("Left", pair(firstOnly: nil)).outcome == .conflict)
    }

    @Test func `one that took over stays live when the other comes back`() throws {
        let stage = try pair(["Ear", "Right"])
        let left = stage.engine.join("Left")
        stage.engine.leave(left, .lost("was lost"))
        try stage.loop.run(until: "the other is chosen") { chosen(stage) == "Right" }
        stage.engine.join("Left")
        #expect(stage.publish().rooms[0].inputs?[0].heard == ["Right"])
        #expect(
            try stage.texts(.input) == ["Right is live in input APC of room Main: Left is missing"])
    }

    @Test func `one that falls silent gives way`() throws {
        let stage = try pair(["Ear", "Right"])
        let left = stage.engine.join("Left")
        stage.engine.attendance.fellSilent(left, for: 30)
        try stage.loop.run(until: "the other is chosen") { chosen(stage) == "Right" }
    }

    @Test func `the going of one that is not live changes nothing`() throws {
        let stage = try pair(["Ear", "Left"])
        let right = stage.engine.join("Right")
        stage.engine.leave(right, .left("left"))
        try stage.settle()
        #expect(chosen(stage) == nil)
    }
}

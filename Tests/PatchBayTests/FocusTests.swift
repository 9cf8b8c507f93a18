import MIDI
import PatchBay
import Rooms
import Sequencer
import Testing

extension OnTheSequencer {
    /// Rooms with controllers on the real sequencer.
    @Suite struct Controllers {
        private func plan(
            _ holder: String? = nil, byTouch: Bool? = nil, controllers: [String] = ["APC"], inputs: [Input]? = nil
        ) -> [RoomPlan] {
            let focus = Focus(controllers: controllers, byTouch: byTouch, holder: holder.map(Focus.Claim.init))
            return [RoomPlan(name: "room", policy: .all, focus: focus, inputs: inputs)]
        }
        private func knob(_ value: DataByte) -> Message { .controlChange(one, controller: 7, value: value) }

        @Test func `only who has the focus is wired to the controller, and a change of it moves that wire alone`()
            throws
        {
            let stage = try Stage()
            let players = try stage.players("APC", "One", "Two")
            let (apc, first, second) = (players[0], players[1], players[2])
            stage.configure(plan("One"), [stage.spec("room", 0)])
            let others: Set = [[apc, first], [apc, second], [first, second], [second, first]]
            try stage.until("one feeds back") { stage.kernelWires(players) == others.union([[first, apc]]) }
            stage.play(on(60), first)
            stage.play(on(62), second)
            stage.play(knob(99), second)
            try stage.until("all is heard") { stage.heard(first).count == 2 && stage.heard(apc) == [on(60)] }
            stage.forgetHeard()
            stage.configure(plan("Two"), [stage.spec("room", 0)])
            try stage.until("two feeds back") { stage.kernelWires(players) == others.union([[second, apc]]) }
            try stage.until("the controller is told", seen: "\(stage.heard(apc))") { stage.heard(apc).count == 3 }
            #expect(stage.heard(apc) == [off(60), knob(99), on(62)])
            #expect(stage.heard(first).isEmpty && stage.heard(second).isEmpty)
            stage.configure(plan(), [stage.spec("room", 0)])
            try stage.until("nobody feeds back") { stage.kernelWires(players) == others }
            try stage.until("the light is out") { stage.heard(apc).last == off(62) }
        }

        @Test func `a controller that comes back is told what its holder has lit`() throws {
            let stage = try Stage()
            stage.configure(plan("One"), [stage.spec("room", 0)])
            let players = try stage.players("APC", "One")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[1])
            try stage.until("it is lit") { stage.heard(players[0]) == [on(60)] }
            try stage.leave(players[0])
            try stage.until("it has gone") { stage.appearance(players[0]) == nil }
            stage.forgetHeard()
            let again = try stage.join("APC")
            try stage.until("it is lit again", seen: "\(stage.heard(again))") { stage.heard(again).contains(on(60)) }
        }

        @Test func `who plays where nobody has the focus is told of, and no controller`() throws {
            let stage = try Stage()
            stage.configure(plan(byTouch: true), [stage.spec("room", 0)])
            let players = try stage.players("APC", "One")
            try stage.until("the controller is heard") { stage.kernelWires(players) == [players] }
            stage.play(on(40), players[0])
            stage.play(on(60), players[1])
            let id = try stage.id(players[1])
            func touches() -> [PortID] { stage.news.compactMap { if case .touched(let id) = $0 { id } else { nil } } }
            try stage.until("it is told") { !touches().isEmpty }
            #expect(touches() == [id])
        }

        @Test func `of two controllers one is wired, and the other when it goes`() throws {
            let stage = try Stage()
            let inputs = [Input(name: "APC", of: ["Left", "Right"], firstOnly: true)]
            stage.configure(plan(controllers: ["APC"], inputs: inputs), [stage.spec("room", 0)])
            let players = try stage.players("Ear", "Right", "Left")
            try stage.until("the first is heard") { stage.kernelWires(players) == [[players[2], players[0]]] }
            stage.play(on(60), players[2])
            try stage.until("its note") { stage.heard(players[0]) == [on(60)] }
            try stage.leave(players[2])
            try stage.until("the other is heard") { stage.kernelWires(players) == [[players[1], players[0]]] }
            try stage.until("its note is released") { stage.heard(players[0]) == [on(60), off(60)] }
        }
    }
}

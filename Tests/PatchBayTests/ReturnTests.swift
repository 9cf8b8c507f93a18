import MIDI
import PatchBay
import Rooms
import Testing

extension OnTheSequencer {
    /// What a hub or an engine that has just started knows of participants who were there before.
    @Suite struct Returns {
        private let bend = Message.pitchBend(one, Bend(truncating: 0))

        @Test func `after a hub's death nobody's leaving cuts what others hold`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            stage.play(on(60), players[0])
            for message in [on(64), pedal(127), bend] { stage.play(message, players[1]) }
            try stage.until("all is heard") { stage.heard(players[2]).count == 4 }
            try stage.settle()
            stage.killBay()
            try stage.restartBay()
            try stage.until("all are known again") { stage.wires.count == 6 }
            stage.forgetHeard()
            try stage.leave(players[0])
            try stage.until("it is told") { stage.releases.map(\.notes) == [1] }
            try stage.settle()
            #expect(stage.heard(players[2]) == [off(60)])
        }

        @Test func `who left while the hub was dead takes nothing along that others hold`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            stage.play(on(60), players[0])
            for message in [on(64), pedal(127), bend] { stage.play(message, players[1]) }
            try stage.until("all is heard") { stage.heard(players[2]).count == 4 }
            try stage.settle()
            stage.killBay()
            try stage.leave(players[0])
            stage.forgetHeard()
            try stage.restartBay()
            try stage.until("it is told") { stage.releases.map(\.notes) == [1] }
            try stage.settle()
            #expect(stage.heard(players[2]) == [off(60)])
        }

        @Test func `what may have begun unseen is not ended where the hearer plays on the same channel itself`() throws
        {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            stage.play(on(64), players[1])
            try stage.until("both are heard") { stage.heard(players[0]) + stage.heard(players[1]) == [on(64), on(60)] }
            try stage.settle()
            stage.killBay()
            try stage.restartBay()
            try stage.until("all are known again") { stage.wires.count == 2 }
            stage.forgetHeard()
            try stage.leave(players[0])
            try stage.until("it is told") { stage.releases.map(\.notes) == [1] }
            try stage.awaitReleases()
            #expect(stage.heard(players[1]) == [off(60)])
        }

        @Test(arguments: [false, true])
        func `what sounded when an engine died is released at hearers who return`(hubDiesToo: Bool) throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            stage.play(on(60), players[0])
            try stage.until("it is heard") { stage.heard(players[1]) == [on(60)] }
            try stage.settle()
            if hubDiesToo { stage.killBay() }
            try stage.closeEngine()
            if hubDiesToo {
                try stage.restartBay()
            } else {
                try stage.until("all are gone") { stage.present.isEmpty }
            }
            try stage.settle()
            #expect(stage.releases.isEmpty, "there was nobody to release it at")
            stage.forgetHeard()
            let returned = try stage.players("C", "B")
            try stage.until("it is released at both") { returned.allSatisfy { stage.heard($0).contains(off(60)) } }
            // Only once: nothing is left to be released for a later participant of that name.
            try stage.awaitReleases()
            try stage.leave(returned[1])
            try stage.until("B is gone again") { stage.present.count == 1 }
            stage.forgetHeard()
            let again = try stage.players("B")[0]
            try stage.until("both are wired") { stage.kernelWires([returned[0], again]).count == 2 }
            try stage.settle()
            #expect(stage.heard(again).isEmpty)
        }

        @Test func `who returns is released what has ended meanwhile, and nothing that is held`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            stage.play(on(61), players[0])
            try stage.until("both notes are heard") { stage.heard(players[1]).count == 2 }
            try stage.leave(players[1])
            try stage.until("B is gone") { stage.present.count == 1 }
            stage.play(off(61), players[0])
            stage.forgetHeard()
            let returned = try stage.players("B")[0]
            try stage.until("61 is released") { stage.heard(returned) == [off(61)] }
            try stage.settle()
            #expect(stage.heard(returned) == [off(61)])
            try stage.leave(players[0])
            try stage.until("60 too, when A goes") { stage.heard(returned) == [off(61), off(60)] }
        }

        @Test func `what sounds at a ghost is released at the same player's new port`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            try stage.until("it is heard") { stage.heard(players[1]) == [on(60)] }
            let new = try stage.players("B")[0]
            stage.bay.send(.mark(try stage.id(new), .participant))
            stage.bay.send(.mark(try stage.id(players[1]), .ghost))
            try stage.until("the ghost is unwired") { stage.kernelWires([players[0], players[1]]).isEmpty }
            stage.play(off(60), players[0])
            stage.forgetHeard()
            try stage.leave(players[1])
            try stage.until("it is released") { stage.heard(new).contains(off(60)) }
        }
    }
}

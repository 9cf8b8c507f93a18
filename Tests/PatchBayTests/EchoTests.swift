import MIDI
import PatchBay
import Rooms
import Testing

extension OnTheSequencer {
    @Suite struct Echoes {
        @Test func `with an echo each is wired to itself too, and hears itself once`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            stage.configure(.all, echoes: true)
            try stage.until("all are wired") { stage.kernelWires(players).count == 4 }
            stage.play(on(60), players[0])
            try stage.until("both hear it") {
                stage.heard(players[0]) == [on(60)] && stage.heard(players[1]) == [on(60)]
            }
            let late = try stage.players("C")
            try stage.until("who comes is too") { stage.kernelWires(late).count == 1 }
            stage.forgetHeard()
            stage.configure(.all)
            try stage.until("it is off") { stage.kernelWires(players).count == 2 && stage.kernelWires(late).isEmpty }
            try stage.until("what it held is released") { stage.heard(players[0]) == [off(60)] }
            #expect(stage.heard(players[1]).isEmpty)
        }

        @Test func `who sends the echo back is told of, and what was under way is released`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            stage.configure(.all, echoes: true)
            try stage.until("all are wired") { stage.kernelWires(players).count == 4 }
            stage.play(on(60), players[0])
            var returned = 0
            let id = try stage.id(players[0])
            try stage.until("it is told") {
                let heard = stage.heard(players[0])
                for message in heard[min(returned, heard.count)...] { stage.play(message, players[0]) }
                returned = heard.count
                return stage.news.contains { if case .echoReturned(id) = $0 { true } else { false } }
            }
            stage.configure(.all)
            try stage.until("the note is released at the other") { stage.heard(players[1]).last == off(60) }
        }
    }
}

import Foundation
import MIDI
import PatchBay
import Rooms
import Sequencer
import Testing

extension OnTheSequencer {
    @Suite struct Recovery {
        @Test func `wires made by others are left alone`() throws {
            let stage = try Stage(policy: .named, tuning: quick)
            let players = try stage.players("A", "B in", "C out")
            try stage.until("C is wired to B") { stage.kernelWires(players) == [[players[2], players[1]]] }
            _ = stage.engine.subscribe(from: players[0], to: players[2])
            try stage.until("it is seen") { stage.wires.contains { !$0.isOurs && $0.from.address == players[0] } }
            stage.configure(.all)
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            stage.configure(.named)
            try stage.until("but for two, all are unwired") {
                stage.kernelWires(players) == [[players[2], players[1]], [players[0], players[2]]]
            }
        }

        @Test func `a wire of ours that somebody removes is made anew, and what passed it is released`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            stage.engine.unsubscribe(from: players[0], to: players[1])
            try stage.until("it is told") { stage.restored.count == 1 }
            #expect(stage.kernelWires(players).count == 2)
            try stage.until("and released") { stage.heard(players[1]) == [on(60), off(60)] }
            // Removed a second time at once: it is made again by the next comparison only.
            stage.engine.unsubscribe(from: players[0], to: players[1])
            stage.configure(.all)
            try stage.until("it is there again") { stage.kernelWires(players).count == 2 }
        }

        @Test func `the tap is nobody else's to remove or to use`() throws {
            let stage = try Stage()
            let player = try stage.players("A")[0]
            try stage.until("it is tapped") { !stage.engine.hearers(of: player).isEmpty }
            let tap = try #require(stage.engine.hearers(of: player).first)
            let stranger = try SequencerHandle(name: "stranger")
            #expect(!stranger.unsubscribe(from: player, to: tap) && !stage.engine.unsubscribe(from: player, to: tap))
            let port = try stranger.createPort(name: [], [.read, .subscribeRead])
            guard case .impossible = stranger.subscribe(from: port, to: tap) else {
                Issue.record("a stranger's port could be subscribed to our tap")
                return
            }
            #expect(stage.engine.hearers(of: player) == [tap])
        }

        @Test func `after a hub's death all goes on as it was`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            stage.play(on(60), players[0])
            try stage.until("it is heard") { stage.heard(players[1]).contains(on(60)) }
            stage.killBay()
            #expect(stage.kernelWires(players).count == 6)
            try stage.restartBay()
            try stage.until("all are known again") { stage.wires.count == 6 }
            #expect(stage.wires.allSatisfy { $0.isOurs })
            stage.forgetHeard()
            try stage.settle()
            #expect(stage.heard(players[1]).isEmpty, "nothing that somebody holds is cut")
            // Still ours: a change of policy may remove them.
            stage.configure(.named)
            try stage.until("all are unwired") { stage.kernelWires(players).isEmpty }
        }

        @Test func `what was held before a hub's death is released when its player leaves`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            try stage.until("it is heard") { stage.heard(players[1]).contains(on(60)) }
            try stage.settle()
            stage.killBay()
            stage.play(on(61), players[0])
            try stage.restartBay()
            try stage.until("all are known again") { stage.wires.count == 2 }
            stage.play(on(62), players[1])
            try stage.leave(players[0])
            try stage.until("known and unseen notes are released") {
                Set(stage.heard(players[1])).isSuperset(of: [off(60), off(61)])
            }
        }

        @Test func `who left while the hub was dead is released`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            stage.play(on(60), players[0])
            try stage.until("it is heard") { stage.heard(players[1]).contains(on(60)) }
            try stage.settle()
            stage.killBay()
            stage.play(on(61), players[0])
            try stage.leave(players[0])
            stage.forgetHeard()
            try stage.restartBay()
            try stage.until("it is told") { stage.releases.count == 1 }
            #expect(stage.releases[0].name == "A" && stage.releases[0].port == nil && stage.releases[0].notes == 1)
            try stage.until("all notes of its channel are released at both") {
                [players[1], players[2]].allSatisfy { player in
                    DataByte.all.allSatisfy { stage.heard(player).contains(off($0)) }
                }
            }
        }

        @Test func `who left and was replaced by its like while the hub was dead is released`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            stage.play(on(60), players[0])
            try stage.until("it is heard") { stage.heard(players[1]).contains(on(60)) }
            try stage.settle()
            stage.killBay()
            try stage.leave(players[0])
            #expect(try stage.join("A") == players[0])
            try stage.restartBay()
            try stage.until("it is told") { stage.releases.count == 1 }
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            try stage.until("it is released") { stage.heard(players[2]).contains(off(60)) }
        }

        @Test(arguments: [0, 3, 100_000, 5_000_000])
        func `a table that is no table is begun anew`(size: Int) throws {
            let stage = try Stage()
            stage.killBay()
            try Data(repeating: 0xFF, count: size).write(to: URL(fileURLWithPath: stage.table))
            try stage.restartBay()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            #expect(stage.problems.count == (size == 0 ? 0 : 1))
        }

        @Test func `a table that cannot be had is said, and MIDI goes on`() throws {
            let stage = try Stage()
            stage.killBay()
            try FileManager.default.removeItem(atPath: stage.table)
            try FileManager.default.createDirectory(atPath: stage.table, withIntermediateDirectories: false)
            try stage.restartBay()
            let players = try stage.players("A", "B")
            stage.play(on(60), players[0])
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            #expect(stage.problems.count == 1)
        }

        @Test func `lost announcements are made up for`() throws {
            var tuning = Tuning()
            tuning.announcePool = 4
            let stage = try Stage(tuning: tuning)
            let stable = try stage.players("A")
            // Far more at once than may wait; those who stay must be found all the same.
            for _ in 0..<300 { try stage.leave(try stage.join("passing")) }
            let players = try (0..<10).map { try stage.join("p\($0)") } + stable
            try stage.until("all are wired") { stage.kernelWires(players).count == 11 * 10 }
            try stage.until("nobody else is there") { stage.present.count == 11 }
        }

        @Test func `more notes than can be watched are a gap, not an end`() throws {
            var tuning = Tuning()
            tuning.tapPool = 4
            let stage = try Stage(tuning: tuning)
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            try stage.settle()
            try stage.until("it was too much") {
                for _ in 0..<200 { stage.play(on(61), players[0]) }
                return !stage.problems.isEmpty
            }
            stage.forgetHeard()
            try stage.leave(players[0])
            try stage.until("all is released") {
                Set(stage.heard(players[1])).isSuperset(of: [off(60), off(61), off(62)])
            }
        }
    }
}

/// Compares often, for what only a comparison finds.
private let quick: Tuning = {
    var tuning = Tuning()
    tuning.reconcile = .milliseconds(200)
    return tuning
}()

extension Stage {
    fileprivate var restored: [WireInfo] {
        news.flatMap { piece -> [WireInfo] in if case .restored(let wires) = piece { wires } else { [] } }
    }
}

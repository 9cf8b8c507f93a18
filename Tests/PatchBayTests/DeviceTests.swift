import MIDI
import PatchBay
import Rooms
import Sequencer
import Testing

extension OnTheSequencer {
    /// Devices of this machine in a room. A program's port, which its whole name takes, stands for one here;
    /// `EndToEndTests.DeviceTests` has real USB.
    @Suite struct DeviceMembers {
        private let synthesizers = [DevicePlan(match: "synth one", name: "Synth")]

        @Test func `a device that a room takes is wired under the name that it has there`() throws {
            let stage = try Stage()
            let players = try stage.players("A")
            let device = try SecondEngine("Synth One")
            stage.configure(.all, devices: synthesizers)
            try stage.until("both are wired") { stage.kernelWires(players + [device.port]).count == 2 }
            try stage.until("it is known") { stage.appearance(device.port) != nil }
            let shown = try #require(stage.appearance(device.port))
            #expect((shown.name, shown.engine, shown.room) == ("Synth", EngineSpec.devices, "room"))
            stage.play(on(60), players[0])
            try stage.until("it is heard there") { device.heard() == [on(60)] }
            device.play(on(61))
            try stage.until("and heard from there") { stage.heard(players[0]) == [on(61)] }
            #expect(stage.problems.isEmpty)
        }

        @Test func `what a device holds is released when it goes, and it comes back as the same`() throws {
            let stage = try Stage()
            let players = try stage.players("A")
            stage.configure(.all, devices: synthesizers)
            var device: SecondEngine? = try SecondEngine("Synth One")
            func isWired() throws -> Bool { stage.kernelWires(players + [try #require(device).port]).count == 2 }
            try stage.until("it is wired", isWired)
            device?.play(on(60))
            try stage.until("it is heard") { stage.heard(players[0]) == [on(60)] }
            device = nil
            try stage.until("it is released") { stage.heard(players[0]) == [on(60), off(60)] }
            try stage.until("it has gone") { stage.present.map(\.name) == ["A"] }
            // Another client has its number meanwhile.
            let other = try SecondEngine("Another")
            device = try SecondEngine("Synth One")
            try stage.until("it is wired again", isWired)
            try stage.until("it is known again") { Set(stage.present.map(\.name)) == ["A", "Synth"] }
            #expect(stage.appearance(other.port) == nil)
        }

        @Test func `two equal devices are two members`() throws {
            let stage = try Stage()
            stage.configure(.all, devices: synthesizers)
            let devices = [try SecondEngine("Synth One"), try SecondEngine("Synth One")]
            try stage.until("both are wired") { stage.kernelWires(devices.map(\.port)).count == 2 }
            try stage.until("both are known") { Set(stage.present.map(\.name)) == ["Synth", "Synth 2"] }
        }

        @Test func `a device that only plays hears nobody, and nothing is wrong with that`() throws {
            let stage = try Stage()
            let players = try stage.players("A")
            let device = try SecondEngine("Synth One", [.read, .subscribeRead])
            stage.configure(.all, devices: synthesizers)
            try stage.until("it is heard") {
                stage.kernelWires(players + [device.port]) == [[device.port, players[0]]]
            }
            try stage.until("that is known") { stage.appearance(device.port)?.direction == .sends }
            try stage.settle()
            #expect(stage.problems.isEmpty)
        }

        @Test func `a device that is no longer wanted is let go, and what sounds at it ends`() throws {
            let stage = try Stage()
            let players = try stage.players("A")
            let device = try SecondEngine("Synth One")
            stage.configure(.all, devices: synthesizers)
            try stage.until("both are wired") { stage.kernelWires(players + [device.port]).count == 2 }
            stage.play(on(60), players[0])
            try stage.until("it is heard there") { device.heard() == [on(60)] }
            stage.configure(.all)
            try stage.until("nothing is left") { stage.kernelWires(players + [device.port]).isEmpty }
            try stage.until("it has ended there") { device.heard() == [on(60), off(60)] }
            try stage.until("it is known no more") { stage.present.map(\.name) == ["A"] }
        }

        @Test func `after a hub's death a device goes on, and what it holds is known`() throws {
            let stage = try Stage()
            let players = try stage.players("A")
            stage.configure(.all, devices: synthesizers)
            var device: SecondEngine? = try SecondEngine("Synth One")
            let port = try #require(device).port
            try stage.until("both are wired") { stage.kernelWires(players + [port]).count == 2 }
            device?.play(on(60))
            try stage.until("it is heard") { stage.heard(players[0]) == [on(60)] }
            try stage.settle()
            stage.killBay()
            #expect(stage.kernelWires(players + [port]).count == 2)
            try stage.restartBay(devices: synthesizers)
            try stage.until("the wires are known") { stage.wires.count == 2 && stage.wires.allSatisfy(\.isOurs) }
            #expect(stage.heard(players[0]) == [on(60)])
            device = nil
            try stage.until("it is released") { stage.releases.map(\.notes) == [1] }
            #expect(stage.heard(players[0]).contains(off(60)))
        }
    }
}

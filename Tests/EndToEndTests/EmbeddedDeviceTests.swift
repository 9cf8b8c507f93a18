import Foundation
import Glibc
import MIDI
import TestSupport
import Testing

/// Devices of the hub's machine as members of a room that the embedded engine carries: a controller is a client of the
/// sequencer with the name that ALSA would give it.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct EmbeddedDeviceTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    /// A controller that is plugged in until it is let go of.
    private final class Controller {
        private let client: SequencerClient
        private let port: Int
        /// What came to its lights.
        private var lit: [[UInt8]] = []

        init(_ name: String) throws {
            client = try SequencerClient(name: Array(name.utf8))
            port = client.createPort(Array("\(name) MIDI 1".utf8))
        }
        func play(_ bytes: [UInt8]) throws { try client.send(bytes, from: port) }
        var lights: [[UInt8]] {
            while let event = client.nextEvent() { if case .midi(_, let bytes) = event { lit.append(bytes) } }
            return lit
        }
    }

    private static func hub(_ devices: String) throws -> HubUnderTest {
        let ports = [freeUDPPortPair()]
        return try HubUnderTest(
            ports: ports,
            configuration: "{ ports: [\(ports[0])], address: \"127.0.0.1\", devices: [\(devices)] }",
            options: ["--engine", "embedded"])
    }

    private func members(_ hub: HubUnderTest) throws -> [String] {
        try hub.participants().compactMap { $0["name"] as? String }.sorted()
    }

    private func id(_ hub: HubUnderTest, _ name: String) throws -> Int? {
        try hub.participants().first { $0["name"] as? String == name }?["id"] as? Int
    }

    /// A player, once it and the devices are there.
    private func player(_ hub: HubUnderTest, _ devices: [String]) throws -> TestPlayer {
        let player = try TestPlayer("Player", port: hub.ports[0])
        try pumping([player], "the player and \(devices)") {
            try player.isUp && members(hub) == (devices + ["Player"]).sorted()
        }
        return player
    }

    @Test func `a controller plugged into the hub's machine is heard and has its lights, again when it comes back`()
        throws
    {
        let hub = try Self.hub(#"{ match: "apc40*", name: "Lights" }"#)
        try hub.start()
        let player = try TestPlayer("Player", port: hub.ports[0])
        var controller: Controller? = try Controller("APC40")
        try pumping([player], "both") { try player.isUp && members(hub) == ["Lights", "Player"] }
        try controller?.play([0x90, 60, 100])
        try pumping([player], "its note") { player.heard == [note] }
        player.play(.controlChange(Channel(truncating: 0), controller: 48, value: 5))
        try pumping([player], "its light", seen: "\(controller?.lights ?? [])") {
            controller?.lights.last == [0xB0, 48, 5]
        }
        let one = try #require(try hub.participants().first { $0["name"] as? String == "Lights" })
        #expect(one["device"] as? String == "APC40:APC40 MIDI 1")
        let full = try hub.ownersView("/api/v1/participants").object()["participants"] as? [[String: Any]]
        #expect(full?.first { $0["name"] as? String == "Lights" }?["address"] as? String == "this machine")
        let listed = try awaited("the list of devices") { () -> [String: Any]? in
            let all = try hub.get("/api/v1/devices?match=nothing").object()["devices"] as? [[String: Any]]
            return all?.first { $0["client"] as? String == "APC40" && $0["participant"] != nil }
        }
        #expect(listed["name"] as? String == "Lights" && listed["matches"] as? Bool == false)
        let shown = try hub.command("devices", "*40*")
        #expect(
            shown.output.split(separator: "\n").contains {
                $0.hasPrefix("> ") && $0.contains("Lights in \(hub.ports[0])")
            }, "\(shown)")

        // Gone at once with what it held, and back as the same member.
        controller = nil
        try pumping([player], "the end of its note") { player.heard == [note, off] }
        try pumping([player], "its absence") { try members(hub) == ["Player"] }
        // Another takes its number in the sequencer.
        let other = try Controller("Another")
        controller = try Controller("APC40")
        try pumping([player], "its return") { try members(hub) == ["Lights", "Player"] }
        try controller?.play([0x90, 62, 1])
        try pumping([player], "its next note") { player.heard.count == 3 }
        player.play(note)
        try pumping([player], "its next light", seen: "\(controller?.lights ?? []), \((try? hub.wires()) ?? [])") {
            controller?.lights.last == [0x90, 60, 100]
        }
        #expect(other.lights.isEmpty)
    }

    @Test func `nothing of the hub's own and of the kernel's is a device, whatever the pattern`() throws {
        let hub = try Self.hub(#"{ match: "*" }"#)
        try hub.start()
        let join = try Program(
            builtProduct("midihub"), ["join", "127.0.0.1:\(hub.ports[0])", "--name", "Joined"], in: hub.directory,
            name: "join")
        let controller = try Controller("APC40")
        try eventually("the controller and the one who joined", seen: "\((try? members(hub)) ?? [])") {
            let cards = try members(hub).filter { !$0.hasPrefix("Virtual Raw MIDI") }
            return cards == ["APC40", "Joined"]
        }
        withExtendedLifetime((join, controller)) {}
    }

    @Test func `a dead hub and a reload change nothing for those that stay, and a killed engine's devices come back`()
        throws
    {
        let hub = try Self.hub(#"{ match: "APC40" }"#)
        let (controller, other) = (try Controller("APC40"), try Controller("nanoKONTROL"))
        try hub.start()
        let player = try player(hub, ["APC40"])
        let before = try id(hub, "APC40")
        func reload(_ devices: String) throws {
            hub.directory.write(
                "midihub.json5", "{ ports: [\(hub.ports[0])], address: \"127.0.0.1\", devices: [\(devices)] }")
            let finished = try hub.command("reload")
            #expect(finished.output.contains("the devices of this machine have changed"), "\(finished)")
        }
        try reload(#"{ match: "APC40" }, { match: "nano*", name: "Faders" }"#)
        try pumping([player], "the new one") { try members(hub) == ["APC40", "Faders", "Player"] }
        #expect(try id(hub, "APC40") == before)
        try other.play([0x90, 60, 100])
        try pumping([player], "its note") { player.heard == [note] }

        try hub.kill9()
        try controller.play([0x90, 61, 1])
        try pumping([player], "a note without a hub") { player.heard.count == 2 }
        // One that is plugged in meanwhile.
        let third = try Controller("nanoPAD")
        try pumping([player], "its lights") {
            player.play(note)
            return !third.lights.isEmpty
        }
        try hub.start()
        let all = ["APC40", "Faders", "Faders 2", "Player"]
        try pumping([player], "the next hub's word of them") { try members(hub) == all }
        #expect(try hub.participants().compactMap { $0["device"] as? String }.count == 3)
        #expect(try id(hub, "APC40") == before)
        try reload(#"{ match: "APC40" }"#)
        try pumping([player], "the end of what the one held that goes") {
            try player.heard.last == off && members(hub) == ["APC40", "Player"]
        }
        try controller.play([0x90, 60, 100])
        try pumping([player], "the note of the one that stays") { player.heard.last == note }
        #expect(try id(hub, "APC40") == before)

        kill(pid_t(try #require(try hub.enginePIDs().first)), SIGKILL)
        let lower = Message.noteOff(Channel(truncating: 0), note: 61, velocity: 64)
        try pumping([player], "the ends of its notes", seen: "\(player.heard)") {
            Set(player.heard.suffix(2)) == [off, lower]
        }
        try pumping([player], "both, once each, and the device anew") {
            try members(hub) == ["APC40", "Player"] && id(hub, "APC40") != before
        }
        try controller.play([0x90, 60, 100])
        try pumping([player], "its next note") { player.heard.last == note }
        player.play(note)
        try pumping([player], "its light") { controller.lights.last == [0x90, 60, 100] }
        #expect(player.ended == nil)
    }

    @Test func `join attaches to a controller of its own machine, and the hub knows when that is gone`() throws {
        let hub = try Self.hub("")
        try hub.start()
        let player = try TestPlayer("Player", port: hub.ports[0])
        let join = try Program(
            builtProduct("midihub"),
            ["join", "127.0.0.1:\(hub.ports[0])", "--name", "Lights", "--device", "apc40*", "--thru"],
            in: hub.directory, name: "join")
        try pumping([player], "the wait for it", seen: join.error) {
            try player.isUp && join.error.contains("waiting for apc40* to be plugged in") && members(hub) == ["Player"]
        }
        var controller: Controller? = try Controller("APC40")
        try pumping([player], "it", seen: join.error) { try members(hub) == ["Lights", "Player"] }
        try controller?.play([0x90, 60, 100])
        try pumping([player], "its note", seen: join.error) { player.heard == [note] }
        player.play(.controlChange(Channel(truncating: 0), controller: 48, value: 5))
        // Its own note comes back to it, by --thru.
        try pumping([player], "its light", seen: join.error) {
            controller?.lights == [[0x90, 60, 100], [0xB0, 48, 5]]
        }
        for _ in 0..<2 {
            controller = nil
            try pumping([player], "its absence", seen: join.error) {
                try player.heard.last == off && members(hub) == ["Player"]
            }
            controller = try Controller("APC40")
            try pumping([player], "its return", seen: join.error) { try members(hub) == ["Lights", "Player"] }
            try controller?.play([0x90, 60, 100])
            try pumping([player], "its next note", seen: join.error) { player.heard.last == note }
        }

        // A second one is told that there is none for it, and takes the next.
        let spare = try Program(
            builtProduct("midihub"),
            ["join", "127.0.0.1:\(hub.ports[0])", "--name", "Spare", "--device", "apc40*"], in: hub.directory,
            name: "join")
        try pumping([player], "that it is taken", seen: spare.error) {
            spare.error.contains(
                "waiting for another apc40* to be plugged in: APC40:APC40 MIDI 1 is taken, as Lights")
        }
        #expect(try members(hub) == ["Lights", "Player"])
        let other = try Controller("APC40")
        try pumping([player], "both", seen: spare.error) { try members(hub) == ["Lights", "Player", "Spare"] }
        try other.play([0x90, 62, 1])
        try pumping([player], "the note of the second") {
            player.heard.last == Message.noteOn(Channel(truncating: 0), note: 62, velocity: 1)
        }
        player.play(.controlChange(Channel(truncating: 0), controller: 48, value: 6))
        try pumping([player], "a light at each, once") {
            controller?.lights.last == [0xB0, 48, 6] && other.lights.last == [0xB0, 48, 6]
        }
        #expect(other.lights.count { $0 == [0xB0, 48, 6] } == 1)
    }
}

import Foundation
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@Suite struct EmbeddedRoomTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)

    @Test func `ports are added and removed without touching the participants of the others`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let hub = try HubUnderTest.embedded(ports: ports)
        try hub.start()
        try hub.awaitEngines(up: 2)
        let stays = try hub.here("Stays", "Listens", port: ports[0])
        let goes = try hub.here("Goes", port: ports[1], others: stays)
        let third = freeUDPPortPair()
        hub.directory.write("midihub.json5", HubUnderTest.configuration([ports[0], third]))
        let reload = try hub.command("reload")
        #expect(reload.output.contains("port \(ports[1]) removed") && reload.output.contains("port \(third) added"))
        try pumping(stays + goes, "the goodbye") { goes[0].ended == .bye }
        let new = try hub.here("New", port: third, others: stays)
        stays[0].play(note)
        try pumping(stays + new, "the note") { stays[1].heard == [note] }
        #expect(new[0].heard.isEmpty)
        #expect(stays.allSatisfy { $0.isUp && $0.ended == nil })
    }

    @Test func `a policy that changes under players releases what no longer sounds by right`() throws {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest.running(ports: [port], more: "policy: \"all\"")
        let players = try hub.here("Piano in", "Synth")
        players[0].play(note)
        try pumping(players, "the note") { players[1].heard == [note] }
        hub.directory.write("midihub.json5", HubUnderTest.configuration([port], "policy: \"auto\""))
        #expect(try hub.command("reload").code == 0)
        try pumping(players, "the release") {
            players[1].heard.last == .noteOff(Channel(truncating: 0), note: 60, velocity: 64)
        }
        try hub.awaitWires([["Synth", "Piano in"]])
    }

    @Test func `a room that is renamed keeps its players, their visits and what they hold`() throws {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest.running(ports: [port])
        let players = try hub.here("Piano", "Synth")
        players[0].play(note)
        try pumping(players, "the note, and both on the page") {
            try players[1].heard == [note] && hub.participants().count == 2
        }
        let ids = try hub.participants().compactMap { $0["id"] as? Int }
        hub.directory.write("midihub.json5", "{ rooms: { Stage: { ports: [\(port)] } }, address: \"127.0.0.1\" }")
        #expect(try hub.command("reload").output.contains("port \(port) is now in room Stage"))
        try pumping(players, "both in the new room") {
            try hub.participants().compactMap { $0["room"] as? String } == ["Stage", "Stage"]
        }
        #expect(try hub.participants().compactMap { $0["id"] as? Int } == ids)
        try hub.awaitWires([["Piano", "Synth"], ["Synth", "Piano"]])
        #expect(try hub.events("joined").count == 2 && hub.events("left").isEmpty)
        #expect(players[1].heard == [note] && players.allSatisfy { $0.isUp && $0.ended == nil })
    }

    @Test func `who is not let in is refused, and the events say so`() throws {
        let hub = try HubUnderTest.running(more: "deny: [\"127.0.0.0/8\"]")
        let player = try TestPlayer("Mallory", port: hub.ports[0])
        try pumping([player], "the refusal") { player.refusals > 0 }
        try hub.awaitEvent("refused", containing: "Mallory was not let in", "its address is not let in")
        #expect(try hub.command("events").output.contains("its address is not let in (127.0.0.1)"))
    }

    @Test func `a taken port is named, the others go on, and it is served once it is free`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        var squatter: DatagramSocket? = try DatagramSocket(port: ports[1] + 1, host: "127.0.0.1")
        let hub = try HubUnderTest.embedded(ports: ports)
        try hub.start()
        try hub.awaitEvent("port-taken", containing: "Port \(ports[1])", "taken by another program")
        #expect(squatter?.port == ports[1] + 1)
        _ = try hub.here("Alice", port: ports[0])
        squatter = nil
        try hub.awaitEngines(up: 2)
        _ = try hub.here("Bob", port: ports[1])
    }

    @Test func `names of strangers stay names`() throws {
        let hub = try HubUnderTest.running()
        let names = ["<b>x</b>", "a\",\"b\":1", "Ünïcødé 🎹", "", "two\nlines"]
        let players = try names.map { try TestPlayer($0, port: hub.ports[0]) }
        try pumping(players, "everyone") { try players.allSatisfy(\.isUp) && hub.participants().count == names.count }
        let shown = Set(try hub.participants().compactMap { $0["name"] as? String })
        #expect(shown == ["<b>x</b>", "a\",\"b\":1", "Ünïcødé 🎹", "?", "twolines"])
        let engine = try #require(try hub.engines().first)
        #expect(engine["unknownLines"] as? Int == 0)
    }

    @Test func `a running rtpmidid refuses what only the other engine can do, and goes on as it was`() throws {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest(ports: [port], configuration: "{ ports: [\(port)] }")
        // The file says that rtpmidid was chosen at an earlier start.
        try FileManager.default.createDirectory(atPath: hub.state, withIntermediateDirectories: true)
        try File.replace("\(hub.state)/engine", with: Array("rtpmidid\n".utf8))
        // In the foreground: `start` says that no port is served where there is no sequencer.
        try hub.run()
        let other = freeUDPPortPair()
        hub.directory.write("midihub.json5", "{ ports: [\(port), \(other)], allow: [\"192.0.2.0/24\"] }")
        let refused = try hub.command("reload")
        #expect(refused.code == 64)
        #expect(refused.error.contains("rtpmidid, which carries the MIDI now, cannot honour "), "\(refused)")
        #expect(try hub.engines().compactMap { $0["port"] as? Int } == [Int(port)])
        // After a new start the embedded engine is chosen.
        #expect(try hub.command("stop").code == 0)
        #expect(try hub.finishRun().code == 0)
        try hub.start()
        try hub.awaitEvent("engine-chosen", containing: "embedded: rtpmidid cannot honour")
    }

    @Test func `how many one address may be is told to the engine, at a reload too`() throws {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest.running(ports: [port], more: "maximumPerAddress: 7")
        let plan = "\(hub.state)/engines/embedded.plan"
        #expect(text(of: plan).contains(#""maximumPerAddress":7"#), "\(text(of: plan))")
        hub.directory.write("midihub.json5", HubUnderTest.configuration([port], "maximumPerAddress: 8"))
        #expect(try hub.command("reload").output.contains("who is let in has changed"))
        #expect(text(of: plan).contains(#""maximumPerAddress":8"#), "\(text(of: plan))")
    }

    @Test func `without a sequencer or rtpmidid the embedded engine is chosen, and the choice stays until stop`() throws
    {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest(
            ports: [port],
            configuration: "{ ports: [\(port)], rtpmidid: \"/nowhere/rtpmidid\" }",
            options: ["--rtpmidid", "/nowhere/rtpmidid"])
        try hub.start()
        try hub.awaitEngines()
        #expect(
            try hub.texts("engine-chosen").first?.hasPrefix("The engine is embedded: /nowhere/rtpmidid does not exist")
                == true)
        #expect(text(of: "\(hub.state)/engine") == "embedded\n")
        #expect(try hub.command("stop").code == 0)
        #expect(!names(in: hub.state).contains("engine"))
    }
}

import Glibc
import Linux
import MIDI
import TestSupport
import Testing

/// A room with controllers, with real processes: who feeds back to them, whoever dies.
@Suite struct FocusTests {
    private func note(_ number: UInt8) -> Message {
        .noteOn(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 100)
    }
    private func off(_ number: UInt8) -> Message {
        .noteOff(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 64)
    }
    private func hub(_ room: String) throws -> HubUnderTest {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest(
            ports: [port],
            configuration: #"{ rooms: { Main: { ports: [\#(port)], \#(room) } }, address: "127.0.0.1" }"#,
            options: ["--engine", "embedded"])
        try hub.start()
        try hub.awaitEngines()
        return hub
    }
    private func here(_ names: String..., on hub: HubUnderTest) throws -> [TestPlayer] {
        var players: [TestPlayer] = []
        for name in names { players += try hub.here(name, others: players) }
        try pumping(players, "all on the page") { try hub.participants().count == players.count }
        return players
    }
    private func holder(_ hub: HubUnderTest) throws -> String? {
        try hub.participants().first { $0["focus"] as? Bool == true }?["name"] as? String
    }

    @Test func `the focus is given, refused, handed over and freed on the command line`() throws {
        let hub = try hub(#"focus: ["APC"]"#)
        let players = try here("APC", "One", "Two", on: hub)
        #expect(try hub.command("focus").output == "Main: nobody has the focus (APC)\n")
        players[1].play(note(60))
        try pumping(players, "the note at the other") { players[2].heard == [note(60)] }
        #expect(players[0].heard.isEmpty)
        let given = try hub.command("focus", "One")
        #expect(given.code == 0 && given.output == "One has the focus in room Main.\n", "\(given)")
        try pumping(players, "what it holds") { players[0].heard == [note(60)] }
        let refused = try hub.command("focus", "APC")
        #expect(refused.code == 69 && refused.error.contains("APC is itself a controller"), "\(refused)")
        #expect(try hub.command("focus", "Nobody").code == 64)
        #expect(try hub.command("focus", "Two").output == "Two has the focus in room Main; One had it.\n")
        try pumping(players, "its end") { players[0].heard == [note(60), off(60)] }
        #expect(try hub.command("focus").output == "Main: Two has the focus (APC)\n")
        try eventually("who has it is shown") { try holder(hub) == "Two" }
        #expect(try hub.command("status").output.contains("has the focus"))
        #expect(try hub.command("focus", "--release").code == 0)
        #expect(try hub.command("focus", "One", "--release").code == 64)
        try eventually("nobody has it") { try holder(hub) == nil }
    }

    @Test func `where no room has controllers, or such an input, the command line says so`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let hub = try HubUnderTest(
            ports: ports, configuration: "{ rooms: { A: { ports: [\(ports[0])] }, B: { ports: [\(ports[1])] } } }",
            options: ["--engine", "embedded"])
        try hub.start()
        try hub.awaitEngines(up: 2)
        let (focus, input) = (try hub.command("focus", "One"), try hub.command("input", "APC", "L"))
        #expect(focus.code == 64 && focus.error.contains("no room has controllers: name them in a room's focus"))
        #expect(input.code == 64 && input.error.contains("no room has an input \"APC\""))
        #expect(try hub.command("disconnect", "Desk").error.contains("there are several rooms: say which"))
    }

    @Test func `it outlives the hub and the engine, each killed, and is free when its holder leaves`() throws {
        let hub = try hub(#"focus: ["APC"]"#)
        let players = try here("APC", "One", "Two", on: hub)
        #expect(try hub.command("focus", "One").code == 0)
        try hub.kill9()
        players[1].play(note(60))
        players[2].play(note(61))
        try pumping(players, "the music without a hub") {
            players[0].heard == [note(60)] && players[1].heard == [note(61)]
        }
        try hub.start()
        try hub.awaitEngines()
        try pumping(players, "it is known to the next hub") { try holder(hub) == "One" }
        let engine = try #require(try hub.enginePIDs().first)
        kill(Int32(engine), SIGKILL)
        try pumping(players, "another engine") { try hub.enginePIDs().first.map { $0 != engine } ?? false }
        try pumping(players, "the music on the next engine", seen: "\(players[0].heard)") {
            players[1].play(note(62))
            players[2].play(note(63))
            return players[0].heard.contains(note(62)) && players[1].heard.contains(note(63))
        }
        #expect(!players[0].heard.contains(note(63)))
        players[1].leave()
        try pumping([players[0], players[2]], "it is free") {
            try hub.texts("focus").contains("Nobody has the focus in room Main any more: One has left")
        }
    }

    @Test func `the first who plays gets it, and a later one by order`() throws {
        let hub = try hub(#"focus: ["APC"], focusBy: "touch""#)
        let players = try here("APC", "One", "Two", on: hub)
        players[0].play(note(40))
        players[2].play(note(60))
        try pumping(players, "its light") { players[0].heard == [note(60)] }
        players[1].play(note(61))
        try pumping(players, "the other's note") { players[2].heard.contains(note(61)) }
        try pumping(players, "who has it") { try holder(hub) == "Two" }
        #expect(try hub.command("focus", "One").output == "One has the focus in room Main; Two had it.\n")
        try pumping(players, "the change", seen: "\(players[0].heard)") {
            players[0].heard == [note(60), off(60), note(61)]
        }
    }

    @Test func `of two controllers the other takes over when one goes, and stays until an order`() throws {
        let hub = try hub(#"inputs: { Keys: { of: ["Left", "Right"], live: "first" } }"#)
        var players = try here("Ear", "Left", "Right", on: hub)
        #expect(try hub.command("input").output == "Main: Keys is Left (first of Left, Right)\n")
        players[1].leave()
        players.remove(at: 1)
        try pumping(players, "the other") {
            try hub.command("input").output == "Main: Keys is Right (first of Left, Right)\n"
        }
        players += try hub.here("Left", others: players)
        try pumping(players, "it is back") { try hub.participants().count == 3 }
        players[1].play(note(60))
        players[2].play(note(61))
        try pumping(players, "the one that stayed live") { players[0].heard == [note(60)] }
        let chosen = try hub.command("input", "Keys", "Left")
        #expect(chosen.code == 0 && chosen.output == "Left is live in input Keys of room Main.\n", "\(chosen)")
        try pumping(players, "the release") { players[0].heard == [note(60), off(60)] }
        players[2].play(note(62))
        try pumping(players, "the chosen one") { players[0].heard.last == note(62) }
        #expect(try hub.command("input", "Keys", "Ear").code == 64)
        #expect(try hub.command("input", "Keys").code == 64)
    }
}

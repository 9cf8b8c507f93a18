import Foundation
import Glibc
import Linux
import MIDI
import TestSupport
import Testing

/// The piano of /test, and the echo.
@Suite struct PianoTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    private func ask(
        _ hub: HubUnderTest, _ method: String, _ path: String, token: Bool = true
    ) throws -> HTTPAnswer {
        let words = text(of: "\(hub.state)/token").trimmingCharacters(in: .whitespacesAndNewlines)
        return try http(
            method, "/api/v1/rooms/\(hub.ports[0])/\(path)", at: hub.web,
            headers: token ? ["Authorization": "Bearer \(words)"] : [:])
    }

    @Test func `who plays on the page is heard in the room, seen there, and leaves without a hanging note`() throws {
        let hub = try HubUnderTest.embedded()
        try hub.start()
        try hub.awaitEngines()
        let players = try hub.here("Listener")
        #expect(try ask(hub, "POST", "piano?player=a&keys=60:100", token: false).status == 401)
        #expect(try ask(hub, "POST", "piano?player=a&keys=60:128").status == 400)
        #expect(try ask(hub, "POST", "piano?player=&keys=60:1").status == 400)
        let played = try ask(hub, "POST", "piano?player=a&keys=60:100").object()
        #expect(played["name"] as? String == "Web piano" && played["echo"] == nil)
        try pumping(players, "the note") { players[0].heard == [note] }
        try hub.awaitWires([["Listener", "Web piano"], ["Web piano", "Listener"]])
        try hub.awaitEvent("piano", containing: "Web piano is played on the page", "by somebody with the token")
        // Another page has another piano.
        #expect(try ask(hub, "POST", "piano?player=b&keys=72:1").object()["name"] as? String == "Web piano 2")
        #expect(try ask(hub, "DELETE", "piano?player=b").status == 200)
        #expect(try ask(hub, "DELETE", "piano?player=a").status == 200)
        try pumping(players, "the release") { players[0].heard.contains(off) }
        try pumping(players, "its leave") { try hub.participants().count == 1 }
        try hub.awaitEvent("left", containing: "Web piano left")
    }

    @Test func `the page's piano is let in where only addresses elsewhere are allowed`() throws {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest.running(ports: [port], more: #"allow: ["192.0.2.0/24"]"#)
        #expect(try ask(hub, "POST", "piano?player=a&keys=60:100").object()["name"] as? String == "Web piano")
        try eventually("the piano") {
            try hub.participants().compactMap { $0["name"] as? String } == ["Web piano"]
        }
        // Unless this machine is kept out by name.
        hub.directory.write(
            "midihub.json5",
            HubUnderTest.configuration([port], #"allow: ["192.0.2.0/24"], deny: ["127.0.0.1"]"#))
        #expect(try hub.command("reload").code == 0)
        try eventually("nobody") { try hub.participants().isEmpty }
    }

    @Test func `keys whose page says nothing any more are let go of`() throws {
        let hub = try HubUnderTest.embedded()
        try hub.start()
        try hub.awaitEngines()
        let players = try hub.here("Listener")
        _ = try ask(hub, "POST", "piano?player=a&keys=60:100")
        try pumping(players, "the note and its end") { players[0].heard == [note, off] }
    }

    @Test func `a hub that leaves its engine to the next one leaves no note of a piano in it`() throws {
        let hub = try HubUnderTest.embedded()
        try hub.start()
        try hub.awaitEngines()
        let players = try hub.here("Listener")
        _ = try ask(hub, "POST", "piano?player=a&keys=60:100")
        try pumping(players, "the note") { players[0].heard == [note] }
        Glibc.kill(try hub.pid(), SIGUSR2)
        try pumping(players, "the release") { players[0].heard == [note, off] }
        try pumping(players, "the end of the hub") { !hub.hubIsThere }
        try hub.start()
        try pumping(players, "the next hub, without a piano") { (try? hub.participants().count) == 1 }
    }

    @Test func `a piano that is sent away does not come back by itself`() throws {
        let hub = try HubUnderTest.embedded()
        try hub.start()
        try hub.awaitEngines()
        _ = try ask(hub, "POST", "piano?player=a&keys=60:100")
        try eventually("the piano, sent away") {
            guard let id = try hub.participants().first?["id"] as? Int else { return false }
            return try hub.post("/api/v1/participants/\(id)/kick").status == 200
        }
        try hub.awaitEvent("piano-lost", containing: "said goodbye")
        try eventually("nobody") { try hub.participants().isEmpty }
        #expect(try ask(hub, "POST", "piano?player=a&keys=60:0").status == 200)
    }

    @Test func `an echo is seen by everybody, is measured, can be blocked for one, and ends by itself`() throws {
        let hub = try HubUnderTest.embedded()
        try hub.start()
        try hub.awaitEngines()
        let players = try hub.here("Solo", "Rec")
        #expect(try ask(hub, "POST", "echo", token: false).status == 401)
        #expect(try ask(hub, "POST", "echo").status == 200)
        try hub.awaitWires([["Solo", "Rec"], ["Solo", "Echo"], ["Echo", "Solo"]])
        let echo = try #require(try hub.participants().first { $0["echo"] as? Bool == true })
        #expect(echo["name"] as? String == "Echo" && echo["until"] is Int)
        #expect(try hub.get("/participants").text.contains("\"Echo\""))
        #expect(try hub.get("/api/v1/status").text.contains("2 participants in"))
        try hub.awaitEvent("echo-on", containing: "by somebody with the token, for 30 min")
        players[0].play(note)
        try pumping(players, "the echo") { players[0].heard == [note] && players[1].heard == [note] }
        let played = try ask(hub, "POST", "piano?player=a&keys=62:100").object()
        #expect(try #require(played["echo"] as? Double) < 500)
        #expect(try ask(hub, "POST", "blocks?from=Solo&to=Echo").status == 200)
        try pumping(players, "the end of what it held") { players[0].heard.contains(off) }
        try hub.awaitWires([
            ["Solo", "Rec"], ["Solo", "Web piano"], ["Web piano", "Solo"], ["Web piano", "Rec"],
            ["Web piano", "Echo"], ["Echo", "Web piano"],
        ])
        #expect(try ask(hub, "POST", "echo?seconds=1").status == 200)
        try hub.awaitEvent("echo-off", containing: "its time is over")
        try eventually("nobody of that name") { try !hub.get("/participants").text.contains("\"Echo\"") }
    }

    @Test func `an echo ends with the one whose software sends it back, with the hub, and at a kick`() throws {
        let hub = try HubUnderTest.embedded()
        try hub.start()
        try hub.awaitEngines()
        let players = try hub.here("Thru")
        #expect(try ask(hub, "POST", "echo").status == 200)
        players[0].echoes = true
        players[0].play(note)
        players[0].play(off)
        try pumping(players, "the end of the echo") {
            try hub.texts("echo-off").contains { $0.contains("Thru sends back what the echo gives it") }
        }
        players[0].echoes = false
        #expect(try ask(hub, "POST", "echo").status == 200)
        try pumping(players, "the echo, sent away") {
            guard let id = try hub.participants().first(where: { $0["echo"] as? Bool == true })?["id"] as? Int else {
                return false
            }
            return try hub.post("/api/v1/participants/\(id)/kick").status == 200
        }
        try pumping(players, "word of it") {
            try hub.texts("echo-off").contains { $0.contains("switched off by somebody with the token") }
        }
        #expect(try ask(hub, "POST", "echo").status == 200)
        try hub.kill9()
        try hub.start()
        try pumping(players, "a hub without an echo") { (try? hub.participants().count) == 1 }
        players[0].forget()
        let other = try hub.here("Other", others: players)
        players[0].play(note)
        try pumping(players + other, "the note at the other alone") { other[0].heard == [note] }
        #expect(players[0].heard.isEmpty)
    }

    @Test func `where nobody both sends and hears there is no echo`() throws {
        let hub = try HubUnderTest.embedded(more: "policy: \"named\"")
        try hub.start()
        try hub.awaitEngines()
        let answer = try ask(hub, "POST", "echo")
        #expect(answer.status == 409 && answer.text.contains("named"))
        let players = try hub.here("Sampler in")
        #expect(try ask(hub, "POST", "piano?player=a&keys=60:100").object()["name"] as? String == "Web piano Out")
        try pumping(players, "the note") { players[0].heard == [note] }
    }
}

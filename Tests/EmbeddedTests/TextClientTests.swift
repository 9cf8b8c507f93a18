import Foundation
import Glibc
import Linux
import MIDI
import TestSupport
import Testing

/// Clients of the oldest hubs, which send text over TCP.
@Suite struct TextClientTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    private func hub(_ more: String = "", port: UInt16, ownPrograms: Bool = false) throws -> HubUnderTest {
        try .running(more: "tcp: { port: \(port) }, \(more)", ownPrograms: ownPrograms)
    }

    private func member(_ hub: HubUnderTest, named name: String = "TCP 127.0.0.1") throws -> [String: Any]? {
        let all = try hub.ownersView("/api/v1/participants").object()["participants"] as? [[String: Any]]
        return all?.first { $0["name"] as? String == name }
    }

    /// In the room, and wired.
    private func peer(_ hub: HubUnderTest, _ port: UInt16, _ players: [TestPlayer]) throws -> TextPeer {
        let peer = try TextPeer(port)
        try pumping(players, "the TCP client in the room") {
            try hub.wires().contains([players[0].name, "TCP 127.0.0.1"])
        }
        return peer
    }

    @Test func `a TCP client and a player hear each other, and it is shown with where it is`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        let peer = try peer(hub, port, players)
        #expect(peer.send("[144, 60"))
        #expect(peer.send(", 100][176, 7, 1][195, 5]xx[248]"))
        try pumping(players, "what it plays") { players[0].heard.count == 3 && players[0].system == [0xF8] }
        #expect(players[0].heard.first == note)
        players[0].play(note, .programChange(Channel(truncating: 0), program: 5), off)
        try pumping(players, "what it hears") { peer.pump() >= 0 && peer.heard.count >= 2 }
        // The end is said once more after a while.
        #expect(peer.heard.prefix(2) == ["[144, 60, 100]", "[128, 60, 64]"] && Set(peer.heard).count == 2)
        let shown = try awaited("a distance") { try member(hub).flatMap { $0["rtt"] == nil ? nil : $0 } }
        #expect(shown["kind"] as? String == "tcp" && shown["address"] as? String == peer.address)
        #expect(shown["jitter"] == nil && shown["link"] == nil && (shown["remark"] as? String)?.contains("TCP") == true)
        try hub.awaitEvent("joined", containing: "TCP 127.0.0.1 joined")
    }

    @Test func `what it plays on its way in is heard`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        let peer = try TextPeer(port)
        #expect(peer.send("[144, 60, 100]"))
        try pumping(players, "the first note") { players[0].heard == [note] }
    }

    @Test(arguments: [false, true])
    func `what it holds ends when its connection does`(isBroken: Bool) throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        var peer: TextPeer? = try peer(hub, port, players)
        #expect(peer?.send("[144, 60, 100][176, 64, 127]") == true)
        try pumping(players, "note and pedal") { players[0].heard.count == 2 }
        if isBroken { peer?.breakOff() }
        peer = nil
        try pumping(players, "their ends") {
            players[0].heard.dropFirst(2).contains(off) && players[0].heard.count == 4
        }
        try hub.awaitEvent("left", containing: "TCP 127.0.0.1 left")
        try pumping(players, "its leave") { try hub.participants().count == 1 }
    }

    @Test func `what sounds at it when its connection breaks ends when it comes back, under the same name`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        var one: TextPeer? = try peer(hub, port, players)
        players[0].play(note)
        try pumping(players, "the note") { one?.pump() ?? 0 > 0 }
        one?.breakOff()
        one = nil
        try pumping(players, "its leave") { try hub.participants().count == 1 }
        players[0].play(off)
        let again = try peer(hub, port, players)
        try pumping(players, "the end of the note") { again.pump() >= 0 && again.heard.contains("[128, 60, 64]") }
    }

    @Test func `two from one address have two names, and hear each other`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let (one, two) = (try TextPeer(port), try TextPeer(port))
        try hub.awaitWires([["TCP 127.0.0.1", "TCP 127.0.0.1 (2)"], ["TCP 127.0.0.1 (2)", "TCP 127.0.0.1"]])
        #expect(one.send("[224, 1, 2]"))
        try eventually("the bend at the other, or here") { two.pump() >= 0 && two.heard == ["[224, 1, 2]"] }
        #expect(one.pump() == 0)
    }

    @Test func `only those addresses come in that are allowed, and others are left waiting`() throws {
        let port = freeTCPPort()
        let web = freeUDPPortPair()
        let hub = try HubUnderTest(
            ports: [web], configuration: "{ ports: [\(web)], tcp: { port: \(port) }, allow: [\"::1\"] }",
            options: ["--engine", "embedded"])
        try hub.start()
        try hub.awaitEngines()
        let stranger = try TextPeer(port)
        let friend = try TextPeer(port, host: "::1")
        #expect(stranger.send("[144, 60, 100]"))
        _ = try awaited("the one that is allowed") { try member(hub, named: "TCP ::1") }
        try hub.awaitEvent(
            "refused", containing: "TCP client was not let in on port \(port): its address is not let in")
        #expect(stranger.pump() == 0 && !stranger.isClosed && friend.pump() == 0 && !friend.isClosed)
        #expect(try hub.participants().count == 1)
        try eventually("its end") { stranger.pump() == 0 && stranger.isClosed }
    }

    @Test func `who is no such client is sent away at once and never a member`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let browser = try TextPeer(port)
        #expect(browser.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        try eventually("its end") { browser.pump() == 0 && browser.isClosed }
        #expect(try hub.texts("joined").isEmpty)
    }

    @Test func `one that comes again and again is let in a few times, and the others play on`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        for _ in 0..<100 { _ = try TextPeer(port) }
        try hub.awaitEvent("refused", containing: "it comes too often")
        #expect(try hub.texts("joined").count < 30)
        try pumping(players, "room for it again") {
            let peer = try TextPeer(port)
            return try awaited(within: .seconds(60), "its end or its place") {
                players[0].pump()
                peer.pump()
                if try member(hub) != nil { return true }
                return peer.isClosed ? false : nil
            }
        }
    }

    @Test func `so many who are not let in are left waiting at most, and the oldest of them go first`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let pid = try hub.pid()
        func open() -> Int { File.names(in: "/proc/\(pid)/fd").count }
        let before = open()
        let peers = try (0..<300).map { _ in try TextPeer(port) }
        var most = 0
        try eventually("the end of the oldest") {
            most = max(most, open())
            for peer in peers { peer.pump() }
            return peers.count(where: \.isClosed) >= 200
        }
        // 20 are let in, each with 7 descriptors, and 64 wait.
        #expect(most - before < 250)
    }

    @Test func `a flood of values is thinned at a client, and each note comes in its order`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        let peer = try peer(hub, port, players)
        let channel = Channel(truncating: 0)
        for index in 0..<200 {
            var messages = (0..<40).map {
                Message.controlChange(
                    channel, controller: DataByte(truncating: UInt8(20 + $0 % 2)),
                    value: DataByte(truncating: UInt8($0)))
            }
            messages.append(.noteOn(channel, note: DataByte(truncating: UInt8(index % 128)), velocity: 100))
            players[0].play(messages)
            players[0].pump()
            peer.pump()
        }
        let notes = (0..<200).map { "[144, \($0 % 128), 100]" }
        try pumping(players, "all notes", seen: "\(peer.heard.count)") {
            peer.pump()
            return peer.heard.count { $0.hasPrefix("[144") } == notes.count
        }
        #expect(peer.heard.filter { $0.hasPrefix("[144") } == notes && !peer.isClosed)
    }

    @Test func `a client that does not read is cut off, and it is told why`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        let peer = try peer(hub, port, players)
        let channel = Channel(truncating: 0)
        try pumping(players, "the end of it") {
            for _ in 0..<10 {
                players[0].play(
                    (UInt8(0)..<30).map { .noteOn(channel, note: DataByte(truncating: $0), velocity: 100) })
                players[0].pump()
            }
            return try hub.participants().count == 1
        }
        try hub.awaitEvent("left", containing: "TCP 127.0.0.1 was cut off: it does not read as fast")
        try eventually("its end") { peer.pump() >= 0 && peer.isClosed }
    }

    @Test func `a flood from a client reaches the room whole, as far as notes go`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        let peer = try peer(hub, port, players)
        var text = ""
        for index in 0..<2000 {
            text += "[144, \(index % 128), 100]"
            for _ in 0..<5 { text += "[176, 20, \(index % 128)]" }
        }
        var rest = Substring(text)
        try pumping(players, "all that fits") {
            while !rest.isEmpty, peer.send(String(rest.prefix(1000))) { rest = rest.dropFirst(1000) }
            return rest.isEmpty
        }
        func notes() -> [UInt8] {
            players[0].heard.compactMap { if case .noteOn(_, let note, _) = $0 { note.rawValue } else { nil } }
        }
        try pumping(players, "all notes", seen: "\(notes().count)") { notes().count == 2000 }
        #expect(notes() == (0..<2000).map { UInt8($0 % 128) })
    }

    @Test func `a reload opens and closes ports, and a wrong one changes nothing`() throws {
        let (first, second) = (freeTCPPort(), freeTCPPort())
        let hub = try hub(port: first)
        let players = try hub.here("Piano")
        let peer = try peer(hub, first, players)
        players[0].play(note)
        try pumping(players, "the note") { peer.pump() > 0 }
        hub.directory.write("midihub.json5", HubUnderTest.configuration(hub.ports, "tcp: { room: \"nowhere\" }"))
        #expect(try hub.post("/api/v1/reload").text.contains("there is no room"))
        hub.directory.write("midihub.json5", HubUnderTest.configuration(hub.ports, "tcp: [{ port: \(second) }]"))
        #expect(try hub.post("/api/v1/reload").text.contains("the ports for TCP clients have changed"))
        try pumping(players, "goodbye, and the end of what sounds") { peer.pump() == 0 && peer.isClosed }
        #expect(peer.heard.prefix(2) == ["[144, 60, 100]", "[128, 60, 64]"])
        _ = try self.peer(hub, second, players)
        let late = try TextPeer(first)
        #expect(late.pump() == 0 && late.isClosed)
    }

    @Test func `a port that is taken is told with who has it, and opened once it is free`() throws {
        let port = freeTCPPort()
        var taken: Descriptor? = try Sockets.listen(.init(host: "127.0.0.1", port: port))
        let hub = try hub(port: port)
        let health = try hub.get("/api/v1/status").text
        #expect(health.contains("TCP port \(port) (room \(hub.ports[0])) is not served: 127.0.0.1:\(port) is taken by"))
        _ = taken.take()
        try eventually("the port, open") { try !hub.get("/api/v1/status").text.contains("is not served") }
        #expect(try TextPeer(port).send("[248]"))
    }

    @Test func `the hub that ends for the next one leaves no note of a client, and the next one has it back`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        let peer = try peer(hub, port, players)
        #expect(peer.send("[144, 60, 100]"))
        try pumping(players, "the note") { players[0].heard == [note] }
        kill(try hub.pid(), SIGUSR2)
        try pumping(players, "its end, and that of the connection") {
            peer.pump()
            return players[0].heard == [note, off] && peer.isClosed
        }
        try pumping(players, "the end of the hub") { !hub.hubIsThere }
        try hub.start()
        _ = try self.peer(hub, port, players)
    }

    @Test func `what a client holds ends when the hub is killed`() throws {
        let port = freeTCPPort()
        let hub = try hub(port: port)
        let players = try hub.here("Piano")
        let peer = try peer(hub, port, players)
        #expect(peer.send("[144, 60, 100]"))
        try pumping(players, "the note") { players[0].heard == [note] }
        try hub.kill9()
        try pumping(players, "its end") { players[0].heard == [note, off] }
    }
}

import Client
import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@testable import Engine

struct ParticipantTests {
    @Test func `two participants hear each other, and not themselves`() throws {
        let engine = try EngineUnderTest()
        let one = try ParticipantUnderTest(port: engine.port, name: "Piano")
        let two = try ParticipantUnderTest(port: engine.port, name: "Synth")
        one.send([[0x90, 60, 100], [0x80, 60, 64]])
        try two.hears(["903c64", "803c40"])
        two.send([[0xC1, 5], [0xFA], [0xF2, 1, 2], [0xE0, 0, 0x60]])
        try one.hears(["c105", "fa", "f20102", "e00060"])
        #expect(two.heard == ["903c64", "803c40"])
        #expect(Set(try engine.status().participants.map(\.name)) == ["Piano", "Synth"])
        guard case .up("Hub", let address)? = one.news.first else {
            Issue.record("\(one.news)")
            return
        }
        #expect(address == SocketAddress(host: "127.0.0.1", port: engine.port))
    }

    @Test func `the sender's time comes with what is heard`() throws {
        let engine = try EngineUnderTest()
        let one = try ParticipantUnderTest(port: engine.port, name: "Piano")
        let two = try ParticipantUnderTest(port: engine.port, name: "Synth")
        one.send([[0x90, 60, 100]])
        try two.hears(["903c64"])
        one.send([[0x80, 60, 100]])
        try two.hears(["903c64", "803c64"])
        let times = two.received.map(\.timestamp)
        #expect(times[1] &- times[0] < 300_000)
        #expect(two.received.allSatisfy { !$0.isRepair })
    }

    @Test func `long system exclusive messages go in parts, and what comes after stays after`() throws {
        let engine = try EngineUnderTest()
        let one = try ParticipantUnderTest(port: engine.port, name: "Librarian")
        let two = try ParticipantUnderTest(port: engine.port, name: "Synth")
        let dump: [UInt8] = [0xF0] + (0..<3_000).map { UInt8($0 % 128) } + [0xF7]
        let short: [UInt8] = [0xF0, 0x7E, 0x7F, 9, 1, 0xF7]
        one.send([short, dump, short, [0xC0, 7]])
        try eventually("the exclusives", seen: "\(two.heard.map(\.count))") {
            two.heard.count { $0.hasPrefix("f0") } == 3
        }
        // The hub may let the program pass the exclusives: what it must not do is change them.
        #expect(two.heard.filter { $0.hasPrefix("f0") } == [hex(short), hex(dump), hex(short)])
        try eventually("the program") { two.heard.contains("c007") }
    }

    @Test func `what is no message, or too long, is not taken, and nothing is while there is no session`() throws {
        let engine = try EngineUnderTest()
        let one = try ParticipantUnderTest(port: engine.port, name: "Piano")
        let taken = try one.ask { participant in
            [
                participant.send([[0x90, 60], [60, 60], [], [0xF0, 1], [0x90, 60, 100, 62, 100], [0xF7]]),
                participant.send([[0xF0] + [UInt8](repeating: 1, count: 70_000) + [0xF7]]),
                participant.send([[0x90, 60, 100], [0xC0, 1]]),
            ]
        }
        #expect(taken == [0, 0, 2])
        engine.stop()
        try eventually("the end") { !one.downs.isEmpty }
        #expect(try one.ask { $0.send([[0x90, 60, 100]]) } == 0)
    }

    @Test func `leaving ends what it held, and is said`() throws {
        let engine = try EngineUnderTest()
        let one = try ParticipantUnderTest(port: engine.port, name: "Piano")
        let two = try ParticipantUnderTest(port: engine.port, name: "Synth")
        one.send([[0x90, 60, 100], [0xB0, 64, 127]])
        try two.hears(["903c64", "b0407f"])
        one.leave()
        try two.hears(["903c64", "b0407f", "803c40", "b04000"])
        try eventually("its leaving") { (try? engine.status().participants.map(\.name)) == ["Synth"] }
        let left = engine.all.contains {
            if case .left(let who, reason: .bye, released: _) = $0 { who.name == "Piano" } else { false }
        }
        #expect(left)
    }

    @Test func `when the hub ends, what sounded ends here, and it joins again by itself`() throws {
        var engine = try EngineUnderTest()
        let port = engine.port
        let one = try ParticipantUnderTest(port: port, name: "Piano")
        let two = try ParticipantUnderTest(port: port, name: "Synth")
        one.send([[0x90, 60, 100]])
        try two.hears(["903c64"])
        engine.stop()
        try eventually("the end", seen: "\(two.heard)") { two.heard.contains("803c40") && !one.downs.isEmpty }
        engine = try EngineUnderTest(port: port)
        try one.waitUntilUp(2)
        try two.waitUntilUp(2)
        one.send([[0x90, 72, 1]])
        try eventually("the note", seen: "\(two.heard)") { two.heard.last == "904801" }
    }

    @Test func `it is refused and says so, and comes in when it may`() throws {
        let engine = try EngineUnderTest(maximum: 1)
        let one = try ParticipantUnderTest(port: engine.port, name: "First")
        let two = try ParticipantUnderTest(.init(name: "127.0.0.1", port: engine.port), name: "Second")
        try eventually("a refusal", seen: "\(two.news)") { two.downs.contains { $0.hasPrefix("refused") } }
        #expect(try two.ask { $0.hasTried && !$0.isUp })
        one.leave()
        try two.waitUntilUp()
    }

    @Test func `a name that does not exist is said, and tried again`() throws {
        let one = try ParticipantUnderTest(.init(name: "no-such-host.invalid"), name: "Lost")
        try eventually("two failures", seen: "\(one.news)") { one.downs.count >= 2 }
        #expect(one.downs.allSatisfy { $0.hasPrefix("no-such-host.invalid: ") })
        guard case .down(_, false, let first) = one.news[0], case .down(_, false, let second) = one.news[1] else {
            Issue.record("\(one.news)")
            return
        }
        #expect((.milliseconds(800) ... .milliseconds(1200)).contains(first))
        #expect((.milliseconds(1600) ... .milliseconds(2400)).contains(second))
    }

    @Test func `a host's addresses are tried in turn`() throws {
        // It listens on IPv4 alone; the name may mean ::1 first.
        let engine = try EngineUnderTest()
        let one = try ParticipantUnderTest(.init(name: "localhost", port: engine.port), name: "Piano")
        try one.waitUntilUp()
        #expect(one.downs.isEmpty)
        #expect(try one.ask { $0.address } == SocketAddress(host: "127.0.0.1", port: engine.port))
    }

    /// A host that answers from one address to two of ours: the invitation left from one, its answer comes to the other.
    @Test func `the whole session leaves from the address that the first answer came to, whatever the system prefers`()
        throws
    {
        let port = freeUDPPortPair()
        let control = try DatagramSocket(port: port, host: "127.0.0.1")
        let data = try DatagramSocket(port: port + 1, host: "127.0.0.1")
        let one = try ParticipantUnderTest(.init(name: "127.0.0.1", port: port), name: "Piano")
        let other = try #require(SocketAddress(host: "127.0.0.2", port: 0))
        func invited(_ socket: DatagramSocket) throws -> (token: UInt32, source: SocketAddress) {
            try awaited("an invitation") {
                var found: (UInt32, SocketAddress)?
                _ = socket.receive { bytes, source in
                    guard case .invitation(let token, _, _)? = try? SessionPacket(decoding: bytes) else { return }
                    found = (token, source)
                }
                return found
            }
        }
        func accept(_ socket: DatagramSocket, _ token: UInt32, _ port: UInt16) {
            socket.queue(to: other.with(port: port)) {
                SessionPacket.accepted(token: token, ssrc: SSRC(7), name: "Hub").write(into: &$0)
            }
            socket.flush()
        }
        let first = try invited(control)
        #expect(first.source.host == "127.0.0.1")
        accept(control, first.token, first.source.port)
        let second = try invited(data)
        #expect(second.source.host == "127.0.0.2")
        accept(data, second.token, second.source.port)
        var sources: [String] = []
        try eventually("a question about the time") {
            _ = data.receive { sources.append($1.host) }
            return !sources.isEmpty
        }
        one.leave()
        for socket in [control, data] {
            try eventually("goodbye") { socket.receive { sources.append($1.host) } > 0 }
        }
        #expect(Set(sources) == ["127.0.0.2"])
    }

    @Test func `it knows how far away the hub is`() throws {
        let engine = try EngineUnderTest()
        let one = try ParticipantUnderTest(port: engine.port, name: "Piano")
        try eventually("a measure") { one.news.contains(.measured) }
    }

    @Test func `node-rtpmidi answers even ports from its control port: ours is one`() throws {
        let nobody = freeUDPPortPair()
        for _ in 0..<8 {
            let one = try ParticipantUnderTest(.init(name: "127.0.0.1", port: nobody), name: "Piano")
            let (control, data) = try one.ask { ($0.control.port, $0.data.port) }
            #expect(control.isMultiple(of: 2) && data == control + 1)
        }
    }

    // MARK: Hosts

    @Test(arguments: [
        ("hub.example.org", "hub.example.org", 5004), ("hub:5006", "hub", 5006), ("192.0.2.1", "192.0.2.1", 5004),
        ("192.0.2.1:7", "192.0.2.1", 7), ("::1", "::1", 5004), ("[::1]", "::1", 5004), ("[::1]:5010", "::1", 5010),
        ("fe80::1%eth0", "fe80::1%eth0", 5004),
    ])
    func `hosts`(text: String, name: String, port: UInt16) {
        #expect(Initiator.Host(text) == Initiator.Host(name: name, port: port))
    }

    @Test(arguments: [
        "", ":5004", "hub:", "hub:0", "hub:65535", "hub:70000", "hub:x", "[::1", "[::1]x", "[]:1", "a b", "a/b",
        "hub:+5",
    ])
    func `what is no host`(text: String) {
        #expect(Initiator.Host(text) == nil)
    }
}

import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// What only a double can be made to do: rtpmidid's oddities, and names that imitate log lines.
@Suite(
    .enabled(if: sequencerIsThere && !Rtpmidid.isReal, "needs an ALSA sequencer, and a daemon that can be driven"),
    .serialized)
struct OddityTests {
    @Test func `two of the same name are two`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let twins = [try hub.player("Twin"), try hub.player("Twin")]
        for twin in twins { try twin.join() }
        try eventually(within: .seconds(60), "both wires") { try hub.list("/api/v1/wires", "wires").count == 2 }
        try twins[0].send([0x90, 60, 100])
        #expect(try twins[1].hears(1) == [[0x90, 60, 100]])
        #expect(try twins[0].received().isEmpty)
    }

    @Test func `one who invites again is wired once`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Again", "Listener")
        let id = try #require((players[0] as? DoublePlayer)?.id)
        try hub.drive().inviteAgain(id)
        try hub.awaitEvent("duplicate", containing: "Again")
        try players[0].send([0x90, 60, 100])
        try players[0].send([0x80, 60, 64])
        #expect(try players[1].hears(2) == [[0x90, 60, 100], [0x80, 60, 64]])
        #expect(
            try hub.get("/participants").object() as? [String: [String]] == ["\(hub.ports[0])": ["Again", "Listener"]])
    }

    @Test func `one who invites again has begun anew, and what it held is released`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Again", "Listener")
        try players[0].send([0x90, 60, 100])
        #expect(try players[1].hears(1) == [[0x90, 60, 100]])
        try hub.drive().inviteAgain(try #require((players[0] as? DoublePlayer)?.id))
        #expect(try players[1].hears(1) == [[0x80, 60, 64]])
    }

    @Test func `a new session on the port of another ends it, and hears everything once`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let listener = try hub.joined("Listener")[0]
        let drive = try hub.drive()
        let old = try drive.join("Board", options: "port=30010")
        try hub.awaitWires([["Board", "Listener"], ["Listener", "Board"]])
        try drive.latency(old, milliseconds: 4)
        try drive.send(old, [0x90, 60, 100])
        #expect(try listener.hears(1) == [[0x90, 60, 100]])
        try drive.vanish(old)
        let new = try drive.join("Board", options: "port=30010")
        try drive.latency(new, milliseconds: 5)
        try hub.awaitEvent("restarted", containing: "Board has begun anew")
        #expect(try listener.hears(1) == [[0x80, 60, 64]])
        try hub.awaitWires([["Board", "Listener"], ["Listener", "Board"]])
        try eventually("one wire each way") { try hub.list("/api/v1/wires", "wires").count == 2 }
        _ = try drive.received(old)
        try listener.send([0x90, 62, 100])
        var heard: [[UInt8]] = []
        try eventually("it hears the listener", seen: "\(heard)") {
            heard += try drive.received(new)
            return heard.last == [0x90, 62, 100]
        }
        #expect(heard.count { $0 == [0x90, 62, 100] } == 1)
        #expect(try drive.received(old).isEmpty)
        try hub.awaitEvent("left", containing: "Board began anew")
        #expect(try hub.events("lost").isEmpty && hub.events("ghost").isEmpty)
    }

    @Test func `250 participants are all there, and only senders are wired to receivers`() throws {
        let hub = try HubUnderTest(options: ["--policy", "named"])
        try hub.start()
        let drive = try hub.drive()
        for number in 1...246 { _ = try drive.join("Listener \(number) In") }
        for number in 1...4 { _ = try drive.join("Player \(number) Out") }
        try eventually(within: .seconds(120), "250 participants", seen: "\((try? hub.participants().count) ?? -1)") {
            try hub.participants().count == 250
        }
        try eventually(within: .seconds(120), "their wires", seen: "\((try? hub.wires().count) ?? -1)") {
            let wires = try hub.wires()
            return wires.count == 4 * 246 && wires.allSatisfy { $0[0].hasSuffix("Out") && $0[1].hasSuffix("In") }
        }
    }

    @Test func `a full mesh of more than 64 is refused in words`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        _ = try hub.drive().join(many: 66, "Player ")
        for number in [65, 66] {
            try hub.awaitEvent(
                "patchbay", containing: "Player \(number) is not connected in room \(hub.ports[0])",
                "at most 64 participants")
        }
        try eventually(within: .seconds(120), "the others' wires", seen: "\((try? hub.wires().count) ?? -1)") {
            try hub.wires().count == 64 * 63
        }
        #expect(try !hub.wires().joined().contains { $0 == "Player 65" || $0 == "Player 66" })
        #expect(try hub.texts("patchbay").count == 2)
    }

    @Test func `participants that evict each other for ever are named, and heard once`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let listener = try hub.joined("Listener")[0]
        let drive = try hub.drive()
        // Both come back after a timeout, with the initiator id 0 that makes rtpmidid take them for one.
        let ids = [try drive.join("Alice", options: "initiator=0"), try drive.join("Bob", options: "initiator=0")]
        try drive.ask("collide \(ids[0]) \(ids[1]) 6")
        try hub.awaitEvent(
            "collision", containing: "Alice and Bob keep evicting each other", "disconnect and reconnect")
        let wired: Set = [["Bob", "Listener"], ["Listener", "Bob"]]
        try eventually(
            within: .seconds(60), "the wires of whoever came last", seen: "\((try? hub.wires()) ?? [])"
        ) { try hub.list("/api/v1/wires", "wires").count == 2 && hub.wires() == wired }
        try drive.send(ids[1], [0x90, 60, 100])
        try drive.send(ids[1], [0x80, 60, 64])
        #expect(try listener.hears(2) == [[0x90, 60, 100], [0x80, 60, 64]])
        #expect(try hub.events("collision").count == 1)
        #expect(
            try hub.participants().contains {
                $0["name"] as? String == "Alice" && $0["state"] as? String == "duplicate"
                    && $0["remark"] as? String == "Bob has taken its place; not connected"
            })
    }
}

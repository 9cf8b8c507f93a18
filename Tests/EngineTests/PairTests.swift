import Client
import EngineProtocol
import MIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Two hubs, and those who stand on both and cannot merge: one speaks to them, and the other goes on when it is gone.
struct PairTests {
    private let on = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    @Test func `of two hubs that know the same secret one speaks`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        #expect(try pair.phases() == ["active", "standby"])
    }

    @Test func `two hubs with hundreds of rooms are a pair, too`() throws {
        try PairUnderTest(moreRooms: 300).agree()
    }

    @Test func `any room of the other hub is named, and the process that serves it is found by its first ports`() throws
    {
        let ports = (0..<5).map { _ in freeUDPPortPair() }
        let other = RoomPlan(name: "Other", displayName: "Other", policy: .all, ports: [ports[1]], maximum: 9)
        var plan = FailoverPlan(
            host: "127.0.0.1", port: ports[3], secret: PairUnderTest.secret, isMain: true, silence: 2_000,
            ports: ["room": ports[0]])
        let main = try EngineUnderTest(port: ports[0], failover: plan)
        // It dials nobody, so that it has to be found.
        (plan.port, plan.isMain, plan.ports) = (
            ports[4], false, ["Other": ports[1], "room": ports[2], "third": ports[3]]
        )
        let backup = try EngineUnderTest(port: ports[2], before: [other], failover: plan)
        // Another process of that hub, which has none of the main hub's rooms, is what the main hub dials.
        let third = try EngineUnderTest(port: ports[3], room: "third", failover: plan)
        try eventually("a pair", seen: "\((try? main.status().failover).map { "\($0)" } ?? "") \(third.all)") {
            try main.status().failover?.phase == .active && backup.status().failover?.phase == .standby
        }
    }

    @Test func `when the partner has been away for long nobody is taken for one on both hubs`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let players = try pair.players(["Piano"])
        pair.backup.stop()
        try pumping(players, "nobody is", pair.seen) {
            let status = try pair.main.status().failover
            return status?.phase == .alone && status?.paired == []
        }
    }

    @Test func `whoever stands on both hears everything once, from the hub that speaks`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let players = try pair.players(["Piano", "Desk"])
        for _ in 0..<20 {
            players[0].play(on)
            players[0].play(off)
        }
        let music = Array(repeating: [on, off], count: 20).flatMap(\.self)
        try pumping(players, "the music", "\(players[1].heard)") { players[1].heard[0].count == 40 }
        #expect(players[1].heard == [music, []])
        #expect(players[0].heard == [[], []])
    }

    @Test func `when the hub that speaks hangs the other one goes on, and nothing is lost or doubled`() throws {
        let pair = try PairUnderTest(silence: 300)
        try pair.agree()
        let players = try pair.players(["Piano", "Desk"])
        players[0].play(on)
        try pumping(players, "the note") { players[1].heard == [[on], []] }
        let thaw = pair.main.freeze()
        var isFrozen = true
        func goOn() {
            if isFrozen { thaw() }
            isFrozen = false
        }
        defer { goOn() }
        players[0].play(off)
        try pumping(players, "the end", "\(players[1].heard)") { players[1].heard == [[on], [off]] }
        players[0].play(on)
        try pumping(players, "the rest", "\(players[1].heard)") { players[1].heard == [[on], [off, on]] }
        goOn()
        try pumping(players, "the first one stands by", pair.seen) {
            try pair.phases() == ["standby", "active"]
        }
        players[0].play(off)
        try pumping(players, "the end") { players[1].heard[1].count == 3 }
        #expect(players[1].heard == [[on], [off, on, off]])
    }

    @Test func `hubs with different secrets are no pair, and say so`() throws {
        let pair = try PairUnderTest(secrets: ("correct horse battery staple", "wrong horse battery staple"))
        try eventually("both say so", seen: "\(pair.main.all)") {
            [pair.main, pair.backup].allSatisfy { engine in
                engine.all.contains {
                    if case .problem(let text) = $0 { text.contains("another secret") } else { false }
                }
            }
        }
        try eventually("each is alone") { try pair.phases() == ["alone", "alone"] }
    }

    @Test func `an order makes the other hub speak, ten times, and what is held is neither struck again nor cut`()
        throws
    {
        let pair = try PairUnderTest()
        try pair.agree()
        let players = try pair.players(["Piano", "Desk"])
        let pedal = Message.controlChange(Channel(truncating: 0), controller: 64, value: DataByte(truncating: 127))
        for message in [on, pedal] { players[0].play(message) }
        try pumping(players, "what is held", "\(players[1].heard)") { players[1].heard == [[on, pedal], []] }
        for round in 0..<10 {
            // Both hubs take the order.
            #expect(try [pair.main, pair.backup][round / 2 % 2].switchHubs() == nil)
            let speaker = (round + 1) % 2
            try pumping(players, "the other one speaks", pair.seen) {
                try pair.phases() == (speaker == 0 ? ["active", "standby"] : ["standby", "active"])
            }
            let bend = Message.controlChange(
                Channel(truncating: 0), controller: 1, value: DataByte(truncating: UInt8(round)))
            players[0].play(bend)
            try pumping(players, "the next", "\(players[1].heard)") { players[1].heard[speaker].last == bend }
        }
        players[0].play(off)
        try pumping(players, "the end", "\(players[1].heard)") { players[1].heard[0].last == off }
        let all = players[1].heard.flatMap(\.self)
        #expect(all.count { $0 == on } == 1 && all.count { $0 == off } == 1 && all.count { $0 == pedal } == 1)
        #expect(all.count == 13, "\(players[1].heard.map { $0.map { hex($0.bytes) } })")
    }

    @Test func `whoever is at one hub alone is heard at the other, and hears it`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let (one, other) = (try pair.main.player("One"), try pair.backup.player("Other"))
        let both = try DoublePlayer("Both", [pair.ports.main, pair.ports.backup])
        func pump() { for each in [one, other] + both.sessions { each.pump() } }
        try eventually("everybody is known", seen: pair.seen) {
            pump()
            return try pair.main.status().failover?.paired?.count == 1
                && pair.backup.status().failover?.paired?.count == 1
        }
        one.play(on)
        try eventually("at the other", seen: "\(other.heard) \(both.heard)") {
            pump()
            return other.heard == [on] && both.heard == [[on], []]
        }
        other.play(off)
        try eventually("and back", seen: "\(one.heard) \(both.heard)") {
            pump()
            return one.heard == [off] && both.heard == [[on, off], []]
        }
        // The hub that speaks dies: who was there alone lets go, and the others are heard as before.
        one.play(on)
        try eventually("a held note") {
            pump()
            return other.heard == [on, on]
        }
        one.isDead = true
        pair.main.stop()
        try eventually("its end", seen: "\(other.heard)") {
            pump()
            return other.heard.last == off
        }
        other.play(on)
        try eventually("by the one that is left", seen: "\(both.heard)") {
            pump()
            return both.heard[1].last == on
        }
    }

    @Test func `one of our own programs that names one hub finds the other, and merges`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let hearer = try GroupUnderTest(ports: [pair.ports.main], name: "Hearer", findsPartner: true)
        try eventually("two links", seen: "\(hearer.news)") { hearer.count(.linked) == 2 }
        let alone = try GroupUnderTest(ports: [pair.ports.main], name: "Alone")
        try eventually("its link") { alone.count(.linked) == 1 }
        alone.send([[0x90, 60, 100], [0x80, 60, 64]])
        try hearer.hears(["903c64", "803c40"])
        // What one hub carries comes by both.
        let events = hearer.received.compactMap(\.event)
        try eventually("copies by both") {
            try hearer.ask { group in events.map { group.hubs(of: $0) } } == [[0, 1], [0, 1]]
        }
        pair.main.stop()
        let other = try GroupUnderTest(ports: [pair.ports.backup], name: "Other")
        try eventually("its link") { other.count(.linked) == 1 }
        other.send([[0x90, 61, 100]])
        try hearer.hears(["903c64", "803c40", "903d64"])
        #expect(alone.count(.linked) == 1)
    }

    @Test func `a hub that stops hands over first`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let players = try pair.players(["Piano", "Desk"])
        players[0].play(on)
        try pumping(players, "the note") { players[1].heard == [[on], []] }
        pair.main.stop()
        players[0].sessions[1].play(off)
        try pumping(players, "the end", "\(players[1].heard)") { players[1].heard[1].contains(off) }
        #expect(players[1].heard[1] == [off])
    }
}

import Client
import EngineProtocol
import Glibc
import HubLink
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@testable import Engine

/// Our own programs speak in numbered events; everybody else sees RTP-MIDI.
struct LinkTests {
    private let on: [UInt8] = [0x90, 60, 100]
    private let off: [UInt8] = [0x80, 60, 64]

    @Test func `one who plays into two hubs is heard once, and numbered once`() throws {
        let (a, b) = (try EngineUnderTest(), try EngineUnderTest())
        let hearer = try GroupUnderTest([a, b], name: "Hearer")
        let player = try GroupUnderTest([a, b], name: "Player")
        player.send([on, [0xB0, 7, 30], [0xF8], off])
        try hearer.hears(["903c64", "b0071e", "f8", "803c40"])
        player.send([on, off])
        try hearer.hears(["903c64", "b0071e", "f8", "803c40", "903c64", "803c40"])
        let events = hearer.received.compactMap(\.event)
        #expect(Set(events.map(\.origin)).count == 1)
        #expect(events.map(\.number.rawValue) == Array(1...6))
        // Both hubs have carried each of them.
        try eventually("copies by both") {
            try hearer.ask { group in (1...6).map { group.hubs(of: (events[0].origin, EventNumber($0))) } }
                == Array(repeating: [0, 1], count: 6)
        }
        #expect(player.heard.isEmpty)
    }

    @Test func `more at once than is kept to be said again is heard, each once and in order`() throws {
        let (a, b) = (try EngineUnderTest(), try EngineUnderTest())
        let hearer = try GroupUnderTest([a, b], name: "Hearer")
        let player = try GroupUnderTest([a, b], name: "Player")
        let messages: [[UInt8]] = (0...2 * EventWindow.capacity).map { (number: Int) -> [UInt8] in
            if number % 16 == 5 { return [0xF8] }
            return [0xE0, UInt8(number % 128), UInt8(number / 128)]
        }
        player.send(messages)
        try eventually("the last", seen: "\(hearer.heard)") { hearer.heard.last == messages.last.map(hex) }
        #expect(hearer.heard == messages.map(hex))
    }

    @Test func `foreign participants are numbered by the hub, and hear plain RTP-MIDI`() throws {
        let engine = try EngineUnderTest()
        let piano = try engine.player("Piano")
        let hearer = try GroupUnderTest([engine], name: "Hearer")
        try eventually("the note", seen: "\(hearer.heard)") {
            piano.pump()
            if piano.isUp, hearer.heard.isEmpty { piano.play(.noteOn(Channel(truncating: 0), note: 60, velocity: 100)) }
            return !hearer.heard.isEmpty
        }
        #expect(hearer.received.first?.event != nil)
        hearer.send([on, off])
        try eventually("what the link's end plays", seen: "\(piano.heard)") {
            piano.pump()
            return piano.heard.contains(.noteOff(Channel(truncating: 0), note: 60, velocity: 64))
        }
    }

    @Test func `a hub that dies ends nothing that another carries, and the last one everything`() throws {
        let (a, b) = (try EngineUnderTest(), try EngineUnderTest())
        let hearer = try GroupUnderTest([a, b], name: "Hearer")
        let player = try GroupUnderTest([a, b], name: "Player")
        player.send([on, [0xB0, 64, 127]])
        try hearer.hears(["903c64", "b0407f"])
        a.stop()
        player.send([[0x90, 61, 1]])
        try hearer.hears(["903c64", "b0407f", "903d01"])
        b.stop()
        try eventually("the ends", seen: "\(hearer.heard)") { hearer.heard.count == 6 }
        #expect(Set(hearer.heard.suffix(3)) == ["803c40", "803d40", "b04000"])
        let repairs = hearer.received.suffix(3).map(\.isRepair)
        #expect(repairs == [true, true, true])
    }

    @Test func `a hub that hangs is no work for one who is in two`() throws {
        let (a, b) = (try EngineUnderTest(), try EngineUnderTest())
        let player = try GroupUnderTest([a, b], name: "Player")
        let goOn = a.freeze()
        defer { goOn() }
        try eventually("the link counts as dead") {
            try player.ask { group in (group.hubs[0].linkDeath ?? .max) <= group.hubs[0].now }
        }
        let before = try player.ask { _ in Self.threadSeconds }
        usleep(1_000_000)
        let used = try player.ask { _ in Self.threadSeconds } - before
        // It would be nearly the whole second if something were always due.
        #expect(used < 0.25)
    }

    /// How long this thread has run on a processor.
    private static var threadSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test func `what a player holds ends at the hearers when the player goes`() throws {
        let (a, b) = (try EngineUnderTest(), try EngineUnderTest())
        let hearer = try GroupUnderTest([a, b], name: "Hearer")
        let player = try GroupUnderTest([a, b], name: "Player")
        player.send([on])
        try hearer.hears(["903c64"])
        player.leave()
        try hearer.hears(["903c64", "803c40"])
    }

    @Test func `a hearer hears of whoever is there when it comes, and what it has set`() throws {
        let engine = try EngineUnderTest()
        let player = try GroupUnderTest([engine], name: "Player")
        player.send([[0xB0, 7, 30], [0xC0, 5], on])
        try eventually("three messages") { try engine.status().participants.first?.messages == 3 }
        let hearer = try GroupUnderTest([engine], name: "Hearer")
        try eventually("the settings", seen: "\(hearer.heard)") { Set(hearer.heard) == ["b0071e", "c005"] }
        player.send([off])
        try eventually("the end", seen: "\(hearer.heard)") { hearer.heard.last == "803c40" }
        #expect(hearer.received.last?.event?.number.rawValue == 4)
    }

    @Test func `long system exclusive messages go in parts, and arrive whole`() throws {
        let (a, b) = (try EngineUnderTest(), try EngineUnderTest())
        let hearer = try GroupUnderTest([a, b], name: "Hearer")
        let player = try GroupUnderTest([a, b], name: "Librarian")
        let synth = try ParticipantUnderTest(port: a.port, name: "Synth")
        let dump: [UInt8] = [0xF0] + (0..<3_000).map { UInt8($0 % 128) } + [0xF7]
        player.send([dump, on])
        try hearer.hears([hex(dump), "903c64"])
        try eventually("the dump at the synth", seen: "\(synth.heard.map(\.count))") { synth.heard.contains(hex(dump)) }
        synth.send([dump])
        try eventually("its dump at the hearer", seen: "\(hearer.heard.count)") { hearer.heard.count == 3 }
        #expect(hearer.heard.last == hex(dump))
    }

    @Test func `of hubs that do not number events one is heard at a time`() throws {
        let (a, b) = (try OtherHub(), try OtherHub())
        let hearer = try GroupUnderTest(ports: [a.port, b.port], name: "Hearer")
        try eventually("no links", seen: "\(hearer.news)") {
            a.pump()
            b.pump()
            return hearer.count(.unlinked) == 2
        }
        // Whoever waits for all hubs is told in time.
        #expect(hearer.readiness.count == hearer.news.count && hearer.readiness.last == true)
        let first = try awaited("one that is heard") { hearer.selected.last ?? nil }
        let (heard, other) = first == 0 ? (a, b) : (b, a)
        heard.play(.noteOn(Channel(truncating: 0), note: 60, velocity: 1))
        other.play(.noteOn(Channel(truncating: 0), note: 60, velocity: 1))
        try eventually("one note", seen: "\(hearer.heard)") {
            a.pump()
            b.pump()
            return hearer.heard == ["903c01"]
        }
        // What the other one has set and does not hold is the difference when the first one goes.
        other.play(.controlChange(Channel(truncating: 0), controller: 7, value: 30))
        other.play(.noteOff(Channel(truncating: 0), note: 60, velocity: 1))
        let before = try hearer.ask { $0.hubs[1 - first].counts.received }
        try eventually("what the other says", seen: "\(before)") {
            other.pump()
            return try hearer.ask { $0.hubs[1 - first].counts.received } >= 3
        }
        #expect(hearer.heard == ["903c01"])
        heard.leave()
        try hearer.hears(["903c01", "803c40", "b0071e"])
        #expect(hearer.selected.last == 1 - first)
        other.play(.noteOn(Channel(truncating: 0), note: 61, velocity: 2))
        try eventually("the other's note", seen: "\(hearer.heard)") {
            other.pump()
            return hearer.heard.last == "903d02"
        }
    }

    @Test func `before it is known how to speak with them one hub is heard, too`() throws {
        let (a, b) = (try OtherHub(), try OtherHub())
        let hearer = try GroupUnderTest(ports: [a.port, b.port], name: "Hearer")
        try eventually("two sessions", seen: "\(hearer.news)") {
            a.pump()
            b.pump()
            return try hearer.ask { group in group.hubs.allSatisfy(\.isUp) }
        }
        a.play(.noteOn(Channel(truncating: 0), note: 60, velocity: 1))
        b.play(.noteOn(Channel(truncating: 0), note: 60, velocity: 1))
        try eventually("both notes", seen: "\(hearer.heard)") {
            a.pump()
            b.pump()
            return try hearer.ask { group in group.hubs.allSatisfy { $0.counts.received == 1 } }
        }
        #expect(hearer.count(.unlinked) == 0 && hearer.heard == ["903c01"])
    }

    // MARK: Strangers

    @Test func `events of another's origin, and greetings of strangers, have no effect and no answer`() throws {
        let engine = try EngineUnderTest()
        let hearer = try GroupUnderTest([engine], name: "Hearer")
        let player = try GroupUnderTest([engine], name: "Player")
        player.send([on])
        try hearer.hears(["903c64"])
        let origin = try player.ask { $0.origin }
        // A member that plays in the other's name.
        let thief = try GroupUnderTest([engine], name: "Thief")
        let before = try engine.status().participants.first { $0.name == "Thief" }?.counts.unreadable ?? 0
        _ = try thief.ask { group in
            for hub in group.hubs {
                let window = EventWindow()
                window.put(EventNumber(2), time: 0, ChannelCommand(0x90, 99, 1), at: group.hubs[0].now)
                var writer = EventsWriter()
                _ = writer.write(origin, EventNumber(2), through: EventNumber(2), of: window, at: group.hubs[0].now)
                hub.sendLink { writer.write(from: $0, count: $1, into: &$2) }
                hub.sendLink(.gone(origin, EventNumber(1), .left))
            }
            return 0
        }
        try eventually("its counting") {
            try engine.status().participants.first { $0.name == "Thief" }?.counts.unreadable ?? 0 > before
        }
        // Who has no session is not answered.
        let stranger = try DatagramSocket(port: 0)
        for path in [UInt16(0), 1] {
            for _ in 0..<100 {
                stranger.queue(to: SocketAddress(host: "127.0.0.1", port: engine.port + path)!) {
                    LinkPacket.hello(.init(wants: .numbered, pulse: 10, instance: 1)).write(
                        from: SSRC(origin.rawValue &+ 1), count: 0, into: &$0)
                }
            }
            stranger.flush()
        }
        player.send([off])
        try hearer.hears(["903c64", "803c40"])
        var answers = 0
        _ = stranger.receive { _, _ in answers += 1 }
        #expect(answers == 0)
    }

    @Test func `who has just come hears the next note of one who has played before`() throws {
        let engine = try EngineUnderTest()
        let one = try engine.player("Piano")
        one.play(.controlChange(Channel(truncating: 0), controller: 48, value: 5))
        try pumping([one], "its controller") { try engine.status().participants.first?.messages == 1 }
        for velocity in UInt8(1)...8 {
            let ear = try GroupUnderTest([engine], name: "Ear")
            one.play(.noteOn(Channel(truncating: 0), note: 60, velocity: DataByte(truncating: velocity)))
            let note = hex([0x90, 60, velocity])
            try pumping([one], note, seen: "\(ear.heard)") { ear.heard.contains(note) }
            one.play(.noteOff(Channel(truncating: 0), note: 60, velocity: 64))
            ear.leave()
        }
    }
}

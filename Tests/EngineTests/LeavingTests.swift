import Client
import EngineProtocol
import Linux
import MIDI
import TestSupport
import Testing

@testable import Engine

/// One of our own programs that leaves, and may come again.
struct LeavingTests {
    private let on: [UInt8] = [0x90, 60, 100]

    @Test func `what sounds at one who leaves is ended there`() throws {
        let engine = try EngineUnderTest()
        let hearer = try GroupUnderTest([engine], name: "Synth")
        let player = try GroupUnderTest([engine], name: "Player")
        player.send([on])
        try hearer.hears(["903c64"])
        hearer.leave()
        #expect(hearer.heard == ["903c64", "803c40"])
    }

    @Test func `what sounds at one who leaves a hub that does not number events is ended there`() throws {
        let hub = try OtherHub()
        let hearer = try GroupUnderTest(ports: [hub.port], name: "Synth")
        try eventually("the session", seen: "\(hearer.news)") {
            hub.pump()
            return try hearer.ask { $0.isUp }
        }
        hub.play(.noteOn(Channel(truncating: 0), note: 60, velocity: 100))
        try eventually("the note", seen: "\(hearer.heard)") {
            hub.pump()
            return hearer.heard == ["903c64"]
        }
        hearer.leave()
        #expect(hearer.heard == ["903c64", "803c40"])
    }

    @Test(arguments: [false, true])
    func `one who has left comes again, and so does one who is told to while it is leaving`(atOnce: Bool) throws {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let player = try GroupUnderTest([engine], name: "APC40")
        player.send([on])
        try pumping([ear], "the note") { ear.heard.count == 1 }
        if atOnce {
            _ = try player.ask { group in
                group.leave {}
                group.start()
                return true
            }
        } else {
            _ = try player.ask { group in
                group.leave {}
                return true
            }
            try pumping([ear], "its absence") { try engine.status().participants.map(\.name) == ["Ear"] }
            _ = try player.ask { group in
                group.start()
                return true
            }
        }
        try pumping([ear], "the end of its note, and its second link", seen: "\(player.news)") {
            ear.heard.count == 2 && player.count(.linked) == 2
        }
        player.send([on])
        try pumping([ear], "its next note", seen: "\(ear.heard)") { ear.heard.count == 3 }
        #expect(try engine.status().participants.map(\.name) == ["Ear", "APC40"])
    }

    @Test func `who is told to leave twice has left once both are done`() throws {
        let engine = try EngineUnderTest()
        let player = try GroupUnderTest([engine], name: "APC40")
        _ = try player.ask { group in
            group.leave {}
            return true
        }
        player.leave()
        try eventually("its absence") { try engine.status().participants.isEmpty }
    }
}

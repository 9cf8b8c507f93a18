import Glibc
import Linux
import MIDI
import TestSupport
import Testing

/// A room on rtpmidid invites a peer that only listens.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct ConnectionTests {
    private static let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)

    /// A hub with Alice in its room, and a listener that is worked whenever something is waited for.
    private final class Stage {
        let hub: HubUnderTest
        let alice: any Player
        let desk: OtherHub

        init() throws {
            hub = try HubUnderTest()
            try hub.start()
            alice = try hub.player("Alice")
            try alice.join()
            desk = try OtherHub()
        }

        func working(_ what: String, _ condition: () throws -> Bool) throws {
            try eventually(
                within: .seconds(120), what,
                seen: "\((try? hub.command("connections").output) ?? ""), heard: \(desk.heard)"
            ) {
                desk.pump()
                return try condition()
            }
        }

        func connect() throws {
            let told = try hub.command("connect", "127.0.0.1:\(desk.port)", "--name", "Desk")
            #expect(told.code == 0, "\(told)")
        }

        func awaitWires() throws {
            try working("both wires") { try hub.wires() == [["Alice", "Desk"], ["Desk", "Alice"]] }
        }

        /// Each hears the other. On an emulated machine a session may be lost in between, and begin anew.
        func awaitMusic() throws {
            try awaitWires()
            let heard = desk.heard.count
            try working("Alice's note") {
                try alice.send([0x90, 60, 100])
                return desk.heard.dropFirst(heard).contains(ConnectionTests.note)
            }
            _ = try alice.received()
            try working("the desk's note") {
                desk.play(ConnectionTests.note)
                return try alice.received().contains([0x90, 60, 100])
            }
        }

        /// What is told of it where everybody can ask.
        func awaitState(_ state: String, _ reason: String) throws {
            try working("\(state): \(reason)") {
                let one = try hub.list("/api/v1/connections", "connections").first
                return one?["state"] as? String == state && one?["reason"] as? String == reason
            }
        }

        func awaitEnd(_ words: String) throws {
            try working("word of how it left: \(words)") {
                try hub.texts().contains { $0.hasPrefix("Desk \(words)") }
            }
        }

        var disbelievedLines: Int {
            get throws { try hub.engines().compactMap { $0["disbelievedLines"] as? Int }.reduce(0, +) }
        }
    }

    @Test func `a peer that listens is invited, hears and is heard, also over the hub's death`() throws {
        let stage = try Stage()
        try stage.connect()
        try stage.awaitMusic()
        #expect(try stage.hub.participants().first { $0["name"] as? String == "Desk" }?["invited"] as? Bool == true)
        try stage.hub.kill9()
        try stage.hub.start()
        try stage.awaitMusic()
        #expect(stage.desk.invitations == 2, "the next hub goes on with the session")
        #expect(try stage.hub.command("disconnect", "Desk").code == 0)
        try stage.working("the goodbye") { stage.desk.byes > 0 }
        #expect(
            stage.desk.heard.contains(.noteOff(Channel(truncating: 0), note: 60, velocity: 64)),
            "what sounds at it ends")
        try stage.working("Alice alone") { try stage.hub.participants().count == 1 }
        try stage.awaitEnd("was sent away")
        #expect(try stage.disbelievedLines == 0)
        #expect(try stage.hub.command("stop").code == 0)
    }

    @Test func `a peer that is sent away is in the room again when somebody asks for it, not before`() throws {
        let stage = try Stage()
        try stage.connect()
        try stage.awaitWires()
        let told = try stage.hub.command("kick", "Desk")
        #expect(told.code == 0 && told.output.contains("is not invited again until somebody asks for it"), "\(told)")
        try stage.working("the goodbye") { stage.desk.byes > 0 }
        try stage.awaitEnd("was sent away")
        let invitations = stage.desk.invitations
        let end = ContinuousClock.now + .seconds(5)
        try stage.working("a while without an invitation") { ContinuousClock.now > end }
        #expect(stage.desk.invitations == invitations)
        #expect(try stage.hub.list("/api/v1/connections", "connections").first?["state"] as? String == "refused")
        try stage.connect()
        try stage.awaitWires()
    }

    @Test func `a peer that refuses, or is not there, is told as such, and is in the room once it answers`() throws {
        let stage = try Stage()
        stage.desk.refuses = true
        try stage.connect()
        try stage.awaitState("refused", "it answered no")
        stage.desk.isDead = true
        try stage.awaitState("unreachable", "no answer from 127.0.0.1:\(stage.desk.port)")
        stage.desk.forgetUnread()
        (stage.desk.isDead, stage.desk.refuses) = (false, false)
        try stage.awaitMusic()
        #expect(try stage.disbelievedLines == 0, "being refused is no reason to doubt the log")
        #expect(try stage.hub.command("stop").code == 0)
        try stage.working("the goodbye") { stage.desk.byes > 0 }
    }

    @Test func `a peer that says goodbye or dies is in the room again when it is back, and what it held has ended`()
        throws
    {
        let stage = try Stage()
        try stage.connect()
        try stage.awaitMusic()
        stage.desk.leave()
        try stage.awaitEnd("left")
        #expect(
            try stage.hub.texts().contains {
                $0.contains("Desk is not connected (room") && $0.contains("it said goodbye")
            })
        try stage.awaitMusic()
        _ = try stage.alice.received()
        stage.desk.play(.noteOn(Channel(truncating: 3), note: 70, velocity: 100))
        try stage.working("a note that is held") { try stage.alice.received().contains([0x93, 70, 100]) }
        stage.desk.restart()
        try stage.working("the end of what it held") { try stage.alice.received().contains([0x83, 70, 64]) }
        try stage.awaitEnd("was lost")
        try stage.awaitMusic()
        #expect(try stage.disbelievedLines == 0)
    }

    @Test func `a peer is invited again by the rtpmidid that follows one that is killed`() throws {
        let stage = try Stage()
        try stage.connect()
        try stage.awaitMusic()
        let engine = try #require(try stage.hub.enginePIDs().first)
        kill(pid_t(engine), SIGKILL)
        try stage.working("another rtpmidid") {
            let next = try stage.hub.engines().first
            return next?["pid"] as? Int != engine && next?["state"] as? String == "up"
        }
        try stage.working("the desk in the room") {
            try stage.hub.participants().contains { $0["name"] as? String == "Desk" }
        }
        try? stage.alice.vanish()
        try stage.alice.join()
        try stage.awaitMusic()
    }

    @Test func `another hub is invited, and those in its room hear and are heard, also after its engine's end`() throws
    {
        let hub = try HubUnderTest()
        try hub.start()
        let alice = try hub.player("Alice")
        try alice.join()
        let port = freeUDPPortPair()
        let other = try HubUnderTest(
            ports: [port], configuration: "{ name: \"Hall\", ports: [\(port)], address: \"127.0.0.1\" }",
            options: ["--engine", "embedded"])
        try other.start()
        try other.awaitEngines()
        let piano = NetworkPlayer("Piano", port: port)
        try piano.join()
        #expect(try hub.command("connect", "127.0.0.1:\(port)", "--name", "Hall").code == 0)
        func working(_ what: String, _ condition: () throws -> Bool) throws {
            try eventually(within: .seconds(120), what, seen: (try? hub.command("connections").output) ?? "", condition)
        }
        func awaitMusic() throws {
            try working("both wires") {
                _ = try piano.received()
                return try hub.wires() == [["Alice", "Hall"], ["Hall", "Alice"]]
            }
            try working("Alice's note at the piano") {
                try alice.send([0x90, 60, 100])
                return try piano.received().contains([0x90, 60, 100])
            }
            try working("the piano's note at Alice's") {
                try piano.send([0x91, 61, 99])
                return try alice.received().contains([0x91, 61, 99])
            }
        }
        try awaitMusic()
        let engine = try #require(try other.enginePIDs().first)
        kill(pid_t(engine), SIGKILL)
        try working("another engine") {
            _ = try piano.received()
            let next = try other.engines().first
            return next?["pid"] as? Int != engine && next?["state"] as? String == "up"
        }
        try awaitMusic()
        #expect(try hub.command("stop").code == 0)
        try working("the goodbye") {
            _ = try piano.received()
            return try other.participants().map { $0["name"] as? String } == ["Piano"]
        }
    }
}

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

    @Test
    func
        `a peer that listens is invited, hears and is heard, over the deaths of hub and daemon, until it is sent away`()
        throws
    {
        let stage = try Stage()
        let hub = stage.hub
        try stage.connect()
        try stage.awaitMusic()
        #expect(try hub.participants().first { $0["name"] as? String == "Desk" }?["invited"] as? Bool == true)
        try hub.kill9()
        try hub.start()
        try stage.awaitMusic()
        #expect(stage.desk.invitations == 2, "the next hub goes on with the session")

        // It is in the room again when somebody asks for it, not before.
        let told = try hub.command("kick", "Desk")
        #expect(told.code == 0 && told.output.contains("is not invited again until somebody asks for it"), "\(told)")
        try stage.working("the goodbye") { stage.desk.byes > 0 }
        try stage.awaitEnd("was sent away")
        #expect(
            stage.desk.heard.contains(.noteOff(Channel(truncating: 0), note: 60, velocity: 64)),
            "what sounds at it ends")
        let invitations = stage.desk.invitations
        let end = ContinuousClock.now + .seconds(2)
        try stage.working("a while without an invitation") { ContinuousClock.now > end }
        #expect(stage.desk.invitations == invitations)
        #expect(try hub.list("/api/v1/connections", "connections").first?["state"] as? String == "refused")
        #expect(try stage.disbelievedLines == 0)
        try stage.connect()
        try stage.awaitWires()

        // The rtpmidid that follows one that is killed invites it, too.
        let engine = try #require(try hub.enginePIDs().first)
        kill(pid_t(engine), SIGKILL)
        try stage.working("another rtpmidid") {
            let next = try hub.engines().first
            return next?["pid"] as? Int != engine && next?["state"] as? String == "up"
        }
        try? stage.alice.vanish()
        try stage.alice.join()
        try stage.awaitMusic()

        let byes = stage.desk.byes
        #expect(try hub.command("disconnect", "Desk").code == 0)
        try stage.working("the last goodbye") { stage.desk.byes > byes }
        try stage.working("Alice alone") { try hub.participants().count == 1 }
        #expect(try hub.command("stop").code == 0)
    }

    @Test func `a peer that refuses, says goodbye or dies is in the room when it is back, and what it held has ended`()
        throws
    {
        let stage = try Stage()
        stage.desk.refuses = true
        try stage.connect()
        try stage.awaitState("refused", "it answered no")
        #expect(try stage.disbelievedLines == 0, "being refused is no reason to doubt the log")
        stage.desk.refuses = false
        try stage.awaitWires()
        stage.desk.leave()
        // On a machine so busy that the log is read a second late nobody knows why.
        let goodbye = ["it said goodbye", "there is no sign of it any more"]
        try stage.working("word of its goodbye") {
            try stage.hub.texts().contains { text in
                text.contains("Desk is not connected (room") && goodbye.contains(where: text.contains)
            }
        }
        try stage.awaitMusic()
        _ = try stage.alice.received()
        stage.desk.play(.noteOn(Channel(truncating: 3), note: 70, velocity: 100))
        try stage.working("a note that is held") { try stage.alice.received().contains([0x93, 70, 100]) }
        stage.desk.restart()
        // The daemon waits ten seconds for an answer.
        if !Rtpmidid.isReal { try stage.hub.drive().haste(5) }
        try stage.working("the end of what it held") { try stage.alice.received().contains([0x83, 70, 64]) }
        if !Rtpmidid.isReal { try stage.hub.drive().haste(1) }
        try stage.awaitEnd("was lost")
        try stage.awaitMusic()
        #expect(try stage.disbelievedLines == 0)
        #expect(try stage.hub.command("stop").code == 0)
        try stage.working("the goodbye") { stage.desk.byes > 0 }
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

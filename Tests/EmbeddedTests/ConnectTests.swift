import Glibc
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

/// Peers that only listen, invited on the command line.
@Suite struct ConnectTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)

    @Test func `a peer is invited until it is taken back, over the ends of hub and engine`() throws {
        let hub = try HubUnderTest.running()
        let desk = try OtherHub()
        func working(_ what: String, _ condition: () throws -> Bool) throws {
            try eventually(what) {
                desk.pump()
                return try condition()
            }
        }
        let to = "127.0.0.1:\(desk.port)"
        let told = try hub.command("connect", to, "--name", "Desk")
        #expect(told.code == 0 && told.output.contains("Desk (\(to)) is invited to room"), "\(told)")
        try working("the session") { try desk.isUp && hub.participants().count == 1 }
        let list = try hub.command("connections")
        #expect(list.code == 0 && list.output.contains("connected") && list.output.contains("Desk at \(to)"), "\(list)")

        let piano = try TestPlayer("Piano", port: hub.ports[0])
        try working("the piano") {
            piano.pump()
            return piano.isUp
        }
        let engine = try #require(try hub.enginePIDs().first)
        kill(pid_t(engine), SIGKILL)
        try working("another engine") {
            piano.pump()
            let next = try hub.engines().first
            return next?["pid"] as? Int != engine && next?["state"] as? String == "up"
        }
        piano.play(note)
        try working("a note after it") {
            piano.pump()
            return desk.heard == [note]
        }
        try hub.kill9()
        try hub.start()
        piano.play(note)
        try working("a note after the hub's death") {
            piano.pump()
            return desk.heard == [note, note]
        }
        #expect(desk.invitations == 2, "the session goes on")

        #expect(try hub.command("stop").code == 0)
        try working("the goodbye") { desk.byes > 0 }
        try hub.start()
        try working("the next hub's invitation") { desk.invitations == 4 && desk.isUp }
        #expect(try hub.command("disconnect", "Nobody").code == 64)
        let byes = desk.byes
        #expect(try hub.command("disconnect", to).code == 0)
        try working("the goodbye for good") { desk.byes > byes }
        #expect(try hub.command("connections").output.contains("Nobody is invited."))
        #expect(try hub.command("connect").code == 64)
        #expect(try hub.command("connect", "a b").code == 64)
        #expect(try hub.command("connect", "127.0.0.1:\(hub.ports[0])").code == 69)
    }
}

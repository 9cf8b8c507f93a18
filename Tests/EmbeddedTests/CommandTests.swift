import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

/// The commands of the API, given on the command line.
@Suite struct CommandTests {
    private func note(_ number: UInt8) -> Message {
        .noteOn(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 100)
    }
    private func off(_ number: UInt8) -> Message {
        .noteOff(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 64)
    }

    @Test func `somebody is sent away, and is sent note-offs`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice", "Bob & Co")
        try pumping(players, "both on the page") { try hub.participants().count == 2 }
        let sent = try hub.command("notes-off", "Bob & Co", "--from", "60", "--to", "61")
        #expect(sent.code == 0 && sent.output.contains("note-offs for notes 60 to 61 by the command line"), "\(sent)")
        try pumping(players, "the note-offs") { players[1].heard.contains(off(61)) }
        #expect(players[1].heard.contains(off(60)) && !players[1].heard.contains(off(62)))
        #expect(players[0].heard.isEmpty)

        #expect(try hub.command("kick", "Nobody").code == 1)
        #expect(try hub.command("kick").code == 64)
        #expect(try hub.command("notes-off", "Alice", "--from", "128").code == 64)
        let kicked = try hub.command("kick", "Alice")
        #expect(kicked.code == 0 && kicked.output.contains("Alice was told to go by the command line"), "\(kicked)")
        try pumping(players, "the goodbye") { players[0].ended == .bye }
        #expect(players[1].isUp)
    }

    @Test func `a wire is blocked and unblocked, in the one room or in one of several`() throws {
        let hub = try HubUnderTest.running(ports: [freeUDPPortPair(), freeUDPPortPair()])
        let players = try hub.here("Alice", "Bob")
        try pumping(players, "both on the page") { try hub.participants().count == 2 }
        let room = "\(hub.ports[0])"
        let unclear = try hub.command("block", "Alice", "Bob")
        #expect(unclear.code == 64 && unclear.error.contains("--room"), "\(unclear)")
        #expect(try hub.command("block", "Alice", "--room", room).code == 64)
        #expect(try hub.command("block", "Alice", "Bob", "--room", "Cellar").code == 64)
        let blocked = try hub.command("block", "Alice", "Bob", "--room", room)
        #expect(blocked.code == 0 && blocked.output.contains("Bob no longer hears Alice"), "\(blocked)")
        players[0].play(note(60))
        players[1].play(note(61))
        try pumping(players, "what goes the other way") { players[0].heard == [note(61)] }
        #expect(players[1].heard.isEmpty)
        #expect(try hub.command("unblock", "Alice", "Bob", "--room", room).code == 0)
        players[0].play(note(62))
        try pumping(players, "what passes again") { players[1].heard.contains(note(62)) }
    }
}

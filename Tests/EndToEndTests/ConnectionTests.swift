import Linux
import MIDI
import TestSupport
import Testing

/// A room on rtpmidid invites a peer that only listens.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct ConnectionTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)

    @Test func `a peer that listens is invited, hears and is heard, also over the hub's death`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let alice = try hub.player("Alice")
        try alice.join()
        let desk = try OtherHub()
        func working(_ what: String, _ condition: () throws -> Bool) throws {
            try eventually(
                within: .seconds(120), what,
                seen: "\((try? hub.command("connections").output) ?? ""), heard: \(desk.heard)"
            ) {
                desk.pump()
                return try condition()
            }
        }
        let told = try hub.command("connect", "127.0.0.1:\(desk.port)", "--name", "Desk")
        #expect(told.code == 0, "\(told)")
        let both: Set = [["Alice", "Desk"], ["Desk", "Alice"]]
        try working("both wires") { try hub.wires() == both }
        // On an emulated machine the session may be lost in between, and begin anew.
        try working("Alice's note") {
            try alice.send([0x90, 60, 100])
            return desk.heard.contains(note)
        }
        try working("the desk's note") {
            desk.play(note)
            return try alice.received().contains([0x90, 60, 100])
        }
        try hub.kill9()
        try hub.start()
        try working("the wires at the next hub") { try hub.wires() == both }
        #expect(try hub.command("disconnect", "Desk").code == 0)
        try working("the goodbye") { desk.byes > 0 }
        try working("Alice alone") { try hub.participants().count == 1 }
        #expect(try hub.command("stop").code == 0)
    }
}

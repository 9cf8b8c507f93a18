import TestSupport
import Testing

/// A room with controllers on rtpmidid: the kernel's wires follow who has the focus.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct FocusTests {
    @Test func `the first who plays gets the focus, keeps it over the hub's death, and loses it by order`() throws {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest(
            ports: [port],
            configuration: #"{ rooms: { Main: { ports: [\#(port)], focus: ["APC"], focusBy: "touch" } } }"#)
        try hub.start()
        let players = try ["APC", "One", "Two"].map { try hub.player($0) }
        for player in players { try player.join() }
        let others: Set = [["APC", "One"], ["APC", "Two"], ["One", "Two"], ["Two", "One"]]
        try hub.awaitWires(others)
        try players[2].send([0x90, 60, 3])
        try hub.awaitWires(others.union([["Two", "APC"]]))
        #expect(try players[0].hears(1) == [[0x90, 60, 3]])
        try hub.awaitEvent("focus", containing: "Two has the focus", "the first who played")
        try hub.kill9()
        try players[2].send([0x90, 61, 5])
        #expect(try players[0].hears(1) == [[0x90, 61, 5]])
        try hub.start()
        try hub.awaitWires(others.union([["Two", "APC"]]))
        try players[1].send([0x90, 70, 9])
        _ = try players[2].hears(1)
        let given = try hub.command("focus", "One")
        #expect(given.code == 0 && given.output == "One has the focus in room Main; Two had it.\n", "\(given)")
        try hub.awaitWires(others.union([["One", "APC"]]))
        // What Two may have struck while no hub heard it is ended, too, and One's light comes behind all of that.
        var heard: [[UInt8]] = []
        try eventually("the new holder's light", seen: "\(heard.count) messages") {
            heard += try players[0].received()
            return heard.contains([0x90, 70, 9])
        }
        #expect(heard.contains([0x80, 60, 64]) && heard.contains([0x80, 61, 64]))
        #expect(heard.last { $0[1] == 70 } == [0x90, 70, 9])
        try players[1].leave()
        try hub.awaitEvent("focus", containing: "Nobody has the focus", "One has left")
    }
}

import Foundation
import Linux
import TestSupport
import Testing

/// Controllers that are plugged into the hub's own machine: real USB, as far as kernel and sequencer can tell.
@Suite(
    .enabled(
        if: USBController.isPossible || ProcessInfo.processInfo.environment["MIDIHUB_VM"] != nil,
        "needs USB sockets without a device (dummy_hcd): run it in the virtual machine"),
    .serialized)
struct DeviceTests {
    static let engines = ["rtpmidid", "embedded"]

    /// A hub that lets every APC40 into its room, and a console on the network that is in it.
    private struct Stage {
        let hub: HubUnderTest
        let console: any Player

        init(_ engine: String, room: String = "") throws {
            let port = freeUDPPortPair()
            hub = try HubUnderTest(
                ports: [port],
                configuration: """
                    {
                        rooms: { "Main": { ports: [\(port)], \(room) } },
                        devices: [{ match: "APC40*", room: "Main", name: "APC40" }],
                    }
                    """, options: ["--engine", engine])
            try hub.start()
            try hub.awaitEngines()
            console = engine == "rtpmidid" ? try hub.player("Console") : NetworkPlayer("Console", port: port)
            try console.join()
        }

        /// The console lights up a controller. The far end of the emulated cable may drop what comes before it reads: it is
        /// said again then.
        func light(_ controller: USBController, with message: [UInt8]) throws {
            var (seen, due): ([UInt8], ContinuousClock.Instant) = ([], .now)
            try eventually("\(message) at the controller") {
                if .now >= due {
                    try console.send(message)
                    due = .now.advanced(by: .seconds(5))
                }
                seen += controller.received()
                return seen.suffix(3) == message
            }
        }

        /// The console hears these and is heard by them; each of them hears the others.
        func awaitMembers(_ names: String...) throws {
            let all = names + ["Console"]
            try hub.awaitWires(Set(all.flatMap { from in all.filter { $0 != from }.map { [from, $0] } }))
        }
    }

    @Test(arguments: engines)
    func `a controller here is heard, lights up, and is the same member after replugging, also beside an equal one`(
        engine: String
    ) throws {
        let stage = try Stage(engine)
        let controller = try USBController("APC40 mkII", socket: 0)
        try controller.plug()
        try stage.awaitMembers("APC40")
        let card = try #require(USBController.card(of: "APC40 mkII"))
        try controller.play([0x90, 53, 127])
        #expect(try stage.console.hears(1) == [[0x90, 53, 127]])
        try stage.light(controller, with: [0x90, 53, 3])

        controller.unplug()
        #expect(try stage.console.hears(1) == [[0x80, 53, 64]], "what it held is ended when it is unplugged")
        try stage.awaitMembers()
        try stage.hub.awaitEvent("left", containing: "APC40")

        // Another one takes its numbers meanwhile.
        var other: USBController? = try USBController("nanoKONTROL2", socket: 1)
        try other?.plug()
        try eventually("nanoKONTROL2's card") { USBController.card(of: "nanoKONTROL2") != nil }
        try controller.plug()
        try stage.awaitMembers("APC40")
        #expect(USBController.card(of: "APC40 mkII") != card)
        try controller.play([0x91, 54, 127, 0x81, 54, 0])
        #expect(try stage.console.hears(2) == [[0x91, 54, 127], [0x81, 54, 0]])
        try stage.light(controller, with: [0x90, 53, 0])

        // Two equal ones are two members, and either may be unplugged.
        other = nil
        let equal = try USBController("APC40 mkII", socket: 1)
        try equal.plug()
        try stage.awaitMembers("APC40", "APC40 2")
        try controller.play([0x90, 1, 127])
        #expect(try stage.console.hears(1) == [[0x90, 1, 127]])
        try equal.play([0x90, 2, 127])
        #expect(try stage.console.hears(1) == [[0x90, 2, 127]])
        try stage.console.send([0x90, 3, 1])
        for one in [controller, equal] { #expect(try one.receives(6).suffix(3) == [0x90, 3, 1]) }
        controller.unplug()
        #expect(try stage.console.hears(1) == [[0x80, 1, 64]], "what the other holds goes on")
        try eventually("one of them to be left") { try stage.hub.wires().count == 2 }
        try controller.plug()
        try stage.awaitMembers("APC40", "APC40 2")
    }

    /// On the embedded engine a device is a participant like any other (`EngineTests.FocusTests`).
    @Test func `on rtpmidid only who has the focus lights up a controller here, with all that it has lit before`()
        throws
    {
        let stage = try Stage("rtpmidid", room: #"focus: ["APC40"]"#)
        let controller = try USBController("APC40 mkII", socket: 0)
        try controller.plug()
        try stage.hub.awaitWires([["APC40", "Console"]])
        try stage.console.send([0x90, 53, 3])
        #expect(try stage.hub.command("focus", "Console").code == 0)
        try stage.awaitMembers("APC40")
        #expect(try controller.receives(3) == [0x90, 53, 3])
        try stage.console.send([0x90, 54, 1])
        #expect(try controller.receives(3) == [0x90, 54, 1])
        #expect(try stage.hub.command("focus", "--release").code == 0)
        try stage.hub.awaitWires([["APC40", "Console"]])
        let ended = try controller.receives(6)
        #expect(
            [ended.prefix(3), ended.suffix(3)].sorted { $0.description < $1.description } == [
                [0x80, 53, 64], [0x80, 54, 64],
            ], "\(ended)")
    }

    @Test func `on rtpmidid a device is listed, and outlives a hub that is killed`() throws {
        let stage = try Stage("rtpmidid")
        let controller = try USBController("APC40 mkII", socket: 0)
        try controller.plug()
        try stage.awaitMembers("APC40")
        func one() throws -> [String: Any]? {
            try stage.hub.participants().first { $0["name"] as? String == "APC40" }
        }
        let before = try #require(try one())
        #expect(before["device"] as? String == "APC40 mkII:APC40 mkII MIDI 1")
        let listed = try awaited("the list of devices") { () -> [String: Any]? in
            let all = try stage.hub.get("/api/v1/devices").object()["devices"] as? [[String: Any]]
            return all?.first { $0["client"] as? String == "APC40 mkII" }
        }
        #expect(listed["participant"] as? Int == before["id"] as? Int)

        try controller.play([0x90, 53, 127])
        #expect(try stage.console.hears(1) == [[0x90, 53, 127]])
        try stage.hub.kill9()
        try controller.play([0x90, 54, 127])
        #expect(try stage.console.hears(1) == [[0x90, 54, 127]])
        try stage.console.send([0x90, 53, 3])
        #expect(try controller.receives(3) == [0x90, 53, 3])
        try stage.hub.start()
        try stage.awaitMembers("APC40")
        #expect(try one()?["id"] as? Int == before["id"] as? Int)
        // What is held is not ended by the next hub's coming.
        try controller.play([0x91, 1, 1])
        #expect(try stage.console.hears(1) == [[0x91, 1, 1]])
        controller.unplug()
        var ended: Set<[UInt8]> = []
        try eventually("the ends of what was held, also of what began unseen", seen: "\(ended)") {
            ended.formUnion(try stage.console.received())
            return ended.isSuperset(of: [[0x80, 53, 64], [0x80, 54, 64], [0x81, 1, 64]])
        }
    }
}

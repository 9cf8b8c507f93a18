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

        init(_ engine: String) throws {
            let port = freeUDPPortPair()
            hub = try HubUnderTest(
                ports: [port],
                configuration: """
                    {
                        rooms: { "Main": { ports: [\(port)] } },
                        devices: [{ match: "APC40*", room: "Main", name: "APC40" }],
                    }
                    """, options: ["--engine", engine])
            try hub.start()
            try hub.awaitEngines()
            console = engine == "rtpmidid" ? try hub.player("Console") : NetworkPlayer("Console", port: port)
            try console.join()
        }

        /// The console hears these and is heard by them; each of them hears the others.
        func awaitMembers(_ names: String...) throws {
            let all = names + ["Console"]
            try hub.awaitWires(Set(all.flatMap { from in all.filter { $0 != from }.map { [from, $0] } }))
        }
    }

    @Test(arguments: engines)
    func `a controller here is heard, lights up, and is the same member after replugging with another card number`(
        engine: String
    ) throws {
        let stage = try Stage(engine)
        let controller = try USBController("APC40 mkII", socket: 0)
        try controller.plug()
        try stage.awaitMembers("APC40")
        let card = try #require(USBController.card(of: "APC40 mkII"))
        try controller.play([0x90, 53, 127])
        #expect(try stage.console.hears(1) == [[0x90, 53, 127]])
        try stage.console.send([0x90, 53, 3])
        #expect(try controller.receives(3) == [0x90, 53, 3])

        controller.unplug()
        #expect(try stage.console.hears(1) == [[0x80, 53, 64]], "what it held is ended when it is unplugged")
        try stage.awaitMembers()
        try stage.hub.awaitEvent("left", containing: "APC40")

        // Another one takes its numbers meanwhile.
        let other = try USBController("nanoKONTROL2", socket: 1)
        try other.plug()
        try eventually("nanoKONTROL2's card") { USBController.card(of: "nanoKONTROL2") != nil }
        try controller.plug()
        try stage.awaitMembers("APC40")
        #expect(USBController.card(of: "APC40 mkII") != card)
        try controller.play([0x91, 54, 127, 0x81, 54, 0])
        #expect(try stage.console.hears(2) == [[0x91, 54, 127], [0x81, 54, 0]])
        try stage.console.send([0x90, 53, 0])
        #expect(try controller.receives(3).suffix(3) == [0x90, 53, 0])
    }

    @Test(arguments: engines)
    func `two equal controllers are two members, and either may be unplugged`(engine: String) throws {
        let stage = try Stage(engine)
        let controllers = try (0...1).map { try USBController("APC40 mkII", socket: $0) }
        for controller in controllers { try controller.plug() }
        try stage.awaitMembers("APC40", "APC40 2")
        try controllers[0].play([0x90, 1, 127])
        #expect(try stage.console.hears(1) == [[0x90, 1, 127]])
        try controllers[1].play([0x90, 2, 127])
        #expect(try stage.console.hears(1) == [[0x90, 2, 127]])
        try stage.console.send([0x90, 3, 1])
        for controller in controllers { #expect(try controller.receives(6).suffix(3) == [0x90, 3, 1]) }

        controllers[0].unplug()
        #expect(try stage.console.hears(1) == [[0x80, 1, 64]], "what the other holds goes on")
        try eventually("one of them to be left") { try stage.hub.wires().count == 2 }
        try controllers[0].plug()
        try stage.awaitMembers("APC40", "APC40 2")
    }
}

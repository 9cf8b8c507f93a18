import Glibc
import MIDI
import TestSupport
import Testing

/// A port that is called as a controller which is plugged in at another computer: both are this one here.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct CloneTests {
    private let client = Array("APC40".utf8)
    private let port = Array("APC40 MIDI 1".utf8)

    @Test func `a program finds a controller that is elsewhere under its own names, also while it is away`() throws {
        let ports = [freeUDPPortPair()]
        let hub = try HubUnderTest(
            ports: ports, configuration: "{ ports: [\(ports[0])], address: \"127.0.0.1\" }",
            options: ["--engine", "embedded"])
        try hub.start()
        func join(_ arguments: String...) throws -> Program {
            try Program(
                builtProduct("midihub"), ["join", "127.0.0.1:\(ports[0])"] + arguments, in: hub.directory, name: "join")
        }
        let program = try SequencerClient(name: Array("program".utf8))
        let own = SequencerAddress(client: program.client, port: program.createPort(Array("in and out".utf8)))
        var heard: [[UInt8]] = []
        func hears(_ bytes: [UInt8]) -> Bool {
            while let event = program.nextEvent() { if case .midi(_, let bytes) = event { heard.append(bytes) } }
            return heard.last == bytes
        }

        let desk = try join("--name", "Desk", "--clone", "apc*")
        try eventually("the desk", seen: desk.error) { desk.error.contains(" as Desk") }
        #expect(!program.ports().contains { $0.clientName == Array("Desk".utf8) })
        var controller: SequencerClient? = try SequencerClient(name: client)
        let keys = try #require(controller?.createPort(port))
        let stage = try join("--name", "Stage", "--device", "apc40*")
        func clones() -> [SequencerAddress] {
            program.ports().filter {
                $0.clientName == client && $0.name == port && $0.address.client != controller?.client
            }.map(\.address)
        }
        try eventually("the clone", seen: desk.error + stage.error) { clones().count == 1 }
        let clone = clones()[0]
        try program.connect(clone, to: own)
        try program.connect(own, to: clone)

        try controller?.send([0x90, 60, 100], from: keys)
        try eventually("its key at the desk", seen: desk.error) { hears([0x90, 60, 100]) }
        try program.send([0xB0, 48, 5], from: own.port)
        try eventually("its light") {
            if case .midi(_, let bytes)? = controller?.nextEvent() { bytes == [0xB0, 48, 5] } else { false }
        }

        controller = nil
        try eventually("the end of its key", seen: desk.error) { hears([0x80, 60, 64]) }
        #expect(clones() == [clone])
        // The hub's machine is this one too: what bears the controller's name must not be taken for it.
        let shown = try hub.command("devices", "APC40")
        #expect(
            shown.code == 0 && !shown.output.split(separator: "\n").contains { $0.hasPrefix("> ") }, "\(shown)")
        // Whoever comes now knows its name all the same.
        let late = try join("--name", "Late", "--clone")
        try eventually("the second clone", seen: late.error) { clones().count == 2 }
    }
}

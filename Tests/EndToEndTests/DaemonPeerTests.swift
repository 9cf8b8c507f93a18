import Glibc
import Linux
import MIDI
import Sequencer
import TestSupport
import Testing

/// An rtpmidid that only listens, without a hub of its own, is invited by a room on the embedded engine.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct DaemonPeerTests {
    /// A hub, the daemon that it invites, and a program that plays through the daemon's ALSA port.
    private final class Stage {
        let hub: HubUnderTest
        let port = freeUDPPortPair()
        var daemon: RtpmididProcess
        let piano: NetworkPlayer
        let program: SequencerClient
        let own: SequencerAddress

        init() throws {
            let hubPort = freeUDPPortPair()
            hub = try HubUnderTest(
                ports: [hubPort], configuration: "{ name: \"Hall\", ports: [\(hubPort)], address: \"127.0.0.1\" }",
                options: ["--engine", "embedded"])
            try hub.start()
            try hub.awaitEngines()
            piano = NetworkPlayer("Piano", port: hubPort)
            try piano.join()
            daemon = try .listening(Rtpmidid.path(), name: "Synth", port: port)
            program = try SequencerClient(name: Array("program".utf8))
            own = SequencerAddress(client: program.client, port: program.createPort(Array("program".utf8)))
            let told = try hub.command("connect", "127.0.0.1:\(port)", "--name", "Desk")
            #expect(told.code == 0, "\(told)")
        }

        /// The daemon has an ALSA port for the room, to which the program connects as a person would.
        func plug() throws {
            try working("both wires") { try hub.wires() == [["Piano", "Desk"], ["Desk", "Piano"]] }
            // One that has vanished is missed after half a minute only.
            let gate = try awaited(within: .seconds(120), "the room's port at the daemon", seen: daemon.log) {
                _ = try self.piano.received()
                return self.program.ports().first { port in
                    port.clientName == Array("Synth".utf8) && port.name == Array("Hall".utf8)
                }?.address
            }
            // The port may be the one that it was before.
            try? program.disconnect(gate, from: own)
            try? program.disconnect(own, from: gate)
            try program.connect(gate, to: own)
            try program.connect(own, to: gate)
        }

        func working(_ what: String, _ condition: () throws -> Bool) throws {
            try eventually(within: .seconds(120), what, seen: "\(daemon.log)") {
                _ = try piano.received()
                return try condition()
            }
        }

        func heardByProgram() -> [[UInt8]] {
            var heard: [[UInt8]] = []
            while let event = program.nextEvent() { if case .midi(_, let bytes) = event { heard.append(bytes) } }
            return heard
        }

        func awaitMusic() throws {
            try plug()
            try working("the piano's note") {
                try piano.send([0x90, 60, 100])
                return heardByProgram().contains([0x90, 60, 100])
            }
            try eventually("the program's note", seen: daemon.log) {
                try program.send([0x91, 61, 99], from: Int(own.port))
                return try piano.received().contains([0x91, 61, 99])
            }
        }

        func awaitState(_ state: String, _ reason: String?) throws {
            try working("\(state): \(reason ?? "")") {
                let one = try hub.list("/api/v1/connections", "connections").first
                return one?["state"] as? String == state && one?["reason"] as? String == reason
            }
        }
    }

    @Test
    func `it hears and is heard, its clock is known, and it is in the room again after its goodbye and its restart`()
        throws
    {
        let stage = try Stage()
        try stage.awaitMusic()
        try stage.working("its round trip") {
            let desk = try stage.hub.participants().first { $0["name"] as? String == "Desk" }
            return desk?["rtt"] != nil && desk?["invited"] as? Bool == true
        }
        #expect(stage.daemon.log.contains("Latency Hall: "), "it knows the room's, too")
        // Its listener says goodbye when it is removed, and only then.
        let listener = try #require(try stage.daemon.result("status") as? [String: Any])["router"] as? [[String: Any]]
        let id = try #require(listener?.first { $0["listening"] != nil }?["id"] as? Int)
        _ = try stage.daemon.request(#"{"method":"router.remove","params":[\#(id)],"id":1}"#)
        try stage.awaitState("refused", "it said goodbye")
        try stage.daemon.terminate()
        try stage.awaitState("unreachable", "no answer from 127.0.0.1:\(stage.port)")
        stage.daemon = try .listening(Rtpmidid.path(), name: "Synth", port: stage.port)
        try stage.awaitMusic()
        if Rtpmidid.isReal {
            // Without a goodbye, and back before anybody has noticed. It takes half a minute.
            stage.daemon.program.send(SIGKILL)
            try stage.daemon.program.finish()
            stage.daemon = try .listening(Rtpmidid.path(), name: "Synth", port: stage.port)
            try stage.awaitMusic()
        }
        #expect(try stage.hub.command("disconnect", "Desk").code == 0)
        try stage.working("the goodbye") { stage.daemon.log.contains(" -> NOT_CONNECTED") }
        let ports = stage.program.ports().filter { $0.clientName == Array("Synth".utf8) }
        #expect(!ports.contains { $0.name == Array("Hall".utf8) })
        #expect(try stage.hub.command("stop").code == 0)
    }
}

import Foundation
import TestSupport
import Testing

/// Music in rooms: who hears whom, how often, and that nothing stays stuck.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct RoomTests {
    @Test func `a note arrives at every other player once and never comes back`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Piano", "Drums", "Bass")
        for (index, player) in players.enumerated() {
            let note: [UInt8] = [0x90 | UInt8(index), 60, 100]
            try player.send(note)
            for other in players where other !== player { #expect(try other.hears(1) == [note]) }
        }
        // Whatever was echoed would have come before this last note, which only the others hear.
        try players[0].send([0x80, 60, 64])
        for other in players.dropFirst() { #expect(try other.hears(1) == [[0x80, 60, 64]]) }
        #expect(try players[0].received().isEmpty)

        let byPort = try hub.get("/participants").object() as? [String: [String]]
        #expect(byPort?["\(hub.ports[0])"]?.sorted() == ["Bass", "Drums", "Piano"])
    }

    @Test func `what a leaving player holds is released, but not what another still holds`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Leaver", "Holder", "Listener")
        try players[0].send([0x90, 60, 100])
        try players[0].send([0x90, 64, 100])
        try players[0].send([0xB0, 64, 127])
        #expect(try players[2].hears(3).count == 3)
        try players[1].send([0x90, 64, 90])
        #expect(try players[2].hears(1) == [[0x90, 64, 90]])
        try players[0].leave()
        let released = try players[2].hears(2)
        #expect(released == [[0x80, 60, 64], [0xB0, 64, 0]], "64 is still held by Holder")
        // The holder hears nobody hold 64 any more but itself: both notes end there.
        #expect(Set(try players[1].hears(6).suffix(3)) == [[0x80, 60, 64], [0x80, 64, 64], [0xB0, 64, 0]])
        try hub.awaitEvent("left", containing: "Leaver")
        try hub.awaitEvent("released", containing: "Leaver")
        try players[0].join()
        try hub.awaitMesh(players)
    }

    @Test func `what was held is released when the player left while no hub ran`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Leaver", "Listener")
        try players[0].send([0x93, 61, 100])
        #expect(try players[1].hears(1) == [[0x93, 61, 100]])
        try hub.kill9()
        try players[0].leave()
        try hub.start()
        var heard: [[UInt8]] = []
        try eventually(within: .seconds(60), "the release", seen: "\(heard.count) messages") {
            heard += try players[1].received()
            return heard.contains([0x83, 61, 64])
        }
        try hub.awaitEvent("left", containing: "Leaver", "while the hub was away")
    }

    @Test func `panic silences a room and leaves the other alone`() throws {
        let hub = try HubUnderTest(ports: [freeUDPPortPair(), freeUDPPortPair()])
        try hub.start()
        let here = [try hub.player("Here A", port: hub.ports[0]), try hub.player("Here B", port: hub.ports[0])]
        let there = [try hub.player("There A", port: hub.ports[1]), try hub.player("There B", port: hub.ports[1])]
        for player in here + there { try player.join() }
        try hub.awaitWires([
            ["Here A", "Here B"], ["Here B", "Here A"], ["There A", "There B"], ["There B", "There A"],
        ])
        try here[0].send([0x90, 72, 100])
        #expect(try here[1].hears(1) == [[0x90, 72, 100]])
        #expect(try hub.command("panic", "--room", "\(hub.ports[0])").code == 0)
        let heard = try here[1].hears(49, within: .seconds(60))
        #expect(heard.contains([0x80, 72, 64]))
        for channel in UInt8(0)..<16 {
            for controller: UInt8 in [64, 123, 120] { #expect(heard.contains([0xB0 | channel, controller, 0])) }
        }
        #expect(try there[1].received().isEmpty)
        #expect(try hub.command("panic", "--room", "nowhere").code == 64)
    }

    @Test func `a pair room of the older format takes in by its first port and gives out by its second`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let hub = try HubUnderTest(ports: ports, configuration: #"{"GroupOne": [\#(ports[0]), \#(ports[1])]}"#)
        try hub.start()
        let sender = try hub.player("A", port: ports[0])
        let other = try hub.player("B", port: ports[0])
        let receiver = try hub.player("C", port: ports[1])
        for player in [sender, other, receiver] { try player.join() }
        try hub.awaitWires([["A", "C"], ["B", "C"]])
        try sender.send([0x90, 60, 1])
        #expect(try receiver.hears(1) == [[0x90, 60, 1]])
    }

    @Test func `names say who only sends and who only receives`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try ["Piano Out", "StoreWriter-in", "Martin"].map { try hub.player($0) }
        for player in players { try player.join() }
        try hub.awaitWires([["Piano Out", "StoreWriter-in"], ["Piano Out", "Martin"], ["Martin", "StoreWriter-in"]])
    }

    @Test func `names of every kind are wired and shown`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        var names = ["it's \"quoted\" \\ back", "Zoë 🎹 Straße", String(repeating: "x", count: 63), "a:b,c/d"]
        // A real participant takes its name from ALSA, which has cut it before the daemon can.
        if !Rtpmidid.isReal { names.append(String(repeating: "é", count: 40)) }
        let players = try names.map { try hub.player($0) }
        for player in players { try player.join() }
        try hub.awaitMesh(players)
    }

    @Test func `who falls silent is shown as such before rtpmidid notices`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Gone", "Here")
        let ids = players.compactMap { ($0 as? DoublePlayer)?.id }
        var round = 0.0
        /// One more figure for a simulated participant; real ones measure by themselves.
        func measure(_ index: Int) throws {
            round += 1
            guard index < ids.count else { return }
            try hub.drive().latency(ids[index], milliseconds: 4 + round.truncatingRemainder(dividingBy: 50) / 10)
        }
        func samples() throws -> Int {
            let one = try hub.participants().first { $0["name"] as? String == "Gone" }
            return (one?["rtt"] as? [String: Any])?["samples"] as? Int ?? 0
        }
        // One that has not measured since another joined would be a ghost: the daemon has dropped its timer.
        let enough = try samples() + 2
        try eventually(within: .seconds(60), "figures of Gone since Here came") {
            for index in [0, 1] { try measure(index) }
            return try samples() >= enough
        }
        try players[0].send([0x90, 60, 100])
        #expect(try players[1].hears(1) == [[0x90, 60, 100]])
        try players[0].vanish()
        func state(_ name: String) throws -> String? {
            try measure(1)
            return try hub.participants().first { $0["name"] as? String == name }?["state"] as? String
        }
        try eventually(within: .seconds(60), "Gone shown as silent", seen: "\((try? hub.texts()) ?? [])") {
            try state("Gone") == "silent"
        }
        #expect(try state("Here") == "present")
        #expect(try hub.events("lost").isEmpty)
        try hub.awaitEvent("silent", containing: "Gone has been silent for")
        #expect(try players[1].hears(1, within: .seconds(15)) == [[0x80, 60, 64]], "it does not sound until the end")
        #expect(try hub.get("/healthz").text.contains("silent: Gone"))
        try eventually(within: .seconds(90), "rtpmidid's own word", seen: "\((try? hub.texts()) ?? [])") {
            try state("Gone") == nil
        }
        try hub.awaitEvent("lost", containing: "Gone", "was lost")
        #expect(try hub.events("ghost").isEmpty && hub.events("silent").count == 1)
    }

    @Test func `connections made by other people are left alone`() throws {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest(ports: [port], configuration: #"{ports: [\#(port)], policy: "named"}"#)
        try hub.start()
        let players = try ["Keys Out", "Synth In", "Other In"].map { try hub.player($0) }
        for player in players { try player.join() }
        let ours: Set = [["Keys Out", "Synth In"], ["Keys Out", "Other In"]]
        try hub.awaitWires(ours)

        // What `aconnect` would do: a wire that no policy wants, and one to a program outside.
        let somebody = try SequencerClient(name: Array("somebody".utf8))
        let program = SequencerAddress(client: somebody.client, port: somebody.createPort(Array("program".utf8)))
        func address(_ name: String) throws -> SequencerAddress {
            let port = somebody.ports().first {
                $0.clientName == Array("midihub-\(port)".utf8) && $0.name == Array(name.utf8)
            }
            return try #require(port?.address)
        }
        let (keys, synth, other) = (try address("Keys Out"), try address("Synth In"), try address("Other In"))
        try somebody.connect(synth, to: other)
        try somebody.connect(synth, to: program)
        func theirsAreThere(_ note: UInt8) throws {
            try players[1].send([0x90, note, 100])
            #expect(try players[2].hears(1) == [[0x90, note, 100]])
            try eventually("the program hears \(note)") {
                somebody.nextEvent() == .midi(port: program.port, bytes: [0x90, note, 100])
            }
        }
        let all = ours.union([["Synth In", "Other In"]])
        try hub.awaitWires(all)
        try theirsAreThere(60)

        // Ours are made again: at once the first time, by the regular comparison the second time.
        for _ in 0..<2 {
            try somebody.disconnect(keys, from: synth)
            try eventually(within: .seconds(60), "our wire is back") {
                try players[0].send([0xC0, 1])
                return try players[1].received().contains([0xC0, 1])
            }
        }
        _ = try players[2].received()
        try theirsAreThere(61)
        // A policy that wanted it for a while has not made it ours, nor has another hub.
        for policy in ["all", "named"] {
            hub.directory.write("midihub.json5", #"{ports: [\#(port)], policy: "\#(policy)"}"#)
            #expect(try hub.command("reload").code == 0)
            if policy == "all" { try hub.awaitMesh(players) }
        }
        try hub.awaitWires(all)
        try hub.kill9()
        try hub.start()
        try hub.awaitWires(all)
        try theirsAreThere(62)
        try somebody.disconnect(synth, from: other)
        try hub.awaitWires(ours)
    }

    @Test func `latencies are measured, shown and kept`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let player = try hub.player("Piano")
        try player.join()
        try eventually("Piano") { try hub.participants().count == 1 }
        if !Rtpmidid.isReal, let id = (player as? DoublePlayer)?.id {
            for value in [4.0, 8.0] {
                try hub.drive().latency(id, milliseconds: value)
                try eventually("the figure \(value)") {
                    (try hub.participants().first?["rtt"] as? [String: Any])?["last"] as? Double == value
                }
            }
        }
        try eventually(within: .seconds(60), "a row of /latency", seen: (try? hub.get("/latency").text) ?? "") {
            let rows =
                try JSONSerialization.jsonObject(with: Data(hub.get("/latency").text.utf8)) as? [[String: String]]
            guard let row = rows?.first, let last = row["lastLatency"], let average = row["averageLatency"] else {
                return false
            }
            guard row["clientName"] == "Piano", row["clientPort"] == "\(hub.ports[0])" else { return false }
            return Rtpmidid.isReal || (last, average) == ("8.0", "6.0")
        }
    }

    @Test func `who only measures is neither shown nor heard, recorded nor told of`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Piano", "Drums")
        let probe = try hub.player("midihub ping")
        try probe.join()
        try probe.send([0x90, 60, 100])
        try players[0].send([0x90, 64, 100])
        #expect(try players[1].hears(1) == [[0x90, 64, 100]])
        try hub.awaitMesh(players)
        #expect(try hub.participants().compactMap { $0["name"] as? String }.sorted() == ["Drums", "Piano"])
        let sounding = try hub.list("/api/v1/sounding", "sounding")
        #expect(sounding.count == 1 && (sounding[0]["notes"] as? [[String: Int]]) == [["channel": 1, "note": 64]])
        try probe.leave()
        try players[0].leave()
        try hub.awaitEvent("left", containing: "Piano")
        #expect(try probe.received().isEmpty && players[1].received().allSatisfy { $0[0] == 0x80 })
        for trace in [try hub.texts().joined(), try hub.get("/latency").text, try hub.get("/participants").text] {
            #expect(!trace.contains("midihub ping"))
        }
    }
}

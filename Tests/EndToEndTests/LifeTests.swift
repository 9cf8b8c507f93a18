import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// Starting, ending, dying and coming back.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct LifeTests {
    enum Death: CaseIterable { case killed, handedOver, recordLost, recordHalfWritten, recordOfAnother }

    @Test(arguments: Death.allCases)
    func `engines go on without their hub, and the next one adopts them`(death: Death) throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Alice", "Bob")
        let pids = try hub.enginePIDs()
        let ids = try hub.participants().compactMap { $0["id"] as? Int }
        let record = "\(hub.state)/engines/rtpmidid-\(hub.ports[0]).json"
        switch death {
        case .killed: try hub.kill9()
        case .handedOver:
            let pid = try hub.pid()
            kill(pid, SIGUSR2)
            try eventually("the hub's end") { !hub.hubIsThere }
        case .recordLost:
            try hub.kill9()
            unlink(record)
        case .recordHalfWritten:
            try hub.kill9()
            let whole = contents(of: record)
            try File.replace(record, with: Array(whole[..<(whole.count / 2)]))
        case .recordOfAnother:
            try hub.kill9()
            // A pid that is somebody else's by now must not be taken for the engine, let alone be signalled.
            let words = text(of: record).replacingOccurrences(of: "\"pid\":\(pids[0])", with: "\"pid\":\(getpid())")
            try File.replace(record, with: Array(words.utf8))
        }
        try players[0].send([0x90, 60, 100])
        #expect(try players[1].hears(1) == [[0x90, 60, 100]])
        try hub.start()
        try hub.awaitEngines()
        #expect(try hub.enginePIDs() == pids)
        try hub.awaitMesh(players)
        #expect(try hub.participants().compactMap { $0["id"] as? Int } == ids)
        #expect(try hub.events("joined").count == 2)
        #expect(try hub.events("left").isEmpty)
        try hub.awaitEvent("adopted", containing: "\(pids[0])")
        try players[1].send([0x90, 62, 100])
        #expect(try players[0].hears(1) == [[0x90, 62, 100]])
    }

    @Test func `stop ends hub and engines with a goodbye, twice without harm, and cron respects it`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Alice", "Bob")
        let engines = try hub.enginePIDs()
        #expect(try hub.command("stop").code == 0)
        for player in players { try eventually("the BYE to \(player.name)") { try player.wasDismissed() } }
        #expect(!hub.hubIsThere)
        #expect(engines.allSatisfy { ProcessIdentity(of: Int32($0)) == nil })
        #expect(try hub.command("stop").code == 0)
        #expect(try hub.command("status").code == 1)
        #expect(try hub.command("start", "--unless-stopped").code == 0)
        #expect(!hub.hubIsThere)
        try hub.start()
        #expect(try hub.command("start", "--unless-stopped").code == 0)
        #expect(try hub.texts("left").count == 2)
    }

    @Test func `stop ends engines that a killed hub has left`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Alice")
        let engines = try hub.enginePIDs()
        try hub.kill9()
        #expect(try hub.command("stop").code == 0)
        try eventually("the BYE") { try players[0].wasDismissed() }
        #expect(engines.allSatisfy { ProcessIdentity(of: Int32($0)) == nil })
    }

    @Test func `a killed engine is started again, and the reason is on record`() throws {
        let hub = try HubUnderTest(ports: [freeUDPPortPair(), freeUDPPortPair()])
        try hub.start()
        try hub.awaitEngines(up: 2)
        let pids = try hub.enginePIDs()
        kill(Int32(pids[0]), SIGSEGV)
        try hub.awaitEvent("engine-exited", containing: "signal 11")
        try eventually(within: .seconds(60), "another process") {
            try hub.enginePIDs().count == 2 && hub.enginePIDs()[0] != pids[0]
        }
        try hub.awaitEngines(up: 2)
        #expect(try hub.enginePIDs()[1] == pids[1])
        #expect(try hub.engines().first?["restarts"] as? Int == 1)
    }

    @Test func `a taken port is said with its holder's name, the other goes on, and it comes up when it is free`()
        throws
    {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let hub = try HubUnderTest(ports: ports)
        do {
            let taken = try Sockets.datagram(.init(host: "::", port: ports[0] + 1))
            try hub.start()
            try hub.awaitEngines(up: 1)
            try hub.awaitEvent("engine-cannot-start", containing: "\(ports[0] + 1) is taken", "pid \(getpid())")
            let doctor = try hub.command("doctor", "--port", "\(ports[0])")
            #expect(doctor.code == 1)
            #expect(doctor.output.contains("pid \(getpid())"), "\(doctor.output) \(taken.number)")
        }
        try hub.awaitEngines(up: 2)
    }

    @Test func `reload adds and removes ports without touching the others, and refuses what is wrong`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair(), freeUDPPortPair()]
        let hub = try HubUnderTest(ports: ports, configuration: "{ports: [\(ports[0]), \(ports[1])], // two\n}")
        try hub.start()
        let players = [try hub.player("A", port: ports[0]), try hub.player("B", port: ports[0])]
        for player in players { try player.join() }
        try hub.awaitMesh(players)
        let pid = try hub.enginePIDs()[0]

        hub.directory.write("midihub.json5", "{ports: [\(ports[0]), 70000]}")
        let refused = try hub.command("reload")
        #expect(refused.code == 64)
        #expect(refused.error.contains("midihub.json5") && refused.error.contains("70000"))
        #expect(try hub.engines().count == 2)
        try hub.awaitEvent("reload-failed", containing: "70000")

        hub.directory.write("midihub.json5", "{ports: [\(ports[0]), \(ports[2])]}")
        #expect(try hub.command("reload").code == 0)
        try eventually(within: .seconds(60), "the new ports") {
            try hub.engines().filter { $0["state"] as? String == "up" }.compactMap { $0["port"] as? Int }
                == [ports[0], ports[2]].map(Int.init)
        }
        #expect(try hub.enginePIDs().contains(pid))
        try hub.awaitMesh(players)
        #expect(try hub.events("left").isEmpty)
    }

    @Test func `who stays keeps visit and notes, and who goes is released before the goodbye`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        func configuration(_ rooms: String) -> String { "{rooms: {\(rooms)}}" }
        let hub = try HubUnderTest(
            ports: ports, configuration: configuration("band: {ports: [\(ports[0]), \(ports[1])]}"))
        try hub.start()
        let players = [
            try hub.player("A", port: ports[0]), try hub.player("B", port: ports[0]),
            try hub.player("C", port: ports[1]),
        ]
        for player in players { try player.join() }
        try hub.awaitMesh(players)
        let ids = try hub.participants().compactMap { $0["id"] as? Int }
        try players[0].send([0x90, 60, 100])
        for hearer in players.dropFirst() { #expect(try hearer.hears(1) == [[0x90, 60, 100]]) }

        hub.directory.write(
            "midihub.json5", configuration("trio: {ports: [\(ports[1]), \(ports[0])]}"))
        #expect(try hub.command("reload").code == 0)
        try eventually("the new room") { try hub.participants().allSatisfy { $0["room"] as? String == "trio" } }
        #expect(try hub.participants().compactMap { $0["id"] as? Int }.sorted() == ids.sorted())
        #expect(try hub.events("left").isEmpty && hub.events("released").isEmpty)
        #expect(try players[1].received().isEmpty && players[2].received().isEmpty)

        // C's port is closed: what it hears ends there, and goes on where it is still held.
        hub.directory.write("midihub.json5", configuration("trio: {ports: [\(ports[0])]}"))
        #expect(try hub.command("reload").code == 0)
        try eventually("the goodbye to C") { try players[2].wasDismissed() }
        if let double = players[2] as? DoublePlayer { #expect(double.heardBeforeDismissal() == [[0x80, 60, 64]]) }
        #expect(try players[1].received().isEmpty)

        #expect(try hub.command("stop").code == 0)
        if let double = players[1] as? DoublePlayer { #expect(double.heardBeforeDismissal() == [[0x80, 60, 64]]) }
    }
}

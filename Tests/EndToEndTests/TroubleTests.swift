import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// What can happen to a hub on a real machine: a full disk, an upgrade, a daemon that hangs.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct TroubleTests {
    @Test(.enabled(if: SmallDisk.isAllowed, "mounting a tmpfs is not allowed here"))
    func `a full disk stops recording and nothing else, and with room it is recorded again`() throws {
        let hub = try HubUnderTest()
        try File.makeDirectory(hub.state, mode: 0o750)
        let disk = try #require(SmallDisk(megabytes: 8, at: hub.state))
        defer {
            hub.close()
            disk.end()
        }
        try hub.start()
        let players = try hub.joined("Alice", "Bob")
        let engines = try hub.enginePIDs()

        disk.fill()
        try eventually(within: .seconds(60), "recording has stopped", seen: (try? hub.store()) ?? "") {
            // Something to record; what SQLite has room for already is taken first.
            #expect(try hub.command("reload").code == 0)
            return try hub.store() == "stopped"
        }
        let health = try hub.get("/healthz")
        #expect(health.status == 503)
        #expect(health.text.contains("Nothing is recorded: the disk is full. MIDI goes on."), "\(health.text)")
        try players[0].send([0x90, 60, 100])
        #expect(try players[1].hears(1) == [[0x90, 60, 100]])
        let late = try hub.player("Late")
        try late.join()
        try hub.awaitMesh(players + [late])
        try players[0].send([0x80, 60, 64])
        #expect(try late.hears(1) == [[0x80, 60, 64]])
        #expect(try players[1].hears(1) == [[0x80, 60, 64]])

        // A hub that begins on a full disk finds everybody there as well.
        try hub.kill9()
        try hub.start()
        try hub.awaitMesh(players + [late])
        #expect(try hub.enginePIDs() == engines)
        try eventually("it says so again", seen: (try? hub.get("/healthz").text) ?? "") {
            try hub.get("/healthz").text.contains("the disk is full")
        }

        disk.makeRoom()
        try eventually(within: .seconds(60), "recording goes on", seen: (try? hub.store()) ?? "") {
            try hub.store() == "recording"
        }
        try hub.awaitEvent("store", containing: "Recording again")
        #expect(try hub.get("/healthz").status == 200)
        // Late came meanwhile and is on record, and so is the end of that visit.
        try late.leave()
        try hub.awaitEvent("left", containing: "Late")
        #expect(try hub.command("stop").code == 0)
        let visits = try Program(
            "/usr/bin/sqlite3",
            ["\(hub.state)/hub.sqlite", "SELECT name FROM visit WHERE left_latest IS NOT NULL ORDER BY name"],
            environment: [:], in: hub.directory, name: "sqlite3"
        ).finish()
        #expect(visits.output.split(separator: "\n") == ["Alice", "Bob", "Late"], "\(visits)")
    }

    @Test func `an upgrade of both programs on disk does not break adoption, and MIDI goes on all the while`() throws {
        let hub = try HubUnderTest(ownPrograms: true)
        try hub.start()
        let players = try hub.joined("Alice", "Bob")
        let engines = try hub.enginePIDs()
        var played: UInt8 = 0
        func play() throws {
            played = (played + 1) & 127
            try players[0].send([0xC0, played])
            #expect(try players[1].hears(1) == [[0xC0, played]])
        }
        try play()
        try hub.upgrade()
        try play()
        try hub.kill9()
        try play()
        let start = try hub.launch("start")
        repeat { try play() } while start.exit == nil
        #expect(try start.finish().code == 0)
        try eventually(within: .seconds(60), "its adoption", seen: "\((try? hub.texts()) ?? [])") {
            try play()
            return try hub.texts("adopted").contains { $0.contains("\(engines[0])") }
        }
        #expect(try hub.enginePIDs() == engines)
        #expect(program(of: engines[0]) == hub.directory.file("rtpmidid") + " (deleted)")
        try hub.awaitMesh(players)
        #expect(try hub.events("joined").count == 2 && hub.events("left").isEmpty)
        try play()
        #expect(try players[0].received().isEmpty)

        // Its successor is the new program.
        kill(Int32(engines[0]), SIGKILL)
        let next = try awaited(within: .seconds(60), "the next engine") {
            let up = try hub.engines().first { $0["state"] as? String == "up" }?["pid"] as? Int
            return up == engines[0] ? nil : up
        }
        #expect(program(of: next) == hub.directory.file("rtpmidid"))
    }

    @Test func `a daemon that hangs is killed and started again, and the other port goes on`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let hub = try HubUnderTest(ports: ports)
        try hub.start()
        try hub.awaitEngines(up: 2)
        let players = [try hub.player("A", port: ports[1]), try hub.player("B", port: ports[1])]
        for player in players { try player.join() }
        try hub.awaitMesh(players)
        let engines = try hub.engines()
        let pids = try ports.map { port in
            try #require(engines.first { $0["port"] as? Int == Int(port) }?["pid"] as? Int)
        }
        kill(Int32(pids[0]), SIGSTOP)
        try eventually(within: .seconds(60), "the page to say so") {
            try hub.engines().contains { $0["reason"] as? String == "its engine does not answer" }
        }
        let health = try hub.get("/healthz")
        #expect(health.status == 503 && health.text.contains("Port \(ports[0])"), "\(health)")
        #expect(try hub.engines().count { $0["state"] as? String == "up" } == 1)
        try eventually(within: .seconds(120), "the end of the hung one", seen: "\((try? hub.texts()) ?? [])") {
            // The others play, as the silence of the double's participants would be taken for their end.
            for player in players {
                try player.send([0xC0, 1])
                _ = try player.received()
            }
            return ProcessIdentity(of: Int32(pids[0])) == nil
        }
        try hub.awaitEvent("engine-unfit", containing: "\(ports[0])", "neither logged nor answered for 60")
        try hub.awaitEngines(up: 2)
        let after = try hub.engines()
        #expect(after.first { $0["port"] as? Int == Int(ports[0]) }?["restarts"] as? Int == 1)
        #expect(after.first { $0["port"] as? Int == Int(ports[1]) }?["pid"] as? Int == pids[1])
        try players[0].send([0x90, 60, 100])
        try eventually("B hears it") { try players[1].received().contains([0x90, 60, 100]) }
        #expect(try hub.events("left").isEmpty && hub.events("lost").isEmpty)
    }
}

/// The path of the program that a process runs, as the kernel has it.
private func program(of pid: Int) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/\(pid)/exe", &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension HubUnderTest {
    /// `recording` or `stopped`.
    fileprivate func store() throws -> String {
        let store = try get("/api/v1/status").object()["store"] as? [String: Any]
        return store?["state"] as? String ?? "nothing"
    }
}

import Foundation
import Glibc
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

/// A hub on its embedded engine, as people run it: processes, real sockets, the API.
@Suite struct EmbeddedLifeTests {
    private func note(_ number: UInt8) -> Message {
        .noteOn(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 100)
    }
    private func off(_ number: UInt8) -> Message {
        .noteOff(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 64)
    }

    @Test func `two participants hear each other, and the API shows both with their round trips`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice", "Bob")
        players[0].play(note(60))
        try pumping(players, "the note") { players[1].heard == [note(60)] }
        try pumping(players, "both with round trips") {
            let rows = try hub.participants()
            return rows.count == 2 && rows.allSatisfy { ($0["rtt"] as? [String: Any])?["last"] as? Double != nil }
        }
        #expect(try hub.wires() == [["Alice", "Bob"], ["Bob", "Alice"]])
        #expect(try hub.get("/participants").object()["\(hub.ports[0])"] as? [String] == ["Alice", "Bob"])
        #expect(try hub.texts("engine-chosen") == ["The engine is embedded: as configured"])
        let panic = try hub.post("/api/v1/panic")
        #expect(panic.text.contains("Silenced 2 participants; 1 note was sounding."))
        try pumping(players, "silence") { players[1].heard.contains(off(60)) }
    }

    @Test func `stop says BY to everyone, ends the engine, and is idempotent`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice", "Bob")
        let pids = try hub.enginePIDs()
        #expect(try hub.command("stop").code == 0)
        try pumping(players, "the goodbyes") { players.allSatisfy { $0.ended == .bye } }
        #expect(pids.allSatisfy { ProcessIdentity(of: Int32($0)) == nil })
        #expect(try hub.command("stop").code == 0)
    }

    @Test(arguments: [false, true])
    func `an engine that is killed, or restarted by order, is back at once with its participants`(
        byOrder: Bool
    ) throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice", "Bob")
        players[0].play(note(60))
        try pumping(players, "the note") { players[1].heard == [note(60)] }
        try pumping(players, "both on the page") { try hub.participants().count == 2 }
        let ids = try hub.participants().compactMap { $0["id"] as? Int }
        let pid = try #require(try hub.enginePIDs().first)
        if byOrder {
            #expect(try hub.post("/api/v1/engines/embedded/restart").status == 202)
        } else {
            kill(Int32(pid), SIGKILL)
        }
        try eventually("another engine") {
            let now = try hub.enginePIDs()
            return try now.first != pid && hub.engines().allSatisfy { $0["state"] as? String == "up" }
        }
        // In the same sessions: nobody was invited again.
        players[0].play(off(60))
        try pumping(players, "the note's end") { players[1].heard.contains(off(60)) }
        players[1].play(note(70))
        try pumping(players, "a note back") { players[0].heard.contains(note(70)) }
        #expect(players.allSatisfy { $0.isUp && $0.ended == nil })
        try pumping(players, "the same visits") { try hub.participants().compactMap { $0["id"] as? Int } == ids }
        #expect(try hub.events("joined").count == 2)
        #expect(try hub.events("left").isEmpty && hub.events("lost").isEmpty)
    }

    @Test func `players whose port is taken when their engine is started anew play on once it is free`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice", "Bob")
        players[0].play(note(60))
        try pumping(players, "the note") { players[1].heard == [note(60)] }
        try pumping(players, "both on the page") { try hub.participants().count == 2 }
        let (pid, engine) = (try hub.pid(), try #require(try hub.enginePIDs().first))
        kill(pid, SIGSTOP)
        kill(Int32(engine), SIGKILL)
        var squatter: DatagramSocket?
        try eventually("the port to be free") {
            squatter = try? DatagramSocket(port: hub.ports[0], host: "127.0.0.1")
            return squatter != nil
        }
        kill(pid, SIGCONT)
        try hub.awaitEvent("port-taken", containing: "\(hub.ports[0])")
        squatter = nil
        try hub.awaitEngines()
        players[0].play(off(60))
        try pumping(players, "the note's end") { players[1].heard.contains(off(60)) }
        players[1].play(note(70))
        try pumping(players, "a note back") { players[0].heard.contains(note(70)) }
        #expect(players.allSatisfy { $0.isUp && $0.ended == nil })
        #expect(try hub.events("joined").count == 2)
    }

    @Test func `an engine that hangs counts as ill soon, and another goes on with its players`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice", "Bob")
        try pumping(players, "both on the page") { try hub.participants().count == 2 }
        let pid = try #require(try hub.enginePIDs().first)
        kill(Int32(pid), SIGSTOP)
        try pumping(players, "the page to say so") {
            try hub.engines().allSatisfy { $0["reason"] as? String == "its engine does not answer" }
        }
        #expect(try hub.get("/healthz").status == 503)
        #expect(try hub.enginePIDs().first == pid, "it may still come to")
        try pumping(players, "another engine") {
            try hub.enginePIDs().first != pid && hub.engines().allSatisfy { $0["state"] as? String == "up" }
        }
        players[0].play(note(60))
        try pumping(players, "a note") { players[1].heard.contains(note(60)) }
        #expect(players.allSatisfy { $0.isUp && $0.ended == nil })
        #expect(try hub.events("joined").count == 2)
        #expect(try hub.events("left").isEmpty && hub.events("lost").isEmpty)
    }

    @Test(.enabled(if: SmallDisk.isAllowed, "no file system can be mounted here"))
    func `who is there is right while the disk with the engine's log is full`() throws {
        let hub = try HubUnderTest.embedded()
        try File.makeDirectory(hub.state, mode: 0o750)
        let disk = try #require(SmallDisk(megabytes: 8, at: hub.state))
        defer {
            hub.close()
            disk.end()
        }
        // A log that is a plain file already stays where it is.
        try File.makeDirectory("\(hub.state)/engines")
        let log = "\(hub.state)/engines/embedded.log"
        try File.replace(log, with: [])
        try hub.start()
        try hub.awaitEngines()
        let players = try hub.here("Alice", "Bob")
        try pumping(players, "both on the page") { try hub.participants().count == 2 }
        disk.fill()
        fillLastPage(of: log)
        players[0].leave()
        let late = try hub.here("Late", others: [players[1]])
        let here = [players[1]] + late
        func names() throws -> Set<String> { Set(try hub.participants().compactMap { $0["name"] as? String }) }
        try pumping(here, "who is there") { try names() == ["Bob", "Late"] }

        // When there is room again the log goes on, and its next line is not joined to the half line before.
        disk.makeRoom()
        players[1].leave()
        try pumping(here, "Bob's leaving") { try names() == ["Late"] }
        #expect(text(of: log).split(separator: "\n").contains { $0.contains("left") && $0.contains("Bob") })
    }

    /// Fills the disk with blank lines, so that only a part of the next line can be written.
    private func fillLastPage(of path: String) {
        let file = open(path, O_WRONLY | O_APPEND)
        defer { close(file) }
        let size = Int(lseek(file, 0, SEEK_END))
        let blank = [UInt8](repeating: UInt8(ascii: "\n"), count: max(0, 4096 - size % 4096 - 8))
        _ = write(file, blank, blank.count)
    }

    @Test func `who leaves while the engine is dead has its notes released by the next one`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice", "Bob")
        players[0].play(note(60))
        try pumping(players, "the note") { players[1].heard == [note(60)] }
        let pid = try #require(try hub.enginePIDs().first)
        kill(Int32(pid), SIGSTOP)
        players[0].leave()
        kill(Int32(pid), SIGKILL)
        try eventually("another engine") { try hub.enginePIDs().first != pid }
        // Bob's session goes on. Alice counts as present until she has been silent for too long or joins anew; then her note
        // is released.
        let again = try TestPlayer("Alice", port: hub.ports[0], ssrc: players[0].ssrc)
        (again.control, again.data) = (players[0].control, players[0].data)
        try pumping([again, players[1]], "the release") { players[1].heard.contains(off(60)) }
    }

    enum Death: CaseIterable { case killed, handedOver, recordLost, upgraded }

    @Test(arguments: Death.allCases)
    func `the engine goes on without its hub, and the next one adopts it`(death: Death) throws {
        let hub = try HubUnderTest.running(ownPrograms: death == .upgraded)
        let players = try hub.here("Alice", "Bob")
        try pumping(players, "round trips") {
            try hub.participants().allSatisfy { ($0["rtt"] as? [String: Any]) != nil } && hub.participants().count == 2
        }
        let ids = try hub.participants().compactMap { $0["id"] as? Int }
        let samples = try hub.participants().compactMap { ($0["rtt"] as? [String: Any])?["samples"] as? Int }
        let pids = try hub.enginePIDs()
        if death == .handedOver {
            kill(try hub.pid(), SIGUSR2)
            try eventually("the hub's end") { !hub.hubIsThere }
        } else {
            try hub.kill9()
        }
        if death == .recordLost { unlink("\(hub.state)/engines/embedded.json") }
        if death == .upgraded { try hub.upgrade() }
        players[0].play(note(60))
        try pumping(players, "the note") { players[1].heard == [note(60)] }
        try hub.start()
        try hub.awaitEngines()
        #expect(try hub.enginePIDs() == pids)
        try pumping(players, "the same participants", seen: "\((try? hub.participants()) ?? [])") {
            try hub.participants().compactMap { $0["id"] as? Int } == ids
        }
        let later = try hub.participants().compactMap { ($0["rtt"] as? [String: Any])?["samples"] as? Int }
        #expect(zip(later, samples).allSatisfy { $0 >= $1 })
        #expect(try hub.events("joined").count == 2)
        #expect(try hub.events("left").isEmpty)
        try hub.awaitEvent("adopted", containing: "\(pids[0])")
        players[0].leave()
        try pumping(players, "Alice's leaving") { try hub.participants().count == 1 }
        #expect(try hub.events("left").count == 1)
    }

    @Test func `who vanishes is shown as silent, then lost, and what it held is released`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice", "Bob")
        players[0].play(note(60))
        try pumping(players, "the note") { players[1].heard == [note(60)] }
        players[0].isDead = true
        try pumping(players, "Alice's note to end") { players[1].heard.contains(off(60)) }
        try pumping(players, "Alice to be shown as silent") {
            try hub.participants().contains { $0["state"] as? String == "silent" }
        }
        try hub.awaitEvent("silent", containing: "Alice has been silent for")
        try hub.awaitEvent("released", containing: "Alice left 1 note")
        try eventually(within: .seconds(100), "Bob alone") {
            for player in players { player.pump() }
            return try hub.participants().count == 1
        }
        try hub.awaitEvent("lost", containing: "Alice was lost: no sign of it for 60 s")
    }

    @Test func `stop also ends an engine whose hub was killed, with a goodbye`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice")
        let pids = try hub.enginePIDs()
        try hub.kill9()
        #expect(try hub.command("stop").code == 0)
        try pumping(players, "the goodbye") { players[0].ended == .bye }
        #expect(pids.allSatisfy { ProcessIdentity(of: Int32($0)) == nil })
    }

    @Test func `a participant who leaves while no hub is there has left at that time`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice", "Bob")
        try pumping(players, "both") { try hub.participants().count == 2 }
        try hub.kill9()
        players[0].leave()
        let before = Int(Date().timeIntervalSince1970 * 1000)
        try eventually("the log") { text(of: "\(hub.state)/engines/embedded.log").contains("\"left\"") }
        let after = Int(Date().timeIntervalSince1970 * 1000)
        try hub.start()
        try pumping([players[1]], "Bob alone") { try hub.participants().count == 1 }
        let left = try #require(try hub.events("left").first)
        let at = try #require(left["at"] as? Int)
        #expect((before - 1000...after).contains(at))
        #expect(left["text"] as? String == "Alice left (room \(hub.ports[0]))")
    }
}

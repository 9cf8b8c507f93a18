import Glibc
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

/// Rooms that are spread over several processes of the embedded engine.
@Suite struct ProcessesTests {
    private func note(_ number: UInt8) -> Message {
        .noteOn(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 100)
    }
    private func off(_ number: UInt8) -> Message {
        .noteOff(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 64)
    }

    /// By port, the process that serves it.
    private func pids(_ hub: HubUnderTest) throws -> [Int: Int] {
        try hub.engines().reduce(into: [:]) { $0[$1["port"] as? Int ?? 0] = $1["pid"] as? Int }
    }

    @Test func `one that is killed touches its own rooms only, and all are adopted and stopped`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair(), freeUDPPortPair()]
        let hub = try HubUnderTest.running(ports: ports, more: "engineProcesses: 2")
        let before = try pids(hub)
        #expect(Set(before.values).count == 2 && before.count == 3)
        let engines = Set(try hub.engines().compactMap { $0["name"] as? String })
        #expect(engines == ["embedded", "embedded-2"])
        let (one, two) = (Int(ports[0]), Int(ports[1]))
        #expect(before[one] != before[two])
        let first = try hub.here("Alice", "Anna", port: ports[0])
        let second = try hub.here("Bob", "Ben", port: ports[1], others: first)
        let all = first + second
        first[0].play(note(60))
        second[0].play(note(70))
        try pumping(all, "a note in each room") { first[1].heard == [note(60)] && second[1].heard == [note(70)] }

        kill(Int32(try #require(before[two])), SIGKILL)
        try pumping(all, "another process for its rooms") {
            let now = try pids(hub)
            let areUp = try hub.engines().allSatisfy { $0["state"] as? String == "up" }
            return areUp && now[two] != before[two] && now[two] != nil
        }
        #expect(try pids(hub)[one] == before[one])
        second[0].play(off(70))
        try pumping(all, "the note's end, in the same session") { second[1].heard.contains(off(70)) }
        #expect(all.allSatisfy { $0.isUp && $0.ended == nil })

        // The next hub adopts both, and leaves each room where it is.
        let running = try pids(hub)
        try hub.kill9()
        try hub.start()
        try pumping(all, "the same processes") { try pids(hub) == running }
        try pumping(all, "everybody on the page") { try hub.participants().count == 4 }
        #expect(try hub.post("/api/v1/panic").text.contains("Silenced 4 participants; 1 note was sounding."))
        try pumping(all, "silence") { first[1].heard.contains(off(60)) }
        #expect(try hub.command("stop").code == 0)
        try pumping(all, "the goodbyes") { all.allSatisfy { $0.ended == .bye } }
        #expect(hub.processes().isEmpty)
    }

    @Test func `a room does not invite one that another of them serves`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        // A name for this machine that only its lookup tells.
        let hub = try HubUnderTest.running(
            ports: ports,
            more:
                "engineProcesses: 2, connect: [{ to: \"127.1:\(ports[1])\", room: \"\(ports[0])\", name: \"Mirror\" }]")
        try hub.awaitEvent("not-connected", containing: "Mirror is not connected", "it is this hub itself")
        #expect(try hub.participants().isEmpty)
    }

    @Test func `a hub with fewer of them ends what it does not want, and serves all rooms`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let hub = try HubUnderTest.running(ports: ports, more: "engineProcesses: 2")
        #expect(Set(try pids(hub).values).count == 2)
        try hub.kill9()
        hub.directory.write("midihub.json5", HubUnderTest.configuration(ports))
        try hub.start()
        try eventually("one process for both") {
            let engines = try hub.engines()
            let areUp = engines.count == 2 && engines.allSatisfy { $0["state"] as? String == "up" }
            return areUp && Set(engines.compactMap { $0["pid"] as? Int }).count == 1
        }
        let players = try hub.here("Bob", "Ben", port: ports[1])
        players[0].play(note(60))
        try pumping(players, "the note") { players[1].heard == [note(60)] }
    }

    @Test func `after a boot with fewer processes nobody stays on record as being here`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let hub = try HubUnderTest.running(ports: ports, more: "engineProcesses: 2")
        let players = try hub.here("Alice", port: ports[0]) + hub.here("Bob", port: ports[1])
        try pumping(players, "both on the page") { try hub.participants().count == 2 }
        try hub.kill9()
        hub.close()
        for name in names(in: "\(hub.state)/engines") where name.hasSuffix(".sessions") {
            unlink("\(hub.state)/engines/\(name)")
        }
        hub.directory.write("midihub.json5", HubUnderTest.configuration(ports))
        for player in players { player.isDead = true }
        try hub.start()
        try hub.awaitEngines(up: 2)
        try hub.awaitEvent("left", containing: "Bob left: its engine ended while the hub was away")
        #expect(try hub.participants().isEmpty)
    }
}

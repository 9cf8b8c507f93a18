import Glibc
import Linux
import TestSupport
import Testing

/// The whole way once, on the double or the real daemon: two people meet in a room, hear each other, survive the hub's
/// death, and are told when it closes.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct FirstNoteTests {
    @Test func `two players hear each other, also while the hub is dead`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let alice = try hub.player("Alice")
        let bob = try hub.player("Bob")
        try alice.join()
        try bob.join()
        try eventually("both wires", seen: (try? hub.get("/api/v1/wires").text) ?? "nothing") {
            let wires = try hub.get("/api/v1/wires").object()["wires"] as? [Any]
            return wires?.count == 2
        }
        try alice.send([0x90, 60, 100])
        #expect(try bob.hears(1) == [[0x90, 60, 100]])
        try bob.send([0x90, 62, 100])
        // Nothing of one's own comes back: the first that Alice hears is Bob's.
        #expect(try alice.hears(1) == [[0x90, 62, 100]])

        try hub.kill9()
        try alice.send([0x80, 60, 64])
        #expect(try bob.hears(1) == [[0x80, 60, 64]])
        try hub.start()
        try bob.send([0x80, 62, 64])
        #expect(try alice.hears(1) == [[0x80, 62, 64]])

        #expect(try hub.command("stop").code == 0)
        for player in [alice, bob] {
            try eventually("the BYE to \(player.name)") { try player.wasDismissed() }
        }
    }

    @Test func `what a test leaves running is ended with it`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let engines = try engines(of: hub)
        #expect(engines.count == 1)
        try hub.kill9()
        #expect(!engines.contains { !$0.isRunning })
        hub.close()
        #expect(!engines.contains { $0.isRunning })
    }

    private func engines(of hub: HubUnderTest) throws -> [ProcessIdentity] {
        try awaited("the engines to be up", seen: (try? hub.get("/api/v1/status").text) ?? "nothing") {
            let engines = try hub.get("/api/v1/status").object()["engines"] as? [[String: Any]] ?? []
            guard engines.allSatisfy({ $0["state"] as? String == "up" }) else { return nil }
            let found = engines.compactMap { ($0["pid"] as? Int).flatMap { ProcessIdentity(of: Int32($0)) } }
            return found.isEmpty ? nil : found
        }
    }
}

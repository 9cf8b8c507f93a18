import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// A hub is replaced while its engine goes on.
@Suite struct RestartTests {
    @Test func `restart makes a new hub with the same options, under the same engine and its players`() throws {
        let hub = try HubUnderTest.running(
            environment: ["MIDIHUB_TOKEN": "a-token-that-is-long-enough"], ownPrograms: true)
        let players = try hub.here("Alice", "Bob")
        let (pid, engines) = (try hub.pid(), try hub.enginePIDs())
        try hub.upgrade()
        let finished = try hub.command("restart")
        #expect(finished.code == 0, "\(finished)")
        #expect(finished.output.contains("runs, pid \(try hub.pid())"))
        #expect(try hub.pid() != pid)
        #expect(try hub.enginePIDs() == engines)
        #expect(players.allSatisfy { $0.isUp && $0.ended == nil })
        // It has the environment too: the token is the one that was given, and none was made.
        let answer = try http(
            "POST", "/api/v1/panic", at: hub.web, headers: ["Authorization": "Bearer a-token-that-is-long-enough"])
        #expect(answer.status == 200)
    }

    @Test func `without a hub there is nothing to restart`() throws {
        let hub = try HubUnderTest.embedded()
        #expect(try hub.command("restart").code == 1)
        #expect(!hub.hubIsThere)
    }

    /// Tells a service manager of its own what it would tell systemd.
    @Test func `systemd is told of readiness, state, life, reload and end`() throws {
        let directory = TemporaryDirectory()
        let systemd = try NotifySocket(directory.file("notify"))
        let hub = try HubUnderTest.embedded(
            environment: ["NOTIFY_SOCKET": directory.file("notify"), "WATCHDOG_USEC": "300000"])
        try hub.run()
        var told: [String] = []
        func isTold(_ text: String) -> Bool {
            while let message = systemd.next() { told.append(message) }
            return told.contains { $0.contains(text) }
        }
        func hears(_ text: String) throws {
            try eventually("systemd is told \(text)", seen: "\(told)") { isTold(text) }
        }
        try hears("READY=1")
        try hears("WATCHDOG=1")
        try hears("STATUS=Ready. Nobody is here yet.")
        let players = try hub.here("Alice")
        try pumping(players, "the new state") { isTold("STATUS=1 participant in") }
        told = []
        #expect(try hub.command("reload").code == 0)
        try hears("RELOADING=1")
        try hears("READY=1")
        kill(try hub.pid(), SIGTERM)
        try hears("STOPPING=1")
        #expect(try hub.finishRun().code == 0)
    }
}

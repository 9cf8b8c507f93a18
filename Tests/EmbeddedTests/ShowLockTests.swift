import CommandLine
import Foundation
import Glibc
import Linux
import RTPMIDI
import TestSupport
import Testing

/// The show lock on whole hubs, by the command line.
@Suite struct ShowLockTests {
    /// Words with which a command would do something.
    private static let words: [String: [String]] = [
        "kick": ["Alice"], "block": ["Alice", "Bob"], "unblock": ["Alice", "Bob"], "focus": ["Alice"],
        "input": ["Keys", "Left"], "connect": ["127.0.0.9:5004", "--name", "Desk"], "disconnect": ["Desk"],
    ]

    @Test func `every command that could change a room is refused, and says since when, by whom, and how it is done`()
        throws
    {
        let port = freeUDPPortPair()
        let room =
            #"{ ports: [\#(port)], focus: ["APC"], inputs: { Keys: { of: ["Left", "Right"], live: "first" } } }"#
        let hub = try HubUnderTest(
            ports: [port], configuration: #"{ rooms: { Main: \#(room) }, address: "127.0.0.1" }"#,
            options: ["--engine", "embedded"])
        try hub.start()
        try hub.awaitEngines()
        let players = try hub.here("Alice", "Bob")
        try pumping(players, "both on the page") { try hub.participants().count == 2 }
        let (pid, engines) = (try hub.pid(), try hub.enginePIDs())
        #expect(try hub.command("lock", "Anna & Co").code == 0)
        for command in Subcommand.all
        where command.options.contains("--force") && !["unmute", "failover"].contains(command.name) {
            let refused = try hub.launch(command.name, Self.words[command.name] ?? []).finish()
            #expect(refused.code == 1 && refused.error.contains(" by Anna & Co, and "), "\(command.name): \(refused)")
            #expect(refused.error.contains("--force"), "\(command.name)")
        }
        #expect(try hub.pid() == pid && hub.enginePIDs() == engines)
        #expect(!FileManager.default.fileExists(atPath: "\(hub.state)/stopped"), "cron would leave it alone")
        #expect(players.allSatisfy { $0.isUp && $0.ended == nil })
        #expect(try hub.command("panic").code == 0)
        #expect(try hub.command("notes-off", "Alice").code == 0)
        #expect(try hub.command("status").output.contains("Locked since "))
        #expect(try hub.command("doctor").output.contains("the hub is locked since "))
        #expect(try hub.command("start").code == 0, "a start where a hub runs changes nothing")

        // By the API too, and forced it is done.
        let path = "/api/v1/rooms/Main/blocks?from=Alice&to=Bob"
        #expect(try hub.post(path).status == 423)
        #expect(try hub.post("\(path)&force=1").status == 200)
        try hub.awaitEvent("forced", containing: "a block", "by somebody with the token")
        let kicked = try hub.command("kick", "Alice", "--force")
        #expect(kicked.code == 0, "\(kicked)")
        try pumping(players, "the goodbye") { players[0].ended == .bye }
        #expect(try hub.command("stop", "--force").code == 0)
        #expect(!hub.hubIsThere)
    }

    @Test func `a hub that is locked begins locked, whatever ended it; SIGTERM ends it`() throws {
        let hub = try HubUnderTest.running()
        #expect(try hub.command("lock", "Anna").code == 0)
        try hub.kill9()
        try hub.start()
        #expect(try hub.command("reload").code == 1)
        kill(try hub.pid(), SIGTERM)
        try eventually("its end") { !hub.hubIsThere }
        #expect(try hub.command("stop").code == 0, "nothing runs that could be refused")
        try hub.start()
        #expect(try hub.command("reload").code == 1)
        #expect(try hub.command("unlock").output == "The hub is unlocked.\n")
        #expect(try hub.command("reload").code == 0)
    }

    @Test func `what an upgrade has put off is done at the unlock, under the same engine and its players`() throws {
        let hub = try HubUnderTest.running(ownPrograms: true)
        let players = try hub.here("Alice")
        let (pid, engines) = (try hub.pid(), try hub.enginePIDs())
        #expect(try hub.command("restart", "--at-unlock").code == 1, "it is not locked")
        #expect(try hub.command("lock").code == 0)
        try hub.upgrade()
        let later = try hub.command("restart", "--at-unlock")
        #expect(later.code == 0 && later.output.contains("restarts when it is unlocked"), "\(later)")
        #expect(try hub.pid() == pid)
        #expect(try hub.command("status").output.contains("then: the hub gives way"))
        #expect(try hub.command("doctor").output.contains("then the hub gives way"))
        let unlocked = try hub.command("unlock")
        #expect(unlocked.code == 0 && unlocked.output.contains("gives way"), "\(unlocked)")
        try pumping(players, "another hub") { (try? hub.pid()).map { $0 != pid } ?? false }
        #expect(try hub.enginePIDs() == engines)
        #expect(players.allSatisfy { $0.isUp && $0.ended == nil })
        #expect(try hub.command("reload").code == 0)
    }
}

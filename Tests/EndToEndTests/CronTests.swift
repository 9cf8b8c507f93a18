import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// The real cron daemon with the entry that we ship. Only where the machine is ours to change: in the virtual machine.
@Suite(
    .enabled(
        if: sequencerIsThere && geteuid() == 0 && environment("MIDIHUB_VM") != nil,
        "writes to /etc/cron.d and starts cron: only in the virtual machine"), .serialized)
struct CronTests {
    @Test func `cron starts the hub, leaves it alone, and respects stop`() throws {
        let hub = try HubUnderTest()
        // The entry calls `midihub` by name: a wrapper gives it this test's state and options.
        let wrapper = hub.directory.write(
            "midihub",
            "#!/bin/sh\necho call >> \(hub.directory.file("calls"))\n"
                + "exec \(try hub.commandLine("start").joined(separator: " ")) \"$2\"\n")
        chmod(wrapper, 0o755)
        let entry = text(of: "cron/midihub").replacing(
            "PATH=/usr/local/sbin", with: "PATH=\(hub.directory.path):/usr/local/sbin")
        try #require(entry.contains(hub.directory.path))
        try File.replace("/etc/cron.d/midihub", with: Array(entry.utf8), mode: 0o644)
        let cron = try Program("/usr/sbin/cron", ["-f"], in: hub.directory, name: "cron")
        defer { cron.send(SIGKILL) }

        try eventually(within: .seconds(100), "cron starts the hub", seen: text(of: hub.directory.file("calls"))) {
            (try? hub.get("/healthz")) != nil
        }
        let pid = try hub.pid()
        let calls = { text(of: hub.directory.file("calls")).split(separator: "\n").count }
        let before = calls()
        try eventually(within: .seconds(100), "cron's next call") { calls() > before }
        try hub.awaitEngines()
        #expect(try hub.pid() == pid)
        try eventually("one process of the hub") { ProcessIdentity.withArguments([hub.state]) == [pid] }

        #expect(try hub.command("stop").code == 0)
        let stopped = calls()
        try eventually(within: .seconds(100), "cron's call after the stop") { calls() > stopped }
        #expect(!hub.hubIsThere)
    }
}

import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// The real Avahi daemon. Only where the machine is ours to change: in the virtual machine.
@Suite(
    .enabled(
        if: sequencerIsThere && geteuid() == 0 && environment("MIDIHUB_VM") != nil,
        "starts the system's message bus and Avahi: only in the virtual machine"), .serialized)
struct AnnounceTests {
    private let directory = TemporaryDirectory()

    /// A daemon of the system, in the foreground until the test ends.
    private func daemon(_ path: String, _ arguments: String...) throws -> Program {
        try Program(path, arguments, in: directory, name: path.split(separator: "/").last.map(String.init) ?? path)
    }

    private func announced() throws -> [String] {
        let browse = try Program("/usr/bin/avahi-browse", ["-rptk", "_apple-midi._udp"], in: directory, name: "browse")
        return try browse.finish(within: .seconds(30)).output.split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("=") }
    }

    @Test func `the embedded engine's ports are announced, also while no hub is there, until stop`() throws {
        try File.makeDirectory("/run/dbus", mode: 0o755)
        _ = try Program("/usr/bin/dbus-uuidgen", ["--ensure"], in: directory, name: "uuid").finish()
        let bus = try daemon("/usr/bin/dbus-daemon", "--system", "--nofork", "--nopidfile")
        defer { bus.send(SIGKILL) }
        try eventually("the message bus") { File.exists("/run/dbus/system_bus_socket") }
        // Avahi announces only where multicast goes.
        _ = try Program("/sbin/ip", ["link", "set", "lo", "multicast", "on"], in: directory, name: "ip").finish()
        let avahi = try daemon("/usr/sbin/avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits")
        defer { avahi.send(SIGKILL) }
        try eventually("Avahi") { File.exists("/run/avahi-daemon/socket") }

        let hub = try HubUnderTest(options: ["--engine", "embedded"])
        try hub.start()
        try hub.awaitEngines()
        func isAnnounced() throws -> Bool {
            try announced().contains {
                $0.contains("MIDI\\032Hub") && $0.hasSuffix(";\(hub.ports[0]);\"room=\(hub.ports[0])\"")
            }
        }
        try eventually(within: .seconds(60), "the announcement", seen: avahi.error) { try isAnnounced() }
        let publisher = ProcessIdentity.withArguments(["_apple-midi._udp", "\(hub.ports[0])"])
        #expect(publisher.count == 1)
        let join = try Program(builtProduct("midihub"), ["join", "--name", "Alice"], in: directory, name: "join")
        try eventually(within: .seconds(60), "Alice, who found the hub", seen: join.error) {
            join.error.contains("found \"MIDI Hub\"") && join.error.contains(" as Alice")
        }
        try hub.kill9()
        #expect(try isAnnounced())
        try hub.start()
        try hub.awaitEngines()
        #expect(ProcessIdentity.withArguments(["_apple-midi._udp", "\(hub.ports[0])"]) == publisher)
        #expect(try hub.command("stop").code == 0)
        try eventually("its end") { try !isAnnounced() }
        #expect(ProcessIdentity.withArguments(["_apple-midi._udp", "\(hub.ports[0])"]).isEmpty)
        try hub.start()
        try eventually(within: .seconds(60), "the announcement again") { try isAnnounced() }
        // Without Avahi the hub goes on and says so.
        avahi.send(SIGKILL)
        try hub.awaitEvent("not-announced", containing: "Port \(hub.ports[0])", "is avahi-daemon running?")
        #expect(try hub.get("/healthz").status == 200)
    }
}

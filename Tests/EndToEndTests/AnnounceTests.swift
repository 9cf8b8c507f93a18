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

    /// The message bus and Avahi, until the test ends.
    private func network() throws -> (bus: Program, avahi: Program) {
        try File.makeDirectory("/run/dbus", mode: 0o755)
        for left in ["/run/dbus/system_bus_socket", "/run/avahi-daemon/socket", "/run/avahi-daemon/pid"] {
            File.remove(left)
        }
        _ = try Program("/usr/bin/dbus-uuidgen", ["--ensure"], in: directory, name: "uuid").finish()
        let bus = try daemon("/usr/bin/dbus-daemon", "--system", "--nofork", "--nopidfile")
        try eventually("the message bus") { File.exists("/run/dbus/system_bus_socket") }
        // Avahi announces only where multicast goes.
        _ = try Program("/sbin/ip", ["link", "set", "lo", "multicast", "on"], in: directory, name: "ip").finish()
        let avahi = try daemon("/usr/sbin/avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits")
        try eventually("Avahi") { File.exists("/run/avahi-daemon/socket") }
        return (bus, avahi)
    }

    @Test func `the embedded engine's ports are announced, also while no hub is there, until stop`() throws {
        let (bus, avahi) = try network()
        defer { for one in [bus, avahi] { one.send(SIGKILL) } }

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

    @Test(arguments: ["embedded", "rtpmidid"])
    func `who is announced is offered, let in by a pattern, and there once`(engine: String) throws {
        let (bus, avahi) = try network()
        defer { for one in [bus, avahi] { one.send(SIGKILL) } }
        let piano = try OtherHub()
        let publisher = try daemon(
            "/usr/bin/avahi-publish", "--service", "--", "Stage piano; \"é\"", "_apple-midi._udp", "\(piano.port)")
        defer { publisher.send(SIGKILL) }
        let port = freeUDPPortPair()
        func configuration(_ discover: String) -> String { "{ ports: [\(port)], engine: \"\(engine)\"\(discover) }" }
        let hub = try HubUnderTest(ports: [port], configuration: configuration(""))
        try hub.start()
        func working(_ what: String, _ condition: () throws -> Bool) throws {
            try eventually(within: .seconds(120), what, seen: (try? hub.command("connections").output) ?? "") {
                piano.pump()
                return try condition()
            }
        }
        let offered = "On the network, not let in: Stage piano; \"é\"\n"
        try working("the offer, and nobody else's") { try hub.command("connections").output.hasSuffix(offered) }
        hub.directory.write("midihub.json5", configuration(#", discover: [{ match: "stage*" }]"#))
        #expect(try hub.command("reload").code == 0)
        try working("the session") { try piano.isUp && hub.participants().count == 1 }
        // What would come of Avahi's end is there within some seconds.
        avahi.send(SIGKILL)
        let again = try daemon("/usr/sbin/avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits")
        defer { again.send(SIGKILL) }
        let invitations = piano.invitations
        let begun = ContinuousClock.now
        try working("some time") { begun.duration(to: .now) > .seconds(20) }
        #expect(try piano.isUp && piano.invitations == invitations && hub.participants().count == 1)
        #expect(try hub.command("stop").code == 0)
    }

    @Test(.enabled(if: Rtpmidid.isReal, "the double announces nothing"))
    func `two hubs on rtpmidid that let everybody in have one session`() throws {
        let (bus, avahi) = try network()
        defer { for one in [bus, avahi] { one.send(SIGKILL) } }
        let hubs = try (0..<2).map { _ in
            let port = freeUDPPortPair()
            return try HubUnderTest(
                ports: [port], configuration: "{ ports: [\(port)], engine: \"rtpmidid\", discover: true }")
        }
        for hub in hubs { try hub.start() }
        var since: ContinuousClock.Instant?
        try eventually(
            within: .seconds(240), "one session for half a minute",
            seen: hubs.map { (try? $0.command("events").output) ?? "" }.joined(separator: "\n")
        ) {
            let counts = try hubs.map { try $0.participants().count }
            since = counts == [1, 1] ? since ?? .now : nil
            return since.map { $0.duration(to: .now) > .seconds(30) } ?? false
        }
        for hub in hubs { #expect(try hub.command("stop").code == 0) }
    }
}

import Foundation
import Glibc
import Linux
import RTPMIDI
import TestSupport
import Testing

/// Start, stop and their neighbours at bad moments: everything runs or nothing does.
@Suite struct LifecycleTests {
    private enum Timestamp: CaseIterable { case terminated, stoppedWhileStarting, startedWhileStopping, killed }

    /// Waits until everything runs or nothing does; true where it runs.
    private func runsWhole(_ hub: HubUnderTest, _ when: String = "") throws -> Bool {
        guard hub.hubIsThere else {
            let left = hub.processes().map { text(of: "/proc/\($0.pid)/cmdline").replacing("\0", with: " ") }
            #expect(left.isEmpty, "nothing of a hub that is gone, \(when)")
            return false
        }
        try hub.awaitEngines()
        return true
    }

    @Test func `whatever comes at whatever instant, afterwards everything runs or nothing does`() throws {
        var random = SeededRandom(seed: 20_261_126)
        let rounds = environment("MIDIHUB_TEST_ROUNDS").flatMap { Int($0) } ?? 16
        let hub = try HubUnderTest.embedded()
        for round in 0..<rounds {
            let moment = Timestamp.allCases[round % Timestamp.allCases.count]
            let instant = useconds_t.random(in: 0..<200_000, using: &random)
            let when = "\(moment) after \(instant) µs"
            switch moment {
            case .terminated:
                let run = try hub.launch("run")
                usleep(instant)
                run.send(SIGTERM)
                _ = try run.finish()
                #expect(try !runsWhole(hub, when), "\(when)")
            case .stoppedWhileStarting:
                let start = try hub.launch("start")
                usleep(instant)
                let stopped = try hub.command("stop")
                let started = try start.finish(within: .seconds(90))
                #expect(stopped.code == 0, "\(stopped)")
                // The mark that `stop` leaves does not hold back a start by a person, so a hub may run afterwards.
                let runs = try runsWhole(hub, when)
                if started.code != 0 { #expect(!runs, "\(when): \(started)") }
            case .startedWhileStopping:
                try hub.start()
                let stop = try hub.launch("stop")
                usleep(instant)
                let started = try hub.command("start", within: .seconds(90))
                #expect(try stop.finish(within: .seconds(60)).code == 0)
                let runs = try runsWhole(hub, when)
                if started.code != 0 { #expect(!runs, "\(when): \(started)") }
            case .killed:
                let start = try hub.launch("start")
                usleep(instant)
                // All of the hub's processes but the command that started it.
                for process in hub.processes() where process.pid != start.pid {
                    ProcessDescriptor(process)?.send(SIGKILL)
                }
                _ = try start.finish(within: .seconds(90))
                let started = try hub.command("start", within: .seconds(90))
                #expect(started.code == 0, "\(when): \(started)")
                #expect(try runsWhole(hub, when), "\(when)")
            }
            #expect(try hub.command("stop").code == 0)
            #expect(try !runsWhole(hub, "stopped, \(when)"))
        }
    }

    @Test func `a hub that is told to end before it has read that its engine listens ends`() throws {
        let hub = try HubUnderTest.embedded()
        let run = try hub.launch("run")
        try eventually("the engine's record") { File.exists("\(hub.state)/engines/embedded.json") }
        run.send(SIGSTOP)
        try eventually("the engine to listen") { text(of: "\(hub.state)/engines/embedded.log").contains("listening") }
        run.send(SIGTERM)
        run.send(SIGCONT)
        #expect(try run.finish().code == 0)
        #expect(hub.processes().isEmpty)
    }

    @Test func `a start during a stop waits for its end and starts a hub`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice")
        let old = try hub.pid()
        let stop = try hub.launch("stop")
        try eventually("the hub to begin to end") { !File.exists("\(hub.state)/hub.sock") }
        let started = try hub.command("start", within: .seconds(90))
        #expect(started.code == 0, "\(started)")
        #expect(try stop.finish().code == 0)
        #expect(try hub.pid() != old)
        #expect(try runsWhole(hub))
        _ = players
    }

    @Test func `a start onto a hub whose engine has just ended waits for the next one`() throws {
        let hub = try HubUnderTest.running()
        let first = try #require(try hub.enginePIDs().first)
        kill(Int32(first), SIGKILL)
        let second = try awaited("another engine") { try hub.enginePIDs().first { $0 != first } }
        // A process that ends right after its start is started again after a second only.
        kill(Int32(second), SIGKILL)
        try eventually("its end") { try hub.enginePIDs().first != second }
        let started = try hub.command("start")
        #expect(started.code == 0, "\(started)")
        try hub.awaitEngines()
    }

    @Test func `a hub whose every port is taken goes on trying, and start and status say so`() throws {
        let port = freeUDPPortPair()
        let holder = try DatagramSocket(port: port, host: "127.0.0.1")
        let hub = try HubUnderTest.embedded(ports: [port])
        let started = try hub.command("start")
        #expect(started.code == 69, "\(started)")
        #expect(started.error.contains("serves no port") && started.error.contains("\(port)"), "\(started)")
        #expect(hub.hubIsThere)
        // Cron's call, every minute: the hub runs, and says by itself what is wrong.
        #expect(try hub.command("start", "--unless-stopped").code == 0)
        _ = consume holder
        try hub.awaitEngines()
        #expect(try hub.command("start").code == 0)
    }

    @Test(.enabled(if: SmallDisk.isAllowed, "mounting is not allowed here"))
    func `where nothing can be written stop ends the hub all the same, and restart leaves it alone`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice")
        func readOnly(_ command: String) throws -> Program.Finished {
            let words = try hub.commandLine(command).map { "'\($0)'" }.joined(separator: " ")
            let state = "'\(hub.state)'"
            let script = "mount --bind \(state) \(state) && mount -o remount,ro,bind \(state) && exec \(words)"
            return try Program("/usr/bin/unshare", ["--mount", "sh", "-c", script], in: hub.directory).finish(
                within: .seconds(60))
        }
        let restarted = try readOnly("restart")
        #expect(restarted.code == 69 && restarted.error.contains("goes on as it is"), "\(restarted)")
        #expect(try runsWhole(hub))
        let stopped = try readOnly("stop")
        #expect(stopped.code == 0, "\(stopped)")
        #expect(!hub.hubIsThere && hub.processes().isEmpty)
        try pumping(players, "the goodbye") { players[0].ended == .bye }
    }

    @Test func `restart onto an engine that is not there changes nothing`() throws {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest(
            ports: [port], configuration: HubUnderTest.configuration([port], "engine: \"embedded\""), ownPrograms: true)
        try hub.start()
        let pid = try hub.pid()
        unlink(hub.directory.file("rtpmidid"))
        hub.directory.write("midihub.json5", "{ ports: [\(port)], engine: \"rtpmidid\" }")
        let restarted = try hub.command("restart")
        #expect(restarted.code == 69 && restarted.error.contains("wants rtpmidid"), "\(restarted)")
        #expect(try hub.pid() == pid)
        #expect(try runsWhole(hub))
    }

    @Test func `a hub that runs but does not answer is told from one that does not run`() throws {
        let hub = try HubUnderTest.running()
        let pid = try hub.pid()
        kill(pid, SIGSTOP)
        let asked = try hub.command("participants")
        kill(pid, SIGCONT)
        #expect(asked.code == 1 && asked.error.contains("SIGSTOP") && asked.error.contains("\(pid)"), "\(asked)")
        // Somebody has deleted the socket.
        unlink("\(hub.state)/hub.sock")
        try eventually("another socket") { try hub.command("participants").code == 0 }
        #expect(try hub.command("stop").code == 0)
        #expect(try hub.command("participants").error.contains("no hub runs"))
    }

    @Test func `twenty starts at once leave one hub, and another start says nothing`() throws {
        let hub = try HubUnderTest.embedded()
        let codes = try (0..<20).map { _ in try hub.launch("start") }.map { try $0.finish(within: .seconds(120)).code }
        #expect(codes == Array(repeating: 0, count: 20))
        try eventually("the page") { (try? hub.get("/healthz")) != nil }
        let pid = try hub.pid()
        let again = try hub.command("start")
        #expect(again.code == 0)
        #expect(again.output.isEmpty && again.error.isEmpty)
        #expect(try hub.command("run").code == 69)
        #expect(try hub.pid() == pid)
    }

    @Test func `a missing or unfit rtpmidid is said, and the page is there`() throws {
        let hub = try HubUnderTest(options: ["--rtpmidid", "/no/such/rtpmidid", "--engine", "rtpmidid"])
        try hub.run()
        try hub.awaitEvent("engine-cannot-start", containing: "/no/such/rtpmidid does not exist")
        #expect(try hub.get("/healthz").status == 503)
        #expect(try hub.get("/").status == 200)
        let other = try HubUnderTest(options: ["--rtpmidid", "/etc/passwd", "--engine", "rtpmidid"])
        try other.run()
        try other.awaitEvent("engine-cannot-start", containing: "is not executable")
    }
}

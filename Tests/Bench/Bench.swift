//  What `scripts/bench` runs: figures, never verdicts. Each subcommand prints its method beside its numbers.

import Foundation
import Glibc
import Linux
import PatchBay
import Sequencer
import TestSupport

@main
struct Bench {
    static func main() throws {
        Signals.ignorePipe()
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "wires": try wires()
        case "resources": try resources(seconds: arguments.dropFirst().first.flatMap { Int($0) } ?? 60)
        case "speed": print(speed)
        case "start": try start()
        case "timer": try TimerBench.run()
        case "engine-latency": try EngineBench.latency(arguments.dropFirst().first.flatMap { Int($0) } ?? 100_000)
        case "engine-rate": try EngineBench.rate(seconds: 10)
        case "engine-memory": try EngineBench.memory()
        case "engine-link": try LinkBench.run(seconds: Double(arguments.dropFirst().first.flatMap { Int($0) } ?? 5))
        case "engine-load": try EngineBench.load(seconds: 20)
        case "crowd":
            let numbers = arguments.dropFirst().compactMap { Int($0) }
            try CrowdBench.run(
                engines: numbers.first ?? 1, seconds: Double(numbers.dropFirst().first ?? 20),
                rate: Double(numbers.dropFirst(2).first ?? 50))
        case "streams":
            let numbers = arguments.dropFirst().compactMap { Int($0) }
            try StreamBench.run(viewers: numbers.first ?? 500, seconds: Double(numbers.dropFirst().first ?? 60))
        case "relay": try EngineBench.relay(port(arguments, 1), port(arguments, 2))
        case "flood": try EngineBench.flood(Int(port(arguments, 1)), arguments.dropFirst(2).compactMap { UInt16($0) })
        case "ingest": try ingest(arguments.dropFirst().first ?? "")
        default:
            print("midihub-bench wires | resources [SECONDS] | speed | start | timer | ingest LOGFILE")
            print(
                "midihub-bench engine-latency [NOTES] | engine-rate | engine-memory | engine-load | engine-link [SECONDS]"
            )
            print("midihub-bench crowd [ENGINES [SECONDS [EVENTS-A-SECOND]]]")
            print("midihub-bench streams [VIEWERS [SECONDS]]")
            exit(64)
        }
    }

    private static func port(_ arguments: ArraySlice<String>, _ index: Int) -> UInt16 {
        arguments.dropFirst(index).first.flatMap { UInt16($0) } ?? 0
    }

    static let settled = 16

    // MARK: Wires

    /// From a port's announcement to the last of its 32 wires, both by the kernel's clock.
    static func wires() throws {
        let bare = try measureWires(onSequencer: false)
        let ours = try measureWires(onSequencer: true)
        let bareAgain = try measureWires(onSequencer: false)
        let reference = (bare + bareAgain).sorted()
        print("  bare program:  median \(ms(median(reference))) ms, p99 \(ms(quantile(reference, 0.99))) ms")
        print("  midihub:       median \(ms(median(ours))) ms, p99 \(ms(quantile(ours, 0.99))) ms")
        print(
            String(
                format: "  ratio of the medians: %.2f, of the p99s: %.2f", median(ours) / median(reference),
                quantile(ours, 0.99) / quantile(reference, 0.99)))
    }

    private static func measureWires(onSequencer: Bool) throws -> [Double] {
        let rounds = 60
        if onSequencer {
            let hub = try HubUnderTest(options: ["--connect-all"])
            try hub.start()
            defer { hub.close() }
            return try measure(rounds, try hub.drive(port: hub.ports[0]))
        }
        let port = freeUDPPortPair()
        let engine = try RtpmididProcess.listening(try Rtpmidid.path(), name: "bare", port: port)
        let patcher = try BarePatcher(engine: engine.program.pid)
        defer {
            patcher.end()
            _ = try? engine.terminate()
        }
        return try measure(rounds, try DoubleDrive(controlPath: engine.controlPath))
    }

    private static func measure(_ rounds: Int, _ drive: DoubleDrive) throws -> [Double] {
        let ear = try KernelEar()
        _ = try drive.join(many: settled, "Player")
        try awaitQuiet(ear)
        var times: [Double] = []
        for _ in 0..<rounds {
            drain(ear)
            let id = try drive.join("Newcomer")
            guard let time = try listen(ear) else { throw Missing(description: "32 wires") }
            times.append(time)
            try drive.leave(id)
            try awaitQuiet(ear)
        }
        return times.sorted()
    }

    /// Seconds from PORT_START to the 32nd subscription among participants that names the new port, by the kernel's clock.
    private static func listen(_ ear: KernelEar) throws -> Double? {
        var began: (address: KernelEar.Address, at: Double)?
        var wires = 0
        while ear.wait(milliseconds: 20_000) {
            while let (news, at) = ear.next() {
                switch news {
                case .portStarted(let address) where began == nil: began = (address, at)
                case .subscribed(let from, let to):
                    guard let began, from == began.address || to == began.address, from.client == to.client else {
                        continue
                    }
                    wires += 1
                    if wires == 2 * settled { return at - began.at }
                default: break
                }
            }
        }
        return nil
    }

    /// Until nothing has been announced for a while: the last round's wires are gone.
    private static func awaitQuiet(_ ear: KernelEar) throws {
        while ear.wait(milliseconds: 500) { drain(ear) }
    }

    private static func drain(_ ear: KernelEar) { while ear.next() != nil {} }

    // MARK: Resources

    static func resources(seconds limit: Int) throws {
        let hub = try HubUnderTest()
        try hub.start()
        defer { hub.close() }
        let drive = try hub.drive(port: hub.ports[0])
        let ids = Array(try drive.join(many: settled, "Player"))
        let pid = try hub.pid()
        try eventually(within: .seconds(60), "\(settled) wired participants") {
            let wires = try hub.get("/api/v1/wires").object()["wires"] as? [Any]
            return wires?.count == settled * (settled - 1)
        }
        let before = try cpu(pid)
        let began = ContinuousClock.now
        var round = 0
        // Each participant syncs its clock every 10 s, as macOS does.
        while began.duration(to: .now) < .seconds(limit) {
            let id = ids[round % ids.count]
            try drive.latency(id, milliseconds: Double(round % 300) / 10 + 1)
            round += 1
            usleep(10_000_000 / UInt32(settled))
        }
        let used = try cpu(pid) - before
        let share = used / seconds(began.duration(to: .now)) * 100
        print(String(format: "  resident memory: %.1f MiB", try memory(pid)))
        print(String(format: "  CPU: %.2f %% of this machine's core over %d s", share, limit))
        print(speed)
    }

    static var speed: String { String(format: "  this machine's core: %.0f ms for a fixed piece of work", fixedWork()) }

    /// Milliseconds for the same loop everywhere: what a percentage on an emulated core would be on a real one.
    static func fixedWork() -> Double {
        let began = ContinuousClock.now
        var arguments: [String: Int] = [:]
        for number in 0..<200_000 { arguments["key \(number % 5000)", default: 0] &+= number }
        precondition(arguments.count == 5000)
        return seconds(began.duration(to: .now)) * 1000
    }

    // MARK: Start and ingest, on a machine without a sequencer too

    /// A hub over an engine that it adopts: the double without ALSA, so that no virtual machine slows the figures.
    private static func adopting(_ body: (HubUnderTest) throws -> Void) throws {
        let hub = try HubUnderTest()
        try File.makeDirectory("\(hub.state)/engines", mode: 0o750)
        let name = "rtpmidid-\(hub.ports[0])"
        let ini = "\(hub.state)/engines/\(name).ini"
        let text = """
            [general]
            alsa_name=bench
            control=\(hub.state)/engines/\(name).sock
            [rtpmidi_announce]
            name=bench
            port=\(hub.ports[0])
            """
        try File.replace(ini, with: Array(text.utf8))
        let engine = try ChildProgram(
            path: try Rtpmidid.path(), arguments: ["--ini", ini],
            environment: ["RTPMIDID_DOUBLE_NO_ALSA": "1"], output: "\(hub.state)/engines/\(name).log"
        ).spawn()
        defer {
            kill(engine, SIGKILL)
            waitpid(engine, nil, 0)
        }
        try eventually("the engine listens") {
            TestSupport.text(of: "\(hub.state)/engines/\(name).log").contains("Waiting for")
        }
        try hub.start()
        defer { hub.close() }
        try body(hub)
    }

    static func start() throws {
        try adopting { hub in
            var times: [Double] = []
            for _ in 0..<100 {
                let began = ContinuousClock.now
                guard try hub.command("start").code == 0 else { throw Missing(description: "midihub start") }
                times.append(seconds(began.duration(to: .now)))
            }
            times.sort()
            print(
                "  `midihub start` while running: median \(ms(median(times))) ms, p99 \(ms(quantile(times, 0.99))) ms (100 calls)"
            )
        }
    }

    /// Appends a real session's log over and over to a running engine's log, and waits until the hub has it all on record.
    static func ingest(_ sample: String) throws {
        let session = contents(of: sample)
        guard !session.isEmpty else { throw Missing(description: "the log \(sample)") }
        let lines = session.count { $0 == UInt8(ascii: "\n") }
        try adopting { hub in
            let name = "rtpmidid-\(hub.ports[0])"
            let copies = 1_000_000 / lines
            var block: [UInt8] = []
            for _ in 0..<copies { block += session }
            let log = try Descriptor("open") { open("\(hub.state)/engines/\(name).log", O_WRONLY | O_APPEND) }
            let began = ContinuousClock.now
            try log.writeAll(block)
            try eventually(within: .seconds(120), "the log is read") {
                let engines = try hub.get("/api/v1/status").object()["engines"] as? [[String: Any]]
                return engines?.first?["logRead"] as? Int ?? 0 >= block.count
            }
            let took = seconds(began.duration(to: .now))
            print(
                String(
                    format: "  log lines ingested: %.0f lines/s (%d lines in %.2f s, writing them included)",
                    Double(copies * lines) / took, copies * lines, took))
        }
    }

    // MARK: Small things

    static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
    static func ms(_ seconds: Double) -> String { String(format: "%.2f", seconds * 1000) }
    static func median(_ sorted: [Double]) -> Double { quantile(sorted, 0.5) }
    static func quantile(_ sorted: [Double], _ share: Double) -> Double {
        sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    /// User and system time in seconds (proc(5), fields 14 and 15 of stat).
    static func cpu(_ pid: Int32) throws -> Double {
        let stat = text(of: "/proc/\(pid)/stat")
        guard let close = stat.lastIndex(of: ")") else { throw Missing(description: "process \(pid)") }
        let fields = stat[stat.index(after: close)...].split(separator: " ").map { Double($0) ?? 0 }
        return (fields[11] + fields[12]) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Resident memory in MiB.
    static func memory(_ pid: Int32) throws -> Double {
        let line = text(of: "/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS") }
        return (line.flatMap { Double($0.filter(\.isNumber)) } ?? 0) / 1024
    }
}

struct Missing: Error, CustomStringConvertible { let description: String }

/// The program to compare with: hears announcements of one process's client, and subscribes. No rooms, no table, no tap.
final class BarePatcher {
    private let ending: Mailbox<Bool>

    init(engine: Int32) throws {
        let ending = try Mailbox<Bool>()
        self.ending = ending
        let ready = DispatchSemaphore(value: 0)
        _ = try WorkerThread("bare") {
            do {
                let me = try SequencerHandle(name: "bare patcher")
                try me.hearOnlyAnnouncements()
                let ear = try me.createPort(name: Array("ear".utf8), [.write, .noExport])
                _ = me.subscribe(from: .announce, to: ear)
                var ports: [Address] = []
                let loop = try EventLoop()
                try loop.watch(me.descriptor, .read) { _ in
                    while case .input(let input) = me.receive() {
                        switch input {
                        case .announcement(.portStarted(let port)) where me.owner(of: port.client) == engine:
                            for other in ports {
                                _ = me.subscribe(from: port, to: other)
                                _ = me.subscribe(from: other, to: port)
                            }
                            ports.append(port)
                        case .announcement(.portExited(let port)): ports.removeAll { $0 == port }
                        default: break
                        }
                    }
                }
                try loop.receive(ending) { _ in loop.stop() }
                ready.signal()
                try loop.run()
            } catch {
                print("the bare program: \(error)")
                exit(70)
            }
        }
        ready.wait()
    }

    func end() { ending.send(true) }
}

import Foundation
import Glibc
import Linux
import Synchronization
import TestSupport

/// Viewers of the stream while participants come and go: what it costs the hub, how late each event reaches each of them,
/// and whether all of them reach all.
enum StreamBench {
    private static let people = 32

    /// What the viewers have seen, together.
    private struct Findings {
        var lateness: [Double] = []
        var lasts: Set<Int64> = []
        var counts: Set<Int> = []
        var gaps = 0
        var resets = 0
        var closed = 0
        var bytes = 0
    }

    /// One viewer: reads the stream and looks at its events only.
    private final class Reader {
        let socket: Descriptor
        var unread: [UInt8] = []
        var findings = Findings()
        var last: Int64?
        var count = 0

        init(_ address: Sockets.Address) throws {
            socket = try Sockets.connect(address)
            try socket.writeAll(Array("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8), socket: true)
            _ = fcntl(socket.number, F_SETFL, O_NONBLOCK)
        }

        func read(into scratch: UnsafeMutableRawBufferPointer) {
            while true {
                guard let got = try? socket.read(into: scratch), got != .end else {
                    findings.closed = 1
                    return
                }
                guard case .bytes(let count) = got else { return }
                findings.bytes += count
                unread.append(contentsOf: scratch[..<count])
                readMessages()
                if count < scratch.count { return }
            }
        }

        private func readMessages() {
            let now = StreamBench.now
            var start = 0
            unread.withUnsafeBytes { bytes in
                var index = 0
                while index < bytes.count, let found = memchr(bytes.baseAddress! + index, 0x0A, bytes.count - index) {
                    index = UnsafeRawPointer(found) - bytes.baseAddress! + 1
                    guard index < bytes.count, bytes[index] == 0x0A else { continue }
                    handle(UnsafeRawBufferPointer(rebasing: bytes[start..<index]), now)
                    index += 1
                    start = index
                }
            }
            unread.removeFirst(start)
        }

        private func handle(_ message: UnsafeRawBufferPointer, _ now: Double) {
            if message.starts(with: "event: reset\n".utf8) { findings.resets += 1 }
            guard message.starts(with: "event: event\n".utf8) else { return }
            // Its id, then `at` and `atLatest`, as the keys are sorted.
            let numbers = message.split(maxSplits: 64) { !(0x30...0x39).contains($0) }.prefix(3)
                .compactMap { Int64(String(decoding: $0, as: UTF8.self)) }
            precondition(numbers.count == 3, "an event of another form")
            findings.lateness.append(now - Double(numbers[2]) / 1000)
            if let last, numbers[0] != last + 1 { findings.gaps += 1 }
            last = numbers[0]
            count += 1
        }
    }

    /// Unix seconds, by the clock that the hub dates its events with.
    private static var now: Double { Date().timeIntervalSince1970 }

    static func run(viewers: Int, seconds limit: Double) throws {
        var files = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        files.rlim_cur = files.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)

        let port = freeUDPPortPair()
        let hub = try HubUnderTest(
            ports: [port], configuration: "{ ports: [\(port)], address: \"127.0.0.1\" }",
            options: ["--engine", "embedded"])
        try hub.start()
        defer { hub.close() }
        try hub.awaitEngines()
        let pid = try hub.pid()
        let empty = try Bench.memory(pid)
        let address = hub.web
        let found = Mutex<Findings>(Findings())
        let ending = try Mailbox<Bool>()
        let worker = try WorkerThread("viewers") {
            do {
                let all = try view(address, viewers, until: ending)
                found.withLock { $0 = all }
            } catch { fatalError("\(error)") }
        }
        try eventually("\(viewers) viewers") {
            let figure = try hub.get("/metrics").text.split(separator: "\n").first {
                $0.hasPrefix("midihub_stream_viewers ")
            }
            return figure.map { $0.hasSuffix(" \(viewers)") } ?? false
        }
        let before = try Bench.cpu(pid)
        let began = Self.now
        let cycles = try comeAndGo(port, limit)
        let took = Self.now - began
        let used = try Bench.cpu(pid) - before
        let memory = try Bench.memory(pid)
        // What the last ones to leave have left.
        try eventually("an empty room") { try hub.participants().isEmpty }
        let newest = try hub.events().compactMap { $0["id"] as? Int }.max() ?? 0
        usleep(500_000)
        ending.send(true)
        worker.join()

        let findings = found.withLock { $0 }
        let late = findings.lateness.sorted()
        print(
            String(
                format: "  %d viewers, %d visits of %d participants in %.0f s: %d events told %d times, %.1f MiB/s",
                viewers, cycles, people, took, findings.counts.max() ?? 0, late.count,
                Double(findings.bytes) / took / 1_048_576))
        print(
            "  lateness of an event, from its happening to the viewer: median \(Bench.ms(Bench.median(late))) ms, "
                + "p99 \(Bench.ms(Bench.quantile(late, 0.99))) ms, most \(Bench.ms(late.last ?? 0)) ms")
        let isComplete = findings.lasts == [Int64(newest)] && findings.counts.count == 1
        print(
            "  complete: \(isComplete ? "every event at every viewer" : "NO, up to \(findings.lasts) of \(newest), \(findings.counts) each"); "
                + "gaps \(findings.gaps), resets \(findings.resets), connections lost \(findings.closed)")
        print(
            String(
                format: "  the hub: %.0f %% of a core, resident %.1f MiB (%.1f with nobody there, %.1f at most)",
                used / took * 100, memory, empty, try peak(pid)))
    }

    private static func view(_ address: Sockets.Address, _ count: Int, until ending: Mailbox<Bool>) throws -> Findings {
        let loop = try EventLoop()
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
        defer { scratch.deallocate() }
        let readers = try (0..<count).map { _ in try Reader(address) }
        for reader in readers {
            var registration: EventLoop.Registration?
            registration = try loop.watch(reader.socket.number, .read) { [unowned loop] _ in
                reader.read(into: scratch)
                if reader.findings.closed > 0, let registration { loop.unwatch(registration) }
            }
        }
        try loop.receive(ending) { _ in loop.stop() }
        try loop.run()
        return readers.reduce(into: Findings()) { sum, one in
            sum.lateness += one.findings.lateness
            sum.lasts.insert(one.last ?? 0)
            sum.counts.insert(one.count)
            sum.gaps += one.findings.gaps
            sum.resets += one.findings.resets
            sum.closed += one.findings.closed
            sum.bytes += one.findings.bytes
        }
    }

    /// Each stays for two seconds and is away for one, all of them shifted against each other. Answers how many visits.
    private static func comeAndGo(_ port: UInt16, _ limit: Double) throws -> Int {
        let began = now
        var players = [TestPlayer?](repeating: nil, count: people)
        var visits = 0
        while now - began < limit {
            for index in players.indices {
                let phase = (now - began + 3 * Double(index) / Double(people)).truncatingRemainder(dividingBy: 3)
                if phase < 2, players[index] == nil {
                    players[index] = try TestPlayer("Player \(index)", port: port)
                    visits += 1
                } else if phase >= 2, let player = players[index] {
                    player.leave()
                    players[index] = nil
                }
                players[index]?.pump()
            }
            usleep(3000)
        }
        for player in players { player?.leave() }
        return visits
    }

    /// The most that was ever resident, in MiB.
    private static func peak(_ pid: Int32) throws -> Double {
        let line = text(of: "/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("VmHWM") }
        return (line.flatMap { Double($0.filter(\.isNumber)) } ?? 0) / 1024
    }
}

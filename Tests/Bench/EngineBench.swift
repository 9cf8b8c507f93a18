import BenchBare
import Foundation
import Glibc
import Linux
import MIDI
import RTPMIDI
import TestSupport

/// The embedded engine as a process, beside the barest program that does the same with the same system calls.
enum EngineBench {
    /// `midihub engine` on a port of its own, with participants on real sockets.
    final class Engine {
        var port: UInt16 { ports[0] }
        let ports: [UInt16]
        let pid: Int32
        private let directory = TemporaryDirectory()

        /// With a room for each port.
        init(_ ports: [UInt16] = [freeUDPPortPair()]) throws {
            self.ports = ports
            let rooms = ports.map {
                "{\"name\":\"r\($0)\",\"displayName\":\"Hub\",\"policy\":\"all\",\"ports\":[\($0)],\"blocks\":[],\"maximum\":1000}"
            }
            let plan = directory.write(
                "plan",
                "{\"version\":1,\"rooms\":[\(rooms.joined(separator: ","))],\"allow\":[],\"deny\":[],\"host\":\"127.0.0.1\"}"
            )
            let log = directory.file("log")
            pid = try ChildProgram(
                path: try builtProduct("midihub"),
                arguments: [
                    "engine", "--plan", plan, "--control", directory.file("sock"), "--sessions",
                    directory.file("sessions"),
                ], environment: [:], output: log
            ).spawn()
            try eventually("the engine listens") {
                text(of: log).split(separator: "\n").count { $0.contains("\"listening\"") } == ports.count
            }
        }

        func players(_ count: Int) throws -> [TestPlayer] {
            let players = try (0..<count).map { try TestPlayer("Player \($0)", port: port) }
            try eventually("\(count) participants") {
                for player in players { player.pump() }
                return players.allSatisfy(\.isUp)
            }
            return players
        }

        deinit {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
    }

    static var now: Double { Double(SystemTime.monotonicNanoseconds) / 1e9 }

    private static func waits(for socket: DatagramSocket) {
        var entry = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, 1000)
    }

    // MARK: Latency

    static func latency(_ count: Int) throws {
        let engine = try Engine()
        let players = try engine.players(2)
        let (speaker, hearer) = (players[0], players[1])
        let ours = measure(count) { index in
            if index % 512 == 0 { speaker.pump() }
            let heard = hearer.heard.count
            let began = now
            speaker.play(.noteOn(Channel(truncating: 0), note: DataByte(truncating: UInt8(index % 128)), velocity: 99))
            // Clock questions and guards come in between.
            while now - began < 0.5 {
                waits(for: hearer.data)
                let took = now - began
                hearer.pump()
                if hearer.heard.count > heard { return took }
            }
            return nil
        }
        let bare = try relayed(count)
        print("  bare relay:  \(figures(bare))")
        print("  midihub:     \(figures(ours))")
        print(String(format: "  ratio of the medians: %.2f", Bench.median(ours) / Bench.median(bare)))
    }

    private static func relayed(_ count: Int) throws -> [Double] {
        let (speaker, hearer) = (
            try DatagramSocket(port: 0, host: "127.0.0.1"), try DatagramSocket(port: 0, host: "127.0.0.1")
        )
        let port = freeUDPPortPair()
        let relay = try ChildProgram(
            path: CommandLine.arguments[0], arguments: ["relay", "\(port)", "\(hearer.port)"], environment: [:],
            output: nil
        ).spawn()
        let to = SocketAddress(host: "127.0.0.1", port: port)!  // numeric
        defer {
            kill(relay, SIGKILL)
            waitpid(relay, nil, 0)
        }
        func ask() -> Double? {
            let began = now
            speaker.queue(to: to) { for _ in 0..<19 { $0.append(UInt8(7)) } }
            speaker.flush()
            waits(for: hearer)
            let took = now - began
            return hearer.receive { _, _ in } > 0 ? took : nil
        }
        try eventually("the relay") { ask() != nil }
        return measure(count) { _ in ask() }
    }

    /// Sorted; those that were lost are left out.
    private static func measure(_ count: Int, _ once: (Int) -> Double?) -> [Double] {
        for index in 0..<1000 { _ = once(index) }
        var times: [Double] = []
        for index in 0..<count {
            if let time = once(index) { times.append(time) }
            usleep(300)
        }
        return times.sorted()
    }

    private static func figures(_ times: [Double]) -> String {
        func microseconds(_ seconds: Double) -> String { String(format: "%.0f", seconds * 1e6) }
        return
            "p50 \(microseconds(Bench.median(times))) µs, p99 \(microseconds(Bench.quantile(times, 0.99))) µs, max \(microseconds(times.last ?? 0)) µs (\(times.count) notes)"
    }

    static func relay(_ port: UInt16, _ to: UInt16) throws {
        let socket = try DatagramSocket(port: port, host: "127.0.0.1")
        _ = fcntl(socket.number, F_SETFL, 0)
        bare_relay(socket.number, to)
    }

    // MARK: Rate

    static func rate(seconds limit: Double) throws {
        let engine = try Engine()
        let players = try engine.players(64)
        let before = try Bench.cpu(engine.pid)
        let began = now
        var rounds = 0
        var (arrived, octets) = (0, 0)
        var newest = [UInt16](repeating: 0, count: players.count)
        var lastReport = began
        func drain() {
            for (index, player) in players.enumerated() {
                arrived += player.data.receive { bytes, _ in
                    octets += bytes.byteCount
                    if !SessionPacket.isSession(bytes) { newest[index] = bytes.uint16(at: 2) }
                }
            }
        }
        while now - began < limit {
            for (index, player) in players.enumerated() {
                // Each its own notes: whoever plays what others have just played looks like a feedback loop.
                let number = UInt8(index)
                let channel = Channel(truncating: number % 16)
                let note = DataByte(truncating: 24 + number / 16 * 24 + UInt8(rounds / 2 % 24))
                player.play(
                    rounds % 2 == 0
                        ? .noteOn(channel, note: note, velocity: DataByte(truncating: 1 + number))
                        : .noteOff(channel, note: note, velocity: DataByte(truncating: 1 + number)))
            }
            rounds += 1
            // No more than two rounds are on their way.
            let wanted = (rounds - 1) * players.count * (players.count - 1) * 99 / 100
            let deadline = now + 0.05
            while arrived < wanted, now < deadline { drain() }
            if now - lastReport > 0.5 {
                lastReport = now
                for (player, number) in zip(players, newest) {
                    player.send(.feedback(ssrc: player.ssrc, value: UInt32(number) << 16), .control)
                }
            }
        }
        let ours = Double(arrived) / (now - began)
        let used = try Bench.cpu(engine.pid) - before
        let load = used / (now - began)
        let size = octets / max(1, arrived)
        let (bare, bareCost) = try bareRate(seconds: limit, size: size)
        print(String(format: "  bare sendmmsg loop: %.0f datagrams/s of as many octets, %d", bare, size))
        print(String(format: "  midihub:            %.0f datagrams/s, at %.0f %% of a core", ours, load * 100))
        print(String(format: "  ratio: %.2f", ours / bare))
        // This does not depend on how fast the datagrams are read, nor much on what else the machine does.
        let cost = used / Double(max(1, arrived)) * 1e6
        print(
            String(
                format: "  processor time a datagram: %.2f µs the bare loop, %.2f µs midihub, ratio %.2f", bareCost,
                cost, bareCost / cost))
    }

    /// The same number of sockets, drained in the same way by the same process, fed by another one: how many datagrams a
    /// second are read, and how many microseconds of that one's processor time each takes that it sends.
    private static func bareRate(seconds limit: Double, size: Int) throws -> (rate: Double, cost: Double) {
        let directory = TemporaryDirectory()
        let costs = directory.file("costs")
        let sockets = try (0..<64).map { _ in try DatagramSocket(port: 0, host: "127.0.0.1") }
        let sender = try ChildProgram(
            path: CommandLine.arguments[0], arguments: ["flood", "\(size)"] + sockets.map { "\($0.port)" },
            environment: [:], output: costs
        ).spawn()
        defer {
            kill(sender, SIGKILL)
            waitpid(sender, nil, 0)
        }
        var arrived = 0
        func drain() { for socket in sockets { arrived += socket.receive { _, _ in } } }
        while arrived == 0 { drain() }
        arrived = 0
        let began = now
        while now - began < limit { drain() }
        let rate = Double(arrived) / (now - began)
        return (rate, text(of: costs).split(separator: "\n").compactMap { Double($0) }.last ?? .nan)
    }

    /// Sends for ever, and prints now and then how many microseconds of processor time a datagram has taken.
    static func flood(_ size: Int, _ ports: [UInt16]) throws {
        let socket = try DatagramSocket(port: 0, host: "127.0.0.1")
        var sent = 0
        while true {
            sent += bare_send(socket.number, ports, Int32(ports.count), 100_000, Int32(size))
            var used = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used)
            print((Double(used.tv_sec) * 1e6 + Double(used.tv_nsec) / 1e3) / Double(max(1, sent)))
            fflush(nil)
        }
    }

    // MARK: Memory and load

    static func memory() throws {
        let engine = try Engine()
        let few = try engine.players(2)
        let before = try Bench.memory(engine.pid)
        // A few at a time: so many strangers at once are not let in.
        let many = try (0..<4).flatMap { _ in try engine.players(50) }
        for (index, player) in many.enumerated() {
            player.play(
                .noteOn(
                    Channel(truncating: UInt8(index % 16)), note: DataByte(truncating: UInt8(index / 16)), velocity: 9))
        }
        try eventually("the notes") {
            for player in few + many { player.pump() }
            return few[0].heard.count >= 200
        }
        let each = (try Bench.memory(engine.pid) - before) / 200 * 1024
        print(String(format: "  memory per participant: %.1f KiB", each))
    }

    static func load(seconds limit: Double) throws {
        let engine = try Engine()
        let players = try engine.players(16)
        let before = try Bench.cpu(engine.pid)
        let began = now
        var step = 0
        while now - began < limit {
            for (index, player) in players.enumerated() {
                let note = DataByte(truncating: UInt8(40 + (step / 2 + index) % 40))
                let channel = Channel(truncating: UInt8(index))
                player.play(
                    step % 2 == 0
                        ? .noteOn(channel, note: note, velocity: 80) : .noteOff(channel, note: note, velocity: 0))
                player.pump()
            }
            step += 1
            let next = began + Double(step) / 50
            if next > now { usleep(UInt32((next - now) * 1e6)) }
        }
        let used = (try Bench.cpu(engine.pid) - before) / (now - began) * 100
        let heard = players.reduce(0) { $0 + $1.heard.count }
        print(
            String(
                format: "  CPU: %.2f %% of a core over %.0f s (%.0f messages/s delivered)", used, limit,
                Double(heard) / (now - began)))
    }
}

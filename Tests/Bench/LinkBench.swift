import Client
import Foundation
import HubLink
import Linux
import MIDI
import RTPMIDI
import TestSupport

/// What a hearer of numbered events costs the engine, beside one that hears RTP-MIDI; and what eight idle ones cost.
enum LinkBench {
    private static let hearers = 32
    private static let eventsPerSecond = 500.0

    static func run(seconds: Double) throws {
        var (plain, linked): ([Figures], [Figures]) = ([], [])
        for _ in 0..<7 {
            plain.append(try measure(seconds, isLinked: false))
            linked.append(try measure(seconds, isLinked: true))
        }
        print(" RTP-MIDI:  \(text(plain))")
        print(" link:      \(text(linked))")
        let ratio = Bench.median(linked.map(\.cost).sorted()) / Bench.median(plain.map(\.cost).sorted())
        print(
            String(
                format: "  a hearer by link costs %.2f times one by RTP-MIDI (medians of seven rounds in turns)", ratio)
        )
        print(String(format: "  eight idle by link: %.3f %% of a core over 20 s", try idle()))
    }

    private struct Figures {
        /// Of the engine's processor time, µs a delivery.
        var cost: Double
        /// From the player to the hearers, sorted, seconds.
        var delays: [Double]
    }

    private static func text(_ figures: [Figures]) -> String {
        let costs = figures.map(\.cost).sorted()
        let medians = figures.map { Bench.median($0.delays) * 1e6 }.sorted()
        let p99s = figures.map { Bench.quantile($0.delays, 0.99) * 1e6 }.sorted()
        return String(
            format:
                "%.2f µs a delivery (%.2f to %.2f); delay p50 %.0f µs (%.0f to %.0f), p99 %.0f µs (%.0f to %.0f); %d deliveries",
            Bench.median(costs), costs[0], costs[costs.count - 1], Bench.median(medians), medians[0],
            medians[medians.count - 1], Bench.median(p99s), p99s[0], p99s[p99s.count - 1],
            figures.reduce(0) { $0 + $1.delays.count })
    }

    /// `hearers` in a room with one player, who plays an event a packet.
    private static func measure(_ seconds: Double, isLinked: Bool) throws -> Figures {
        let engine = try EngineBench.Engine()
        let loop = try EventLoop()
        var sent: [Double] = []
        var delays: [Double] = []
        func heard(_ first: UInt8, _ second: UInt8) {
            let index = Int(first) << 7 | Int(second)
            // Of the last 16,384, which is half a minute.
            let newest = sent.count - 1
            let of = newest - (newest - index) & 0x3FFF
            if of >= 0, of < sent.count { delays.append(EngineBench.now - sent[of]) }
        }
        let initiators = try (0..<hearers).map { number in
            let one = try Initiator(
                Initiator.Host(name: "127.0.0.1", port: engine.port), name: "Hearer \(number)", loop: loop)
            one.onReceived = { if $0.bytes.count == 3, $0.bytes[0] == 0xE0 { heard($0.bytes[2], $0.bytes[1]) } }
            if isLinked {
                one.onLink = { packet, datagram in
                    guard case .events(let list) = packet else { return }
                    var reader = CommandListReader(list.list, timestamp: list.time)
                    var index = 0
                    while let entry = try? reader.next(in: datagram) {
                        index += 1
                        if index > list.repeats, case .command(let command, _) = entry {
                            heard(command.second, command.first)
                        }
                    }
                }
            }
            one.start()
            return one
        }
        let player = try TestPlayer("Player", port: engine.port)
        var (began, usedBefore, used): (Double?, Double, Double) = (nil, 0, 0)
        func step() {
            player.pump()
            let now = EngineBench.now
            if began == nil, player.isUp, initiators.allSatisfy({ $0.isUp && (!isLinked || $0.isLinked) }) {
                (began, usedBefore) = (now + 0.5, 0)
            }
            if let began, now >= began {
                if sent.isEmpty { usedBefore = (try? Bench.cpu(engine.pid)) ?? 0 }
                if now > began + seconds {
                    used = ((try? Bench.cpu(engine.pid)) ?? 0) - usedBefore
                    return loop.stop()
                }
                while Double(sent.count) < (now - began) * eventsPerSecond {
                    let index = UInt16(sent.count & 0x3FFF)
                    sent.append(EngineBench.now)
                    player.play(.pitchBend(Channel(truncating: 0), Bend(truncating: index)))
                }
            }
            loop.after(.milliseconds(1)) { step() }
        }
        step()
        try loop.run()
        return Figures(cost: used / Double(delays.count) * 1e6, delays: delays.sorted())
    }

    /// Percent of a core that eight joins cost the engine while nobody plays.
    private static func idle() throws -> Double {
        let engine = try EngineBench.Engine()
        let loop = try EventLoop()
        let hosts = [Initiator.Host(name: "127.0.0.1", port: engine.port)]
        let groups = try (0..<8).map { try HubGroup(hosts, name: "Idle \($0)", loop: loop) }
        for group in groups { group.start() }
        var used = 0.0
        loop.after(.seconds(5)) {
            let before = (try? Bench.cpu(engine.pid)) ?? 0
            loop.after(.seconds(20)) {
                used = ((try? Bench.cpu(engine.pid)) ?? 0) - before
                loop.stop()
            }
        }
        try withExtendedLifetime(groups) { try loop.run() }
        return used / 20 * 100
    }
}

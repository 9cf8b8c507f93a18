import Foundation
import Glibc
import Linux
import MIDI
import RTPMIDI
import TestSupport

/// Many small rooms in which every participant plays. The engines are processes of their own, the participants are
/// sockets of this one.
enum CrowdBench {
    private static let rooms = 62
    private static let size = 8
    /// Each event is told from the others by its note and whether it begins or ends it: so many, which is four seconds of 50 a
    /// second.
    private static let distinct = 200
    /// Sockets that are read between two looks at the clock.
    private static let share = 8

    private final class Participant {
        let player: TestPlayer
        /// Its room's first participant, and which of them it is.
        let first: Int
        let index: Int
        var played = 0
        var sentAt = [Double](repeating: 0, count: distinct)
        init(_ player: TestPlayer, first: Int, index: Int) {
            (self.player, self.first, self.index) = (player, first, index)
        }

        /// Plays its next event: a note on a channel of its own, then that note's end.
        func play() {
            let channel = Channel(truncating: UInt8(index))
            let note = DataByte(truncating: UInt8(played / 2 % (distinct / 2)))
            sentAt[played % distinct] = EngineBench.now
            player.play(
                played % 2 == 0
                    ? .noteOn(channel, note: note, velocity: 90) : .noteOff(channel, note: note, velocity: 64))
            played += 1
        }
    }

    /// - Parameter rate: events a second of each participant.
    static func run(engines count: Int, seconds limit: Double, rate: Double) throws {
        var files = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        files.rlim_cur = files.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        let ports = (0..<rooms).map { _ in freeUDPPortPair() }
        let engines = try (0..<count).map { engine in
            try EngineBench.Engine(ports.enumerated().filter { $0.offset % count == engine }.map(\.element))
        }
        var all: [Participant] = []
        for port in ports {
            let players = try (0..<size).map { try TestPlayer("Player \($0)", port: port) }
            try eventually("a room full") {
                for player in players { player.pump() }
                return players.allSatisfy(\.isUp)
            }
            let first = all.count
            for (index, player) in players.enumerated() { all.append(Participant(player, first: first, index: index)) }
        }
        var delays: [Float] = []
        delays.reserveCapacity(Int(Double(all.count * (size - 1)) * rate * limit) + 1000)
        var reads = 0
        func heard(_ bytes: RawSpan, by participant: Participant) {
            guard let (channel, event) = event(bytes), Int(channel) < size else { return }
            delays.append(Float(EngineBench.now - all[participant.first + Int(channel)].sentAt[event]))
        }
        func drain(_ participant: Participant) {
            reads += 1
            while participant.player.data.receive({ bytes, _ in heard(bytes, by: participant) })
                == DatagramSocket.batchSize
            {}
        }
        for participant in all {
            participant.player.onDatagram = { [unowned participant] path, bytes in
                if path == .data { heard(bytes.span.bytes, by: participant) }
            }
        }

        let before = try engines.reduce(0) { $0 + (try Bench.cpu($1.pid)) }
        let began = EngineBench.now
        let total = Int(limit * rate) * all.count
        var (played, next, kept) = (0, 0, 0)
        func turn() {
            for _ in 0..<share {
                drain(all[next])
                next = (next + 1) % all.count
            }
            // Twice a second each sees to its session: what it has received, and what its own has come to.
            let due = Int((EngineBench.now - began) * 2 * Double(all.count))
            if kept < due {
                let one = all[kept % all.count].player
                one.pump()
                one.forget()
                kept += 1
            }
        }
        while played < total {
            // Everybody in turn, evenly over the time.
            let due = min(total, Int((EngineBench.now - began) * rate * Double(all.count)))
            while played < due {
                all[played % all.count].play()
                played += 1
            }
            turn()
        }
        let took = EngineBench.now - began
        let end = EngineBench.now + 1
        while EngineBench.now < end { turn() }
        let used = try engines.reduce(0) { $0 + (try Bench.cpu($1.pid)) } - before

        let expected = total * (size - 1)
        let sorted = delays.sorted()
        func delay(_ share: Double) -> Double {
            sorted.isEmpty ? 0 : Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) * 1000
        }
        print(
            String(
                format: "  %d engine%@: %d of %d delivered, %d missing, in %.1f s (%.0f/s)", count,
                count == 1 ? "" : "s",
                delays.count, expected, expected - delays.count, took, Double(delays.count) / took))
        print(
            String(
                format: "  delay until read: p50 %.2f ms, p99 %.2f ms; a socket is read every %.2f ms", delay(0.5),
                delay(0.99), (took + 1) * Double(all.count) / Double(reads) * 1000))
        if expected - delays.count > expected / 100 {
            print("  The participants' process could not keep up: a lower rate says more of the engine.")
        }
        print(
            String(
                format: "  CPU: %.2f µs a delivery, all of the engine's work included (%.0f %% of a core)",
                used / Double(max(1, delays.count)) * 1e6, used / took * 100))
    }

    /// The channel and the number of the event in a packet that has one; nil for whatever else comes.
    private static func event(_ bytes: RawSpan) -> (channel: UInt8, number: Int)? {
        guard !SessionPacket.isSession(bytes), let header = try? RTPHeader(decoding: bytes) else { return nil }
        let at = header.payload.lowerBound
        guard header.payload.count >= 4, bytes.uint8(at: at) & 0x8F == 3 else { return nil }
        let (status, note) = (bytes.uint8(at: at + 1), Int(bytes.uint8(at: at + 2)))
        guard note < distinct / 2 else { return nil }
        switch status & 0xF0 {
        case 0x90: return (status & 0x0F, 2 * note)
        case 0x80: return (status & 0x0F, 2 * note + 1)
        default: return nil
        }
    }
}

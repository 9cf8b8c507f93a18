import HubLink
import MIDI
import RTPMIDI
import Rooms
import TestSupport

/// One origin, one hearer, and paths between them that lose, delay, repeat and overtake, in virtual time: the same every run.
final class MergeStage {
    struct Path {
        var latency: UInt64
        var jitter: UInt64
        /// Of 100 packets.
        var lost: Int
        var doubled: Int
        /// Nothing passes in these times.
        var dark: [Range<UInt64>] = []
    }
    private struct Packet {
        var at: UInt64
        var order: Int
        var path: Int
        var isForHearer: Bool
        var bytes: [UInt8]
    }

    static let origin = Origin(7)
    var paths: [Path]
    var random: SeededRandom
    var now: UInt64 = 1_000_000
    private var under: [Packet] = []
    private var order = 0

    // The one who plays.
    let window = EventWindow()
    private var writer = EventsWriter()
    private(set) var last: EventNumber
    private(set) var state = SpeakerState()
    private(set) var played: [[UInt8]] = []
    private var sessions: [LinkSession] = []
    private var repeatDue: UInt64?
    /// What the window has lost, as after a restart.
    private var forgotBefore: EventNumber

    // The one who hears.
    let statistics = PathStatistics()
    private var reader: OriginReader
    private(set) var heard: [(bytes: [UInt8], number: EventNumber?)] = []
    private(set) var known = SpeakerState()
    private(set) var asked: [LinkPacket.Wanted] = []

    init(_ paths: [Path], seed: UInt64, first: UInt32 = 1) {
        self.paths = paths
        random = SeededRandom(seed: seed)
        last = EventNumber(first).advanced(by: -1)
        forgotBefore = EventNumber(first)
        reader = OriginReader(Self.origin, next: first == 1 ? nil : EventNumber(first), statistics: statistics)
        sessions = paths.map { _ in
            var session = LinkSession(now: 1_000_000)
            session.agreed(pulse: 10)
            return session
        }
    }

    // MARK: Playing

    func play(_ message: Message) {
        play(message.bytes)
        state.follow(message)
    }

    func play(_ bytes: [UInt8]) {
        last = last.advanced(by: 1)
        played.append(bytes)
        bytes.withUnsafeBytes { window.put(last, time: UInt32(truncatingIfNeeded: now), $0, at: now) }
        _ = writer.write(Self.origin, last, through: last, of: window, at: now)
        for path in paths.indices {
            sendEvents(path)
            sessions[path].sentEvent(at: now)
        }
        repeatDue = now + 100
    }

    /// The one who plays does not know its earlier events any more.
    func forget() { window.forgetAll() }

    private func sendEvents(_ path: Int) {
        let count = sessions[path].nextCount()
        let bytes = packet { writer.write(from: SSRC(1), count: count, into: &$0) }
        send(bytes, on: path, toHearer: true)
    }

    private func packet(_ write: (inout OutputRawSpan) -> Void) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: LinkPacket.longest, alignment: 8) { buffer in
            var out = OutputRawSpan(buffer: buffer, initializedCount: 0)
            write(&out)
            let count = out.finalize(for: buffer)
            return Array(buffer[..<count])
        }
    }

    private func send(_ bytes: [UInt8], on path: Int, toHearer: Bool) {
        let way = paths[path]
        if way.dark.contains(where: { $0.contains(now) }) { return }
        var copies = 1
        if Int.random(in: 0..<100, using: &random) < way.lost { copies = 0 }
        if Int.random(in: 0..<100, using: &random) < way.doubled { copies += 1 }
        for _ in 0..<copies {
            order += 1
            let delay = way.latency + (way.jitter > 0 ? UInt64.random(in: 0...way.jitter, using: &random) : 0)
            under.append(Packet(at: now + delay, order: order, path: path, isForHearer: toHearer, bytes: bytes))
        }
    }

    // MARK: Time

    /// Lets time pass, and everything happen that is due in it.
    func pass(_ ticks: UInt64) {
        let end = now + ticks
        while true {
            var due = under.map(\.at).min() ?? .max
            due = min(due, reader.deadline ?? .max, repeatDue ?? .max)
            for session in sessions { due = min(due, session.pulseDue) }
            guard due <= end else { break }
            now = max(now, due)
            step()
        }
        now = end
        reader.settle(at: now)
    }

    private func step() {
        let arrived = under.filter { $0.at <= now }.sorted { ($0.at, $0.order) < ($1.at, $1.order) }
        under.removeAll { $0.at <= now }
        for packet in arrived { receive(packet) }
        if let due = repeatDue, due <= now {
            repeatDue = nil
            if writer.writeRepeat(Self.origin, through: last, of: window, at: now) {
                for path in paths.indices { sendEvents(path) }
            }
        }
        for path in paths.indices where sessions[path].pulseDue <= now {
            let next = sessions[path].pulse(at: now, isHolding: !state.held.isEmpty)
            let count = sessions[path].nextCount()
            let told = [(Self.origin, last)]
            send(
                packet { LinkSession.writePulse(next, told, from: SSRC(1), count: count, into: &$0) }, on: path,
                toHearer: true)
        }
        var questions: [(Int, LinkPacket.Wanted)] = []
        var told = Told(known)
        let ways = paths
        reader.wake(
            at: now, known: known, roundTrip: { 2 * ways[$0].latency }, ask: { questions.append(($0, $1)) },
            emit: { told.hear($0, $1, $2) })
        take(told)
        for (path, question) in questions {
            asked.append(question)
            send(
                packet { LinkPacket.want(Self.origin, question).write(from: SSRC(2), count: 0, into: &$0) }, on: path,
                toHearer: false)
        }
    }

    private struct Told {
        var known: SpeakerState
        var heard: [(bytes: [UInt8], number: EventNumber?)] = []
        init(_ known: SpeakerState) { self.known = known }
        mutating func hear(_ emission: Emission, _ bytes: RawSpan, _ number: EventNumber?) {
            switch emission {
            case .message(let message, _, _):
                known.follow(message)
                heard.append((message.bytes, number))
            case .system(let message, _): if message.isForOthers { heard.append((message.bytes, number)) }
            case .sysEx(_, let range, _):
                let octets = (range.lowerBound - 1...range.upperBound).map { bytes.uint8(at: $0) }
                heard.append((octets, number))
            case .sysExLost: break
            }
        }
    }
    private func take(_ told: Told) {
        known = told.known
        heard += told.heard
    }

    private func receive(_ packet: Packet) {
        let span = packet.bytes.span.bytes
        guard let head = try? LinkHead(decoding: span), let content = try? LinkPacket(decoding: span, head) else {
            return
        }
        var told = Told(known)
        switch content {
        case .events(let list):
            reader.receive(list, in: span, by: packet.path, at: now) { told.hear($0, $1, $2) }
        case .pulse(let pulse):
            for index in 0..<pulse.count {
                reader.receive(last: pulse.entry(index, in: span).last, by: packet.path, at: now) {
                    told.hear($0, $1, $2)
                }
            }
        case .state(let part):
            reader.receive(part, in: span, by: packet.path, known: known, at: now) { told.hear($0, $1, $2) }
        case .want(_, let wanted): answer(wanted, on: packet.path)
        case .hello, .welcome, .gone, .beat, .report, .identity, .witness: break
        }
        take(told)
    }

    private func answer(_ wanted: LinkPacket.Wanted, on path: Int) {
        if case .events(var first, let end) = wanted {
            var isAnswered = false
            while end.distance(from: first) >= 0,
                let taken = writer.writeAnswer(Self.origin, first, through: end, of: window)
            {
                sendEvents(path)
                isAnswered = true
                first = taken.advanced(by: 1)
            }
            if isAnswered { return }
        }
        tellState(on: path)
    }

    func tellState(on path: Int, isFinal: Bool = false) {
        var packets: [[UInt8]] = []
        StateParts.write(
            state, of: Self.origin, at: last, isFinal: isFinal, from: SSRC(1), count: { 0 },
            send: { write in packets.append(packet { write(&$0) }) })
        for bytes in packets { send(bytes, on: path, toHearer: true) }
    }

    /// What a path is lost for the hearer means.
    func lose(_ path: Int) -> Bool { reader.lose(path) }
}

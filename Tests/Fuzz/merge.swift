import HubLink
import MIDI
import RTPMIDI
import Rooms

/// One origin's events by two paths in any order, doubled and lost as the input says: let out once each and in order, or made
/// up for by a state; nothing hangs when all is quiet.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = UnsafeBufferPointer(start: start, count: count)[...]
    func next() -> UInt8? { input.popFirst() }

    let origin = Origin(7)
    let window = EventWindow()
    var (state, known) = (SpeakerState(), SpeakerState())
    var last = EventNumber(next().map { $0 & 1 == 0 ? 0 : UInt32.max - 5 } ?? 0)
    let first = last.advanced(by: 1)
    var reader = OriginReader(origin, next: first, statistics: PathStatistics())
    var writer = EventsWriter()
    var packets: [[UInt8]] = []
    var (now, heard): (UInt64, EventNumber) = (1_000, last)

    func hear(_ emission: Emission, _ bytes: RawSpan, _ number: EventNumber?) {
        if let number {
            precondition(number.distance(from: heard) > 0, "out of order, or doubled")
            heard = number
        }
        if case .message(let message, _, _) = emission { known.follow(message) }
    }
    func packet(_ write: (inout OutputRawSpan) -> Void) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: LinkPacket.longest, alignment: 8) { buffer in
            var out = OutputRawSpan(buffer: buffer, initializedCount: 0)
            write(&out)
            let length = out.finalize(for: buffer)
            return Array(buffer[..<length])
        }
    }
    func play(_ message: Message) {
        last = last.advanced(by: 1)
        state.follow(message)
        window.put(last, time: UInt32(truncatingIfNeeded: now), ChannelCommand(message), at: now)
        _ = writer.write(origin, last, through: last, of: window, at: now)
        packets.append(packet { writer.write(from: SSRC(1), count: 0, into: &$0) })
        if packets.count > 64 { packets.removeFirst() }
    }
    func deliver(_ bytes: [UInt8], by path: Int) {
        let span = bytes.span.bytes
        guard let head = try? LinkHead(decoding: span), let content = try? LinkPacket(decoding: span, head) else {
            preconditionFailure("what was written is not read")
        }
        switch content {
        case .events(let list): reader.receive(list, in: span, by: path, at: now, emit: hear)
        case .state(let part): reader.receive(part, in: span, by: path, known: known, at: now, emit: hear)
        default: break
        }
    }
    func answer(_ question: LinkPacket.Wanted, by path: Int) {
        if case .events(var from, let to) = question {
            var isAnswered = false
            while to.distance(from: from) >= 0,
                let taken = writer.writeAnswer(origin, from, through: to, of: window)
            {
                deliver(packet { writer.write(from: SSRC(1), count: 0, into: &$0) }, by: path)
                isAnswered = true
                from = taken.advanced(by: 1)
            }
            if isAnswered { return }
        }
        var parts: [[UInt8]] = []
        StateParts.write(
            state, of: origin, at: last, from: SSRC(1), count: { 0 },
            send: { write in parts.append(packet { write(&$0) }) })
        for part in parts { deliver(part, by: path) }
    }
    func wake(answering: Bool) {
        var questions: [(Int, LinkPacket.Wanted)] = []
        reader.wake(at: now, known: known, roundTrip: { _ in 10 }, ask: { questions.append(($0, $1)) }, emit: hear)
        if answering { for (path, question) in questions { answer(question, by: path) } }
    }

    while let order = next() {
        now += UInt64(order & 7)
        let note = DataByte(truncating: order >> 3 & 15)
        switch order >> 6 {
        case 0: play(.noteOn(Channel(truncating: 0), note: note, velocity: 1))
        case 1: play(.noteOff(Channel(truncating: 0), note: note, velocity: 1))
        case 2: if !packets.isEmpty { deliver(packets[Int(order & 63) % packets.count], by: Int(order & 1)) }
        default:
            now += UInt64(order & 63) * 4
            if order & 0x30 == 0 { window.forgetAll() }
            if order & 0x30 == 0x10 { _ = reader.lose(Int(order & 1)) }
            wake(answering: order & 0x30 != 0x20)
        }
    }
    // All lets go, and what is missing is asked for until nothing is.
    for note in UInt8(0)..<16 { play(.noteOff(Channel(truncating: 0), note: DataByte(truncating: note), velocity: 1)) }
    deliver(packets[packets.count - 1], by: 0)
    for _ in 0..<100 {
        guard let due = reader.deadline else { break }
        now = max(now, due)
        wake(answering: true)
    }
    precondition(reader.next == last.advanced(by: 1), "something is missing for ever")
    precondition(known.held.isEmpty, "something hangs")
    return 0
}

import MIDI
import RTPMIDI
import TestSupport
import Testing

/// System exclusive messages in segments, on a network that overtakes and loses.
struct SegmentOrderTests {
    private let sender = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0xFFF8), to: HearerAbility(journalLimit: 900))
    private let receiver = ReceiverStream()

    private func segment(_ part: SysExPart, _ data: [UInt8], at now: UInt64 = 0) -> [UInt8] {
        var list = CommandList()
        list.add(part, data, at: UInt32(now))
        return sender.packet(list, at: now)
    }
    private func heard(_ packet: [UInt8], at now: UInt64 = 0) throws -> [String] {
        try receiver.hear(packet, at: now).heard.map(\.midi)
    }

    @Test func `a segment that was overtaken is waited for`() throws {
        let (first, second, third) = (segment(.first, [1]), segment(.middle, [2]), segment(.last, [3]))
        #expect(try heard(first) == ["first:01"])
        #expect(try heard(third) == [])
        #expect(receiver.segmentsDue == 1000)
        #expect(try heard(second, at: 999) == ["middle:02", "last:03"])
        #expect(receiver.segmentsDue == nil)
    }
    @Test func `so is a beginning`() throws {
        try receiver.hear(sender.packet("b00740"))
        let (first, second) = (segment(.first, [1]), segment(.last, [2]))
        #expect(try heard(second) == [])
        #expect(try heard(first) == ["first:01", "last:02"])
    }
    @Test func `notes and clock do not wait, and are not heard twice`() throws {
        let (first, second) = (segment(.first, [1]), segment(.middle, [2]))
        var list = CommandList()
        list.add(SystemMessage(0xF8)!, at: 0)
        list.add("903c64", at: 0)
        list.add(.last, [3], at: 0)
        let third = sender.packet(list)
        #expect(try heard(first) == ["first:01"])
        #expect(try heard(third) == ["f8", "903c64"])
        #expect(try heard(sender.packet("803c40")) == ["803c40"])
        #expect(try heard(second) == ["middle:02", "last:03"])
        #expect(try heard(third) == [])
    }
    @Test func `what has not come after 100 ms is lost, and the next message is not`() throws {
        _ = try heard(segment(.first, [1]))
        let missing = segment(.middle, [2])
        #expect(try heard(segment(.last, [3])) == [])
        #expect(try heard(segment(.first, [4])) == [])
        var told: [String] = []
        receiver.giveUpSegments(at: 999) { told.append(Heard($0, of: $1).midi) }
        #expect(told.isEmpty)
        receiver.giveUpSegments(at: 1000) { told.append(Heard($0, of: $1).midi) }
        #expect(told == ["lost", "first:04"])
        #expect(try heard(missing, at: 1001) == [])
        #expect(try heard(segment(.last, [5]), at: 1001) == ["last:05"])
    }
    @Test func `one message after the other is given back its order`() throws {
        _ = try heard(segment(.first, [1]))
        let packets = [segment(.last, [2]), segment(.whole, [3]), segment(.first, [4]), segment(.last, [5])]
        for packet in packets[1...] { #expect(try heard(packet) == []) }
        #expect(try heard(packets[0]) == ["last:02", "whole:03", "first:04", "last:05"])
    }
    @Test func `more than there is room for goes on without what is missing`() throws {
        let small = ReceiverStream(waiting: WaitingPackets(capacity: 2))
        try small.hear(segment(.first, [1]))
        _ = segment(.middle, [2])
        try small.hear(segment(.middle, [3]))
        try small.hear(segment(.last, [4]))
        #expect(try small.hear(segment(.whole, [5])).heard.map(\.midi) == ["lost", "whole:05"])
        #expect(small.segmentsDue == nil)
    }
    @Test func `places are given back when a stream ends or falls silent`() throws {
        let waiting = WaitingPackets(capacity: 1)
        for ends in [false, true, false, true] {
            let one = ReceiverStream(waiting: waiting)
            try one.hear(segment(.first, [1]))
            let missing = segment(.middle, [2])
            #expect(try one.hear(segment(.last, [3])).heard.isEmpty)
            if ends { #expect(one.silenced() == ["lost"]) }
            _ = missing
        }
    }

    @Test(arguments: [30, 40], [false, true])
    func `20 KB with 10 ms of jitter arrive, and notes come when they come`(pause: UInt64, hasNotes: Bool) throws {
        var random = SeededRandom(seed: pause)
        let dump = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7) & 0x7F }
        var packets: [(arrival: UInt64, octets: [UInt8], note: String?)] = []
        var now: UInt64 = 0
        func send(_ octets: [UInt8], note: String? = nil) {
            packets.append((now + .random(in: 0...100, using: &random), octets, note))
        }
        for start in stride(from: 0, to: dump.count, by: 128) {
            let end = min(dump.count, start + 128)
            let part: SysExPart = start == 0 ? .first : end == dump.count ? .last : .middle
            send(segment(part, Array(dump[start..<end]), at: now))
            now += pause / 2
            if hasNotes, start % 256 == 0 {
                let note = "90\(hex([UInt8(start / 256 % 128)]))40"
                send(sender.packet(note, at: now), note: note)
            }
            now += pause / 2
        }
        packets.sort { $0.arrival < $1.arrival }
        var exclusive: [UInt8] = []
        var lost = 0
        var missed = 0
        for (arrival, octets, note) in packets {
            var notes: [String] = []
            _ = try receiver.receive(octets.span.bytes, RTPHeader(decoding: octets.span.bytes), at: arrival) {
                switch $0 {
                case .sysEx(_, let range, _): for offset in range { exclusive.append($1.uint8(at: offset)) }
                case .sysExLost: lost += 1
                case .message(let message, _, _): notes.append(hex(message.bytes))
                case .system: break
                }
            }
            // The note of a packet that was overtaken comes by a journal.
            if let note, !notes.contains(note) { missed += 1 }
        }
        #expect(exclusive == dump && lost == 0)
        #expect(missed < packets.count / 4)
    }
}

import MIDI
import RTPMIDI
import TestSupport
import Testing

/// Packets that others have overtaken, as wireless networks do it to those sent at once: a chord in several packets.
struct OvertakenTests {
    private let plain = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0xFFF0), to: HearerAbility(journalLimit: 0))
    private let receiver = ReceiverStream()

    private func heard(_ packet: [UInt8], at now: UInt64 = 0) throws -> [String] {
        try receiver.hear(packet, at: now).heard.map(\.midi)
    }

    @Test func `without journals an overtaken chord is heard whole`() throws {
        try receiver.hear(plain.packet("b00740"))
        let chord = [plain.packet("903c64"), plain.packet("904064"), plain.packet("904364")]
        #expect(try heard(chord[2]) == ["904364"])
        #expect(try heard(chord[0]) == ["903c64"])
        #expect(try heard(chord[1]) == ["904064"])
        #expect(try heard(chord[1]) == [])
        #expect(try heard(plain.packet("803c40", "804040", "804340")).count == 3)
    }
    @Test func `its time is its own, so that it is not played behind what follows`() throws {
        try receiver.hear(plain.packet("b00740", at: 100), at: 100)
        let late = plain.packet("903c64", at: 110)
        try receiver.hear(plain.packet("904064", at: 150), at: 150)
        #expect(try receiver.hear(late, at: 160).heard.map(\.time) == [110])
    }
    @Test func `a beginning whose end has come already is not heard`() throws {
        try receiver.hear(plain.packet("b00740"))
        let (on, off) = (plain.packet("903c64"), plain.packet("803c40"))
        #expect(try heard(off) == ["803c40"])
        #expect(try heard(on) == [])
    }
    @Test func `nor is one after all notes off, nor what comes later than usual`() throws {
        for number in UInt64(0)..<20 { try receiver.hear(plain.packet("b00740", at: number * 100), at: number * 100) }
        let (on, late) = (plain.packet("903c64", at: 2000), plain.packet("904064", at: 2000))
        try receiver.hear(plain.packet("b07b00", at: 2000), at: 2000)
        #expect(try heard(on, at: 2010) == [])
        #expect(try heard(late, at: 2900) == [])
    }
    @Test func `after a pause of the network what is overtaken is heard, too`() throws {
        for number in UInt64(0)..<20 { try receiver.hear(plain.packet("b00740", at: number * 100), at: number * 100) }
        for number in UInt64(20)..<25 { try receiver.hear(plain.packet("b00741", at: number * 100), at: 4500) }
        let (first, second) = (plain.packet("903c64", at: 4600), plain.packet("904064", at: 4600))
        #expect(try heard(second, at: 4610) == ["904064"])
        #expect(try heard(first, at: 4620) == ["903c64"])
    }
    @Test func `of a controller the newest value stays`() throws {
        try receiver.hear(plain.packet("b00740"))
        let (down, up, volume) = (plain.packet("b0407f"), plain.packet("b04000"), plain.packet("b00750"))
        #expect(try heard(volume) == ["b00750"])
        #expect(try heard(up) == ["b04000"])
        #expect(try heard(down) == [])
    }
    @Test func `parts of parameters mean something else by then`() throws {
        try receiver.hear(plain.packet("b00740"))
        let late = plain.packet("b06500", "b06400", "b0060c")
        try receiver.hear(plain.packet("b00741"))
        #expect(try heard(late) == [])
    }
    @Test func `all notes off and reset end what is older, and nothing newer`() throws {
        try receiver.hear(plain.packet("903c64", "904064", "b0407f", "e00010"))
        let late = plain.packet("904364", "b07b00", "b07900")
        #expect(try heard(plain.packet("904064", "b0407f")) == ["904064", "b0407f"])
        #expect(try heard(late) == ["904364", "803c40", "804340", "e00040"])
    }
    @Test func `what is older than a reset that was overtaken is not set by it`() throws {
        try receiver.hear(plain.packet("b00740"))
        let (bend, reset) = (plain.packet("e00010", "b0407f"), plain.packet("b07900"))
        try receiver.hear(plain.packet("b00741"))
        #expect(try heard(reset) == [])
        #expect(try heard(bend) == [])
    }
    @Test func `the clock goes on, and start and stop keep their order`() throws {
        func packet(_ statuses: UInt8...) -> [UInt8] {
            var list = CommandList()
            for status in statuses { list.add(SystemMessage(status)!, at: 0) }
            return plain.packet(list)
        }
        try receiver.hear(packet(0xF8))
        let (start, tick, stop, last) = (packet(0xFA), packet(0xF8, 0xFE), packet(0xFC), packet(0xF8))
        #expect(try heard(last) == ["f8"])
        #expect(try heard(tick) == ["f8"])
        #expect(try heard(stop) == ["fc"])
        #expect(try heard(start) == [])
    }
    @Test func `a speaker's journal has told what was overtaken`() throws {
        let sender = SenderStream(ssrc: SSRC(1), next: SequenceNumber(7), to: HearerAbility(journalLimit: 900))
        try receiver.hear(sender.packet("b00740"))
        let (first, second) = (sender.packet("903c64", "b00741"), sender.packet("904064"))
        #expect(try heard(second) == ["903c64", "b00741", "904064"])
        #expect(try heard(first) == [])
    }

    @Test(arguments: [true, false], 1...3)
    func `no note of a chord in several packets is missing, hangs or comes twice, with journals and without`(
        hasJournals: Bool, seed: UInt64
    ) throws {
        var random = SeededRandom(seed: seed)
        let sender = SenderStream(
            ssrc: SSRC(1), next: SequenceNumber(7), to: HearerAbility(journalLimit: hasJournals ? 900 : 0))
        try receiver.hear(sender.packet("b00740"))
        var packets: [(arrival: UInt64, octets: [UInt8])] = []
        for chord in UInt64(1)...100 {
            for (start, status) in [(chord * 1000, "90"), (chord * 1000 + 500, "80")] {
                for place in UInt8(0)..<5 {
                    let note = hex([40 + UInt8(chord % 10) * 5 + place])
                    packets.append(
                        (start + .random(in: 0...100, using: &random), sender.packet("\(status)\(note)40", at: start)))
                }
            }
        }
        var (begun, on) = (0, Set<UInt8>())
        for (arrival, octets) in packets.sorted(by: { $0.arrival < $1.arrival }) {
            _ = try receiver.receive(octets.span.bytes, RTPHeader(decoding: octets.span.bytes), at: arrival) {
                emission, _ in
                switch emission {
                case .message(.noteOn(_, let note, _), _, _):
                    begun += 1
                    on.insert(note.rawValue)
                case .message(.noteOff(_, let note, _), _, _): on.remove(note.rawValue)
                default: break
                }
            }
        }
        #expect(begun == 500 && on.isEmpty)
    }

    /// What is on or set after these messages, whatever came in between.
    private struct Outcome: Equatable {
        var on: Set<[UInt8]> = []
        var set: [[UInt8]: [UInt8]] = [:]
        mutating func follow(_ message: Message) {
            let octets = message.bytes
            switch message {
            case .noteOn(let channel, let note, let velocity):
                let key = [channel.rawValue, note.rawValue]
                if velocity.rawValue > 0 { on.insert(key) } else { on.remove(key) }
            case .noteOff(let channel, let note, _): on.remove([channel.rawValue, note.rawValue])
            case .controlChange: set[[octets[0], octets[1]]] = [octets[2]]
            default: set[[octets[0]]] = Array(octets[1...])
            }
        }
    }

    @Test(arguments: [true, false], 1...6)
    func `whatever the order in which all has come, what sounds and is set at the end is the speaker's`(
        hasJournals: Bool, seed: UInt64
    ) throws {
        var random = SeededRandom(seed: seed)
        let sender = SenderStream(
            ssrc: SSRC(1), next: SequenceNumber(0xFFF0), to: HearerAbility(journalLimit: hasJournals ? 900 : 0))
        var (played, heard) = (Outcome(), Outcome())
        var packets: [(arrival: UInt64, octets: [UInt8])] = []
        var now: UInt64 = 0
        for number in 0..<4000 {
            var list = CommandList()
            for _ in 0..<(number == 0 ? 1 : Int.random(in: 1...3, using: &random)) {
                let message = Self.message(using: &random)
                played.follow(message)
                precondition(list.append(message, at: UInt32(now)))
            }
            // The first one is not overtaken: what comes before a beginning is another stream's.
            packets.append((number == 0 ? 0 : now + .random(in: 1...150, using: &random), sender.packet(list, at: now)))
            now += .random(in: 0...30, using: &random)
        }
        for (arrival, octets) in packets.sorted(by: { $0.arrival < $1.arrival }) {
            _ = try receiver.receive(octets.span.bytes, RTPHeader(decoding: octets.span.bytes), at: arrival) {
                emission, _ in
                if case .message(let message, _, _) = emission { heard.follow(message) }
            }
        }
        #expect(heard == played)
    }

    private static func message(using random: inout SeededRandom) -> Message {
        let channel = Channel(truncating: .random(in: 0...1, using: &random))
        let note = DataByte(truncating: .random(in: 60...67, using: &random))
        let value = DataByte(truncating: .random(in: 0...127, using: &random))
        return switch Int.random(in: 0...8, using: &random) {
        case 0...2: .noteOn(channel, note: note, velocity: value)
        case 3...4: .noteOff(channel, note: note, velocity: 64)
        case 5: .controlChange(channel, controller: 64, value: value)
        case 6: .controlChange(channel, controller: 7, value: value)
        case 7: .programChange(channel, program: value)
        default: .pitchBend(channel, Bend(truncating: UInt16(value.rawValue) << 7))
        }
    }
}

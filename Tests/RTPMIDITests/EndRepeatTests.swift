import MIDI
import RTPMIDI
import TestSupport
import Testing

/// What a hearer that ignores the journal is sent besides the music: the ends of what it was told to sound, again.
struct EndRepeatTests {
    private let sender = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0xFFF0), to: .unknown)

    /// The commands of all guard packets that are written until `end`, each with its time.
    private func guards(until end: UInt64, unless isHeld: (Message) -> Bool = { _ in false }) throws -> [Heard] {
        let blind = BlindHearer()
        while let due = sender.guardDue, due <= end {
            blind.hear(sender.guardPacket(at: due, unless: isHeld))
        }
        return blind.heard
    }
    private func ends(_ messages: String..., until end: UInt64 = 5000) throws -> [String] {
        for message in messages { _ = sender.packet(message, at: 0) }
        return try guards(until: end).map(\.midi)
    }

    @Test func `an end is said five times more, within a quarter of a second`() throws {
        _ = sender.packet("903c64", at: 0)
        _ = sender.packet("803c40", at: 1000)
        let again = try guards(until: 100_000)
        #expect(again.map(\.midi) == Array(repeating: "803c40", count: 5))
        #expect(again.map(\.time) == [1600, 2000, 2400, 2800, 3200])
    }
    @Test func `what was not on is not ended`() throws {
        #expect(try ends("803c40", "903d00", "b04000", "e00040", "b07b00") == [])
    }
    @Test func `pedals, the bend, and a note-on with velocity 0`() throws {
        #expect(
            try ends("b0407f", "903c64", "e00050", "b04000", "903c00", "e00040", until: 500) == [
                "803c40", "e00040", "b04000",
            ])
    }
    @Test func `all notes off and reset all controllers end what was on`() throws {
        #expect(
            try ends("903c64", "923e64", "b0407f", "b0457f", "b07b00", "b07900", until: 500) == ["803c40", "b04000"])
    }
    @Test func `a note struck again is left alone`() throws {
        #expect(try ends("903c64", "903e64", "803c40", "803e40", "903c64", until: 500) == ["803e40"])
        _ = sender.packet("903e64", at: 600)
        #expect(try guards(until: 5000).isEmpty)
    }
    @Test func `what another holds there is left alone, and ended when that one lets go`() throws {
        for message in ["903c64", "903c64", "803c40"] { _ = sender.packet(message, at: 0) }
        #expect(try guards(until: 5000) { $0 == .noteOff(Channel(truncating: 0), note: 60, velocity: 64) } == [])
        _ = sender.packet("803c40", at: 6000)
        #expect(try guards(until: 20_000).map(\.midi) == Array(repeating: "803c40", count: 5))
    }
    @Test func `an end that lies ahead is not said before its time`() throws {
        var list = CommandList()
        list.add("903c64", at: 5000)
        list.add("803c40", at: 6500)
        _ = sender.packet(list, at: 5000)
        #expect(try guards(until: 20_000).map(\.time) == [6500, 6500, 6500, 6800, 7200])
    }
    @Test func `many ends go in small packets, close together`() throws {
        for note in 0..<128 { _ = sender.packet("90\(hex([UInt8(note)]))40", at: 0) }
        _ = sender.packet("b07b00", at: 0)
        let blind = BlindHearer()
        var now: UInt64 = 0
        while let due = sender.guardDue, due <= 5000 {
            let packet = sender.guardPacket(at: due)
            #expect(packet.count <= 63 + 64)
            blind.hear(packet)
            now = due
        }
        #expect(blind.heard.count == 5 * 128 && now < 4500)
    }
    @Test func `who shows that it repairs is not told again`() throws {
        #expect(try ends("903c64", "803c40", until: 500) == ["803c40"])
        sender.ability = .journals
        #expect(try guards(until: 100_000).isEmpty)
    }
    @Test func `stable rtpmidid: no filled journal, and the ends again`() throws {
        sender.ability = .noJournals
        _ = sender.packet("903c64", "903e64", at: 0)
        let packet = sender.packet("803c40", at: 0)
        #expect(try journal(of: packet) == "00fff1")
        #expect(try guards(until: 100_000).map(\.midi) == Array(repeating: "803c40", count: 5))
        #expect(sender.guardDue == nil)
    }
    @Test func `to one that has shown nothing a journal has 64 octets and one channel at most`() throws {
        var random = SeededRandom(seed: 7)
        for turn in 0..<3000 {
            let (channel, note) = (Int.random(in: 0..<(turn < 1500 ? 1 : 3), using: &random), UInt8(turn & 127))
            let text = hex([UInt8([0x90, 0x80, 0xB0][turn % 3] + channel), note == 121 ? 1 : note & 0x77, 64])
            let packet = turn % 5 == 0 ? sender.guardPacket(at: UInt64(turn)) : sender.packet(text, at: UInt64(turn))
            let header = try RTPHeader(decoding: packet.span.bytes)
            let section = try CommandSection(decoding: packet.span.bytes, in: header.payload)
            let range = try #require(section.journal)
            let journal = try Journal(decoding: packet.span.bytes, in: range, of: header.sequence)
            #expect(range.count <= 64 && journal.channelCount <= 1)
        }
    }
    @Test func `a hearer sees that we write journals, and plays nothing for it`() throws {
        let hearer = ReceiverStream()
        sender.showJournal(at: 100)
        #expect(sender.guardDue == 100)
        #expect(try hearer.hear(sender.guardPacket(at: 100)).heard == [])
        #expect(hearer.hasSentJournals)
        sender.acknowledge(sender.next.advanced(by: -1))
        #expect(sender.guardDue == nil)
    }

    /// 10,000 notes of random lengths, some of them chords, on a line that loses packets.
    @Test(arguments: [(5, 0), (20, 4)])
    func `at one that ignores journals no note hangs`(percentLost: Int, most: Int) {
        #expect(Self.hanging(notes: 10_000, percentLost: percentLost, seed: 1) <= most)
    }

    /// How many of the notes a hearer that ignores journals still sounds 300 ms after their ends.
    private static func hanging(notes: Int, percentLost: Int, seed: UInt64) -> Int {
        let sender = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0), to: .unknown)
        var random = SeededRandom(seed: seed)
        let blind = BlindHearer()
        func carry(_ packet: [UInt8]) {
            if Int.random(in: 0..<100, using: &random) >= percentLost { blind.hear(packet) }
        }
        var now: UInt64 = 0
        var hanging = 0
        for turn in 0..<notes / 3 {
            let chord = [turn % 40, 40 + turn % 40, 80 + turn % 40].map { hex([UInt8($0)]) }
            for (status, pause) in [("90", UInt64.random(in: 100...2000, using: &random)), ("80", 3000)] {
                if Bool.random(using: &random) {
                    for note in chord { carry(sender.packet("\(status)\(note)40", at: now)) }
                } else {
                    carry(
                        sender.packet(
                            "\(status)\(chord[0])40", "\(status)\(chord[1])40", "\(status)\(chord[2])40", at: now))
                }
                let end = now + pause
                while let due = sender.guardDue, due <= end { carry(sender.guardPacket(at: due)) }
                now = end
            }
            hanging += blind.sounding.nonzeroBitCount
            blind.sounding = 0
        }
        return hanging
    }

    /// Two players on different channels, as a hub forwards them. Once a packet has got through, nothing sounds that is not
    /// held; and without loss all sounds that is.
    @Test(arguments: [0, 5, 20])
    func `one that does use the journal is not confused`(percentLost: Int) throws {
        let hearer = ReceiverStream()
        var random = SeededRandom(seed: 3)
        var (held, heard) = (Instrument(), Instrument())
        func carry(_ packet: [UInt8], at now: UInt64) throws {
            guard Int.random(in: 0..<100, using: &random) >= percentLost else { return }
            let header = try RTPHeader(decoding: packet.span.bytes)
            _ = try hearer.receive(packet.span.bytes, header, at: now) {
                if case (.message(let message, _, _), _) = ($0, $1.byteCount) { heard.apply(message) }
            }
            for channel in 0..<2 {
                let isRight =
                    percentLost == 0
                    ? heard.notes[channel] == held.notes[channel] : heard.notes[channel] & ~held.notes[channel] == 0
                #expect(isRight)
            }
        }
        var now: UInt64 = 0
        for _ in 0..<5000 {
            let channel = Int.random(in: 0..<2, using: &random)
            let note = UInt8.random(in: 60..<66, using: &random)
            let message = Message.noteOn(
                Channel(truncating: UInt8(channel)), note: DataByte(truncating: note),
                velocity: held.notes[channel] & 1 << UInt128(note) == 0 ? 64 : 0)
            held.apply(message)
            var list = CommandList()
            list.add(message, at: UInt32(now))
            try carry(sender.packet(list, at: now), at: now)
            now += UInt64.random(in: 50...800, using: &random)
            while let due = sender.guardDue, due <= now { try carry(sender.guardPacket(at: due), at: due) }
        }
    }
}

/// Plays what the lists say, in the order in which packets come, and knows no journal.
private final class BlindHearer {
    var heard: [Heard] = []
    var sounding: UInt128 = 0

    func hear(_ packet: [UInt8]) {
        let header = try! RTPHeader(decoding: packet.span.bytes)
        let section = try! CommandSection(decoding: packet.span.bytes, in: header.payload)
        var reader = CommandListReader(section, timestamp: header.timestamp)
        while case .command(let command, _) = try! reader.next(in: packet.span.bytes) {
            heard.append(Heard(.message(command.message, time: reader.time, isRepair: false), of: packet.span.bytes))
            let bit = UInt128(1) << UInt128(command.first)
            if command.status & 0xF0 == 0x90 { sounding |= bit } else { sounding &= ~bit }
        }
    }
}

import MIDI
import RTPMIDI
import TestSupport
import Testing

/// What peers do that is not as the RFC has it, from their recorded packets or from what is documented of them
/// (RTPMIDI.docc/Peers.md).
struct StreamQuirkTests {
    private let receiver = ReceiverStream()
    private func sender(limit: Int = 1000) -> SenderStream {
        SenderStream(ssrc: SSRC(0x5e6f_7081), next: SequenceNumber(0x2000), to: HearerAbility(journalLimit: limit))
    }
    private func hear(_ text: String, at now: UInt64? = nil) throws -> (heard: [String], reception: Reception) {
        let (heard, reception) = try receiver.hear(try #require(bytes(hex: text)), at: now)
        return (heard.map(\.midi), reception)
    }

    @Test func `macOS: eight time code frames in one packet, up to 70 ms ahead, each with its time`() throws {
        let (heard, reception) = try receiver.hear(StreamVector.named("journal_captured_macos_mtc"))
        #expect(heard.map(\.midi) == ["f10b", "f110", "f12f", "f130", "f140", "f150", "f160", "f172"])
        #expect(heard.map { $0.time &- heard[0].time } == [0, 100, 200, 300, 400, 500, 600, 700])
        #expect(reception.journalRefused == nil)
    }
    @Test func `macOS: a journal of time code alone repairs nothing, and a loss that it covers silences nothing`()
        throws
    {
        var packet = try StreamVector.named("journal_captured_macos_mtc")
        try receiver.hear(packet)
        packet[3] += 2
        let (heard, reception) = try receiver.hear(packet)
        #expect(heard.count == 8 && reception.lost == 1 && reception.repaired == 0)
    }
    @Test func `macOS: what is sent 100 ms ahead of its time does not make the rest late`() throws {
        let stream = sender()
        for beat in UInt64(1)...20 {
            // As a sequencer would, while somebody plays live.
            try receiver.hear(stream.packet("b00740", at: beat * 5000 + 1000), at: beat * 5000)
            _ = stream.packet("904050", at: beat * 5000 + 2000)
            let (heard, _) = try receiver.hear(stream.packet("804040", at: beat * 5000 + 2000), at: beat * 5000 + 2000)
            // Three beats tell it what is usual.
            #expect(beat <= 3 || heard.map(\.midi) == ["904050", "804040"])
        }
    }
    @Test func `macOS and rtpMIDI on Windows drop a set marker: ours is clear, theirs is taken`() throws {
        #expect(sender().packet("903c64").prefix(2) == [0x80, 0x61])
        #expect(sender().packet().prefix(2) == [0x80, 0x61])
        #expect(try receiver.hear(StreamVector.named("note_on_marker_set")).heard.map(\.midi) == ["903c64"])
    }
    @Test func `rtpMIDI on Windows: packets without a journal among others`() throws {
        _ = try hear("80610300000010645e6f708143903c64800300")
        _ = try hear("80610301000010c85e6f708102f135")
        #expect(try hear("80610302000014b05e6f708143803c40200300000708" + "01f13c64").heard == ["803c40"])
    }
    @Test func `Arduino and the others without journals: a loss does not cut a held chord`() throws {
        _ = try hear("80610001000000105e6f708103903c64")
        _ = try hear("80610002000000205e6f708103904064")
        let (heard, reception) = try hear("80610004000000405e6f708103904364")
        #expect(heard == ["904364"] && reception.lost == 1)
    }
    @Test func `Arduino: its reader counts a channel in eight bits, so a channel is kept below 256 octets`() throws {
        let stream = sender(limit: 1400)
        stream.ability.channelLimit = 255
        for number in 0..<127 {
            _ = stream.packet("b0\(hex([UInt8(number)]))40", "90\(hex([UInt8(number)]))40")
            let packet = stream.packet()
            let header = try RTPHeader(decoding: packet.span.bytes)
            let section = try CommandSection(decoding: packet.span.bytes, in: header.payload)
            let journal = try Journal(
                decoding: packet.span.bytes, in: try #require(section.journal), of: header.sequence)
            let channel = try ChannelJournal(decoding: packet.span.bytes, at: journal.channels, end: journal.end)
            #expect(channel.end - journal.channels <= 255)
        }
    }
    @Test
    func `stable rtpmidid: only empty journals, and no guards, where a filled one would make it play wrong notes`()
        throws
    {
        let stream = sender()
        _ = stream.packet("903c64", "914064")
        // Before its first feedback: no note of a journal of several channels is to be played.
        #expect(try journal(of: stream.packet()) == "212000" + "000708" + "81f13c64" + "080708" + "81f14064")
        stream.acknowledge(SequenceNumber(0x2000))
        _ = stream.packet("903c64", "914064")
        #expect(try journal(of: stream.packet()).hasSuffix("81f1" + "40e4"))
        stream.ability.journalLimit = 0
        for _ in 0..<3 {
            let packet = stream.packet("903c64")
            let isEmpty = try journal(of: packet).count == 6
            #expect(isEmpty && stream.guardDue == nil)
        }
    }
    @Test func `jackrtpmidid and KissBox: two header octets and a delta before the first command, always`() throws {
        #expect(try hear("80610001000000105e6f7081a004" + "00903c64").heard == ["903c64"])
        #expect(try hear("80610002000000105e6f7081a004" + "00803c40").heard == ["803c40"])
        #expect(try receiver.hear(StreamVector.named("long_header_small_len")).reception.verdict == .doubtful)
    }
    @Test func `node-rtpmidi and a digital piano: statuses left out`() throws {
        #expect(
            try receiver.hear(StreamVector.named("chord_running_status")).heard.map(\.midi) == [
                "913c64", "914064", "914364",
            ])
    }
    @Test func `a digital piano: its journal is always empty, from checkpoint 0, and nothing is silenced for it`()
        throws
    {
        let captured = try StreamVector.named("journal_empty_zero_checkpoint_captured")
        #expect(try receiver.hear(captured).heard.map(\.midi) == ["803f00", "803d00"])
        var later = captured
        later.replaceSubrange(13..<19, with: [0x90, 0x3F, 0x50, 0x00, 0x3D, 0x50])
        later[3] += 1
        #expect(try receiver.hear(later).heard.map(\.midi) == ["903f50", "903d50"])
        later[3] += 2
        later.replaceSubrange(13..<19, with: [0x90, 0x40, 0x50, 0x00, 0x41, 0x50])
        let (heard, reception) = try receiver.hear(later)
        #expect(heard.map(\.midi) == ["904050", "904150"] && reception.journalRefused == nil)
    }
    @Test func `pymidi cannot read a packet with the journal's S set: it stays clear until there is feedback`() throws {
        let stream = sender()
        for messages in [["903c64"], [], ["803c40"], [], []] {
            var list = CommandList()
            for message in messages { list.add(message, at: 0) }
            #expect(try journal(of: stream.packet(list)).first == (stream.next.rawValue == 0x2001 ? "0" : "2"))
        }
        stream.acknowledge(SequenceNumber(0x2001))
        #expect(try journal(of: stream.packet()).first == "a")
    }
    @Test func `pymidi: a wall clock for timestamps makes nothing late`() throws {
        let packet = "903c64"
        let stream = sender()
        for second in 0..<3 {
            let wallClock = 1_800_000_000 * 10000 + UInt64(second) * 10000
            try receiver.hear(stream.packet(packet, at: wallClock), at: UInt64(second) * 10000)
            _ = stream.packet("803c40", at: wallClock)
            _ = stream.packet("904050", at: wallClock)
            let (heard, _) = try receiver.hear(stream.packet("804040", at: wallClock), at: UInt64(second) * 10000 + 50)
            #expect(heard.map(\.midi) == ["803c40", "904050", "804040"])
        }
    }
    @Test func `PipeWire: nanoseconds for a clock make nothing late`() throws {
        let stream = sender()
        for second in UInt64(0)..<5 {
            try receiver.hear(stream.packet("b00740", at: second * 1_000_000_000), at: second * 10000)
            _ = stream.packet("904050", at: second * 1_000_000_000)
            let (heard, _) = try receiver.hear(stream.packet("804040", at: second * 1_000_000_000), at: second * 10000)
            #expect(heard.map(\.midi) == ["904050", "804040"])
        }
    }
    @Test func `Haukcode: a system journal with system exclusive is stepped over`() throws {
        let packet = try StreamVector.named("journal_system_X")
        let (heard, reception) = try receiver.hear(packet)
        #expect(heard.isEmpty && reception.journalRefused == nil)
        let both = "80612011000200f05e6f7081" + "40" + "60200e" + "04060b010283" + "00070881f13ce4"
        #expect(try hear(both).heard == ["903c64"])
    }
    @Test func `raveloxmidi: numbers from 1 on`() throws {
        #expect(try hear("80610001000000105e6f708103903c64").reception.verdict == .first)
        #expect(try hear("80610002000000105e6f708103803c40").reception.verdict == .played)
    }
    @Test func `mt32-pi and Arduino: short segments of system exclusive in their packets`() throws {
        #expect(
            try receiver.hear(StreamVector.named("sysex_two_segments_with_clock")).heard.map(\.midi) == [
                "first:0102", "f8", "last:0304",
            ])
    }
}

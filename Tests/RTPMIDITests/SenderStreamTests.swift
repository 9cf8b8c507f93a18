import MIDI
import RTPMIDI
import TestSupport
import Testing

struct SenderStreamTests {
    private func stream(_ next: UInt16 = 0x2000, limit: Int = 1000) -> SenderStream {
        SenderStream(ssrc: SSRC(0x5e6f_7081), next: SequenceNumber(next), to: HearerAbility(journalLimit: limit))
    }

    /// The messages of the scenarios, sent by us: our journals are those of the scenarios, octet for octet. The topmost S
    /// may differ, which we keep clear until there is feedback; the trimmed history needs that feedback.
    @Test(arguments: try Scenario.all().filter { $0.name != "uncovered_loss" })
    func `the journals are those of the scenarios`(scenario: Scenario) throws {
        let first = try #require(bytes(hex: scenario.packets[0]))
        let sender = stream(try RTPHeader(decoding: first.span.bytes).sequence.rawValue)
        for text in scenario.packets {
            let packet = try #require(bytes(hex: text))
            let header = try RTPHeader(decoding: packet.span.bytes)
            let section = try CommandSection(decoding: packet.span.bytes, in: header.payload)
            var reader = CommandListReader(section, timestamp: header.timestamp)
            var list = CommandList()
            while let entry = try reader.next(in: packet.span.bytes) {
                switch entry {
                case .command(let command, _): list.add(command.message, at: reader.time)
                case .system(let message): list.add(message, at: reader.time)
                case .sysEx(let part, let range): list.add(part, Array(packet[range]), at: reader.time)
                }
            }
            var sent = sender.packet(list, at: UInt64(header.timestamp))
            sent[section.list.upperBound] |= packet[section.list.upperBound] & 0x80
            #expect(hex(sent) == text)
        }
    }

    @Test func `channels, program with bank, wheel and pressures are told as the tables say`() throws {
        let sender = stream()
        _ = sender.packet("b10001", "b12002", "c105", "d120", "a13c10", "ef0050")
        #expect(
            try journal(of: sender.packet())
                // Two channels, from 2000 on; 1 (P C T A): program 5 of bank 1 2; CC 0 and 32; pressure; note 60's.
                == "212000" + "080fc3" + "058102" + "0100012002" + "20" + "003c10"
                // 15 (W)
                + "780510" + "0050")
        #expect(
            try journal(of: sender.packet()) == "212000" + "880fc3" + "858102" + "818001a002" + "a0" + "80bc10"
                + "f80510" + "8050")
    }

    @Test func `a parameter is told with its selection`() throws {
        let sender = stream()
        _ = sender.packet("b06500")
        // The number's high bits only: as a controller's value.
        #expect(try journal(of: sender.packet("b06400")) == "202000" + "0006" + "40" + "00" + "6500")
        // E: selected, and no value yet.
        #expect(try journal(of: sender.packet("b00602")) == "202000" + "0008" + "20" + "2005" + "000002")
        #expect(try journal(of: sender.packet("b06040")) == "202000" + "0009" + "20" + "2006" + "00008202")
        #expect(
            try journal(of: sender.packet("b0657f", "b0647f")) == "202000" + "000b" + "20" + "2008" + "0000a2020001")
        #expect(try journal(of: sender.packet()) == "202000" + "000b" + "20" + "0008" + "8000a2020001")
    }

    @Test func `a ninth parameter moves the checkpoint behind the first`() throws {
        let sender = stream()
        for number in 0..<9 { _ = sender.packet("b06300", "b0620\(number)", "b00601") }
        #expect(try journal(of: sender.packet()).hasPrefix("202001"))
    }

    @Test func `all notes off ends what the journal tells of notes`() throws {
        let sender = stream()
        _ = sender.packet("903c64", "803e40")
        _ = sender.packet("b07b00")
        #expect(try journal(of: sender.packet()) == "202000" + "0006" + "40" + "007bc1")
    }

    @Test func `reset all controllers ends what it resets`() throws {
        let sender = stream()
        _ = sender.packet("b00140", "b00750", "e00050", "d010")
        _ = sender.packet("b07900")
        #expect(try journal(of: sender.packet()) == "202000" + "0008" + "40" + "01875079c1")
    }

    @Test(arguments: ["ff", "f07e7f0901f7"])
    func `a reset leaves only notes to tell`(reset: String) throws {
        let sender = stream()
        _ = sender.packet("903c64", "b00750", "c005", "e00050")
        var list = CommandList()
        list.add("b00a10", at: 0)
        let octets = try #require(bytes(hex: reset))
        if octets.count == 1 {
            list.add(SystemMessage(octets[0])!, at: 0)
        } else {
            list.add(.whole, Array(octets[1..<5]), at: 0)
        }
        list.add("b04a11", at: 0)
        _ = sender.packet(list)
        #expect(try journal(of: sender.packet()) == "202000" + "000a" + "48" + "004a11" + "81f1bc64")
    }

    @Test func `feedback trims what it covers and nothing else`() throws {
        let sender = stream()
        _ = sender.packet("903c64")
        _ = sender.packet("b00740")
        _ = sender.packet("803c40")
        sender.acknowledge(SequenceNumber(0x2000))
        #expect(sender.acknowledged?.rawValue == 0x2000)
        #expect(try journal(of: sender.packet()) == "202001" + "000948" + "808740" + "007708")
        sender.acknowledge(SequenceNumber(0x2003))
        #expect(try journal(of: sender.packet()) == "802004")
    }

    @Test(arguments: [0x1FFF, 0x2003, 0x3000, 0xA000])
    func `feedback that cannot be meant is ignored`(number: Int) throws {
        let sender = stream()
        for _ in 0..<3 { _ = sender.packet("903c64") }
        sender.acknowledge(SequenceNumber(UInt16(number)))
        #expect(sender.acknowledged == nil)
        #expect(try journal(of: sender.packet()).hasPrefix("202000"))
    }

    @Test func `feedback never moves back`() {
        let sender = stream(0xFFFE)
        for _ in 0..<5 { _ = sender.packet("903c64") }
        sender.acknowledge(SequenceNumber(1))
        sender.acknowledge(SequenceNumber(0xFFFF))
        #expect(sender.acknowledged?.rawValue == 1)
    }

    @Test func `a journal over its limit drops the older half`() throws {
        let sender = stream(limit: 64)
        for note in 0..<200 {
            let packet = sender.packet("90\(hex([UInt8(note % 128)]))40")
            let text = try journal(of: packet)
            #expect(text.count / 2 <= 64)
            let header = try RTPHeader(decoding: packet.span.bytes)
            let section = try CommandSection(decoding: packet.span.bytes, in: header.payload)
            let told = try Journal(
                decoding: packet.span.bytes, in: try #require(section.journal), of: header.sequence)
            // Every packet from the checkpoint on has its log.
            let channel =
                told.isEmpty ? nil : try ChannelJournal(decoding: packet.span.bytes, at: told.channels, end: told.end)
            #expect(channel?.notes?.count ?? 0 == header.sequence.distance(from: told.checkpoint))
        }
    }

    @Test func `the journal takes what room there is`() throws {
        let sender = stream()
        _ = sender.packet("903c64")
        #expect(try journal(of: sender.packet("904064", room: 12 + 1 + 3 + 3)) == "002001")
    }

    @Test func `there are as many octets of OFFBITS as logs, which Wireshark needs`() throws {
        let sender = stream()
        _ = sender.packet("903c64", "903e64", "904064", "803f40")
        #expect(try journal(of: sender.packet()) == "202000" + "000e08" + "0379" + "3ce43ee440e4" + "010000")
    }

    @Test func `128 held notes are a journal`() throws {
        let sender = stream(limit: 400)
        for note in 0..<128 { _ = sender.packet("90\(hex([UInt8(note)]))40") }
        let text = try journal(of: sender.packet())
        #expect(text.hasPrefix("202000" + "010508" + "fff0" + "8040") && text.hasSuffix("7fc0"))
        _ = sender.packet("807f40")
        #expect(try journal(of: sender.packet()).hasPrefix("202000" + "011308" + "7f0f"))
    }

    @Test func `every controller is a journal`() throws {
        let sender = stream(limit: 1400)
        // Controller 121 undoes earlier controllers, so it goes first.
        for number in [121] + (0..<121) + (122..<128) { _ = sender.packet("b0\(hex([UInt8(number)]))40") }
        let packet = sender.packet()
        let receiver = ReceiverStream()
        let (_, reception) = try receiver.hear(packet)
        #expect(reception.journalRefused == nil && reception.repaired > 100)
    }

    @Test func `far behind, the checkpoint follows`() throws {
        let sender = stream(0)
        _ = sender.packet("903c64")
        for _ in 0..<70000 { _ = sender.packet() }
        let packet = sender.packet()
        let header = try RTPHeader(decoding: packet.span.bytes)
        #expect(try journal(of: packet).hasPrefix("00"))
        let receiver = ReceiverStream()
        #expect(try receiver.hear(packet).reception.journalRefused == nil)
        #expect(header.sequence == SequenceNumber(UInt16(truncatingIfNeeded: 70001)))
    }

    @Test func `guards come after 100 ms, 100 more, then after twice the time each up to a second, and end`() {
        let sender = stream()
        #expect(sender.guardDue == nil)
        _ = sender.packet("903c64", at: 5000)
        var gaps: [UInt64] = []
        var now: UInt64 = 5000
        while let due = sender.guardDue, gaps.count < 100 {
            gaps.append(due - now)
            now = due
            _ = sender.packet(at: now)
        }
        #expect(gaps == [1000, 1000, 2000, 4000, 8000, 10000, 10000, 10000, 10000, 10000])
    }

    @Test func `guards end when the hearer has everything, and begin anew with the next command`() {
        let sender = stream()
        _ = sender.packet("903c64", at: 0)
        _ = sender.packet(at: 1000)
        sender.acknowledge(SequenceNumber(0x2000))
        #expect(sender.guardDue == nil)
        _ = sender.packet("803c64", at: 3000)
        #expect(sender.guardDue == 4000)
    }

    @Test func `the clock and system exclusive need no guard`() {
        let sender = stream()
        var list = CommandList()
        list.add(SystemMessage(0xF8)!, at: 0)
        _ = sender.packet(list)
        #expect(sender.guardDue == nil)
    }

    @Test func `after a restart the hearer is brought what was pretended sent`() throws {
        let before = stream(0x3000)
        let hearer = ReceiverStream()
        try hearer.hear(before.packet("903c64"))

        let after = SenderStream(
            ssrc: SSRC(0x5e6f_7081), next: SequenceNumber(0x3040), to: HearerAbility(journalLimit: 1000),
            checkpoint: SequenceNumber(0x3001))
        var list = CommandList()
        list.add("803c40", at: 0)
        list.add("b00750", at: 0)
        after.pretendSent(list)
        #expect(after.guardDue == 0)
        let (heard, reception) = try hearer.hear(after.packet(at: 100))
        #expect(heard.map(\.midi) == ["803c40", "b00750"] && reception.lost == 0x40)
    }

    @Test func `what was lost before another sender went on is not mended, and what sounds is not cut`() throws {
        let sender = stream()
        let hearer = ReceiverStream()
        try hearer.hear(sender.packet("904064"))
        for lost in ["b00720", "903c64", "804040"] { _ = sender.packet(lost) }
        sender.forgetChanges()
        #expect(sender.guardDue == nil)
        let (heard, reception) = try hearer.hear(sender.packet("903e64", at: 100))
        #expect(heard.map(\.midi) == ["903e64"] && reception.lost == 3)
    }

    @Test func `a channel's journal that was kept is the one that would be written anew`() {
        var random = SeededRandom(seed: 13)
        let (sender, anew) = (stream(limit: 400), stream(limit: 400))
        var list = CommandList()
        var different: [Int] = []
        for step in 0..<5000 {
            list.removeAll()
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let status = UInt8.random(in: 0x80...0xEF, using: &random)
                let data = (0..<2).map { _ in UInt8.random(in: 0...127, using: &random) }
                list.add(hex([status] + data.prefix(status >> 5 == 6 ? 1 : 2)), at: 0)
            }
            if step % 500 == 499 { list.add(SystemMessage(0xFF)!, at: 0) }
            // Whoever is able to read other journals is sent none that was kept.
            anew.ability = anew.ability
            if sender.packet(list) != anew.packet(list) { different.append(step) }
            if step % 20 == 0 {
                let highest = sender.next.advanced(by: -.random(in: 1...20, using: &random))
                sender.acknowledge(highest)
                anew.acknowledge(highest)
            }
        }
        #expect(different == [])
    }

    @Test func `an instance stays within its memory`() {
        #expect(MemoryLayout<CommandList>.size < 200)
        #expect(SenderStream.byteCount <= 30 * 1024)
        #expect(ReceiverStream.byteCount <= 24 * 1024)
    }
}

import RTPMIDI
import TestSupport
import Testing

struct StreamVectorTests {
    @Test(arguments: try StreamVector.all().filter { $0.expect == "accept" })
    func `an accepted packet says what the vector says`(vector: StreamVector) throws {
        let packet = try #require(bytes(hex: vector.hex))
        let header = try RTPHeader(decoding: packet.span.bytes)
        let expected = try #require(vector.decoded.rtp)
        #expect(header.sequence.rawValue == expected.seq && header.timestamp == expected.timestamp)
        #expect(header.ssrc.description == expected.ssrc && header.marker == (expected.marker == 1))

        let section = try CommandSection(decoding: packet.span.bytes, in: header.payload)
        var reader = CommandListReader(section, timestamp: header.timestamp)
        var time = header.timestamp
        for command in try #require(vector.decoded.commands) {
            let entry = try #require(try reader.next(in: packet.span.bytes))
            time &+= command.delta
            #expect(reader.delta == command.delta && reader.time == time)
            switch entry {
            case .command(let channel, _): #expect(hex(channel.bytes) == command.bytes)
            case .system(let message): #expect(hex(message.bytes) == command.bytes)
            case .sysEx(let part, let range):
                #expect(hex(packet[range]) == command.data)
                #expect(part == Self.parts[command.segment ?? ""])
            }
        }
        let end = try reader.next(in: packet.span.bytes)
        #expect(end == nil)
        if let journal = section.journal {
            _ = try Journal(decoding: packet.span.bytes, in: journal, of: header.sequence)
        }
    }
    private static let parts: [String: SysExPart] = [
        "complete": .whole, "first": .first, "middle": .middle, "last": .last, "cancel": .cancel,
        "complete_dropped_f7": .wholeUnended,
    ]

    @Test(arguments: try StreamVector.all().filter { $0.expect == "accept" })
    func `an accepted packet is played as it stands, by one who joins with it too`(vector: StreamVector) throws {
        let packet = try #require(bytes(hex: vector.hex))
        let stream = ReceiverStream()
        let (heard, reception) = try stream.hear(packet)
        #expect(reception.verdict == .first && reception.journalRefused == nil)
        let wanted = try #require(vector.decoded.commands).filter { $0.segment == nil }.map(\.bytes)
        #expect(heard.filter { !$0.isRepair && !$0.midi.contains(":") }.map(\.midi) == wanted)
    }

    @Test(arguments: try StreamVector.all().filter { $0.expect != "accept" })
    func `nothing is taken from what is broken`(vector: StreamVector) throws {
        let packet = try #require(bytes(hex: vector.hex))
        let stream = ReceiverStream()
        if vector.decoded.rejectScope == "journal" {
            let (heard, reception) = try stream.hear(packet)
            #expect(heard.map(\.midi) == ["903c64"] && reception.journalRefused != nil)
        } else {
            #expect(throws: PacketError.self) { try stream.hear(packet) }
            #expect(stream.highest == nil)
        }
    }

    @Test(arguments: try Scenario.all())
    func `a loss is made up for as the scenario says`(scenario: Scenario) throws {
        let stream = ReceiverStream()
        #expect(scenario.delivery.count == scenario.expected.count)
        for (index, expected) in zip(scenario.delivery, scenario.expected) {
            #expect(index == expected.packet)
            let packet = try #require(bytes(hex: scenario.packets[index]))
            let (heard, _) = try stream.hear(packet)
            // The fixtures expect nothing of a system exclusive message that was lost in part. The receiver passes on its
            // parts, and then that they are lost.
            #expect(heard.filter { !$0.midi.contains(":") && $0.midi != "lost" }.map(\.midi) == expected.emit)
        }
    }
}

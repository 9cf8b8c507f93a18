import MIDI
import RTPMIDI
import TestSupport
import Testing

/// Octets from strangers: whatever comes, nothing traps, and of what is malformed nothing is passed on.
struct StreamHostilityTests {
    /// All packets of the fixtures.
    static func packets() throws -> [[UInt8]] {
        try (StreamVector.all().map(\.hex) + Scenario.all().flatMap(\.packets)).compactMap { bytes(hex: $0) }
    }
    /// Returns true when the packet was accepted.
    private func offer(_ packet: [UInt8], to stream: ReceiverStream, at now: UInt64 = 0) -> Bool {
        guard let header = try? RTPHeader(decoding: packet.span.bytes) else { return false }
        #expect(header.payload.lowerBound >= 12 && header.payload.upperBound <= packet.count && !header.payload.isEmpty)
        var emitted = 0
        do {
            let reception = try stream.receive(packet.span.bytes, header, at: now) { emission, packet in
                if case .sysEx(_, let range, _) = emission {
                    #expect(range.lowerBound >= 12 && range.upperBound < packet.byteCount)
                }
                emitted += 1
            }
            return reception.verdict != .doubtful
        } catch {
            #expect(emitted == 0, "of a malformed packet something was passed on: \(hex(packet))")
            return false
        }
    }

    @Test func `cut at any length, a packet is refused, or says a part of what it said`() throws {
        for packet in try Self.packets() {
            let whole = ReceiverStream()
            guard let heard = try? whole.hear(packet).heard else { continue }
            for length in 0..<packet.count {
                let part = ReceiverStream()
                let cut = Array(packet.prefix(length))
                guard let less = try? part.hear(cut) else {
                    #expect(part.highest == nil)
                    continue
                }
                // The list is whole, only the journal may be missing.
                #expect(less.heard.filter { !$0.isRepair } == heard.filter { !$0.isRepair })
            }
        }
    }

    @Test(arguments: UInt64(1)...4)
    func `sound packets with octets changed`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let packets = try Self.packets()
        let stream = ReceiverStream()
        stream.onUncoveredLoss = .silence
        var taken = 0
        for round in 0..<8000 {
            var packet = packets.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...3, using: &random) where !packet.isEmpty {
                packet[Int.random(in: packet.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            // So that it belongs to the stream.
            if let highest = stream.highest, packet.count > 4 {
                let next = UInt16(truncatingIfNeeded: highest) &+ UInt16.random(in: 1...3, using: &random)
                packet[2] = UInt8(next >> 8)
                packet[3] = UInt8(truncatingIfNeeded: next)
            }
            if offer(packet, to: stream, at: UInt64(round)) { taken += 1 }
        }
        #expect(taken > 1000)
    }

    @Test(arguments: UInt64(5)...8)
    func `random octets behind a sound header`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let stream = ReceiverStream()
        var taken = 0
        for number in UInt16(0)..<8000 {
            let length = Int.random(in: 1...80, using: &random)
            var packet: [UInt8] = [0x80, 0x61, UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
            packet += [0, 0, 0, 0, 0, 0, 0, 1]
            // A short list and a journal: what random octets would hardly ever begin with.
            if number % 2 == 0 {
                packet += [0x40, 0x20 | UInt8.random(in: 0...1, using: &random), packet[2], packet[3]]
            }
            packet += (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            if offer(packet, to: stream) { taken += 1 }
        }
        #expect(taken > 1000)
    }

    @Test func `thousands of steps asked for in a few octets are not taken`() throws {
        // Chapter M: parameter 0 selected, and 16383 steps up.
        let text = "80611000000000005e6f7081" + "40" + "200fff" + "0009" + "20" + "2006" + "0000" + "20" + "3fff"
        var packet = try #require(bytes(hex: text))
        packet[18] = UInt8(packet.count - 16)
        packet[packet.count - 6 - 1] = 7
        let stream = ReceiverStream()
        let (heard, _) = try stream.hear(packet)
        #expect(heard.count <= 2 + 128)
    }

    @Test func `a list takes nothing beyond its room, and stays as it was`() throws {
        var list = CommandList(capacity: 12)
        list.add("903c64", at: 0)
        let data = [UInt8](repeating: 1, count: 7)
        let tooLong = data.withUnsafeBytes { list.append(sysEx: .whole, $0, at: 0) }
        #expect(!tooLong && list.byteCount == 3)
        let fits = data.prefix(6).withUnsafeBytes { list.append(sysEx: .whole, $0, at: 0) }
        #expect(fits && list.byteCount == 12)
        let more = list.append(SystemMessage(0xF8)!, at: 0)
        #expect(!more && list.byteCount == 12)
        list.removeAll()
        #expect(list.byteCount == 0)
    }

    @Test(arguments: [0, 1, 127, 128, 16383, 16384, 2_097_151, 2_097_152, 0x0FFF_FFFF, 0x7FFF_FFFF, 0xFFFF_FFFF])
    func `times come out as they went in, but for those before the last and beyond seven hours`(gap: Int) throws {
        var list = CommandList()
        list.add("903c64", at: 0xFFFF_FFF0)
        list.add("803c64", at: 0xFFFF_FFF0 &+ UInt32(gap))
        let sender = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0), to: HearerAbility(journalLimit: 0))
        let (heard, _) = try ReceiverStream().hear(sender.packet(list))
        let wanted = gap > 0x7FFF_FFFF ? 0 : min(UInt32(gap), 0x0FFF_FFFF)
        #expect(heard.map { $0.time &- 0xFFFF_FFF0 } == [0, wanted])
    }
}

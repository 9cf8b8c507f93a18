/// A capture in the classic pcap format (draft-ietf-opsawg-pcap): a header of 24 octets, then frames of 16 octets of header
/// and what was caught of them. Of its UDP datagrams those that are RTP-MIDI's.
///
/// Link types: Ethernet with VLAN tags, Linux "cooked" in both versions, raw IP, loopback. IPv4 and IPv6 without
/// fragments. A port is RTP-MIDI's when a session packet, or RTP of payload type 97, came from it or went to it; one that
/// has carried RTP is a data port.
struct PcapFile {
    private(set) var datagrams: [CapturedDatagram] = []
    private(set) var remark: String?
    private(set) var error: String?

    private struct Found {
        let frame: Int
        let time: UInt64
        let source: Endpoint
        let target: Endpoint
        let range: Range<Int>
    }
    private struct Endpoint: Hashable {
        let address: [UInt8]
        let port: UInt16
        var text: String {
            address.count == 4
                ? address.map(String.init).joined(separator: ".") + ":\(port)"
                : "["
                    + stride(from: 0, to: 16, by: 2).map {
                        String(UInt(address[$0]) << 8 | UInt(address[$0 + 1]), radix: 16)
                    }
                    .joined(separator: ":") + "]:\(port)"
        }
    }

    private let octets: [UInt8]
    private let isSwapped: Bool

    /// Nil when it is no pcap file.
    init?(_ octets: [UInt8]) {
        guard octets.count >= 4 else { return nil }
        let magic = octets[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let isNano: Bool
        switch magic {
        case 0xA1B2_C3D4, 0xD4C3_B2A1: isNano = false
        case 0xA1B2_3C4D, 0x4D3C_B2A1: isNano = true
        default: return nil
        }
        self.octets = octets
        isSwapped = octets[0] != 0xA1
        guard octets.count >= 24 else {
            error = "the capture ends in its header"
            return
        }
        // Behind it, in the upper half, the file may say how long the frames' check sequences are.
        let link = number(at: 20) & 0xFFFF
        guard Self.links.contains(link) else {
            error = "the capture is of link type \(link), which is not known here"
            return
        }
        read(link, isNano)
    }

    private static let links: Set<UInt32> = [0, 1, 12, 14, 101, 108, 113, 228, 229, 276]

    private mutating func read(_ link: UInt32, _ isNano: Bool) {
        var found: [Found] = []
        var offset = 24
        var frame = 0
        while offset < octets.count {
            guard octets.count - offset >= 16 else {
                remark = "the capture ends in the middle of frame \(frame + 1)"
                break
            }
            frame += 1
            let length = Int(number(at: offset + 8))
            let time = UInt64(number(at: offset)) * 1_000_000_000 + UInt64(number(at: offset + 4)) * (isNano ? 1 : 1000)
            offset += 16
            let end = min(offset + length, octets.count)
            if offset + length > octets.count { remark = "the capture ends in the middle of frame \(frame)" }
            if let packet = internetPacket(link, offset..<end), let datagram = udp(packet, frame, time) {
                found.append(datagram)
            }
            offset = end
        }
        choose(found)
    }

    private mutating func choose(_ found: [Found]) {
        var ours: Set<Endpoint> = []
        var data: Set<Endpoint> = []
        for one in found where isSession(one.range) || isRTP(one.range) {
            ours.formUnion([one.source, one.target])
            if isRTP(one.range) { data.formUnion([one.source, one.target]) }
        }
        for one in found where ours.contains(one.source) || ours.contains(one.target) {
            let isData =
                data.contains(one.source) || data.contains(one.target) || isClock(one.range) || !isSession(one.range)
            datagrams.append(
                CapturedDatagram(
                    isControl: !isData, sender: one.source.text, receiver: one.target.text, frame: one.frame,
                    time: one.time, octets: Array(octets[one.range])))
        }
    }
    private func isSession(_ range: Range<Int>) -> Bool {
        guard range.count >= 4, octets[range.lowerBound] == 0xFF, octets[range.lowerBound + 1] == 0xFF else {
            return false
        }
        let letters = UInt16(octets[range.lowerBound + 2]) << 8 | UInt16(octets[range.lowerBound + 3])
        // IN OK NO BY CK RS RL
        return [0x494E, 0x4F4B, 0x4E4F, 0x4259, 0x434B, 0x5253, 0x524C].contains(letters)
    }
    private func isClock(_ range: Range<Int>) -> Bool {
        isSession(range) && octets[range.lowerBound + 2] == 0x43
    }
    private func isRTP(_ range: Range<Int>) -> Bool {
        range.count >= 13 && octets[range.lowerBound] >> 6 == 2 && octets[range.lowerBound + 1] & 0x7F == 97
    }

    // MARK: Frames

    /// Where the IP packet of a frame lies.
    private func internetPacket(_ link: UInt32, _ frame: Range<Int>) -> Range<Int>? {
        var start = frame.lowerBound
        func type(at offset: Int) -> UInt16? {
            offset + 2 <= frame.upperBound ? UInt16(octets[offset]) << 8 | UInt16(octets[offset + 1]) : nil
        }
        func after(_ typeOffset: Int, _ start: Int) -> Range<Int>? {
            guard let type = type(at: typeOffset), type == 0x0800 || type == 0x86DD, start <= frame.upperBound else {
                return nil
            }
            return start..<frame.upperBound
        }
        switch link {
        case 1:
            start += 12
            // VLAN tags of four octets stand before the type.
            while let tag = type(at: start), tag == 0x8100 || tag == 0x88A8 { start += 4 }
            return after(start, start + 2)
        case 113: return after(start + 14, start + 16)
        case 276: return after(start, start + 20)
        case 0, 108: return start + 4 <= frame.upperBound ? start + 4..<frame.upperBound : nil
        default: return frame
        }
    }

    private func udp(_ packet: Range<Int>, _ frame: Int, _ time: UInt64) -> Found? {
        guard let first = octets[packet].first else { return nil }
        return first >> 4 == 4 ? udp4(packet, frame, time) : first >> 4 == 6 ? udp6(packet, frame, time) : nil
    }
    private func udp4(_ packet: Range<Int>, _ frame: Int, _ time: UInt64) -> Found? {
        let start = packet.lowerBound
        guard packet.count >= 20 else { return nil }
        let header = Int(octets[start] & 0x0F) * 4
        let total = Int(octets[start + 2]) << 8 | Int(octets[start + 3])
        let fragment = UInt16(octets[start + 6]) << 8 | UInt16(octets[start + 7])
        guard header >= 20, header <= packet.count, total >= header, octets[start + 9] == 17, fragment & 0x3FFF == 0
        else { return nil }
        return udp(
            start + header..<min(start + total, packet.upperBound), frame, time,
            Array(octets[start + 12..<start + 16]), Array(octets[start + 16..<start + 20]))
    }
    private func udp6(_ packet: Range<Int>, _ frame: Int, _ time: UInt64) -> Found? {
        let start = packet.lowerBound
        guard packet.count >= 40 else { return nil }
        var next = octets[start + 6]
        var offset = start + 40
        let end = min(offset + (Int(octets[start + 4]) << 8 | Int(octets[start + 5])), packet.upperBound)
        // Hop-by-hop, routing and destination options: the next one's kind and a length in eights.
        while next == 0 || next == 43 || next == 60 {
            guard offset + 8 <= end else { return nil }
            next = octets[offset]
            offset += 8 + 8 * Int(octets[offset + 1])
        }
        guard next == 17, offset <= end else { return nil }
        return udp(
            offset..<end, frame, time, Array(octets[start + 8..<start + 24]), Array(octets[start + 24..<start + 40]))
    }
    private func udp(
        _ range: Range<Int>, _ frame: Int, _ time: UInt64, _ source: [UInt8], _ target: [UInt8]
    ) -> Found? {
        let start = range.lowerBound
        guard range.count >= 8 else { return nil }
        let length = Int(octets[start + 4]) << 8 | Int(octets[start + 5])
        guard length >= 8 else { return nil }
        return Found(
            frame: frame, time: time,
            source: Endpoint(address: source, port: UInt16(octets[start]) << 8 | UInt16(octets[start + 1])),
            target: Endpoint(address: target, port: UInt16(octets[start + 2]) << 8 | UInt16(octets[start + 3])),
            range: start + 8..<min(start + length, range.upperBound))
    }

    private func number(at offset: Int) -> UInt32 {
        let value = octets[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return isSwapped ? value.byteSwapped : value
    }
}

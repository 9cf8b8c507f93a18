/// The RTP header in front of every MIDI packet (RFC 3550 section 5.1; fact sheet 2.1), all numbers big-endian.
///
/// | octets | field |
/// |---|---|
/// | 0 | version (2 bits, always 2), padding, extension, number of contributing sources (4 bits) |
/// | 1 | marker, payload type (7 bits, 96...127 here) |
/// | 2–3 | sequence number |
/// | 4–7 | timestamp, in ticks of 100 µs |
/// | 8–11 | SSRC |
///
/// Contributing sources, an extension and padding are stepped over. Sent as `80 61`: some peers compare exactly these.
package struct RTPHeader: Hashable, Sendable {
    package static let byteCount = 12
    package static let payloadType: UInt8 = 97

    package var sequence: SequenceNumber
    package var timestamp: UInt32
    package var ssrc: SSRC
    package var marker: Bool
    package var payloadType: UInt8
    /// Where in the datagram the MIDI command section and the journal lie, without padding; never empty.
    package var payload: Range<Int>

    package init(decoding packet: RawSpan) throws(PacketError) {
        guard packet.byteCount >= Self.byteCount else {
            throw .truncated(needed: Self.byteCount, had: packet.byteCount)
        }
        let first = packet.uint8(at: 0)
        guard first >> 6 == 2 else { throw .malformed("RTP version is not 2") }
        payloadType = packet.uint8(at: 1) & 0x7F
        guard payloadType >= 96 else { throw .notForUs }
        marker = packet.uint8(at: 1) & 0x80 != 0
        sequence = SequenceNumber(packet.uint16(at: 2))
        timestamp = packet.uint32(at: 4)
        ssrc = SSRC(packet.uint32(at: 8))

        var start = Self.byteCount + 4 * Int(first & 0x0F)
        if first & 0x10 != 0 {
            guard packet.byteCount >= start + 4 else { throw .truncated(needed: start + 4, had: packet.byteCount) }
            start += 4 + 4 * Int(packet.uint16(at: start + 2))
        }
        guard packet.byteCount > start else { throw .truncated(needed: start + 1, had: packet.byteCount) }
        var end = packet.byteCount
        if first & 0x20 != 0 {
            let padding = Int(packet.uint8(at: end - 1))
            guard padding > 0, padding < end - start else { throw .malformed("padding does not fit the packet") }
            end -= padding
        }
        payload = start..<end
    }

    /// Twelve octets without padding, extension or marker: peers drop packets that have one.
    package static func write(
        sequence: SequenceNumber, timestamp: UInt32, ssrc: SSRC, into out: inout OutputRawSpan
    ) {
        out.write(UInt8(0x80))
        out.write(payloadType)
        out.write(sequence.rawValue)
        out.write(timestamp)
        out.write(ssrc.rawValue)
    }
}

/// Who sends an RTP stream (RFC 3550 section 3): 32 bits drawn at random by the sender, so two may draw the same.
package struct SSRC: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }
    package var description: String {
        let digits = String(rawValue, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}

/// A packet's number (RFC 3550 section 5.1): 16 bits that wrap. Their distance tells which of two is the newer.
package struct SequenceNumber: Hashable, Sendable {
    package var rawValue: UInt16
    package init(_ rawValue: UInt16) { self.rawValue = rawValue }

    /// How many packets after `earlier` this one is, -32768...32767.
    package func distance(from earlier: SequenceNumber) -> Int {
        Int(Int16(bitPattern: rawValue &- earlier.rawValue))
    }
    package func advanced(by count: Int) -> SequenceNumber {
        SequenceNumber(rawValue &+ UInt16(truncatingIfNeeded: count))
    }
}

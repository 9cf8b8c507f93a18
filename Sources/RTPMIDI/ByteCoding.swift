/// Why a datagram is not what it should be.
package enum PacketError: Error, Hashable, Sendable {
    /// Shorter than its fixed part.
    case truncated(needed: Int, had: Int)
    /// Says something that cannot be; the words are for people.
    case malformed(StaticReason)
    /// Well formed, but of another protocol or version.
    case notForUs

    /// A sentence known at compile time: a refusal on the packet path allocates nothing.
    package struct StaticReason: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
        private let text: StaticString
        package init(stringLiteral value: StaticString) { text = value }
        package var description: String { "\(text)" }
        package static func == (one: Self, other: Self) -> Bool { one.description == other.description }
        package func hash(into hasher: inout Hasher) { hasher.combine(description) }
    }
}

/// Big-endian reads. The caller has compared the length; a read beyond the end is our own bug and traps.
extension RawSpan {
    @inline(__always)
    package func uint8(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount, "read beyond the end")
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
    @inline(__always)
    package func uint16(at offset: Int) -> UInt16 { UInt16(uint8(at: offset)) << 8 | UInt16(uint8(at: offset + 1)) }
    @inline(__always)
    package func uint32(at offset: Int) -> UInt32 {
        precondition(offset >= 0 && offset + 4 <= byteCount, "read beyond the end")
        return unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
    }
    @inline(__always)
    package func uint64(at offset: Int) -> UInt64 {
        UInt64(uint32(at: offset)) << 32 | UInt64(uint32(at: offset + 4))
    }
}

/// Big-endian writes. The caller has made room; one too many traps.
extension OutputRawSpan {
    @inline(__always)
    package mutating func write(_ value: UInt8) { append(value) }
    @inline(__always)
    package mutating func write(_ value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }
    @inline(__always)
    package mutating func write(_ value: UInt32) {
        write(UInt16(truncatingIfNeeded: value >> 16))
        write(UInt16(truncatingIfNeeded: value))
    }
    @inline(__always)
    package mutating func write(_ value: UInt64) {
        write(UInt32(truncatingIfNeeded: value >> 32))
        write(UInt32(truncatingIfNeeded: value))
    }
}

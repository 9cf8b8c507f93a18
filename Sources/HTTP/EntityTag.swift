/// A strong entity tag (RFC 9110 section 8.8.3): 64 bits of the body in hexadecimal, in quotes. Tells apart what we serve
/// over time; it is no defence against somebody who makes bodies collide, as all bodies are ours.
struct EntityTag: Hashable, Sendable, CustomStringConvertible {
    let description: String

    init(of body: [UInt8]) {
        let hex = String(Self.hash(body), radix: 16)
        description = "\"" + String(repeating: "0", count: 16 - hex.count) + hex + "\""
    }

    /// Whether an `If-None-Match` value names this tag: a list of tags, weak or not, or "*".
    func matches(_ header: String) -> Bool {
        let bytes = Array(header.utf8)
        let wanted = Array(description.utf8)
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, UInt8(ascii: ","): index += 1
            case UInt8(ascii: "*"): return true
            case UInt8(ascii: "W") where bytes[index...].starts(with: "W/\"".utf8): index += 2
            case UInt8(ascii: "\""):
                guard let end = bytes[(index + 1)...].firstIndex(of: UInt8(ascii: "\"")) else { return false }
                if bytes[index...end].elementsEqual(wanted) { return true }
                index = end + 1
            default: return false  // no list of tags
            }
        }
        return false
    }

    /// Eight bytes a step: multiply to 128 bits and fold the halves, as wyhash does. The same in every run.
    private static func hash(_ body: [UInt8]) -> UInt64 {
        func mix(_ one: UInt64, _ other: UInt64) -> UInt64 {
            let (high, low) = one.multipliedFullWidth(by: other)
            return high ^ low
        }
        return body.withUnsafeBytes { bytes in
            var state: UInt64 = 0x9E37_79B9_7F4A_7C15
            var offset = 0
            while offset + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                state = mix(state ^ word, 0xA076_1D64_78BD_642F)
                offset += 8
            }
            var rest = UInt64(bytes.count) << 56
            for (index, byte) in bytes[offset...].enumerated() { rest |= UInt64(byte) << (8 * UInt64(index)) }
            // The tail is at most seven bytes, so the length has the top one; the length counts again beyond 255.
            return mix(mix(state ^ rest, 0xE703_7ED1_A0B4_28DB) ^ UInt64(bytes.count), 0x8EBC_6AF0_9C88_C6E3)
        }
    }
}

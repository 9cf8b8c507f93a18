/// Writes events as they happen into a standard MIDI file of format 0. Its ticks are RTP's, of 100 µs: 5000 a quarter
/// note at 120 a minute. Some five octets an event, so that a recording of a day fits into memory.
package struct MIDIFileWriter: Sendable {
    private var track: [UInt8] = []
    private var tick = 0
    /// How many events were added.
    package private(set) var count = 0
    private static let ticksPerQuarter = 5000
    private static let longestDelta = 0x0FFF_FFFF

    /// `name` becomes the track's.
    package init(name: String) {
        meta(0x03, Array(name.utf8))
        meta(0x51, [0x07, 0xA1, 0x20])
    }

    /// Takes a channel message, a system message, or system exclusive from F0 to F7, with `time` since the beginning; a
    /// time before that of the event before counts as that one's. Returns false, and takes nothing, where the bytes are
    /// none of these, and for timing clock and active sensing, which would fill the file without carrying music.
    @discardableResult
    package mutating func append(_ bytes: [UInt8], at time: Duration) -> Bool {
        guard let first = bytes.first, first != 0xF8, first != 0xFE else { return false }
        let event: [UInt8]
        switch first {
        case 0x80...0xEF:
            guard (try? Message(decoding: bytes.span)) != nil else { return false }
            event = bytes
        case 0xF0:
            guard bytes.count > 1, bytes.last == 0xF7, bytes[1..<bytes.count - 1].allSatisfy({ $0 < 0x80 }),
                bytes.count <= Self.longestDelta
            else { return false }
            event = [0xF0] + Self.variableLength(bytes.count - 1) + bytes[1...]
        case 0xF1...0xFF:
            guard bytes.count <= 3, bytes.dropFirst().allSatisfy({ $0 < 0x80 }), first != 0xF7 else { return false }
            event = [0xF7] + Self.variableLength(bytes.count) + bytes
        default:
            return false
        }
        advance(to: Int(time.components.seconds) * 10_000 + Int(time.components.attoseconds / 100_000_000_000_000))
        track += event
        count += 1
        return true
    }

    /// The whole file, ended where the last event stands.
    package var bytes: [UInt8] {
        let end: [UInt8] = [0x00, 0xFF, 0x2F, 0x00]
        return Array("MThd".utf8) + Self.big(6, octets: 4) + Self.big(0, octets: 2) + Self.big(1, octets: 2)
            + Self.big(Self.ticksPerQuarter, octets: 2) + Array("MTrk".utf8)
            + Self.big(track.count + end.count, octets: 4) + track + end
    }

    private mutating func advance(to next: Int) {
        var delta = max(next - tick, 0)
        tick += delta
        while delta > Self.longestDelta {
            // Seven hours and more of silence do not fit into one number: an empty text in between.
            track += Self.variableLength(Self.longestDelta) + [0xFF, 0x01, 0x00]
            delta -= Self.longestDelta
        }
        track += Self.variableLength(delta)
    }

    private mutating func meta(_ type: UInt8, _ octets: [UInt8]) {
        track += [0x00, 0xFF, type] + Self.variableLength(octets.count) + octets
    }

    private static func variableLength(_ value: Int) -> [UInt8] {
        var octets = [UInt8(value & 0x7F)]
        var rest = value >> 7
        while rest > 0 {
            octets.insert(UInt8(rest & 0x7F | 0x80), at: 0)
            rest >>= 7
        }
        return octets
    }

    private static func big(_ value: Int, octets: Int) -> [UInt8] {
        (0..<octets).map { UInt8(truncatingIfNeeded: value >> ((octets - 1 - $0) * 8)) }
    }
}

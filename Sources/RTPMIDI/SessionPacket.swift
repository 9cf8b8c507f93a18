/// A packet of the session protocol (Apple's network driver protocol; fact sheet 1.2). All integers are big-endian; the
/// first four octets are `FF FF` and two letters.
///
/// | letters | octets | then |
/// |---|---|---|
/// | IN OK NO BY | 16 and a name | version 4, initiator's token 4, sender's SSRC 4, name in UTF-8 and a NUL |
/// | CK | 36 | SSRC 4, count 1, pad 3, t1 8, t2 8, t3 8 |
/// | RS | 12 | SSRC 4, a sequence number in one of two forms 4 (see `Feedback`) |
/// | RL | 12 | SSRC 4, the most bits a second that the sender can take 4 |
package enum SessionPacket: Hashable, Sendable {
    case invitation(token: UInt32, ssrc: SSRC, name: String?)
    case accepted(token: UInt32, ssrc: SSRC, name: String?)
    case refused(token: UInt32, ssrc: SSRC, name: String?)
    case bye(token: UInt32, ssrc: SSRC, name: String?)
    /// `count` is 0, 1 or 2; the times are in ticks of the clock of who wrote them. Those that `count` does not use yet
    /// may hold anything.
    case clock(ssrc: SSRC, count: UInt8, t1: UInt64, t2: UInt64, t3: UInt64)
    case feedback(ssrc: SSRC, value: UInt32)
    case bitRateLimit(ssrc: SSRC, limit: UInt32)

    /// The longest that `write` makes.
    package static let longest = headByteCount + nameLimit + 1
    /// Names are cut to so many octets of UTF-8, at a character's border.
    package static let nameLimit = 64
    private static let headByteCount = 16
    private static let version: UInt32 = 2

    /// Who sent it.
    package var ssrc: SSRC {
        switch self {
        case .invitation(_, let ssrc, _), .accepted(_, let ssrc, _), .refused(_, let ssrc, _), .bye(_, let ssrc, _),
            .clock(let ssrc, _, _, _, _), .feedback(let ssrc, _), .bitRateLimit(let ssrc, _):
            ssrc
        }
    }

    /// Whether a datagram on the data port is of this protocol; if not, it is RTP.
    package static func isSession(_ datagram: RawSpan) -> Bool {
        datagram.byteCount >= 2 && datagram.uint16(at: 0) == 0xFFFF
    }

    /// Octets behind a fixed part are ignored. `notForUs`: no session packet, another version, or an unknown command,
    /// which is to be skipped in silence.
    package init(decoding datagram: RawSpan) throws(PacketError) {
        try Self.require(4, of: datagram)
        guard Self.isSession(datagram) else { throw .notForUs }
        switch datagram.uint16(at: 2) {
        case Letters.invitation:
            let (token, ssrc, name) = try Self.handshake(datagram)
            self = .invitation(token: token, ssrc: ssrc, name: name)
        case Letters.accepted:
            let (token, ssrc, name) = try Self.handshake(datagram)
            self = .accepted(token: token, ssrc: ssrc, name: name)
        case Letters.refused:
            let (token, ssrc, name) = try Self.handshake(datagram)
            self = .refused(token: token, ssrc: ssrc, name: name)
        case Letters.bye:
            let (token, ssrc, name) = try Self.handshake(datagram)
            self = .bye(token: token, ssrc: ssrc, name: name)
        case Letters.clock:
            try Self.require(36, of: datagram)
            let count = datagram.uint8(at: 8)
            guard count <= 2 else { throw .malformed("a clock count above 2") }
            self = .clock(
                ssrc: SSRC(datagram.uint32(at: 4)), count: count, t1: datagram.uint64(at: 12),
                t2: datagram.uint64(at: 20), t3: datagram.uint64(at: 28))
        case Letters.feedback:
            try Self.require(12, of: datagram)
            self = .feedback(ssrc: SSRC(datagram.uint32(at: 4)), value: datagram.uint32(at: 8))
        case Letters.bitRateLimit:
            try Self.require(12, of: datagram)
            self = .bitRateLimit(ssrc: SSRC(datagram.uint32(at: 4)), limit: datagram.uint32(at: 8))
        default:
            throw .notForUs
        }
    }

    /// At most `longest` octets.
    package func write(into output: inout OutputRawSpan) {
        switch self {
        case .invitation(let token, let ssrc, let name):
            Self.write(Letters.invitation, token, ssrc, name, into: &output)
        case .accepted(let token, let ssrc, let name): Self.write(Letters.accepted, token, ssrc, name, into: &output)
        case .refused(let token, let ssrc, let name): Self.write(Letters.refused, token, ssrc, name, into: &output)
        case .bye(let token, let ssrc, let name): Self.write(Letters.bye, token, ssrc, name, into: &output)
        case .clock(let ssrc, let count, let t1, let t2, let t3):
            Self.write(Letters.clock, ssrc, into: &output)
            output.write(UInt32(count) << 24)
            output.write(t1)
            output.write(t2)
            output.write(t3)
        case .feedback(let ssrc, let value):
            Self.write(Letters.feedback, ssrc, into: &output)
            output.write(value)
        case .bitRateLimit(let ssrc, let limit):
            Self.write(Letters.bitRateLimit, ssrc, into: &output)
            output.write(limit)
        }
    }

    // MARK: Parts

    private enum Letters {
        static let invitation: UInt16 = 0x494E
        static let accepted: UInt16 = 0x4F4B
        static let refused: UInt16 = 0x4E4F
        static let bye: UInt16 = 0x4259
        static let clock: UInt16 = 0x434B
        static let feedback: UInt16 = 0x5253
        static let bitRateLimit: UInt16 = 0x524C
    }

    private static func require(_ count: Int, of datagram: RawSpan) throws(PacketError) {
        guard datagram.byteCount >= count else { throw .truncated(needed: count, had: datagram.byteCount) }
    }

    private static func handshake(
        _ datagram: RawSpan
    ) throws(PacketError) -> (token: UInt32, ssrc: SSRC, name: String?) {
        try require(headByteCount, of: datagram)
        guard datagram.uint32(at: 4) == version else { throw .notForUs }
        return (datagram.uint32(at: 8), SSRC(datagram.uint32(at: 12)), name(of: datagram))
    }

    /// A name ends at a NUL or with the datagram; nil where there is not even a NUL.
    private static func name(of datagram: RawSpan) -> String? {
        guard datagram.byteCount > headByteCount else { return nil }
        var octets: [UInt8] = []
        for offset in headByteCount..<datagram.byteCount {
            let octet = datagram.uint8(at: offset)
            if octet == 0 { break }
            octets.append(octet)
        }
        return sanitised(octets)
    }

    /// What a stranger calls himself, made fit to be shown: invalid UTF-8 replaced; characters that steer a terminal or
    /// turn the direction of a line left out; cut to `nameLimit` octets.
    package static func sanitised(_ octets: [UInt8]) -> String {
        var name = String.UnicodeScalarView()
        var length = 0
        for scalar in String(decoding: octets, as: UTF8.self).unicodeScalars where !isSteering(scalar) {
            length += UTF8.width(scalar)
            if length > nameLimit { break }
            name.append(scalar)
        }
        return String(name)
    }

    private static func isSteering(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x1F, 0x7F...0x9F: true  // C0, delete, C1
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true  // direction
        case 0x2028, 0x2029, 0xFEFF: true  // line and paragraph separators, byte order mark
        default: false
        }
    }

    private static func write(_ letters: UInt16, _ ssrc: SSRC, into output: inout OutputRawSpan) {
        output.write(0xFFFF as UInt16)
        output.write(letters)
        output.write(ssrc.rawValue)
    }

    private static func write(
        _ letters: UInt16, _ token: UInt32, _ ssrc: SSRC, _ name: String?, into output: inout OutputRawSpan
    ) {
        output.write(0xFFFF as UInt16)
        output.write(letters)
        output.write(version)
        output.write(token)
        output.write(ssrc.rawValue)
        guard let name else { return }
        var length = 0
        for scalar in name.unicodeScalars where scalar.value != 0 {
            length += UTF8.width(scalar)
            if length > nameLimit { break }
            for octet in UTF8.encode(scalar)! { output.write(octet) }  // every scalar has a UTF-8 form
        }
        output.write(0 as UInt8)
    }
}

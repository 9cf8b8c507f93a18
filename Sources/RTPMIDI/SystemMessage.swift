/// A system common or real-time message: everything from F1 on but system exclusive.
///
/// | status | message | data octets |
/// |---|---|---|
/// | F1 | time code quarter frame | 1 |
/// | F2 | song position | 2 |
/// | F3 | song select | 1 |
/// | F6 | tune request | 0 |
/// | F8...FF | real-time; F9 and FD are undefined and tolerated | 0 |
package struct SystemMessage: BitwiseCopyable, Hashable, Sendable {
    package let status: UInt8
    /// Zero where the message has no such octet.
    package let first: UInt8
    package let second: UInt8

    /// Nil for a status of another kind, or a data octet above 127. Data that the message does not have is ignored.
    package init?(_ status: UInt8, _ first: UInt8 = 0, _ second: UInt8 = 0) {
        guard let dataCount = Self.dataCount(status) else { return nil }
        self.status = status
        self.first = dataCount > 0 ? first : 0
        self.second = dataCount > 1 ? second : 0
        guard self.first < 0x80, self.second < 0x80 else { return nil }
    }

    /// One to three.
    package var byteCount: Int { 1 + (Self.dataCount(status) ?? 0) }
    package var isRealTime: Bool { status >= 0xF8 }
    /// Song position, start, continue, stop.
    var isTransport: Bool { status == 0xF2 || (0xFA...0xFC).contains(status) }
    /// Whether a participant's message is passed on to others. Active sensing is about one cable: an instrument that has
    /// heard it and then misses it falls silent, whoever else plays it. F9 and FD are undefined and are not passed on
    /// (RFC 6295 section 3.2).
    package var isForOthers: Bool { status != 0xFE && status != 0xF9 && status != 0xFD }
    package var bytes: [UInt8] { Array([status, first, second].prefix(byteCount)) }

    static func dataCount(_ status: UInt8) -> Int? {
        switch status {
        case 0xF1, 0xF3: 1
        case 0xF2: 2
        case 0xF6, 0xF8...0xFF: 0
        default: nil
        }
    }
}

/// Which part of a system exclusive message the octets between two framing octets are (RFC 6295 section 3.2).
package enum SysExPart: Hashable, Sendable {
    /// `F0 … F7`
    case whole
    /// `F0 … F0`
    case first
    /// `F7 … F0`
    case middle
    /// `F7 … F7`; may be empty
    case last
    /// `F7 F4`: what came so far is to be thrown away.
    case cancel
    /// `F0 … F5`: the source never said F7; to be passed on with one.
    case wholeUnended
    /// `F7 … F5`
    case lastUnended

    /// Begins a message, and ends one that was open.
    package var isBeginning: Bool { self == .whole || self == .first || self == .wholeUnended }
    /// A middle or last one, of a message that began before.
    var continues: Bool { !isBeginning && self != .cancel }
    /// With it the message is complete.
    package var isEnd: Bool { self != .first && self != .middle && self != .cancel }

    package var framing: (head: UInt8, tail: UInt8) {
        switch self {
        case .whole: (0xF0, 0xF7)
        case .first: (0xF0, 0xF0)
        case .middle: (0xF7, 0xF0)
        case .last: (0xF7, 0xF7)
        case .cancel: (0xF7, 0xF4)
        case .wholeUnended: (0xF0, 0xF5)
        case .lastUnended: (0xF7, 0xF5)
        }
    }
    package init?(head: UInt8, tail: UInt8) {
        switch (head, tail) {
        case (0xF0, 0xF7): self = .whole
        case (0xF0, 0xF0): self = .first
        case (0xF7, 0xF0): self = .middle
        case (0xF7, 0xF7): self = .last
        case (_, 0xF4): self = .cancel
        case (0xF0, 0xF5): self = .wholeUnended
        case (0xF7, 0xF5): self = .lastUnended
        default: return nil
        }
    }
}

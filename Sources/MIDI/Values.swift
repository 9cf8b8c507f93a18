/// A MIDI channel, 0...15 on the wire, shown to people as 1...16.
package struct Channel: Hashable, Sendable {
    package let rawValue: UInt8

    package init?(_ value: UInt8) {
        guard value < 16 else { return nil }
        rawValue = value
    }

    /// Takes the low four bits, such as those of a status byte.
    package init(truncating value: UInt8) { rawValue = value & 0x0F }

    package static let all = (0..<16).map { Channel(truncating: $0) }
}

/// A data byte: 0...127. Note numbers, velocities, controllers and their values.
package struct DataByte: Hashable, Sendable, ExpressibleByIntegerLiteral {
    package let rawValue: UInt8

    package init?(_ value: UInt8) {
        guard value < 0x80 else { return nil }
        rawValue = value
    }

    /// Takes the low seven bits.
    package init(truncating value: UInt8) { rawValue = value & 0x7F }

    package init(integerLiteral value: UInt8) {
        precondition(value < 0x80, "\(value) is no data byte")
        rawValue = value
    }

    package static let all = (0..<128).map { DataByte(truncating: $0) }
}

/// A pitch bend position: 0...16383, at rest in the centre, 8192.
package struct Bend: Hashable, Sendable {
    package let rawValue: UInt16
    package static let centre = Bend(truncating: 8192)

    package init?(_ value: UInt16) {
        guard value < 0x4000 else { return nil }
        rawValue = value
    }

    /// Takes the low fourteen bits.
    package init(truncating value: UInt16) { rawValue = value & 0x3FFF }

    package init(low: DataByte, high: DataByte) { rawValue = UInt16(high.rawValue) << 7 | UInt16(low.rawValue) }

    package var low: DataByte { DataByte(truncating: UInt8(truncatingIfNeeded: rawValue)) }
    package var high: DataByte { DataByte(truncating: UInt8(truncatingIfNeeded: rawValue >> 7)) }
}

/// The controllers that this program gives a meaning to (MIDI 1.0 table III, and table IV for the channel modes).
package enum Controller {
    /// Sustain, portamento, sostenuto, soft, legato, hold 2: 64...69.
    package static let pedals = (64...69).map { DataByte(truncating: $0) }
    package static let sustain: DataByte = 64
    package static let allSoundOff: DataByte = 120
    package static let resetAllControllers: DataByte = 121
    package static let allNotesOff: DataByte = 123
}

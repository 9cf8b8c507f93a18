//  Module MIDI: the channel messages of MIDI 1.0 as values, and their bytes. Start here.
//
//  What it is: one message in, one value out, and back. What it refuses to be: a stream (no running status, no system
//  exclusive), a clock, anything that does input or output.
//  Ruled by the MIDI 1.0 Detailed Specification, tables I to IV.

/// A channel voice or channel mode message.
///
/// | status | message | data bytes |
/// |---|---|---|
/// | `8n` | note off | note, velocity |
/// | `9n` | note on; velocity 0 means note off | note, velocity |
/// | `An` | polyphonic pressure | note, pressure |
/// | `Bn` | control change | controller, value |
/// | `Cn` | program change | program |
/// | `Dn` | channel pressure | pressure |
/// | `En` | pitch bend | low seven bits, high seven bits |
package enum Message: Hashable, Sendable {
    case noteOff(Channel, note: DataByte, velocity: DataByte)
    case noteOn(Channel, note: DataByte, velocity: DataByte)
    case polyPressure(Channel, note: DataByte, pressure: DataByte)
    case controlChange(Channel, controller: DataByte, value: DataByte)
    case programChange(Channel, program: DataByte)
    case channelPressure(Channel, pressure: DataByte)
    case pitchBend(Channel, Bend)

    package var channel: Channel {
        switch self {
        case .noteOff(let channel, _, _), .noteOn(let channel, _, _), .polyPressure(let channel, _, _),
            .controlChange(let channel, _, _), .programChange(let channel, _), .channelPressure(let channel, _),
            .pitchBend(let channel, _):
            channel
        }
    }
}

/// Why bytes are not one channel message.
package enum MessageError: Error, Equatable {
    case empty
    /// The first byte is a data byte: running status, which only a stream can resolve.
    case noStatus(UInt8)
    /// A system message (status F0 and above): valid, and not this module's.
    case system(status: UInt8)
    case truncated(needed: Int, had: Int)
    /// A byte with its highest bit set where data belongs.
    case statusAmongData(UInt8, at: Int)
    /// More bytes than the message has.
    case trailing(Int)
}

extension Message {
    /// Reads exactly one message with its status byte.
    package init(decoding bytes: Span<UInt8>) throws(MessageError) {
        guard bytes.count > 0 else { throw .empty }
        let status = bytes[0]
        guard status >= 0x80 else { throw .noStatus(status) }
        guard status < 0xF0 else { throw .system(status: status) }
        let length = Self.length(status: status)
        guard bytes.count >= length else { throw .truncated(needed: length, had: bytes.count) }
        for index in 1..<length where bytes[index] >= 0x80 {
            throw .statusAmongData(bytes[index], at: index)
        }
        guard bytes.count == length else { throw .trailing(bytes.count - length) }

        self.init(
            status: status, first: DataByte(truncating: bytes[1]),
            second: length > 2 ? DataByte(truncating: bytes[2]) : 0)
    }

    /// The message of a channel status, 80 to EF; `second` counts only where the message has two data bytes.
    package init(status: UInt8, first: DataByte, second: DataByte) {
        let channel = Channel(truncating: status)
        self =
            switch status & 0xF0 {
            case 0x80: .noteOff(channel, note: first, velocity: second)
            case 0x90: .noteOn(channel, note: first, velocity: second)
            case 0xA0: .polyPressure(channel, note: first, pressure: second)
            case 0xB0: .controlChange(channel, controller: first, value: second)
            case 0xC0: .programChange(channel, program: first)
            case 0xD0: .channelPressure(channel, pressure: first)
            default: .pitchBend(channel, Bend(low: first, high: second))
            }
    }

    /// Two or three bytes, always with the status byte.
    package var bytes: [UInt8] {
        func message(_ status: UInt8, _ data: DataByte...) -> [UInt8] {
            [status | channel.rawValue] + data.map(\.rawValue)
        }
        return switch self {
        case .noteOff(_, let note, let velocity): message(0x80, note, velocity)
        case .noteOn(_, let note, let velocity): message(0x90, note, velocity)
        case .polyPressure(_, let note, let pressure): message(0xA0, note, pressure)
        case .controlChange(_, let controller, let value): message(0xB0, controller, value)
        case .programChange(_, let program): message(0xC0, program)
        case .channelPressure(_, let pressure): message(0xD0, pressure)
        case .pitchBend(_, let bend): message(0xE0, bend.low, bend.high)
        }
    }

    private static func length(status: UInt8) -> Int { (0xC0..<0xE0).contains(status) ? 2 : 3 }
}

extension Message {
    /// Whether it strikes a note; a note-on without velocity ends one.
    package var strikes: Bool {
        if case .noteOn(_, _, let velocity) = self { velocity.rawValue > 0 } else { false }
    }

    /// Whether it begins something that lasts until another message ends it: a note, a pedal, a bend.
    package var holds: Bool {
        switch self {
        case .noteOn: strikes
        case .controlChange(_, let controller, let value): (64...69).contains(controller.rawValue) && value.rawValue > 0
        case .pitchBend(_, let bend): bend != .centre
        case .noteOff, .polyPressure, .programChange, .channelPressure: false
        }
    }
}

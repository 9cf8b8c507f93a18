package import MIDI

/// A channel message in the three octets it has on the wire: what histories and journals work with, as they need numbers
/// to count with rather than cases.
package struct ChannelCommand: BitwiseCopyable, Hashable, Sendable {
    /// 80...EF
    package let status: UInt8
    package let first: UInt8
    /// Zero where the message has no such octet.
    package let second: UInt8

    package init(_ status: UInt8, _ first: UInt8, _ second: UInt8 = 0) {
        self.status = status
        self.first = first
        self.second = second
    }

    /// All three in one number.
    package var word: UInt32 { UInt32(status) << 16 | UInt32(first) << 8 | UInt32(second) }
    var isNoteOff: Bool { status & 0xF0 == 0x80 || status & 0xF0 == 0x90 && second == 0 }
    var channel: Int { Int(status & 0x0F) }
    package var bytes: [UInt8] { Array([status, first, second].prefix(byteCount)) }
    var byteCount: Int { Self.byteCount(status) }

    static func byteCount(_ status: UInt8) -> Int { (0xC0..<0xE0).contains(status) ? 2 : 3 }
}

extension ChannelCommand {
    package init(_ message: Message) {
        self =
            switch message {
            case .noteOff(let channel, let note, let velocity):
                Self(0x80 | channel.rawValue, note.rawValue, velocity.rawValue)
            case .noteOn(let channel, let note, let velocity):
                Self(0x90 | channel.rawValue, note.rawValue, velocity.rawValue)
            case .polyPressure(let channel, let note, let pressure):
                Self(0xA0 | channel.rawValue, note.rawValue, pressure.rawValue)
            case .controlChange(let channel, let controller, let value):
                Self(0xB0 | channel.rawValue, controller.rawValue, value.rawValue)
            case .programChange(let channel, let program): Self(0xC0 | channel.rawValue, program.rawValue)
            case .channelPressure(let channel, let pressure): Self(0xD0 | channel.rawValue, pressure.rawValue)
            case .pitchBend(let channel, let bend):
                Self(0xE0 | channel.rawValue, bend.low.rawValue, bend.high.rawValue)
            }
    }
    package var message: Message {
        Message(status: status, first: DataByte(truncating: first), second: DataByte(truncating: second))
    }
}

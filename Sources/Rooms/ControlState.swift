package import MIDI

/// What one participant has set and not struck: programs with their banks, controllers, pressure and bend, on every
/// channel. Who joins late is told it, so that the same sounds answer everywhere.
///
/// A fixed number of bytes without pointers, as `HeldState` is, for the same reason.
package struct ControlState: BitwiseCopyable, Sendable {
    private var channels: [16 of ChannelControls] = .init(repeating: ChannelControls())
    /// A bit for each channel on which anything was set.
    private var used: UInt16 = 0

    package init() {}

    package mutating func apply(_ message: Message) {
        let index = Int(message.channel.rawValue)
        switch message {
        case .noteOn, .noteOff, .polyPressure: return
        case .controlChange(_, let controller, let value): channels[index].set(controller, value)
        case .programChange(_, let program): channels[index].choose(program)
        case .channelPressure(_, let pressure): channels[index].pressure = pressure.rawValue
        case .pitchBend(_, let bend): channels[index].bend = bend.rawValue
        }
        used |= 1 << UInt16(index)
    }

    /// Hands out the messages that bring a listener who knows nothing to this state. A program comes behind its bank;
    /// parameter numbers and data entry, which mean something only in their order, are left out.
    package func tell(_ body: (Message) -> Void) {
        var left = used
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left - 1
            channels[index].tell(Channel(truncating: UInt8(index)), body)
        }
    }
}

private struct ChannelControls: BitwiseCopyable {
    private var values: [128 of UInt8] = .init(repeating: 0)
    private var known: UInt128 = 0
    /// The banks and the program that were chosen last; 128 is none.
    private var program: UInt8 = 128
    private var bankHigh: UInt8 = 128
    private var bankLow: UInt8 = 128
    var pressure: UInt8 = 0
    var bend: UInt16 = 8192

    mutating func set(_ controller: DataByte, _ value: DataByte) {
        let number = controller.rawValue
        switch number {
        // Data entry, increments and parameter numbers; and the channel modes, which are commands.
        case 6, 38, 96...101, 120, 122...127: return
        case 121:  // MIDI recommended practice RP-015: what is reset, and what stays
            known &= ~Self.resetByRP015
            pressure = 0
            bend = 8192
        default:
            values[Int(number)] = value.rawValue
            known |= 1 << UInt128(number)
        }
    }

    /// Modulation, expression, and pedals 64...67. Volume, pan, banks and the sound controllers stay.
    private static let resetByRP015: UInt128 = [1, 11, 33, 43, 64, 65, 66, 67].reduce(0) { $0 | 1 << UInt128($1) }

    mutating func choose(_ number: DataByte) {
        program = number.rawValue
        bankHigh = known & 1 != 0 ? values[0] : 128
        bankLow = known & 1 << 32 != 0 ? values[32] : 128
    }

    func tell(_ channel: Channel, _ body: (Message) -> Void) {
        func control(_ number: UInt8, _ value: UInt8) {
            body(
                .controlChange(
                    channel, controller: DataByte(truncating: number), value: DataByte(truncating: value)))
        }
        if program < 128 {
            if bankHigh < 128 { control(0, bankHigh) }
            if bankLow < 128 { control(32, bankLow) }
            body(.programChange(channel, program: DataByte(truncating: program)))
        }
        var left = known
        while left != 0 {
            let number = UInt8(left.trailingZeroBitCount)
            left &= left - 1
            // A bank that no program has followed yet is told too; one that the program took is told already.
            if number == 0, values[0] == bankHigh { continue }
            if number == 32, values[32] == bankLow { continue }
            control(number, values[Int(number)])
        }
        if pressure != 0 { body(.channelPressure(channel, pressure: DataByte(truncating: pressure))) }
        if bend != 8192 { body(.pitchBend(channel, Bend(truncating: bend))) }
    }
}

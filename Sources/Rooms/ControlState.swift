package import MIDI

/// What one participant has set, on every channel: programs with their banks, controllers, the registered parameters 0 to
/// 2 (range of the bend, tuning), pressure and bend. Who joins late is told it, so that everybody hears the same sounds.
/// Not-registered parameters are left out, since each maker gives them other meanings and some are commands; so is the
/// pressure of single notes, which ends with the note.
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

    /// Hands out the messages that bring a listener who knows nothing to this state. A program comes behind its bank, a
    /// bend behind its range.
    package func tell(_ body: (Message) -> Void) { tell(changedSince: ControlState(), body) }

    /// Hands out the messages that bring a listener from `earlier` to this state. What was set then and is not now (after a
    /// reset of all controllers) stays as it is there, but for the bend and the pressure.
    package func tell(changedSince earlier: ControlState, _ body: (Message) -> Void) {
        var left = used | earlier.used
        while left != 0 {
            let index = left.trailingZeroBitCount
            left &= left - 1
            channels[index].tell(
                Channel(truncating: UInt8(index)), changedSince: earlier.channels[index], body)
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
    /// High and low seven bits of the registered parameters 0 to 2, in turn; 128 where not set.
    private var parameters: [6 of UInt8] = .init(repeating: 128)
    /// The number of the parameter that data entry speaks of, high and low seven bits, and whether it is a registered one.
    private var selectedHigh: UInt8 = 127
    private var selectedLow: UInt8 = 127
    private var selectedIsRegistered: UInt8 = 1

    mutating func set(_ controller: DataByte, _ value: DataByte) {
        let number = controller.rawValue
        switch number {
        case 6, 38:
            guard let index = selectedIndex else { return }
            parameters[number == 6 ? index : index + 1] = value.rawValue
        case 96, 97:  // Steps from a value that each instrument has itself, so the value is not known any more.
            guard let index = selectedIndex else { return }
            (parameters[index], parameters[index + 1]) = (128, 128)
        case 98...101:
            // The two numberings share one selection.
            let isRegistered: UInt8 = number > 99 ? 1 : 0
            if isRegistered != selectedIsRegistered {
                (selectedHigh, selectedLow, selectedIsRegistered) = (127, 127, isRegistered)
            }
            if number % 2 == 1 { selectedHigh = value.rawValue } else { selectedLow = value.rawValue }
        case 120, 122...127: return  // Channel modes are commands, not settings.
        case 121:  // MIDI recommended practice RP-015: what is reset, and what stays
            known &= ~Self.resetByRP015
            (selectedHigh, selectedLow) = (127, 127)
            pressure = 0
            bend = 8192
        default:
            values[Int(number)] = value.rawValue
            known |= 1 << UInt128(number)
        }
    }

    /// Where the selected parameter's value is kept; nil where it is not.
    private var selectedIndex: Int? {
        selectedIsRegistered == 1 && selectedHigh == 0 && selectedLow < 3 ? 2 * Int(selectedLow) : nil
    }

    /// Modulation, expression, and pedals 64...67. Volume, pan, banks and the sound controllers stay.
    private static let resetByRP015: UInt128 = [1, 11, 33, 43, 64, 65, 66, 67].reduce(0) { $0 | 1 << UInt128($1) }

    mutating func choose(_ number: DataByte) {
        program = number.rawValue
        bankHigh = known & 1 != 0 ? values[0] : 128
        bankLow = known & 1 << 32 != 0 ? values[32] : 128
    }

    func tell(_ channel: Channel, changedSince earlier: ChannelControls, _ body: (Message) -> Void) {
        func control(_ number: UInt8, _ value: UInt8) {
            body(
                .controlChange(
                    channel, controller: DataByte(truncating: number), value: DataByte(truncating: value)))
        }
        let hasSameProgram =
            program == earlier.program && bankHigh == earlier.bankHigh && bankLow == earlier.bankLow
        if program < 128, !hasSameProgram {
            if bankHigh < 128 { control(0, bankHigh) }
            if bankLow < 128 { control(32, bankLow) }
            body(.programChange(channel, program: DataByte(truncating: program)))
        }
        var left = known
        while left != 0 {
            let number = UInt8(left.trailingZeroBitCount)
            left &= left - 1
            // A bank that no program has followed yet is told as well; the program's own has been told above.
            if number == 0, values[0] == bankHigh { continue }
            if number == 32, values[32] == bankLow { continue }
            if earlier.known & 1 << UInt128(number) != 0, earlier.values[Int(number)] == values[Int(number)] {
                continue
            }
            control(number, values[Int(number)])
        }
        if !hasSameParameters(as: earlier) { tellParameters(control) }
        if pressure != earlier.pressure { body(.channelPressure(channel, pressure: DataByte(truncating: pressure))) }
        if bend != earlier.bend { body(.pitchBend(channel, Bend(truncating: bend))) }
    }

    private func hasSameParameters(as other: ChannelControls) -> Bool {
        selectedHigh == other.selectedHigh && selectedLow == other.selectedLow
            && selectedIsRegistered == other.selectedIsRegistered
            && parameters.indices.allSatisfy { parameters[$0] == other.parameters[$0] }
    }

    /// Each with its number, and the null number behind them, so that no later data entry is taken for theirs; then the
    /// number that the sender has left selected.
    private func tellParameters(_ control: (UInt8, UInt8) -> Void) {
        var hasTold = false
        for number in 0..<3 {
            let (high, low) = (parameters[2 * number], parameters[2 * number + 1])
            guard high & low < 128 else { continue }
            hasTold = true
            control(101, 0)
            control(100, UInt8(number))
            if high < 128 { control(6, high) }
            if low < 128 { control(38, low) }
        }
        if hasTold {
            control(101, 127)
            control(100, 127)
        }
        guard selectedHigh != 127 || selectedLow != 127 else { return }
        control(selectedIsRegistered == 1 ? 101 : 99, selectedHigh)
        control(selectedIsRegistered == 1 ? 100 : 98, selectedLow)
    }
}

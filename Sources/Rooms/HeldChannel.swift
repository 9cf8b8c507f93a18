package import MIDI

/// What is to be ended on one channel: notes, pedals and the bend. 24 octets, so that every wire can have its own.
package struct HeldChannel: BitwiseCopyable, Sendable {
    // Two halves: 128 bits in one would take a place of 16 octets' alignment, and a third more memory.
    private var lowNotes: UInt64 = 0
    private var highNotes: UInt64 = 0
    private let number: UInt8
    /// A bit each for controllers 64...69.
    private(set) var pedals: UInt8 = 0
    /// 0 or 1.
    private(set) var bend: UInt8 = 0

    package init(_ channel: Channel) { number = channel.rawValue }

    init(_ channel: Channel, notes: UInt128, pedals: UInt8, bend: UInt8) {
        self.init(channel)
        self.notes = notes
        (self.pedals, self.bend) = (pedals, bend)
    }

    private(set) var notes: UInt128 {
        get { UInt128(highNotes) << 64 | UInt128(lowNotes) }
        set {
            (lowNotes, highNotes) = (UInt64(truncatingIfNeeded: newValue), UInt64(truncatingIfNeeded: newValue >> 64))
        }
    }

    package var channel: Channel { Channel(truncating: number) }
    package var isEmpty: Bool { lowNotes | highNotes == 0 && pedals | bend == 0 }

    /// Follows a message of this channel.
    package mutating func follow(_ message: Message) {
        switch message {
        case .noteOn(_, let note, let velocity): set(note, velocity.rawValue > 0)
        case .noteOff(_, let note, _): set(note, false)
        case .controlChange(_, let controller, let value): set(controller, to: value)
        case .pitchBend(_, let bend): self.bend = bend != .centre ? 1 : 0
        case .polyPressure, .programChange, .channelPressure: break
        }
    }

    private mutating func set(_ note: DataByte, _ isOn: Bool) {
        let bit: UInt64 = 1 &<< UInt64(note.rawValue & 63)
        if note.rawValue < 64 {
            lowNotes = isOn ? lowNotes | bit : lowNotes & ~bit
        } else {
            highNotes = isOn ? highNotes | bit : highNotes & ~bit
        }
    }

    private mutating func set(_ controller: DataByte, to value: DataByte) {
        switch controller.rawValue {
        case 64...69: pedals = value.rawValue > 0 ? pedals | controller.pedalBit : pedals & ~controller.pedalBit
        case 121:  // As in `HeldState`.
            pedals &= ~0b1111
            bend = 0
        case 120, 123...127: (lowNotes, highNotes) = (0, 0)
        default: break
        }
    }

    /// Somebody has silenced the hearer: notes and sustain are over.
    package mutating func silence() {
        (lowNotes, highNotes) = (0, 0)
        pedals &= ~1
    }

    /// Whether that is here what `release`, of this channel, would end.
    package func holds(_ release: Message) -> Bool {
        switch release {
        case .noteOff(_, let note, _): notes & note.bit != 0
        case .controlChange(_, let controller, _): pedals & controller.pedalBit != 0
        case .pitchBend: bend != 0
        case .noteOn, .polyPressure, .programChange, .channelPressure: false
        }
    }
}

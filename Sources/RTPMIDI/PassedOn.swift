/// What was passed on of one channel of a speaker: what repair compares the journal with (fact sheet 3.8). Fixed storage,
/// about 1.2 KiB.
struct PassedOn {
    static let unknown: UInt8 = 255
    static let unknownWheel: UInt16 = 0xFFFF
    static let centre: UInt16 = 0x2000
    /// In a velocity: the journal has told of the note-on, too late to play it.
    static let skipped: UInt8 = 0x80

    /// 0: not sounding.
    var velocities: [128 of UInt8] = .init(repeating: 0)
    /// The packet that started it.
    var notePackets: [128 of UInt16] = .init(repeating: 0)
    /// When, in units of 102.4 ms.
    var noteTimes: [128 of UInt8] = .init(repeating: 0)
    var pressures: [128 of UInt8] = .init(repeating: Self.unknown)
    var values: [128 of UInt8] = .init(repeating: Self.unknown)
    /// How often a controller went from off to on or back, and how often it came; modulo 64 as the journal has them.
    var toggles: [128 of UInt8] = .init(repeating: 0)
    var counts: [128 of UInt8] = .init(repeating: 0)
    var program = Self.unknown
    var programBank = (high: Self.unknown, low: Self.unknown)
    var wheel = Self.centre
    var pressure = Self.unknown
    var parameters = Parameters()

    mutating func apply(_ command: ChannelCommand, packet: UInt16, at now: UInt64) {
        let index = Int(command.first)
        switch command.status & 0xF0 {
        case 0x80: velocities[index] = 0
        case 0x90:
            velocities[index] = command.second
            notePackets[index] = packet
            noteTimes[index] = Self.time(now)
        case 0xA0: pressures[index] = command.second
        case 0xB0: apply(controller: command.first, command.second)
        case 0xC0:
            program = command.first
            programBank = (values[0], values[32])
        case 0xD0: pressure = command.first
        default: wheel = UInt16(command.second) << 7 | UInt16(command.first)
        }
    }
    private mutating func apply(controller: UInt8, _ value: UInt8) {
        let index = Int(controller)
        let wasOn = values[index] != Self.unknown && values[index] >= 64
        if wasOn != (value >= 64) { toggles[index] = (toggles[index] &+ 1) & 0x3F }
        counts[index] = (counts[index] &+ 1) & 0x3F
        values[index] = value
        _ = parameters.apply(controller, value, packet: 0)
        switch controller {
        case 120, 123...127: velocities = .init(repeating: 0)
        case 121:
            for other in 0..<UInt8(128) where ResetAllControllers.ends(other) { values[Int(other)] = Self.unknown }
            forgetWheelAndPressures()
            parameters.deselect()
        default: break
        }
    }

    /// After "Reset State" nothing is known of what the instrument is set to. Notes stay, as with the sender.
    mutating func reset() {
        values = .init(repeating: Self.unknown)
        program = Self.unknown
        programBank = (Self.unknown, Self.unknown)
        forgetWheelAndPressures()
        parameters = Parameters()
    }
    private mutating func forgetWheelAndPressures() {
        wheel = Self.unknownWheel
        pressure = Self.unknown
        pressures = .init(repeating: Self.unknown)
    }

    func isSounding(_ note: Int) -> Bool { velocities[note] != 0 && velocities[note] & Self.skipped == 0 }

    /// Started less than a quarter of a second ago.
    func isRecent(_ note: Int, at now: UInt64) -> Bool { Self.time(now) &- noteTimes[note] <= 2 }
    private static func time(_ now: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: now >> 10) }

    enum Pedals {
        case all
        /// Sustain, sostenuto, hold 2: those that keep notes sounding.
        case sustaining
    }
    /// What ends the notes of `channel`, and lifts those of `pedals` that are down.
    mutating func silence(channel: Int, pedals: Pedals, emit: (ChannelCommand) -> Void) {
        for note in 0..<128 where velocities[note] != 0 {
            if isSounding(note) { emit(ChannelCommand(0x80 | UInt8(channel), UInt8(note), 64)) }
            velocities[note] = 0
        }
        for pedal in UInt8(64)...69 where pedals == .all || pedal == 64 || pedal == 66 || pedal == 69 {
            guard values[Int(pedal)] != Self.unknown, values[Int(pedal)] > 0 else { continue }
            let lift = ChannelCommand(0xB0 | UInt8(channel), pedal, 0)
            apply(lift, packet: 0, at: 0)
            emit(lift)
        }
    }
}

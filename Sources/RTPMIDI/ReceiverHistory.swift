/// What was passed on of one channel of a speaker, which repair compares the journal with (RTPMIDI.docc/Journals.md).
/// Fixed storage, about 1.5 KiB.
@safe struct ReceiverHistory: ~Copyable {
    static let unknown: UInt8 = 255
    static let unknownWheel: UInt16 = 0xFFFF
    static let centre: UInt16 = 0x2000
    /// In place of a velocity: the journal told of the note-on too late to play it.
    static let skipped: UInt8 = 0x80

    /// 0: not sounding.
    let velocities: Table128<UInt8>
    /// The packet that started or ended it.
    let notePackets: Table128<UInt16>
    /// The packets that set each controller, the program, the pressure and the wheel.
    let controlPackets: Table128<UInt16>
    var programPacket: UInt16 = 0
    var pressurePacket: UInt16 = 0
    var wheelPacket: UInt16 = 0
    /// When, in units of 102.4 ms.
    let noteTimes: Table128<UInt8>
    let pressures: Table128<UInt8>
    let values: Table128<UInt8>
    /// How often a controller went from off to on or back, and how often it came; modulo 64 as the journal has them.
    let toggles: Table128<UInt8>
    let counts: Table128<UInt8>
    var program = Self.unknown
    var programBank = (high: Self.unknown, low: Self.unknown)
    var wheel = Self.centre
    var pressure = Self.unknown
    var parameters = Parameters()
    /// The notes that sounded when packets were lost of which no journal tells, and still do: their ends may have been
    /// among those. As in `SenderHistory`, note 0 is the highest bit.
    private(set) var doubtful: UInt128 = 0

    private let block: UnsafeMutableRawPointer
    private static var blockByteCount: Int { 2 * Table128<UInt16>.byteCount + 6 * Table128<UInt8>.byteCount }
    /// Bytes of an instance and of the memory block that it owns.
    static var byteCount: Int { MemoryLayout<Self>.stride + blockByteCount }

    init() {
        unsafe block = .allocate(byteCount: Self.blockByteCount, alignment: 16)
        var rest = unsafe block
        notePackets = unsafe Table128(from: &rest, filledWith: 0)
        controlPackets = unsafe Table128(from: &rest, filledWith: 0)
        velocities = unsafe Table128(from: &rest, filledWith: 0)
        noteTimes = unsafe Table128(from: &rest, filledWith: 0)
        pressures = unsafe Table128(from: &rest, filledWith: Self.unknown)
        values = unsafe Table128(from: &rest, filledWith: Self.unknown)
        toggles = unsafe Table128(from: &rest, filledWith: 0)
        counts = unsafe Table128(from: &rest, filledWith: 0)
    }
    deinit { unsafe block.deallocate() }

    mutating func apply(_ command: ChannelCommand, packet: UInt16, at now: UInt64) {
        let index = Int(command.first)
        switch command.status & 0xF0 {
        case 0x80:
            velocities[index] = 0
            doubtful &= ~SenderHistory.bit(command.first)
            notePackets[index] = packet
        case 0x90:
            velocities[index] = command.second
            doubtful &= ~SenderHistory.bit(command.first)
            notePackets[index] = packet
            noteTimes[index] = Self.time(now)
        case 0xA0: pressures[index] = command.second
        case 0xB0:
            controlPackets[index] = packet
            apply(controller: command.first, command.second)
        case 0xC0:
            program = command.first
            programBank = (values[0], values[32])
            programPacket = packet
        case 0xD0: (pressure, pressurePacket) = (command.first, packet)
        default: (wheel, wheelPacket) = (UInt16(command.second) << 7 | UInt16(command.first), packet)
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
        case 120, 123...127: endNotes()
        case 121:
            for other in 0..<UInt8(128) where ResetAllControllers.ends(other) { values[Int(other)] = Self.unknown }
            forgetWheelAndPressures()
            parameters.deselect()
        default: break
        }
    }

    /// Back to the state before anything was passed on.
    mutating func begin() {
        reset()
        endNotes()
        toggles.fill(0)
        counts.fill(0)
        wheel = Self.centre
    }

    /// After "Reset State" nothing is known of what the instrument is set to. Notes stay, as with the sender.
    mutating func reset() {
        values.fill(Self.unknown)
        program = Self.unknown
        programBank = (Self.unknown, Self.unknown)
        forgetWheelAndPressures()
        parameters = Parameters()
    }
    private mutating func forgetWheelAndPressures() {
        wheel = Self.unknownWheel
        pressure = Self.unknown
        pressures.fill(Self.unknown)
    }

    private mutating func endNotes() {
        velocities.fill(0)
        doubtful = 0
    }
    mutating func doubt() {
        for note in 0..<128 where isSounding(note) { doubtful |= SenderHistory.bit(UInt8(note)) }
    }

    mutating func trust() { doubtful = 0 }

    func isSounding(_ note: Int) -> Bool { velocities[note] != 0 && velocities[note] & Self.skipped == 0 }

    /// Started less than a quarter of a second ago.
    func isRecent(_ note: Int, at now: UInt64) -> Bool { Self.time(now) &- noteTimes[note] <= 2 }
    private static func time(_ now: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: now >> 10) }

    enum Pedals {
        case all
        /// Sustain, sostenuto, hold 2: those that keep notes sounding.
        case sustaining
    }
    /// Hands out what ends the notes of `channel` and lifts those of `pedals` that are down.
    mutating func silence(channel: Int, pedals: Pedals, emit: (ChannelCommand) -> Void) {
        for note in 0..<128 where velocities[note] != 0 {
            if isSounding(note) { emit(ChannelCommand(0x80 | UInt8(channel), UInt8(note), 64)) }
        }
        endNotes()
        for pedal in UInt8(64)...69 where pedals == .all || pedal == 64 || pedal == 66 || pedal == 69 {
            guard values[Int(pedal)] != Self.unknown, values[Int(pedal)] > 0 else { continue }
            let lift = ChannelCommand(0xB0 | UInt8(channel), pedal, 0)
            apply(lift, packet: 0, at: 0)
            emit(lift)
        }
    }
}

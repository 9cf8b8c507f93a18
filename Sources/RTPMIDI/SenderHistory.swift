/// What the hearer of a stream may not have got of one channel: the newest commands of the checkpoint history, with the
/// packets they went out in (RFC 6295 section 4 and appendix A). Fixed storage, about 1.7 KiB.
@safe struct SenderHistory: ~Copyable {
    // Bit 127 is note 0, as in the journal's OFFBITS.
    private(set) var on: UInt128 = 0
    private(set) var off: UInt128 = 0
    /// The newest packet that had notes to tell of, and which these were.
    private var newestNotePacket: UInt16 = 0
    private var newestNotes: UInt128 = 0
    let velocities: Table128<UInt8>
    let notePackets: Table128<UInt16>

    private(set) var pressed: UInt128 = 0
    let pressures: Table128<UInt8>
    let pressurePackets: Table128<UInt16>

    // Controllers stand in a list from the oldest command to the newest, as chapter C has them.
    private var controlled: UInt128 = 0
    let values: Table128<UInt8>
    let controlPackets: Table128<UInt16>
    let newer: Table128<UInt8>
    private let older: Table128<UInt8>
    private(set) var oldestControl = Self.none
    private var newestControl = Self.none
    /// How often each of the controllers 120...127 was sent since the stream began.
    private(set) var counts: [8 of UInt8] = .init(repeating: 0)

    struct Single {
        var first: UInt8 = 0
        var second: UInt8 = 0
        var packet: UInt16 = 0
        var isLogged = false
    }
    private(set) var program = Single()
    private(set) var programBank: (high: UInt8, low: UInt8)?
    private(set) var wheel = Single()
    private(set) var pressure = Single()
    private(set) var parameters = Parameters()
    private var bankHigh: UInt8?
    private var bankLow: UInt8 = 0

    static let none: UInt8 = 255

    private static var noteTablesByteCount: Int { Table128<UInt16>.byteCount + Table128<UInt8>.byteCount }
    private static var controlTablesByteCount: Int { Table128<UInt16>.byteCount + 3 * Table128<UInt8>.byteCount }
    /// Bytes of the memory that the tables of a history lie in.
    static var tablesByteCount: Int { 2 * noteTablesByteCount + controlTablesByteCount }
    /// Bytes of an instance and its tables.
    static var byteCount: Int { MemoryLayout<Self>.stride + tablesByteCount }

    /// Makes the histories of all channels, with their tables in `block`, which the owner frees. The tables of one kind
    /// lie together and nothing is written to them: whoever only plays notes uses no memory for controllers. A place is
    /// read only where a bit says that something was recorded there.
    static func initialize(_ histories: UnsafeMutablePointer<SenderHistory>, from block: UnsafeMutableRawPointer) {
        for channel in 0..<16 {
            let notes = unsafe block + channel * noteTablesByteCount
            let pressures = unsafe block + (16 + channel) * noteTablesByteCount
            let controls = unsafe block + 32 * noteTablesByteCount + channel * controlTablesByteCount
            unsafe (histories + channel).initialize(to: SenderHistory(notes, pressures, controls))
        }
    }

    private init(
        _ notes: UnsafeMutableRawPointer, _ pressures: UnsafeMutableRawPointer, _ controls: UnsafeMutableRawPointer
    ) {
        var rest = unsafe notes
        notePackets = unsafe Table128(from: &rest)
        velocities = unsafe Table128(from: &rest)
        unsafe rest = pressures
        pressurePackets = unsafe Table128(from: &rest)
        self.pressures = unsafe Table128(from: &rest)
        unsafe rest = controls
        controlPackets = unsafe Table128(from: &rest)
        values = unsafe Table128(from: &rest)
        newer = unsafe Table128(from: &rest)
        older = unsafe Table128(from: &rest)
    }

    var isEmpty: Bool {
        on == 0 && off == 0 && pressed == 0 && controlled == 0 && !program.isLogged && !wheel.isLogged
            && !pressure.isLogged && !parameters.isLogged
    }

    var controlCount: Int { controlled.nonzeroBitCount }

    /// A masking shift: Swift's checked one takes several times as long, and a journal needs hundreds.
    static func bit(_ note: UInt8) -> UInt128 { (1 &<< 127) &>> UInt128(truncatingIfNeeded: note) }

    /// The notes that were told last in `packet`, which is not older than any in the history.
    func notes(of packet: UInt16) -> UInt128 { packet == newestNotePacket ? newestNotes : 0 }

    /// Returns the packet of an entry that had to make room, since the journal can no longer tell of it.
    mutating func record(_ command: ChannelCommand, packet: UInt16) -> UInt16? {
        let index = Int(command.first)
        switch command.status & 0xF0 {
        case 0x80: record(note: command.first, velocity: 0, packet)
        case 0x90: record(note: command.first, velocity: command.second, packet)
        case 0xA0:
            pressed |= Self.bit(command.first)
            pressures[index] = command.second
            pressurePackets[index] = packet
        case 0xB0: return record(controller: command.first, command.second, packet)
        case 0xC0:
            program = Single(first: command.first, packet: packet, isLogged: true)
            programBank = bankHigh.map { ($0, bankLow) }
        case 0xD0: pressure = Single(first: command.first, packet: packet, isLogged: true)
        default: wheel = Single(first: command.first, second: command.second, packet: packet, isLogged: true)
        }
        return nil
    }

    private mutating func record(note: UInt8, velocity: UInt8, _ packet: UInt16) {
        let bit = Self.bit(note)
        on = velocity > 0 ? on | bit : on & ~bit
        off = velocity > 0 ? off & ~bit : off | bit
        if packet != newestNotePacket { (newestNotePacket, newestNotes) = (packet, 0) }
        newestNotes |= bit
        velocities[Int(note)] = velocity
        notePackets[Int(note)] = packet
    }

    private mutating func record(controller: UInt8, _ value: UInt8, _ packet: UInt16) -> UInt16? {
        switch parameters.apply(controller, value, packet: packet) {
        case .recorded:
            endBegunSelection(controller)
            return nil
        case .displaced(let packet):
            endBegunSelection(controller)
            return packet
        case .notMine, .begun: break
        }
        switch controller {
        case 0: bankHigh = value
        case 32: bankLow = value
        case 120, 123...127:
            on = 0
            off = 0
        case 121: forgetWhatResetAllControllersEnds()
        default: break
        }
        if controller >= 120 { counts[Int(controller) - 120] &+= 1 }
        removeControl(controller)
        appendControl(controller)
        values[Int(controller)] = value
        controlPackets[Int(controller)] = packet
        return nil
    }

    /// After "Reset State" earlier settings must not be told as if they still held. Notes stay: the end of a note that was
    /// lost together with the reset would otherwise never be told.
    mutating func reset() {
        while oldestControl != Self.none { removeControl(oldestControl) }
        program.isLogged = false
        wheel.isLogged = false
        pressure.isLogged = false
        pressed = 0
        parameters.forget { _ in true }
    }

    /// Drops what was newest in a packet that `isOld`: the hearer has it, or the journal has become too long.
    mutating func forget(_ isOld: (UInt16) -> Bool) {
        Self.forEach(on | off) { note in
            if isOld(notePackets[Int(note)]) {
                on &= ~Self.bit(note)
                off &= ~Self.bit(note)
            }
        }
        Self.forEach(pressed) { note in
            if isOld(pressurePackets[Int(note)]) { pressed &= ~Self.bit(note) }
        }
        while oldestControl != Self.none, isOld(controlPackets[Int(oldestControl)]) { removeControl(oldestControl) }
        if program.isLogged, isOld(program.packet) { program.isLogged = false }
        if wheel.isLogged, isOld(wheel.packet) { wheel.isLogged = false }
        if pressure.isLogged, isOld(pressure.packet) { pressure.isLogged = false }
        parameters.forget(isOld)
    }

    /// The notes of a set, ascending.
    static func forEach(_ set: UInt128, _ body: (UInt8) -> Void) {
        var rest = set
        while rest != 0 {
            let note = UInt8(truncatingIfNeeded: rest.leadingZeroBitCount)
            body(note)
            rest &= ~bit(note)
        }
    }

    /// Half of a selection is told as a controller's value, the whole as a parameter.
    private mutating func endBegunSelection(_ controller: UInt8) {
        guard controller == 98 || controller == 100 else { return }
        removeControl(99)
        removeControl(101)
    }

    private mutating func forgetWhatResetAllControllersEnds() {
        var controller = oldestControl
        while controller != Self.none {
            let following = newer[Int(controller)]
            if ResetAllControllers.ends(controller) { removeControl(controller) }
            controller = following
        }
        wheel.isLogged = false
        pressure.isLogged = false
        pressed = 0
        parameters.deselect()
    }

    private mutating func removeControl(_ controller: UInt8) {
        guard controlled & Self.bit(controller) != 0 else { return }
        controlled &= ~Self.bit(controller)
        let before = older[Int(controller)]
        let after = newer[Int(controller)]
        if before == Self.none { oldestControl = after } else { newer[Int(before)] = after }
        if after == Self.none { newestControl = before } else { older[Int(after)] = before }
    }
    private mutating func appendControl(_ controller: UInt8) {
        controlled |= Self.bit(controller)
        older[Int(controller)] = newestControl
        newer[Int(controller)] = Self.none
        if newestControl == Self.none { oldestControl = controller } else { newer[Int(newestControl)] = controller }
        newestControl = controller
    }
}

/// What controller 121 does to the others (MIDI recommended practice RP-015).
enum ResetAllControllers {
    /// Bank, volume, pan, sound and effect controllers and the channel modes stay; the rest may have changed.
    static func ends(_ controller: UInt8) -> Bool {
        switch controller {
        case 0, 32, 7, 10, 39, 42, 70...79, 91...95, 120...127: false
        default: true
        }
    }
}

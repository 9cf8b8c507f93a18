/// Which registered or non-registered parameter of a channel its control changes speak of, and what was last said of the
/// newest eight (MIDI 1.0, "Registered and Non-Registered Parameter Numbers"). The sender remembers what it sent, the
/// receiver what it passed on.
///
/// A selection is two control changes, the number's high seven bits (101, or 99 where not registered), then its low ones
/// (100, 98); 6 and 38 set the value's high and low seven bits, 96 and 97 step it.
struct Parameters: ~Copyable {
    struct Slot {
        /// Fourteen bits, and `notRegistered`.
        var number: UInt16 = 0
        var high: UInt8?
        var low: UInt8?
        /// Steps up less steps down since the value was set.
        var steps: Int16 = 0
        /// The newest packet that spoke of it.
        var packet: UInt16 = 0
        /// To be told in the journal.
        var isLogged = false
    }
    enum Outcome: Equatable {
        /// The control change does not belong to this chapter.
        case notMine
        /// The high bits of a number: nothing is selected before the low ones have come.
        case begun
        case recorded
        /// As `recorded`, and a parameter that the journal still told had to make room: the newest packet that spoke of that.
        case displaced(packet: UInt16)
    }
    /// The flag in a number: not registered.
    static let notRegistered: UInt16 = 0x8000
    /// The null number, which selects nothing.
    static let null: UInt16 = 0x3FFF
    static let capacity = 8

    /// The oldest first.
    private(set) var slots: [8 of Slot] = .init(repeating: Slot())
    private(set) var count = 0
    /// Whether the newest slot's parameter is selected; if not, none is.
    private(set) var isSelected = false
    /// The high bits of a number whose low ones have not come yet, with the flag; as a number.
    private(set) var pending: UInt16?
    /// What was last said for the high bits of each kind: a number may be finished anew with other low bits.
    private var registeredHigh: UInt8?
    private var notRegisteredHigh: UInt8?
    /// The packet in which the null number ended a selection, when the journal is to tell that.
    private(set) var nullPacket: UInt16 = 0
    private(set) var isNullLogged = false

    var selected: Slot? { isSelected ? slots[count - 1] : nil }
    func slot(_ number: UInt16) -> Slot? {
        for index in 0..<count where slots[index].number == number { return slots[index] }
        return nil
    }

    mutating func apply(_ controller: UInt8, _ value: UInt8, packet: UInt16) -> Outcome {
        switch controller {
        case 99, 101:
            if controller == 101 { registeredHigh = value } else { notRegisteredHigh = value }
            pending = UInt16(value) << 7 | (controller == 101 ? 0 : Self.notRegistered)
            return .begun
        case 98, 100:
            guard let high = controller == 100 ? registeredHigh : notRegisteredHigh else { return .notMine }
            pending = nil
            let number = UInt16(high) << 7 | UInt16(value)
            isNullLogged = number == Self.null
            guard number != Self.null else {
                nullPacket = packet
                isSelected = false
                return .recorded
            }
            let outcome = select(number | (controller == 100 ? 0 : Self.notRegistered), packet: packet)
            isSelected = true
            return outcome
        case 6, 38, 96, 97:
            guard isSelected else { return .notMine }
            let index = count - 1
            slots[index].packet = packet
            slots[index].isLogged = true
            switch controller {
            case 6:
                slots[index].high = value
                slots[index].low = nil
                slots[index].steps = 0
            case 38:
                slots[index].low = value
                slots[index].steps = 0
            case 96: slots[index].steps = min(slots[index].steps + 1, 0x1FFF)
            default: slots[index].steps = max(slots[index].steps - 1, -0x1FFF)
            }
            return .recorded
        default: return .notMine
        }
    }

    /// After controller 121: nothing is selected; values stay (MIDI recommended practice RP-015).
    mutating func deselect() {
        isSelected = false
        pending = nil
        isNullLogged = false
    }

    /// Something is left to tell in a journal.
    var isLogged: Bool {
        if isNullLogged { return true }
        for index in 0..<count where slots[index].isLogged { return true }
        return false
    }
    /// Tells no more what was newest in a packet that `isOld`.
    mutating func forget(_ isOld: (UInt16) -> Bool) {
        if isNullLogged, isOld(nullPacket) { isNullLogged = false }
        for index in 0..<count where slots[index].isLogged && isOld(slots[index].packet) {
            slots[index].isLogged = false
        }
    }

    private mutating func select(_ number: UInt16, packet: UInt16) -> Outcome {
        var chosen = Slot(number: number, packet: packet, isLogged: true)
        var outcome = Outcome.recorded
        var index = 0
        while index < count, slots[index].number != number { index += 1 }
        if index < count {
            chosen.high = slots[index].high
            chosen.low = slots[index].low
            chosen.steps = slots[index].steps
        } else if count < Self.capacity {
            count += 1
        } else {
            index = 0
            if slots[0].isLogged { outcome = .displaced(packet: slots[0].packet) }
        }
        while index < count - 1 {
            slots[index] = slots[index + 1]
            index += 1
        }
        slots[count - 1] = chosen
        return outcome
    }
}

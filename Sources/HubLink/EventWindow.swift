package import MIDI
package import RTPMIDI

/// The newest events of one origin, by number: what is kept by who sends them, to say them again, and by who merges them,
/// until their turn has come. 1024 events, or fewer long ones; about 64 KiB, of which what is used takes memory.
@safe package final class EventWindow {
    package static let capacity = 1024
    /// Octets of one event: a channel or system message, or a part of a system exclusive one with its framing octets.
    package static let longestEvent = 256
    private static let octetCapacity = 32768

    private struct Slot: BitwiseCopyable {
        var number: UInt32 = 0
        var time: UInt32 = 0
        var at: UInt64 = 0
        /// Where its octets lie among all that were ever written, plus one; 0: the slot is empty.
        var position: UInt64 = 0
        var count: UInt16 = 0
    }
    private let slots: UnsafeMutablePointer<Slot>
    private let octets: UnsafeMutablePointer<UInt8>
    private var written: UInt64 = 0

    package init() {
        unsafe slots = .allocate(capacity: Self.capacity)
        unsafe slots.initialize(repeating: Slot(), count: Self.capacity)
        unsafe octets = .allocate(capacity: Self.octetCapacity)
    }
    deinit {
        unsafe slots.deallocate()
        unsafe octets.deallocate()
    }

    /// - Parameters:
    ///   - time: when it was played, in ticks of its origin's clock.
    ///   - now: when it came, in ours.
    package func put(_ number: EventNumber, time: UInt32, _ bytes: UnsafeRawBufferPointer, at now: UInt64) {
        let count = bytes.count
        precondition((1...Self.longestEvent).contains(count), "no event is so long")
        // In one piece.
        let left = Self.octetCapacity - Int(written % UInt64(Self.octetCapacity))
        if left < count { written += UInt64(left) }
        let start = Int(written % UInt64(Self.octetCapacity))
        for index in 0..<count { unsafe octets[start + index] = bytes[index] }
        unsafe slots[Self.slot(of: number)] = Slot(
            number: number.rawValue, time: time, at: now, position: written + 1, count: UInt16(count))
        written += UInt64(count)
    }

    package func put(_ number: EventNumber, time: UInt32, _ command: ChannelCommand, at now: UInt64) {
        put(
            number, time, command.status, command.first, command.second, (0xC0..<0xE0).contains(command.status) ? 2 : 3,
            now)
    }

    package func put(_ number: EventNumber, time: UInt32, _ message: SystemMessage, at now: UInt64) {
        put(number, time, message.status, message.first, message.second, message.byteCount, now)
    }

    private func put(
        _ number: EventNumber, _ time: UInt32, _ first: UInt8, _ second: UInt8, _ third: UInt8, _ count: Int,
        _ now: UInt64
    ) {
        var octets = (first, second, third)
        unsafe withUnsafeBytes(of: &octets) {
            unsafe put(number, time: time, UnsafeRawBufferPointer(rebasing: $0[..<count]), at: now)
        }
    }

    package func has(_ number: EventNumber) -> Bool {
        let slot = unsafe slots[Self.slot(of: number)]
        return slot.position != 0 && slot.number == number.rawValue
            && written - (slot.position - 1) <= UInt64(Self.octetCapacity)
    }

    /// When an event was played (its origin's ticks) and when it came (ours). It must be there.
    package func times(_ number: EventNumber) -> (played: UInt32, at: UInt64) {
        let slot = unsafe slots[Self.slot(of: number)]
        return (slot.time, slot.at)
    }

    /// The octets of an event. It must be there, and nothing be put meanwhile.
    package func withBytes<Result>(_ number: EventNumber, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        precondition(has(number), "the event is not there")
        let slot = unsafe slots[Self.slot(of: number)]
        let start = Int((slot.position - 1) % UInt64(Self.octetCapacity))
        return unsafe body(UnsafeRawBufferPointer(start: octets + start, count: Int(slot.count)))
    }

    /// An event as a channel message; nil where it is another one. It must be there.
    package func message(_ number: EventNumber) -> Message? {
        unsafe withBytes(number) { bytes in
            guard unsafe bytes[0] < 0xF0 else { return nil }
            return unsafe ChannelCommand(bytes[0], bytes[1], bytes.count > 2 ? bytes[2] : 0).message
        }
    }

    /// Gives a controller's event another value. It must be there.
    package func setValue(of number: EventNumber, _ value: UInt8) {
        precondition(has(number) && byteCount(number) == 3, "no controller is there")
        let start = Int(unsafe (slots[Self.slot(of: number)].position - 1) % UInt64(Self.octetCapacity))
        unsafe octets[start + 2] = value
    }

    /// Puts in the place of an event an undefined message, which nobody passes on. It must be there.
    package func setNothing(of number: EventNumber) {
        precondition(has(number), "the event is not there")
        let index = Self.slot(of: number)
        unsafe octets[Int((slots[index].position - 1) % UInt64(Self.octetCapacity))] = SystemMessage.nothing.status
        unsafe slots[index].count = 1
    }

    package func byteCount(_ number: EventNumber) -> Int { Int(unsafe slots[Self.slot(of: number)].count) }

    package func forgetAll() { for index in 0..<Self.capacity { unsafe slots[index].position = 0 } }

    private static func slot(of number: EventNumber) -> Int { Int(number.rawValue % UInt32(capacity)) }
}

extension SystemMessage {
    /// An undefined message, which nobody passes on, in the place of an event that is not to be heard: its number has to be
    /// let out.
    static let nothing = SystemMessage(0xF9)!  // a tolerated status
}

/// A fixed number of slots for packets that came ahead of others: all streams of a thread share them, so that a hearer
/// costs no memory for them and the packet path allocates none.
@safe package final class WaitingPackets {
    /// More than any datagram has that was not fragmented.
    private static let longest = 1500
    private let capacity: Int
    private let memory: UnsafeMutableRawBufferPointer
    /// Octets in each slot; 0: it is free.
    private var lengths: [Int]

    package init(capacity: Int) {
        precondition(capacity <= 255, "a place is told in an octet")
        self.capacity = capacity
        lengths = Array(repeating: 0, count: capacity)
        unsafe memory = .allocate(byteCount: capacity * Self.longest, alignment: 8)
    }
    deinit { unsafe memory.deallocate() }

    /// Copies a packet into a free slot. Nil: there is none, or the packet is too long.
    func store(_ packet: RawSpan) -> UInt8? {
        guard packet.byteCount <= Self.longest, let slot = lengths.firstIndex(of: 0) else { return nil }
        unsafe packet.withUnsafeBytes {
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[(slot * Self.longest)...]).copyMemory(from: $0)
        }
        lengths[slot] = packet.byteCount
        return UInt8(slot)
    }

    func release(_ slot: UInt8) { lengths[Int(slot)] = 0 }

    func read(_ slot: UInt8, _ body: (RawSpan) -> Void) {
        let start = Int(slot) * Self.longest
        let octets = unsafe UnsafeRawBufferPointer(rebasing: memory[start..<start + lengths[Int(slot)]])
        body(unsafe RawSpan(_unsafeBytes: octets))
    }
}

/// Which packets of a stream have come after one that is missing, and the slots of those with segments of system
/// exclusive messages, which must wait for it. Everything else of a packet is passed on as it comes.
struct SegmentOrder {
    /// 100 ms: what has not come by then is lost. Only what follows in such messages waits so long.
    static let timeout: UInt64 = 1000
    /// How far ahead of the missing one packets may be.
    static let window = 32

    /// The missing packet's number, extended; nil: none is waited for.
    private(set) var missing: UInt32?
    /// Since when.
    private(set) var since: UInt64 = 0
    /// The packet `missing` + 1 + n has come.
    private var come: UInt32 = 0
    /// The slot of a packet with segments, by its number modulo 32.
    private var slots: [32 of UInt8] = .init(repeating: Self.none)
    private static let none: UInt8 = 255

    mutating func wait(for number: UInt32, at now: UInt64) {
        (missing, since, come) = (number, now, 0)
    }

    /// Whether nothing is waited for, or this packet, newer than all, is near enough for it.
    func reaches(_ number: UInt32) -> Bool { missing.map { number &- $0 <= UInt32(Self.window) } ?? true }

    func isAwaited(_ number: UInt32) -> Bool {
        guard let missing else { return false }
        let ahead = Int32(bitPattern: number &- missing)
        return ahead == 0 || ahead > 0 && ahead <= Self.window && come & 1 << UInt32(ahead - 1) == 0
    }

    /// A packet after the missing one, which `isAwaited`.
    mutating func add(_ number: UInt32, at slot: UInt8?) {
        guard let missing else { return }
        come |= 1 << (number &- missing &- 1)
        slots[Int(number & 31)] = slot ?? Self.none
    }

    enum Step {
        /// It has come; its slot, if it has segments.
        case packet(slot: UInt8?)
        /// It is missing too, and waited for from now on.
        case gap
        /// Nothing has come after the one that was missing.
        case end
    }
    /// The missing packet has come or is given up: whether the one after it has come.
    mutating func step(at now: UInt64) -> Step {
        guard let number = missing, come != 0 else {
            missing = nil
            return .end
        }
        let hasCome = come & 1 != 0
        missing = number &+ 1
        come >>= 1
        since = now
        let slot = slots[Int((number &+ 1) & 31)]
        return hasCome ? .packet(slot: slot == Self.none ? nil : slot) : .gap
    }
}

/// What one participant may send: more than any instrument does, and less than what hurts the others.
///
/// A packet to a hundred hearers costs a hundred times what it costs to one. So what counts beside its packets and octets
/// is the engine's time that their deliveries take: a quarter of it, and a twentieth of a second at once, which the others'
/// notes wait at most. Few hearers cannot use that up: theirs are 4000 packets a second, as fast as four MIDI cables.
struct Allowance: BitwiseCopyable {
    private var packets = TokenBucket(rate: 4000, burst: 8000)
    private var octets = TokenBucket(rate: 1 << 19, burst: 1 << 20)
    /// In nanoseconds.
    private var time = TokenBucket(rate: 250_000_000, burst: 50_000_000)
    /// A sixteenth: participants who take less come before those who take more.
    private var ahead = TokenBucket(rate: 62_500_000, burst: 10_000_000)
    /// Long system exclusive messages are sent at leisure and keep nobody waiting: theirs is an eighth, and much at once.
    private var leisure = TokenBucket(rate: 125_000_000, burst: 2_000_000_000)

    /// Whether a packet of so many octets is taken.
    mutating func admits(_ count: Int, at now: Milliseconds) -> Bool {
        time.hasSome(at: now) && packets.consume(at: now) && octets.consume(Int64(count), at: now)
    }

    /// Whether it takes so much at the moment that others are to come first.
    mutating func isHeavy(at now: Milliseconds) -> Bool { !ahead.hasSome(at: now) }

    /// Whether a packet that was taken may still be passed on.
    mutating func hasTime(at now: Milliseconds) -> Bool { time.hasSome(at: now) }

    /// Charges what a packet has cost. It may be more than is left, and is then owed.
    mutating func charge(_ deliveries: Int, at cost: DeliveryCost) {
        time.charge(Int64(deliveries) * cost.nanoseconds)
        ahead.charge(Int64(deliveries) * cost.nanoseconds)
    }

    /// Whether a system exclusive message that takes so many deliveries is passed on.
    mutating func admitsExclusive(_ deliveries: Int, at now: Milliseconds, _ cost: DeliveryCost) -> Bool {
        guard leisure.hasSome(at: now) else { return false }
        leisure.charge(Int64(deliveries) * cost.nanoseconds)
        return true
    }
}

/// How much of the engine's time a delivery takes on this machine: a datagram that is made and sent to one hearer, with its
/// part of what came before.
struct DeliveryCost: BitwiseCopyable {
    /// Of a machine of today until something is measured. It never counts as more than what leaves a participant 16,000
    /// deliveries a second, which a MIDI cable's fastest traffic to sixteen hearers needs, however slow the machine is.
    private(set) var nanoseconds: Int64 = 5_000
    private static let limits: ClosedRange<Int64> = 1_000...15_625
    /// A turn with fewer deliveries is not measured.
    private static let fewest = 64

    /// To be told how long a turn of the loop has taken. The effect of one that was interrupted is bounded.
    mutating func measured(_ deliveries: Int, in time: UInt64) {
        guard deliveries >= Self.fewest else { return }
        let one = min(Int64(clamping: time) / Int64(deliveries), 2 * nanoseconds)
        let smoothed = nanoseconds + (one - nanoseconds) / 16
        nanoseconds = min(max(smoothed, Self.limits.lowerBound), Self.limits.upperBound)
    }
}

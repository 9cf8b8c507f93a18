/// What the clock exchanges with one peer have shown (RTPMIDI.docc/Sessions.md): how far away it is, and what its clock
/// says. Times are in ticks of 100 µs. The figures are of the last 16 exchanges; 0 while there are none.
package struct ClockEstimate: BitwiseCopyable, Sendable {
    /// Round trips since the beginning.
    package struct Totals: BitwiseCopyable, Hashable, Sendable {
        package private(set) var count = 0
        package private(set) var minimum: UInt32 = 0
        package private(set) var maximum: UInt32 = 0
        package private(set) var sum: UInt64 = 0
        package var average: UInt32 { count == 0 ? 0 : UInt32(truncatingIfNeeded: sum / UInt64(count)) }

        package init() {}

        fileprivate mutating func add(_ roundTrip: UInt32) {
            minimum = count == 0 ? roundTrip : min(minimum, roundTrip)
            maximum = max(maximum, roundTrip)
            sum &+= UInt64(roundTrip)
            count += 1
        }
    }

    private struct Exchange: BitwiseCopyable {
        var at: UInt64
        var roundTrip: UInt32
        /// The peer's clock minus ours.
        var offset: Int64
    }

    /// A longer exchange is not used (10 s).
    static let longestRoundTrip: UInt64 = 100_000
    private static let size = 16
    /// A ring: the newest at `newest`, older ones before it.
    private var exchanges = [16 of Exchange](repeating: Exchange(at: 0, roundTrip: 0, offset: 0))
    private var newest = -1
    /// How many exchanges the figures are of, 0...16.
    package private(set) var count = 0
    package private(set) var totals = Totals()

    package init() {}

    /// Adds what one exchange gave at `now`. A round trip of more than 10 s is not taken.
    package mutating func add(roundTrip: UInt64, offset: Int64, at now: UInt64) {
        guard roundTrip <= Self.longestRoundTrip else { return }
        let roundTrip = UInt32(roundTrip)
        newest = (newest + 1) % Self.size
        exchanges[newest] = Exchange(at: now, roundTrip: roundTrip, offset: offset)
        count = min(count + 1, Self.size)
        totals.add(roundTrip)
    }

    /// Age 0 is the newest.
    private func exchange(age: Int) -> Exchange { exchanges[(newest - age + Self.size) % Self.size] }

    package var last: UInt32 { count == 0 ? 0 : exchanges[newest].roundTrip }

    package var minimum: UInt32 { sorted[0] }
    package var maximum: UInt32 { sorted[max(count, 1) - 1] }
    package var average: UInt32 {
        var sum: UInt64 = 0
        for age in 0..<count { sum += UInt64(exchange(age: age).roundTrip) }
        return UInt32(sum / UInt64(max(count, 1)))
    }

    /// The percentile of the round trips, interpolated between the two nearest.
    package var p95: UInt32 {
        guard count > 0 else { return 0 }
        let sorted = sorted
        let hundredths = 95 * (count - 1)
        let low = sorted[hundredths / 100]
        let high = sorted[min(hundredths / 100 + 1, count - 1)]
        return low + (high - low) * UInt32(hundredths % 100) / 100
    }

    /// By how much one round trip differs from the one before it, on average.
    package var jitter: UInt32 {
        guard count > 1 else { return 0 }
        var sum: UInt64 = 0
        for age in 1..<count {
            let (one, other) = (exchange(age: age - 1).roundTrip, exchange(age: age).roundTrip)
            sum += UInt64(max(one, other) - min(one, other))
        }
        return UInt32(sum / UInt64(count - 1))
    }

    /// The peer's clock minus ours, by the shortest exchange, which errs least: by at most half its round trip. Many
    /// peers' clocks have 32 bits, so only the low 32 bits are to be relied on.
    package var offset: Int64? {
        guard count > 0 else { return nil }
        var best = exchange(age: 0)
        for age in 1..<max(count, 1) where exchange(age: age).roundTrip < best.roundTrip { best = exchange(age: age) }
        return best.offset
    }

    /// Whether the peer's clock counts in our ticks, within one in a hundred: PipeWire's counts nanoseconds. nil until
    /// exchanges ten seconds apart are known. While false, its timestamps are of no use.
    package var hasPlausibleRate: Bool? {
        guard count > 1 else { return nil }
        let (first, last) = (exchange(age: count - 1), exchange(age: 0))
        let apart = last.at &- first.at
        guard apart >= 100_000 else { return nil }
        // What one clock gained on the other, modulo 2^32 as peers' clocks are, less what the exchanges may err.
        let gained = Int32(truncatingIfNeeded: last.offset &- first.offset).magnitude
        let error = UInt64(first.roundTrip + last.roundTrip) / 2
        return UInt64(gained) <= apart / 100 + error
    }

    private var sorted: [16 of UInt32] {
        var sorted = [16 of UInt32](repeating: 0)
        for age in 0..<count {
            let value = exchange(age: age).roundTrip
            var index = age
            while index > 0, sorted[index - 1] > value {
                sorted[index] = sorted[index - 1]
                index -= 1
            }
            sorted[index] = value
        }
        return sorted
    }
}

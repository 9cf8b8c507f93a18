/// What the clock exchanges with one peer have shown of the way to it (RTPMIDI.docc/Sessions.md); what its clock says is in
/// `ClockFilter`. Times are in ticks of 100 µs. The figures are of the last 16 exchanges; 0 while there are none.
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

    /// A longer exchange is not used (10 s).
    static let longestRoundTrip: UInt64 = 100_000
    private static let size = 16
    /// A ring: the newest at `newest`, older ones before it.
    private var roundTrips = [16 of UInt32](repeating: 0)
    private var newest = -1
    /// How many exchanges the figures are of, 0...16.
    package private(set) var count = 0
    package private(set) var totals = Totals()

    package init() {}

    /// Adds an exchange. A round trip of more than 10 s is not taken.
    package mutating func add(roundTrip: UInt64) {
        guard roundTrip <= Self.longestRoundTrip else { return }
        let roundTrip = UInt32(roundTrip)
        newest = (newest + 1) % Self.size
        roundTrips[newest] = roundTrip
        count = min(count + 1, Self.size)
        totals.add(roundTrip)
    }

    /// Age 0 is the newest.
    private func roundTrip(age: Int) -> UInt32 { roundTrips[(newest - age + Self.size) % Self.size] }

    package var last: UInt32 { count == 0 ? 0 : roundTrips[newest] }

    package var minimum: UInt32 { sorted[0] }
    package var maximum: UInt32 { sorted[max(count, 1) - 1] }
    package var average: UInt32 {
        var sum: UInt64 = 0
        for age in 0..<count { sum += UInt64(roundTrip(age: age)) }
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
            let (one, other) = (roundTrip(age: age - 1), roundTrip(age: age))
            sum += UInt64(max(one, other) - min(one, other))
        }
        return UInt32(sum / UInt64(count - 1))
    }

    private var sorted: [16 of UInt32] {
        var sorted = [16 of UInt32](repeating: 0)
        for age in 0..<count {
            let value = roundTrip(age: age)
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

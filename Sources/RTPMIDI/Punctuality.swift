/// Whether a packet took clearly longer than the others of its stream: then notes in its journal are not worth striking.
/// The speaker's clock need not be known for it, only to run at about the speed of ours.
struct Punctuality {
    /// 50 ms.
    private static let tolerance: Int32 = 500
    /// A second: the clock was set, or is none.
    private static let jump: Int32 = 10000

    /// Arrival less timestamp of the fastest packets, modulo 2^32; rises slowly, as clocks drift and routes change.
    private var shortest: UInt32?
    private var newestArrival: UInt64 = 0
    /// The newest packet's timestamp.
    private(set) var newest: UInt32 = 0

    mutating func isLate(_ timestamp: UInt32, at now: UInt64) -> Bool {
        newest = timestamp
        let passed = now &- newestArrival
        newestArrival = now
        let transit = UInt32(truncatingIfNeeded: now) &- timestamp
        guard let before = shortest else {
            shortest = transit
            return false
        }
        let excess = Int32(bitPattern: transit &- before)
        if excess < 0 || excess > Self.jump {
            shortest = transit
            return false
        }
        shortest = before &+ UInt32(truncatingIfNeeded: min(UInt64(excess), passed / 4096))
        return excess > Self.tolerance
    }
}

/// When the speaker is told what has come (fact sheet 1.7): at most once a second, and soon after a loss was made up for.
struct FeedbackSchedule {
    private static let period: UInt64 = 10000
    /// On a bad line every other packet makes up for a loss.
    private static let urgentPeriod: UInt64 = 200

    private var hasNews = false
    private var isUrgent = false
    private var newest: UInt64?

    mutating func received(isUrgent: Bool) {
        hasNews = true
        self.isUrgent = self.isUrgent || isUrgent
    }
    var due: UInt64? {
        guard hasNews else { return nil }
        return newest.map { $0 + (isUrgent ? Self.urgentPeriod : Self.period) } ?? 0
    }
    mutating func take(at now: UInt64) -> Bool {
        guard let due, now >= due else { return false }
        hasNews = false
        isUrgent = false
        newest = now
        return true
    }
}

/// Whether a packet took clearly longer than the others of its stream: then notes in its journal are not worth striking.
/// The speaker's clock need not be known for it, only to run at about the speed of ours.
struct Punctuality {
    /// 50 ms.
    private static let tolerance: Int32 = 500
    /// A second: the clock was set, or is none.
    private static let jump: UInt32 = 10000

    /// Arrival less timestamp, modulo 2^32, as it has lately been. It rises faster than it falls, since what a sequencer
    /// sends ahead of its time must not make the rest late.
    private var usual: UInt32?
    /// The newest packet's timestamp.
    private(set) var newest: UInt32 = 0

    mutating func isLate(_ timestamp: UInt32, at now: UInt64) -> Bool {
        newest = timestamp
        let transit = UInt32(truncatingIfNeeded: now) &- timestamp
        let excess = Int32(bitPattern: transit &- (usual ?? transit))
        guard let before = usual, excess.magnitude <= Self.jump else {
            usual = transit
            return false
        }
        usual = before &+ UInt32(bitPattern: excess / (excess > 0 ? 4 : 64))
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

/// Whether a packet took clearly longer than the others of its stream: then notes in its journal are not worth striking.
/// The speaker's clock need not be known for it, only to run at about the speed of ours.
struct TransitEstimate {
    /// 50 ms.
    private static let tolerance: Int32 = 500
    /// A second: beyond that the sender's clock was set, or cannot be used at all.
    private static let jump: UInt32 = 10000
    /// 100 ms: as far ahead as sequencers send.
    private static let sentAhead: Int32 = 1000

    /// Arrival less timestamp, modulo 2^32, as it has lately been. It rises faster than it falls, since what a sequencer
    /// sends ahead of its time must not make the rest late.
    private var usual: UInt32?
    /// The newest packet's timestamp.
    private(set) var newest: UInt32 = 0
    /// When the first packet came that has it.
    private var newestSince: UInt64 = 0
    /// The highest timestamp: what is sent ahead of its time may be followed by a lower one.
    private var highest: UInt32 = 0

    mutating func isLate(_ timestamp: UInt32, at now: UInt64) -> Bool {
        if timestamp != newest || usual == nil { (newest, newestSince) = (timestamp, now) }
        // A clock that stands still cannot be used; some programs send 0 in every packet.
        let stands = now &- newestSince > UInt64(Self.tolerance)
        let transit = transit(timestamp, now)
        let excess = excess(timestamp, now)
        if usual == nil || excess.magnitude > Self.jump || Int32(bitPattern: timestamp &- highest) > 0 {
            highest = timestamp
        }
        guard let before = usual, !stands, excess.magnitude <= Self.jump else {
            usual = transit
            return false
        }
        usual = before &+ UInt32(bitPattern: excess / (excess > 0 ? 4 : 64))
        return excess > Self.tolerance
    }

    enum Age {
        /// Older than another packet's, or by a clock that cannot be relied on.
        case older
        /// By less than what is sent ahead of its time.
        case newer
        case clearlyNewer
    }
    /// A timestamp compared with all before it.
    func age(_ timestamp: UInt32, at now: UInt64) -> Age {
        let ahead = Int32(bitPattern: timestamp &- highest)
        guard usual != nil, ahead > 0, excess(timestamp, now).magnitude <= Self.tolerance else { return .older }
        return ahead > Self.sentAhead ? .clearlyNewer : .newer
    }

    /// Whether a packet that was overtaken comes not much later than the others: after a pause of the network these have
    /// become slow.
    func isSoon(_ timestamp: UInt32, at now: UInt64) -> Bool {
        usual != nil && (-Int32(Self.jump)...Self.tolerance).contains(excess(timestamp, now))
    }

    private func transit(_ timestamp: UInt32, _ now: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: now) &- timestamp }
    /// How much longer it took than usual.
    private func excess(_ timestamp: UInt32, _ now: UInt64) -> Int32 {
        usual.map { Int32(bitPattern: transit(timestamp, now) &- $0) } ?? 0
    }
}

/// When the speaker is told what has come: at most once a second, and soon after a loss was made up for.
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
    mutating func consumeDue(at now: UInt64) -> Bool {
        guard let due, now >= due else { return false }
        hasNews = false
        isUrgent = false
        newest = now
        return true
    }
}

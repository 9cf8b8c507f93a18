import Linux

/// Time on the engine's clock, in milliseconds since the engine began.
typealias Milliseconds = Int64

/// So many a second, and so many at once (a token bucket).
struct TokenBucket: BitwiseCopyable {
    private let rate: Int64
    private let burst: Int64
    /// In thousandths of one, so that a millisecond is worth `rate` of them.
    private var level: Int64
    private var at: Milliseconds = .min

    /// `rate` a second; `burst` at once.
    init(rate: Int64, burst: Int64) {
        (self.rate, self.burst) = (rate, burst * 1000)
        level = burst * 1000
    }

    /// Takes `count` if there are so many.
    mutating func take(_ count: Int64 = 1, at now: Milliseconds) -> Bool {
        if at == .min { at = now }
        // Whole minutes fill any bucket; more could overflow.
        level = min(burst, level + min(max(0, now - at), 60_000) * rate)
        at = max(at, now)
        guard level >= count * 1000 else { return false }
        level -= count * 1000
        return true
    }
}

/// How many invitations are answered (facts: rtp-midi.md section 7): 20 a second and 64 at once from one address, which
/// lets in a school behind one router, and ten times that from all together. This machine itself is not limited.
struct InvitationGate {
    private var buckets = [TokenBucket](repeating: TokenBucket(rate: 20, burst: 64), count: 1024)
    private var all = TokenBucket(rate: 200, burst: 640)

    /// Addresses that fall on the same bucket share it.
    mutating func admits(_ source: SocketAddress, at now: Milliseconds) -> Bool {
        if source.isLoopback { return true }
        // A /64 is one customer: who has one has all its addresses.
        var hasher = Hasher()
        hasher.combine(source.high)
        if source.high == 0 { hasher.combine(source.low) }
        let index = Int(UInt(bitPattern: hasher.finalize()) % UInt(buckets.count))
        return buckets[index].take(at: now) && all.take(at: now)
    }
}

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
    mutating func consume(_ count: Int64 = 1, at now: Milliseconds) -> Bool {
        fill(now)
        guard level >= count * 1000 else { return false }
        level -= count * 1000
        return true
    }

    /// Whether anything may be charged.
    mutating func hasSome(at now: Milliseconds) -> Bool {
        fill(now)
        return level > 0
    }

    /// Takes `count` though there may be less; as much as the burst can be owed.
    mutating func charge(_ count: Int64) { level = max(level - min(count, burst) * 1000, -burst) }

    private mutating func fill(_ now: Milliseconds) {
        if at == .min { at = now }
        // Whole minutes fill any bucket; more could overflow.
        level = min(burst, level + min(max(0, now - at), 60_000) * rate)
        at = max(at, now)
    }
}

/// A bucket for each source address; those that fall on the same one share it.
struct SourceBuckets {
    private var buckets: [TokenBucket]

    init(rate: Int64, burst: Int64) {
        buckets = [TokenBucket](repeating: TokenBucket(rate: rate, burst: burst), count: 1024)
    }

    mutating func consume(from source: SocketAddress, at now: Milliseconds) -> Bool {
        // An IPv6 /64 is usually one customer's, who has all its addresses.
        var hasher = Hasher()
        hasher.combine(source.high)
        if source.high == 0 { hasher.combine(source.low) }
        return buckets[Int(UInt(bitPattern: hasher.finalize()) % UInt(buckets.count))].consume(at: now)
    }
}

/// How many invitations are answered (Engine.docc/Limits.md): 20 a second and 64 at once from one address, which lets in a
/// school behind one router, and ten times that from all together. This machine itself is not limited.
struct InvitationLimiter {
    private var sources = SourceBuckets(rate: 20, burst: 64)
    private var all = TokenBucket(rate: 200, burst: 640)

    mutating func admits(_ source: SocketAddress, at now: Milliseconds) -> Bool {
        if source.isLoopback { return true }
        return sources.consume(from: source, at: now) && all.consume(at: now)
    }
}

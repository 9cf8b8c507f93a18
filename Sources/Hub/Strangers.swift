import Linux
package import Store

/// Keeps floods of short visits off the disk: of those who join again and again, and of crowds from many addresses, only
/// those who stay for a while are recorded. The others are counted, and the count is told now and then.
///
/// Each address has a bucket of visits that are recorded at once, and all addresses together have one; both fill again
/// slowly. A visit beyond that waits, and is recorded with its true beginning once it has lasted.
package struct Strangers {
    /// Holds at most `most`, and gets one back every `interval`.
    package struct Bucket: Sendable {
        let most: Double
        let interval: Duration
        private var level: Double
        private var at: Timestamp

        package init(most: Double, interval: Duration, at now: Timestamp) {
            (self.most, self.interval, level, at) = (most, interval, most, now)
        }

        mutating func fill(at now: Timestamp) {
            let passed = Duration.milliseconds(max(0, now.milliseconds &- at.milliseconds))
            (level, at) = (min(most, level + passed / interval), now)
        }
        var isFull: Bool { level >= most }
        var hasOne: Bool { level >= 1 }
        mutating func consumeOne() { level -= 1 }
    }
    private struct Waiting {
        var visit: Visit
        /// What was told of it meanwhile.
        var events: [EventRecord] = []
    }

    /// Enough for a school behind one address whose pupils all join at once.
    private static func bucketOfOne(_ now: Timestamp) -> Bucket { Bucket(most: 100, interval: .seconds(60), at: now) }
    private static func bucketOfSamples(_ now: Timestamp) -> Bucket { Bucket(most: 60, interval: .seconds(1), at: now) }
    private static func bucketOfAll(_ now: Timestamp) -> Bucket { Bucket(most: 2000, interval: .seconds(5), at: now) }
    /// How long a visit beyond the allowance must last to be recorded.
    package static let lasting = Retention.shortVisit
    /// At most so many addresses are told apart, so that a flood of them costs nothing.
    private static let mostAddresses = 4096
    private static let mostEvents = 8

    private var buckets: [SocketAddress: Bucket] = [:]
    private var all: Bucket
    /// By their id: visits that are on record and open.
    private var recorded: Set<Int64> = []
    /// How many round trips of theirs may be recorded.
    private var samples: [Int64: Bucket] = [:]
    private var waiting: [Int64: Waiting] = [:]
    /// When visits ended that were never recorded. Later events about them are dropped too.
    private var dropped: [Int64: Timestamp] = [:]
    /// Visits that were only counted since the count was last told, in all and by address.
    private var total = 0
    private var counts: [SocketAddress?: Int] = [:]

    /// `recorded`: the visits that are on record and have not ended.
    package init(recorded: Set<Int64> = [], now: Timestamp = .now) {
        self.recorded = recorded
        all = Self.bucketOfAll(now)
    }

    /// Somebody waits to be recorded, or was only counted: there is something to do later.
    package var isBusy: Bool { !waiting.isEmpty || !dropped.isEmpty || total > 0 }

    /// Whether the change is to be recorded now. What belongs to a visit that waits is kept here.
    package mutating func admit(_ change: Change, at now: Timestamp) -> Bool {
        switch change {
        case .visit(let visit): admit(visit, at: now)
        case .event(let event) where event.kind == .refused:
            admits(event.address, at: now) || count(event.address)
        case .event(let event): event.visit.map { admit(event, of: $0) } ?? true
        case .latency(let sample): admit(sample)
        case .trust, .offset, .setting, .block, .unblock, .drill: true
        }
    }

    private mutating func admit(_ visit: Visit, at now: Timestamp) -> Bool {
        if recorded.contains(visit.id) {
            if visit.left != nil {
                recorded.remove(visit.id)
                samples[visit.id] = nil
            }
            return true
        }
        if waiting[visit.id] != nil {
            waiting[visit.id]?.visit = visit
            if visit.left != nil, !hasLasted(visit, at: now) { drop(visit, at: now) }
            return false
        }
        guard visit.left == nil else { return true }
        if admits(visit.address, at: now) {
            recorded.insert(visit.id)
            return true
        }
        waiting[visit.id] = Waiting(visit: visit)
        return false
    }

    private mutating func admit(_ event: EventRecord, of visit: Int64) -> Bool {
        guard dropped[visit] == nil else { return false }
        guard waiting[visit] != nil else { return true }
        if waiting[visit]?.events.count ?? 0 < Self.mostEvents { waiting[visit]?.events.append(event) }
        return false
    }

    /// Participants decide how often they measure, so their samples are limited. Unconfirmed samples may be forged and do not
    /// use up the limit. It counts by the samples' own times, since those of an outage are read all at once.
    private mutating func admit(_ sample: LatencySample) -> Bool {
        guard waiting[sample.visit] == nil, dropped[sample.visit] == nil else { return false }
        guard sample.trust == .confirmed, recorded.contains(sample.visit) else { return true }
        var bucket = samples[sample.visit] ?? Self.bucketOfSamples(sample.at.latest)
        bucket.fill(at: sample.at.latest)
        defer { samples[sample.visit] = bucket }
        guard bucket.hasOne else { return false }
        bucket.consumeOne()
        return true
    }

    private func hasLasted(_ visit: Visit, at now: Timestamp) -> Bool {
        visit.joined.latest.advanced(by: Self.lasting) <= (visit.left?.earliest ?? now)
    }

    private mutating func drop(_ visit: Visit, at now: Timestamp) {
        waiting[visit.id] = nil
        dropped[visit.id] = now
        _ = count(visit.address)
    }

    /// Always false, so that it can stand as the answer of `admit`.
    private mutating func count(_ address: String?) -> Bool {
        let network = address.flatMap(Self.network)
        total += 1
        if counts[network] != nil || counts.count < Self.mostAddresses { counts[network, default: 0] += 1 }
        return false
    }

    /// What has waited long enough and is now to be recorded.
    package mutating func due(at now: Timestamp) -> [Change] {
        dropped = dropped.filter { $0.value.advanced(by: .seconds(10)) > now }
        var changes: [Change] = []
        for (id, one) in waiting.sorted(by: { $0.key < $1.key }) where hasLasted(one.visit, at: now) {
            waiting[id] = nil
            if one.visit.left == nil { recorded.insert(id) }
            changes.append(.visit(one.visit))
            changes += one.events.map(Change.event)
        }
        return changes
    }

    /// What was only counted since this was asked last, as an event; nil where that is nothing.
    package mutating func drainCount(at now: Timestamp) -> EventRecord? {
        guard let (most, _) = counts.max(by: { $0.value < $1.value }) else { return nil }
        let places = counts.count == 1 ? "one address" : "\(counts.count) addresses"
        defer { (total, counts) = (0, [:]) }
        return EventRecord(
            at: TimeRange(now), kind: .visitsCounted, severity: .warning,
            text: "Short or refused visits that were counted, not recorded: \(total), from \(places)",
            address: most.map { $0.isIPv4 ? $0.host : "\($0.host)/64" })
    }

    private mutating func admits(_ address: String?, at now: Timestamp) -> Bool {
        all.fill(at: now)
        guard all.hasOne else { return false }
        // No address: rtpmidid tells them late or never. Participants on this machine are no strangers.
        if let network = address.flatMap(Self.network), !network.isLoopback {
            if buckets[network] == nil, buckets.count >= Self.mostAddresses {
                for key in buckets.keys { buckets[key]?.fill(at: now) }
                buckets = buckets.filter { !$0.value.isFull }
                guard buckets.count < Self.mostAddresses else { return false }
            }
            var bucket = buckets[network] ?? Self.bucketOfOne(now)
            bucket.fill(at: now)
            guard bucket.hasOne else { return false }
            bucket.consumeOne()
            buckets[network] = bucket
        }
        all.consumeOne()
        return true
    }

    /// Of an address as engines write it: "192.0.2.7:5004", "[2001:db8::7]:5004", or without a port.
    private static func network(of address: String) -> SocketAddress? {
        var host = address[...]
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = host[..<end].dropFirst()
        } else if host.count(where: { $0 == ":" }) == 1 {
            host = host.prefix { $0 != ":" }
        }
        return SocketAddress(host: String(host), port: 0)?.network
    }
}

/// Sums that samples and minutes are added to.
struct Sums {
    var count: Int64 = 0
    var total = 0.0
    var least = Int64.max
    var most = Int64.min

    mutating func add(count: Int64, total: Double, least: Int64, most: Int64) {
        self.count += count
        self.total += total
        self.least = min(self.least, least)
        self.most = max(self.most, most)
    }

    mutating func add(_ other: Sums) {
        add(count: other.count, total: other.total, least: other.least, most: other.most)
    }

    var average: Double { total / Double(max(count, 1)) }
}

extension Database {
    /// The confirmed round trips since a moment, one summary a name and port, in the order of port and name. A sample of
    /// which only a range is known counts when all of it lies since then. Costs about 0.4 s a million samples, in which
    /// nothing else is answered: keep what it says for some seconds.
    package func latencySummary(since: Timestamp) throws(StoreError) -> [LatencySummary] {
        struct Key: Hashable {
            let port: UInt16
            let name: String
        }
        var found: [Key: (sums: Sums, last: Int64, lastAt: TimeRange)] = [:]
        try use { connection throws(StoreError) in
            let visits = try connection.statement(
                "SELECT id, port, name FROM visit WHERE left_latest IS NULL OR left_latest >= ?"
            ).rows(since) { (id: $0.integer(0), key: Key(port: UInt16(clamping: $0.integer(1)), name: $0.text(2))) }
            for (visit, key) in visits {
                guard let sums = try connection.sums(visit, since), let last = try connection.last(visit, since) else {
                    continue
                }
                guard var entry = found[key] else {
                    found[key] = (sums, last.roundTrip, last.at)
                    continue
                }
                entry.sums.add(sums)
                if last.at.latest >= entry.lastAt.latest { (entry.last, entry.lastAt) = last }
                found[key] = entry
            }
        }
        return found.sorted { ($0.key.port, $0.key.name) < ($1.key.port, $1.key.name) }.map { key, entry in
            LatencySummary(
                name: key.name, port: key.port, count: entry.sums.count, average: entry.sums.average,
                least: entry.sums.least, most: entry.sums.most, last: entry.last, lastAt: entry.lastAt)
        }
    }

    /// All round trips of one visit, where wanted also those that nobody has judged yet; nil where there are none. Costs as
    /// much a sample as `latencySummary(since:)`.
    package func latencySummary(
        of visit: Visit, includingUnconfirmed: Bool = false
    ) throws(StoreError) -> LatencySummary? {
        try use { connection throws(StoreError) in
            let beginning = Timestamp(milliseconds: 0)
            guard let sums = try connection.sums(visit.id, beginning, includingUnconfirmed),
                let last = try connection.last(visit.id, beginning, includingUnconfirmed)
            else { return nil }
            return LatencySummary(
                name: visit.name, port: visit.port, count: sums.count, average: sums.average, least: sums.least,
                most: sums.most, last: last.roundTrip, lastAt: last.at)
        }
    }
}

/// The last multiple of `width` up to `at`; the beginning of time where there is none.
func start(of at: Int64, _ width: Int64) -> Int64 {
    let into = at % width
    let (start, overflow) = at.subtractingReportingOverflow(into < 0 ? into + width : into)
    return overflow ? .min : start
}

extension LatencyPoint {
    init(_ at: Int64, _ sums: Sums) {
        self.init(
            at: Timestamp(milliseconds: at), count: sums.count, average: sums.average, least: sums.least,
            most: sums.most)
    }
}

extension Connection {
    fileprivate func sums(_ visit: Int64, _ since: Timestamp, _ unconfirmed: Bool = false) throws(StoreError) -> Sums? {
        var sums = Sums()
        func add(_ row: borrowing Row) -> Bool {
            if row.integer(0) > 0 {
                sums.add(
                    count: row.integer(0), total: Double(row.integer(1)), least: row.integer(2), most: row.integer(3))
            }
            return true
        }
        let alsoTrusted: Int64 = unconfirmed ? 0 : 1
        try statement(
            """
            SELECT count(*), sum(round_trip), min(round_trip), max(round_trip) FROM latency
            WHERE visit = ?1 AND latest >= ?2 AND latest - width >= ?2 AND trust IN (1, ?3)
            """
        ).forEach(visit, since, alsoTrusted, while: add)
        try statement(
            """
            SELECT sum(count), sum(total), min(least), max(most) FROM minute
            WHERE visit = ? AND start >= ? AND trust IN (1, ?)
            """
        ).forEach(visit, since, alsoTrusted, while: add)
        return sums.count > 0 ? sums : nil
    }

    fileprivate func last(
        _ visit: Int64, _ since: Timestamp, _ unconfirmed: Bool = false
    ) throws(StoreError) -> (roundTrip: Int64, at: TimeRange)? {
        let alsoTrusted: Int64 = unconfirmed ? 0 : 1
        let sample = try statement(
            """
            SELECT round_trip, latest - width, latest FROM latency
            WHERE visit = ?1 AND latest >= ?2 AND latest - width >= ?2 AND trust IN (1, ?3)
            ORDER BY latest DESC, ordinal DESC LIMIT 1
            """
        ).first(visit, since, alsoTrusted) { (roundTrip: $0.integer(0), at: $0.when(1)) }
        if let sample { return sample }
        return try statement(
            """
            SELECT total / count, start, start + 59999 FROM minute
            WHERE visit = ? AND start >= ? AND trust IN (1, ?) ORDER BY start DESC LIMIT 1
            """
        ).first(visit, since, alsoTrusted) { (roundTrip: $0.integer(0), at: $0.when(1)) }
    }
}

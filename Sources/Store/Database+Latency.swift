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
    /// The round trips since a moment, one summary a name and port, in the order of port and name. A sample of which only
    /// a range is known counts when all of it lies since then. Costs about 0.4 s a million samples, in which nothing else is
    /// answered: keep what it says for some seconds.
    package func latencySummary(
        since: Moment, includingUnconfirmed: Bool = false
    ) throws(StoreError) -> [LatencySummary] {
        struct Key: Hashable {
            let port: UInt16
            let name: String
        }
        var found: [Key: (sums: Sums, last: Int64, lastAt: When)] = [:]
        try use { connection throws(StoreError) in
            let visits = try connection.statement(
                "SELECT id, port, name FROM visit WHERE left_latest IS NULL OR left_latest >= ?"
            ).rows(since) { (id: $0.integer(0), key: Key(port: UInt16(clamping: $0.integer(1)), name: $0.text(2))) }
            for (visit, key) in visits {
                guard let sums = try connection.sums(visit, since, includingUnconfirmed),
                    let last = try connection.last(visit, since, includingUnconfirmed)
                else { continue }
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

    /// All round trips of one visit; nil where there are none. Costs as much a sample as `latencySummary(since:)`.
    package func latencySummary(
        of visit: Visit, includingUnconfirmed: Bool = false
    ) throws(StoreError) -> LatencySummary? {
        try use { connection throws(StoreError) in
            let beginning = Moment(milliseconds: 0)
            guard let sums = try connection.sums(visit.id, beginning, includingUnconfirmed),
                let last = try connection.last(visit.id, beginning, includingUnconfirmed)
            else { return nil }
            return LatencySummary(
                name: visit.name, port: visit.port, count: sums.count, average: sums.average, least: sums.least,
                most: sums.most, last: last.roundTrip, lastAt: last.at)
        }
    }

    /// The points of a graph over `from...to`, in the order of time, at most the first `limit`: a sample each where there
    /// are samples, a minute each where they have been summed up; with a `step` (cut to milliseconds), one point a step
    /// that has any, steps being counted from 1970. Samples of which only a range of time is known are left out.
    package func samples(
        of scope: LatencyScope, from: Moment, to: Moment, step: Duration? = nil, limit: Int,
        includingUnconfirmed: Bool = false
    ) throws(StoreError) -> [LatencyPoint] {
        let width = step.map { max(Moment(milliseconds: 0).advanced(by: $0).milliseconds, 1) }
        let points = try use { connection throws(StoreError) in
            var steps: [Int64: Sums] = [:]
            var singles: [LatencyPoint] = []
            for visit in try connection.visits(in: scope, from, to) {
                // Without a step, no visit can put more than `limit` points into the answer.
                try connection.forEachPoint(visit, from, to, includingUnconfirmed, limit: step == nil ? limit : nil) {
                    at, sums in
                    if let width {
                        steps[start(of: at, width), default: Sums()].add(sums)
                    } else {
                        singles.append(LatencyPoint(at, sums))
                    }
                }
            }
            return width == nil ? singles : steps.map { LatencyPoint($0.key, $0.value) }
        }
        return Array(points.sorted { $0.at < $1.at }.prefix(max(limit, 0)))
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
            at: Moment(milliseconds: at), count: sums.count, average: sums.average, least: sums.least, most: sums.most)
    }
}

extension Connection {
    fileprivate func visits(in scope: LatencyScope, _ from: Moment, _ to: Moment) throws(StoreError) -> [Int64] {
        switch scope {
        case .visit(let id): [id]
        case .participant(let room, let name):
            try statement(
                """
                SELECT id FROM visit WHERE room = ?1 AND name = ?2
                    AND joined_earliest <= ?4 AND (left_latest IS NULL OR left_latest >= ?3)
                """
            ).rows(room, name, from, to) { $0.integer(0) }
        }
    }

    /// Minutes, then samples, each in the order of time. In the trust column 1 is confirmed, 0 unconfirmed; the second
    /// of the two trusts asked for is 1 again where unconfirmed ones are not wanted.
    fileprivate func forEachPoint(
        _ visit: Int64, _ from: Moment, _ to: Moment, _ unconfirmed: Bool, limit: Int?,
        _ body: (Int64, Sums) -> Void
    ) throws(StoreError) {
        let alsoTrusted: Int64 = unconfirmed ? 0 : 1
        let limit = Int64(max(limit ?? .max, 0))
        try statement(
            """
            SELECT start, count, total, least, most FROM minute
            WHERE visit = ? AND start BETWEEN ? AND ? AND trust IN (1, ?) ORDER BY start LIMIT ?
            """
        ).forEach(visit, from, to, alsoTrusted, limit) { row in
            var sums = Sums()
            sums.add(
                count: row.integer(1), total: Double(row.integer(2)), least: row.integer(3), most: row.integer(4))
            body(row.integer(0), sums)
            return true
        }
        try statement(
            """
            SELECT latest, round_trip FROM latency
            WHERE visit = ? AND latest BETWEEN ? AND ? AND width = 0 AND trust IN (1, ?) ORDER BY latest LIMIT ?
            """
        ).forEach(visit, from, to, alsoTrusted, limit) { row in
            let roundTrip = row.integer(1)
            var sums = Sums()
            sums.add(count: 1, total: Double(roundTrip), least: roundTrip, most: roundTrip)
            body(row.integer(0), sums)
            return true
        }
    }

    fileprivate func sums(_ visit: Int64, _ since: Moment, _ unconfirmed: Bool) throws(StoreError) -> Sums? {
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
        _ visit: Int64, _ since: Moment, _ unconfirmed: Bool
    ) throws(StoreError) -> (roundTrip: Int64, at: When)? {
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

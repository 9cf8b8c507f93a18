/// One measured round trip of one visit.
package struct LatencySample: Hashable, Sendable {
    /// Whether the log line was the engine's own word: a newline in a participant's name can forge one. A line is
    /// stored at once, with its offset, and judged when the engine has been asked.
    package enum Trust: Int64, Hashable, Sendable, CaseIterable {
        case unconfirmed, confirmed, rejected
    }

    package var visit: Int64
    package var at: TimeRange
    /// In microseconds. Stored as at most an hour either way, so that no sum of them can overflow.
    package var roundTrip: Int64
    package var trust: Trust

    package init(visit: Int64, at: TimeRange, roundTrip: Int64, trust: Trust = .unconfirmed) {
        self.visit = visit
        self.at = at
        self.roundTrip = roundTrip
        self.trust = trust
    }
}

/// The round trips of all visits that share a name and a port. Times in microseconds.
package struct LatencySummary: Hashable, Sendable {
    package var name: String
    package var port: UInt16
    package var count: Int64
    package var average: Double
    package var least: Int64
    package var most: Int64
    /// The newest sample; where that has been summed up already, the average of its minute.
    package var last: Int64
    package var lastAt: TimeRange

    package init(
        name: String, port: UInt16, count: Int64, average: Double, least: Int64, most: Int64, last: Int64,
        lastAt: TimeRange
    ) {
        self.name = name
        self.port = port
        self.count = count
        self.average = average
        self.least = least
        self.most = most
        self.last = last
        self.lastAt = lastAt
    }
}

/// A point of a graph: one sample, one minute, or all samples in a step. Times in microseconds.
package struct LatencyPoint: Hashable, Sendable {
    /// The sample's time, or the start of its minute or step.
    package var at: Timestamp
    package var count: Int64
    package var average: Double
    package var least: Int64
    package var most: Int64

    package init(at: Timestamp, count: Int64, average: Double, least: Int64, most: Int64) {
        self.at = at
        self.count = count
        self.average = average
        self.least = least
        self.most = most
    }
}

extension Connection {
    func store(_ sample: LatencySample) throws(StoreError) {
        let hour: Int64 = 3_600_000_000
        let insert = try statement("INSERT INTO latency VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
        // A running number is unique but for rows of an earlier run; then it goes on behind theirs.
        for _ in 0..<2 {
            nextOrdinal += 1
            try insert.run(
                sample.visit, sample.at.latest, nextOrdinal,
                sample.at.latest.milliseconds &- sample.at.earliest.milliseconds,
                min(max(sample.roundTrip, -hour), hour), sample.trust.rawValue)
            if changes == 1 { return }
            nextOrdinal =
                try statement("SELECT max(ordinal) FROM latency WHERE visit = ? AND latest = ?")
                .first(sample.visit, sample.at.latest) { $0.integer(0) } ?? 0
        }
    }

    func judge(_ visit: Int64, _ from: Timestamp, _ to: Timestamp, _ trust: LatencySample.Trust) throws(StoreError) {
        try statement(
            """
            UPDATE latency SET trust = ?4
            WHERE visit = ?1 AND latest BETWEEN ?2 AND ?3 AND latest - width >= ?2 AND trust = 0
            """
        ).run(visit, from, to, trust.rawValue)
    }
}

/// How long things are kept.
package enum Retention {
    /// Samples, before they are summed up by the minute.
    package static let samples = Duration.seconds(24 * 3600)
    /// Minutes, and visits after their end.
    package static let minutes = Duration.seconds(31 * 24 * 3600)
    package static let visitCount: Int64 = 50_000
    package static let events = Duration.seconds(90 * 24 * 3600)
    package static let eventCount: Int64 = 100_000
    package static let drillCount: Int64 = 100
    /// Bytes that all of it may take, where nothing else is said.
    package static let size: Int64 = 256 << 20
    /// A visit that did not last so long goes before anything else where all of it takes too much.
    package static let shortVisit = Duration.seconds(60)
}

extension Database {
    /// Sums up and drops what is older than `Retention` says. Where the rest takes more than `size` bytes, short visits go
    /// with what was told of them, then what is oldest of round trips and events, and at last the visits of those who
    /// stayed. The file does not shrink by that: what comes next takes the pages that became free.
    ///
    /// Works in transactions of a few thousand rows and lets other calls pass between them; a call while another is under
    /// way returns at once. Call it every few minutes.
    package func housekeep(now: Timestamp, size: Int64 = Retention.size) async throws(StoreError) {
        guard !isHousekeeping else { return }
        isHousekeeping = true
        defer { isHousekeeping = false }
        var sweep = Sweep(now: now, size: size)
        while try use({ connection throws(StoreError) in try sweep.step(connection) }) { await Task.yield() }
    }
}

/// A housekeeping under way: what to do next, and how far it has come.
private struct Sweep {
    private enum Stage { case samples, minutes, visits, events, surplus }
    private static let rows: Int64 = 2000
    private static let minute: Int64 = 60_000
    /// Visits that go at once for their size: their events have to be looked for.
    private static let visitsForSize: Int64 = 500
    /// Until it fits, round trips and events that are older than the horizon go, and it comes nearer by a fifth each time.
    private static let step = 0.8
    private static let leastHorizon = Duration.seconds(3600)

    private let now: Timestamp
    private let size: Int64
    private var horizon = max(Retention.events, Retention.minutes)
    private var stage = Stage.samples
    /// The visit, or event, that the stage goes on from.
    private var cursor = Int64.min

    init(now: Timestamp, size: Int64) { (self.now, self.size) = (now, size) }

    /// On a whole minute, so that a minute is as a rule summed up at once.
    private var oldestSample: Timestamp {
        let oldest = now.advanced(by: .zero - min(Retention.samples, horizon)).milliseconds
        return Timestamp(milliseconds: oldest - oldest % Self.minute)
    }
    private var oldestMinute: Timestamp { now.advanced(by: .zero - min(Retention.minutes, horizon)) }
    private var oldestVisit: Timestamp { now.advanced(by: .zero - Retention.minutes) }
    private var oldestEvent: Timestamp { now.advanced(by: .zero - min(Retention.events, horizon)) }

    /// One transaction. Answers false when all is done.
    mutating func step(_ connection: Connection) throws(StoreError) -> Bool {
        // A copy, so that a step that fails leaves the sweep where it was.
        var next = self
        let more = try connection.transaction { () throws(StoreError) in
            switch next.stage {
            case .samples:
                if try !next.sumUpSamples(connection) { next.enter(.minutes) }
            case .minutes:
                if try !next.dropMinutes(connection) { next.enter(.visits) }
            case .visits:
                if try !next.dropVisits(connection) { next.enter(.events) }
            case .events:
                if try !next.dropEvents(connection) { next.enter(.surplus) }
            case .surplus: return try next.dropSurplus(connection)
            }
            return true
        }
        self = next
        return more
    }

    private mutating func enter(_ stage: Stage) {
        self.stage = stage
        cursor = .min
    }

    /// Each of these does a bounded piece and answers whether there is more of the kind.
    private mutating func sumUpSamples(_ connection: Connection) throws(StoreError) -> Bool {
        let next = try connection.statement(
            "SELECT visit, latest FROM latency WHERE visit >= ? ORDER BY visit, latest LIMIT 1")
        let last = try connection.statement(
            "SELECT latest FROM latency WHERE visit = ? AND latest < ? ORDER BY latest LIMIT 1 OFFSET ?")
        for _ in 0..<100 {
            guard let (visit, oldest) = try next.first(cursor, as: { ($0.integer(0), $0.moment(1)) }) else {
                return false
            }
            guard oldest < oldestSample else {
                guard visit < .max else { return false }
                cursor = visit + 1
                continue
            }
            cursor = visit
            var end = try last.first(visit, oldestSample, Self.rows) { $0.moment(0) } ?? oldestSample
            // So many of one millisecond go in one piece.
            if end == oldest { end = Timestamp(milliseconds: oldest.milliseconds + 1) }
            // A minute may come in several pieces, which add up. What has only a range of time is in no graph.
            try connection.statement(
                """
                INSERT INTO minute
                SELECT visit, latest - latest % 60000, trust, count(*), sum(round_trip), min(round_trip), max(round_trip)
                FROM latency WHERE visit = ? AND latest < ? AND width = 0 AND trust <> 2 GROUP BY 2, 3
                ON CONFLICT DO UPDATE SET
                    count = count + excluded.count, total = total + excluded.total,
                    least = min(least, excluded.least), most = max(most, excluded.most)
                """
            ).run(visit, end)
            try connection.statement("DELETE FROM latency WHERE visit = ? AND latest < ?").run(visit, end)
            return true
        }
        return true
    }

    private mutating func dropMinutes(_ connection: Connection) throws(StoreError) -> Bool {
        let next = try connection.statement(
            "SELECT visit, start FROM minute WHERE visit >= ? ORDER BY visit, start LIMIT 1")
        for _ in 0..<100 {
            guard let (visit, oldest) = try next.first(cursor, as: { ($0.integer(0), $0.moment(1)) }) else {
                return false
            }
            guard oldest < oldestMinute else {
                guard visit < .max else { return false }
                cursor = visit + 1
                continue
            }
            cursor = visit
            let end = min(oldestMinute, oldest.advanced(by: .milliseconds(Self.rows * Self.minute)))
            try connection.statement("DELETE FROM minute WHERE visit = ? AND start < ?").run(visit, end)
            return true
        }
        return true
    }

    private mutating func dropVisits(_ connection: Connection) throws(StoreError) -> Bool {
        // Ids have gaps: those of visits that were never recorded.
        let surplus = try connection.statement("SELECT id FROM visit ORDER BY id DESC LIMIT 1 OFFSET ?")
            .first(Retention.visitCount) { $0.integer(0) }
        let ids = try connection.statement(
            "SELECT id FROM visit WHERE left_latest < ? OR (left_latest IS NOT NULL AND id <= ?) ORDER BY id LIMIT ?"
        ).rows(oldestVisit, surplus ?? .min, Self.rows) { $0.integer(0) }
        try connection.drop(visits: ids)
        return ids.count == Self.rows
    }

    /// Walks all events, as a clock that was set makes their times come in any order.
    private mutating func dropEvents(_ connection: Connection) throws(StoreError) -> Bool {
        let ids = try connection.statement("SELECT id FROM event WHERE id > ? ORDER BY id LIMIT ?")
            .rows(cursor, Self.rows) { $0.integer(0) }
        guard let end = ids.last else { return false }
        let newest = try connection.lastID(of: "event")
        try connection.statement("DELETE FROM event WHERE id > ? AND id <= ? AND (latest < ? OR id <= ?)")
            .run(cursor, end, oldestEvent, newest - Retention.eventCount)
        cursor = end
        return true
    }

    /// After what is old: what goes because all the rest takes too much.
    private mutating func dropSurplus(_ connection: Connection) throws(StoreError) -> Bool {
        guard try connection.usedSize() > size else { return false }
        let short = Retention.shortVisit.components.seconds * 1000
        let strangers = try connection.statement(
            "SELECT id FROM visit WHERE left_earliest - joined_latest < ? ORDER BY id LIMIT ?"
        ).rows(short, Self.visitsForSize) { $0.integer(0) }
        if let first = strangers.first, let last = strangers.last {
            try connection.statement(
                """
                DELETE FROM event WHERE visit BETWEEN ? AND ? AND
                    EXISTS (SELECT 1 FROM visit WHERE visit.id = event.visit AND left_earliest - joined_latest < ?)
                """
            ).run(first, last, short)
            try connection.drop(visits: strangers)
            return true
        }
        if horizon > Self.leastHorizon {
            horizon = horizon * Self.step
            enter(.samples)
            return true
        }
        try connection.statement("DELETE FROM event WHERE id < (SELECT id FROM event ORDER BY id LIMIT 1 OFFSET ?)")
            .run(Self.rows)
        if connection.changes > 0 { return true }
        let oldest = try connection.statement("SELECT id FROM visit WHERE left_latest IS NOT NULL ORDER BY id LIMIT ?")
            .rows(Self.visitsForSize) { $0.integer(0) }
        try connection.drop(visits: oldest)
        return !oldest.isEmpty
    }
}

extension Connection {
    /// Bytes of the file that hold something.
    fileprivate func usedSize() throws(StoreError) -> Int64 {
        let pages = try integer("PRAGMA page_count") ?? 0
        let free = try integer("PRAGMA freelist_count") ?? 0
        return (pages - free) * (try integer("PRAGMA page_size") ?? 0)
    }

    fileprivate func drop(visits ids: [Int64]) throws(StoreError) {
        for id in ids {
            try statement("DELETE FROM latency WHERE visit = ?").run(id)
            try statement("DELETE FROM minute WHERE visit = ?").run(id)
            try statement("DELETE FROM visit WHERE id = ?").run(id)
        }
    }
}

/// Whose round trips are wanted, and from when; nil wants all.
package struct LatencyFilter: Hashable, Sendable {
    package var visit: Int64?
    package var room: String?
    package var from: Timestamp
    package var to: Timestamp
    /// One point for so many milliseconds, counted from 1970; at least 1.
    package var step: Int64

    package init(visit: Int64? = nil, room: String? = nil, from: Timestamp, to: Timestamp, step: Int64 = 1) {
        (self.visit, self.room, self.from, self.to, self.step) = (visit, room, from, to, max(step, 1))
    }
}

/// Points of many visits' graphs, in the order of visit and time; a part of them at a time.
package struct LatencyPage: Sendable {
    package struct Visitor: Sendable {
        package let visit: Int64
        package let room: String
        package let name: String
    }
    /// The last visit that was read, and how far: up to that moment, to its end where there is none.
    package struct Position: Hashable, Sendable {
        package let visit: Int64
        package let at: Timestamp?
        package init(visit: Int64, at: Timestamp? = nil) { (self.visit, self.at) = (visit, at) }
    }
    package fileprivate(set) var points: [(of: Visitor, point: LatencyPoint)] = []
    /// Where to go on; nil at the end.
    package fileprivate(set) var next: Position?
}

extension Database {
    /// Rows read for one page: no more than some tens of milliseconds in which nothing else is answered.
    private static let mostRows = 100_000
    /// What looking at a visit counts, in rows.
    private static let visitCost = 50

    /// The confirmed round trips of visits, also of those that are over, behind `position`: a point a minute where they
    /// have been summed up, and without those of which only a range of time is known. A page may have fewer points than
    /// `limit` and yet a next one, as the work for one is bounded too.
    package func latency(
        _ filter: LatencyFilter, after position: LatencyPage.Position? = nil, limit: Int
    ) throws(StoreError) -> LatencyPage {
        try use { connection throws(StoreError) in
            var page = LatencyPage()
            var rows = 0
            for one in try connection.visitors(filter, from: position?.visit ?? .min) {
                var from = filter.from
                if let position, position.visit == one.visit {
                    guard let at = position.at else { continue }
                    from = max(from, at.advanced(by: .milliseconds(filter.step)))
                }
                guard rows < Self.mostRows, page.points.count < limit else { return page }
                rows += Self.visitCost
                let (points, isWhole) = try connection.points(
                    of: one.visit, filter, from: from, limit: limit - page.points.count, rows: &rows)
                page.points += points.map { (one, $0) }
                page.next = .init(visit: one.visit, at: isWhole ? nil : points.last?.at)
                guard isWhole else { return page }
            }
            page.next = nil
            return page
        }
    }
}

extension Connection {
    fileprivate func visitors(
        _ filter: LatencyFilter, from visit: Int64
    ) throws(StoreError) -> [LatencyPage.Visitor] {
        // A page never gets further than this.
        try statement(
            """
            SELECT id, room, name FROM visit
            WHERE id >= ?1 AND (?2 IS NULL OR id = ?2) AND (?3 IS NULL OR room = ?3)
                AND joined_earliest <= ?5 AND (left_latest IS NULL OR left_latest >= ?4)
            ORDER BY id LIMIT 5000
            """
        ).rows(visit, filter.visit, filter.room, filter.from, filter.to) {
            LatencyPage.Visitor(visit: $0.integer(0), room: $0.text(1), name: $0.text(2))
        }
    }

    /// At most `limit` points, and whether those are all.
    fileprivate func points(
        of visit: Int64, _ filter: LatencyFilter, from: Timestamp, limit: Int, rows: inout Int
    ) throws(StoreError) -> (points: [LatencyPoint], isWhole: Bool) {
        var points: [LatencyPoint] = []
        var under: (at: Int64, sums: Sums)?
        var isWhole = true
        var count = 0
        try statement(
            """
            SELECT start, count, total, least, most FROM minute
            WHERE visit = ?1 AND start BETWEEN ?2 AND ?3 AND trust = 1
            UNION ALL
            SELECT latest, 1, round_trip, round_trip, round_trip FROM latency
            WHERE visit = ?1 AND latest BETWEEN ?2 AND ?3 AND width = 0 AND trust = 1
            ORDER BY 1
            """
        ).forEach(visit, from, filter.to) { row in
            count += 1
            let at = start(of: row.integer(0), filter.step)
            if let (before, sums) = under, before != at {
                points.append(LatencyPoint(before, sums))
                under = nil
                guard points.count < limit else {
                    isWhole = false
                    return false
                }
            }
            var sums = under?.sums ?? Sums()
            sums.add(
                count: row.integer(1), total: Double(row.integer(2)), least: row.integer(3), most: row.integer(4))
            under = (at, sums)
            return true
        }
        if let (at, sums) = under { points.append(LatencyPoint(at, sums)) }
        rows += count
        return (points, isWhole)
    }
}

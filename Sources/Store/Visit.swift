/// One stay of one participant, from joining to leaving.
package struct Visit: Hashable, Sendable {
    /// Given by the caller, counting on from `Database.nextVisitID()`.
    package var id: Int64
    package var room: String
    /// The engine's name, as in `engines/NAME.log`.
    package var engine: String
    /// The engine's UDP control port.
    package var port: UInt16
    /// As the participant calls itself: any characters, also NUL and newlines.
    package var name: String
    package var address: String?
    package var ssrc: UInt32?
    package var joined: TimeRange
    /// nil while the participant is here.
    package var left: TimeRange?
    /// Why it left, in words.
    package var reason: String?

    package init(
        id: Int64, room: String, engine: String, port: UInt16, name: String, address: String? = nil,
        ssrc: UInt32? = nil, joined: TimeRange, left: TimeRange? = nil, reason: String? = nil
    ) {
        self.id = id
        self.room = room
        self.engine = engine
        self.port = port
        self.name = name
        self.address = address
        self.ssrc = ssrc
        self.joined = joined
        self.left = left
        self.reason = reason
    }

    fileprivate init(_ row: borrowing Row) {
        self.init(
            id: row.integer(0), room: row.text(1), engine: row.text(2), port: UInt16(clamping: row.integer(3)),
            name: row.text(4), address: row.optionalText(5), ssrc: row.optionalInteger(6).map { UInt32(clamping: $0) },
            joined: row.when(7), left: row.isNull(10) ? nil : row.when(9), reason: row.optionalText(11))
    }
}

extension Connection {
    func store(_ visit: Visit) throws(StoreError) {
        try statement(
            """
            INSERT INTO visit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET
                room = excluded.room, engine = excluded.engine, port = excluded.port, name = excluded.name,
                address = excluded.address, ssrc = excluded.ssrc, joined_earliest = excluded.joined_earliest,
                joined_latest = excluded.joined_latest, left_earliest = excluded.left_earliest,
                left_latest = excluded.left_latest, reason = excluded.reason
            """
        ).run(
            visit.id, visit.room, visit.engine, Int64(visit.port), visit.name, visit.address,
            visit.ssrc.map { Int64($0) }, visit.joined.earliest, visit.joined.latest, visit.left?.earliest,
            visit.left?.latest, visit.reason)
    }
}

extension Database {
    /// The first id that no visit in the file ever had. Counts on only when a visit is committed.
    package func nextVisitID() throws(StoreError) -> Int64 {
        try use { connection throws(StoreError) in try connection.lastID(of: "visit") + 1 }
    }

    /// Visits that have not ended, oldest first.
    package func openVisits() throws(StoreError) -> [Visit] {
        try use { connection throws(StoreError) in
            try connection.statement("SELECT * FROM visit WHERE left_latest IS NULL ORDER BY id").rows { Visit($0) }
        }
    }

    /// The newest visits, newest first; `before` continues below that id.
    package func visits(limit: Int, before: Int64? = nil) throws(StoreError) -> [Visit] {
        try use { connection throws(StoreError) in
            try connection.statement("SELECT * FROM visit WHERE id < ? ORDER BY id DESC LIMIT ?")
                .rows(before ?? .max, Int64(max(limit, 0))) { Visit($0) }
        }
    }
}

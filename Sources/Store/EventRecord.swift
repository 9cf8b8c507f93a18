/// Something worth telling, as the event log keeps it.
package struct EventRecord: Hashable, Sendable {
    package enum Severity: Int64, Hashable, Sendable, CaseIterable, Comparable {
        case info, warning, error
        package static func < (one: Severity, other: Severity) -> Bool { one.rawValue < other.rawValue }
    }

    /// Given by the store: events are counted in the order they are committed. What is set here is not stored.
    package var id: Int64
    package var at: TimeRange
    package var kind: EventKind
    package var severity: Severity
    package var room: String?
    package var engine: String?
    /// The participant's name.
    package var participant: String?
    package var visit: Int64?
    /// A sentence for people, which everybody may read.
    package var text: String
    /// Whose address belongs to it: of the one it is about, or of the one who did it. Not for everybody.
    package var address: String?

    package init(
        id: Int64 = 0, at: TimeRange, kind: EventKind, severity: Severity = .info, room: String? = nil,
        engine: String? = nil,
        participant: String? = nil, visit: Int64? = nil, text: String, address: String? = nil
    ) {
        self.id = id
        self.at = at
        self.kind = kind
        self.severity = severity
        self.room = room
        self.engine = engine
        self.participant = participant
        self.visit = visit
        self.text = text
        self.address = address
    }

    fileprivate init(_ row: borrowing Row) {
        self.init(
            id: row.integer(0), at: row.when(1), kind: EventKind(rawValue: row.text(3)) ?? .unknown,
            severity: Severity(rawValue: row.integer(4)) ?? .error,
            room: row.optionalText(5), engine: row.optionalText(6), participant: row.optionalText(7),
            visit: row.optionalInteger(8), text: row.text(9), address: row.optionalText(10))
    }
}

/// Which events are wanted; the empty filter wants all.
package struct EventFilter: Hashable, Sendable {
    /// Any of these kinds; empty means every kind.
    package var kinds: [String]
    /// This severity or a worse one.
    package var atLeast: EventRecord.Severity
    package var room: String?
    package var participant: String?

    package init(
        kinds: [String] = [], atLeast: EventRecord.Severity = .info, room: String? = nil, participant: String? = nil
    ) {
        self.kinds = kinds
        self.atLeast = atLeast
        self.room = room
        self.participant = participant
    }

    /// The condition, and the values for its placeholders.
    fileprivate var condition: (sql: String, values: [any Bindable]) {
        var terms = ["severity >= ?"]
        var values: [any Bindable] = [atLeast.rawValue]
        if !kinds.isEmpty {
            terms.append("kind IN (\(repeatElement("?", count: kinds.count).joined(separator: ", ")))")
            values += kinds
        }
        if let room {
            terms.append("room = ?")
            values.append(room)
        }
        if let participant {
            terms.append("participant = ?")
            values.append(participant)
        }
        return (terms.joined(separator: " AND "), values)
    }
}

extension Connection {
    func store(_ event: EventRecord) throws(StoreError) {
        try statement("INSERT INTO event VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)").run(
            event.at.earliest, event.at.latest, event.kind.rawValue, event.severity.rawValue, event.room, event.engine,
            event.participant, event.visit, event.text, event.address)
    }

    /// The highest id a table ever gave, 0 for none.
    func lastID(of table: String) throws(StoreError) -> Int64 {
        try statement("SELECT seq FROM sqlite_sequence WHERE name = ?").first(table) { $0.integer(0) } ?? 0
    }
}

extension Database {
    /// Events older than the id `before`, newest first; without it, the newest.
    package func events(
        before: Int64? = nil, limit: Int, where filter: EventFilter = EventFilter()
    ) throws(StoreError) -> [EventRecord] {
        try events("id < ? ORDER BY id DESC", before ?? .max, limit, filter)
    }

    /// Events newer than the id `after`, oldest first: what a follower has missed.
    package func events(
        after: Int64, limit: Int, where filter: EventFilter = EventFilter()
    ) throws(StoreError) -> [EventRecord] {
        try events("id > ? ORDER BY id", after, limit, filter)
    }

    /// The ids of the oldest and the newest event there is, nil where there is none. A follower whose last id lies
    /// outside (or more than one below) has missed some and cannot be brought up to date.
    package func eventIDs() throws(StoreError) -> ClosedRange<Int64>? {
        try use { connection throws(StoreError) in
            let first = try connection.statement("SELECT id FROM event ORDER BY id LIMIT 1").first(as: { $0.integer(0) }
            )
            let last = try connection.statement("SELECT id FROM event ORDER BY id DESC LIMIT 1").first(as: {
                $0.integer(0)
            })
            guard let first, let last else { return nil }
            return first...max(first, last)
        }
    }

    private func events(
        _ range: String, _ id: Int64, _ limit: Int, _ filter: EventFilter
    ) throws(StoreError) -> [EventRecord] {
        let (condition, values) = filter.condition
        return try use { connection throws(StoreError) in
            try connection.statement(composed: "SELECT * FROM event WHERE \(condition) AND \(range) LIMIT ?")
                .rows(binding: values + [id, Int64(max(limit, 0))]) { EventRecord($0) }
        }
    }
}

import CSQLite

/// One step of the schema. Each runs once, in order, in a transaction of its own; how many have run stands in the
/// file's `user_version`. Never change one that has been released: add another.
package struct Migration: Sendable {
    /// For people: it stands in the error when the step fails.
    package let name: String
    package let sql: String

    package init(name: String, sql: String) {
        self.name = name
        self.sql = sql
    }

    package static let all = [
        Migration(
            name: "visits, latency, events",
            sql: """
                -- Ids are never given twice (AUTOINCREMENT), as events and pages name them after a visit is dropped.
                CREATE TABLE visit (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    room TEXT NOT NULL, engine TEXT NOT NULL, port INTEGER NOT NULL, name TEXT NOT NULL,
                    address TEXT, ssrc INTEGER,
                    joined_earliest INTEGER NOT NULL, joined_latest INTEGER NOT NULL,
                    left_earliest INTEGER, left_latest INTEGER, reason TEXT);
                CREATE INDEX visit_left ON visit (left_latest);
                CREATE INDEX visit_participant ON visit (room, name);
                -- One tree, in the order it is read, summed up and dropped in. Times in Unix milliseconds, width is
                -- latest - earliest, round_trip in microseconds, trust as in LatencySample.Trust.
                CREATE TABLE latency (
                    visit INTEGER NOT NULL, latest INTEGER NOT NULL, ordinal INTEGER NOT NULL,
                    width INTEGER NOT NULL, round_trip INTEGER NOT NULL, trust INTEGER NOT NULL,
                    PRIMARY KEY (visit, latest, ordinal)) WITHOUT ROWID;
                CREATE TABLE minute (
                    visit INTEGER NOT NULL, start INTEGER NOT NULL, trust INTEGER NOT NULL,
                    count INTEGER NOT NULL, total INTEGER NOT NULL, least INTEGER NOT NULL, most INTEGER NOT NULL,
                    PRIMARY KEY (visit, start, trust)) WITHOUT ROWID;
                CREATE TABLE event (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    earliest INTEGER NOT NULL, latest INTEGER NOT NULL, kind TEXT NOT NULL, severity INTEGER NOT NULL,
                    room TEXT, engine TEXT, participant TEXT, visit INTEGER, text TEXT NOT NULL);
                CREATE TABLE tail (
                    log TEXT PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL, position INTEGER NOT NULL
                ) WITHOUT ROWID;
                CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE block (
                    room TEXT NOT NULL, from_name TEXT NOT NULL, to_name TEXT NOT NULL,
                    PRIMARY KEY (room, from_name, to_name)) WITHOUT ROWID;
                """),
        Migration(name: "addresses of events", sql: "ALTER TABLE event ADD COLUMN address TEXT"),
        Migration(
            name: "drills",
            sql: """
                -- id: when it was ordered, in Unix milliseconds; passed 0 or 1; report as its program writes it, JSON.
                CREATE TABLE drill (id INTEGER PRIMARY KEY, passed INTEGER NOT NULL, report TEXT NOT NULL);
                """),
    ]

    /// "MHUB": marks a file as ours (`PRAGMA application_id`).
    private static let applicationID: Int64 = 0x4D48_5542

    /// How many migrations the file has seen; 0 for a new one. Writes nothing.
    static func version(of connection: Connection, known: Int) throws(StoreError) -> Int {
        let version = Int(try connection.integer("PRAGMA user_version") ?? 0)
        let mark = try connection.integer("PRAGMA application_id")
        let tables = try connection.integer("SELECT count(*) FROM sqlite_master") ?? 0
        if tables == 0, version == 0 { return 0 }
        if mark != applicationID {
            throw StoreError(extendedCode: SQLITE_ERROR, message: "the file is another program's database")
        }
        if version > known {
            throw StoreError(
                extendedCode: SQLITE_ERROR,
                message: "the database has schema \(version), this program knows up to \(known)",
                kind: .newerSchema(found: version, known: known))
        }
        return version
    }

    /// Runs what is missing, then looks at both ends of every table.
    static func run(_ migrations: [Migration], from version: Int, on connection: Connection) throws(StoreError) {
        for (index, migration) in migrations.enumerated().dropFirst(version) {
            do throws(StoreError) {
                try connection.transaction { () throws(StoreError) in
                    try connection.execute(migration.sql)
                    try connection.execute("PRAGMA application_id = \(applicationID)")
                    try connection.execute("PRAGMA user_version = \(index + 1)")
                }
            } catch {
                throw StoreError(
                    extendedCode: error.extendedCode, systemError: error.systemError,
                    message: "migration \(index + 1) (\(migration.name)): \(error.message)", kind: error.kind)
            }
        }
        try probe(connection)
    }

    /// A check that costs a few page reads a table, whatever its size; deeper damage shows when its page is read.
    private static func probe(_ connection: Connection) throws(StoreError) {
        let ends = [
            ("visit", "id"), ("visit", "left_latest"), ("visit", "room"), ("latency", "visit"), ("minute", "visit"),
            ("event", "id"), ("tail", "log"), ("setting", "key"), ("block", "room"),
        ]
        for (table, column) in ends {
            for order in ["ASC", "DESC"] {
                do throws(StoreError) {
                    try connection.statement(composed: "SELECT * FROM \(table) ORDER BY \(column) \(order) LIMIT 1")
                        .run()
                } catch {
                    // A table that is not there, in a file that says it is of our version, was lost.
                    guard error.code == SQLITE_ERROR else { throw error }
                    throw StoreError(
                        extendedCode: error.extendedCode, message: error.message, sql: error.sql, kind: .damaged)
                }
            }
        }
    }
}

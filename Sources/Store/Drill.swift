/// A drill of two hubs, and what came of it.
package struct Drill: Hashable, Sendable {
    /// When it was ordered, in Unix milliseconds.
    package var id: Int64
    package var passed: Bool
    /// JSON.
    package var report: String

    package init(id: Int64, passed: Bool, report: String) {
        (self.id, self.passed, self.report) = (id, passed, report)
    }
}

extension Connection {
    func store(_ drill: Drill) throws(StoreError) {
        let passed: Int64 = drill.passed ? 1 : 0
        try statement("INSERT OR REPLACE INTO drill VALUES (?, ?, ?)").run(drill.id, passed, drill.report)
        try statement("DELETE FROM drill WHERE id NOT IN (SELECT id FROM drill ORDER BY id DESC LIMIT ?)")
            .run(Retention.drillCount)
    }
}

extension Database {
    /// The newest first.
    package func drills(limit: Int64) throws(StoreError) -> [Drill] {
        try use { connection throws(StoreError) in
            try connection.statement("SELECT id, passed, report FROM drill ORDER BY id DESC LIMIT ?").rows(limit) {
                Drill(id: $0.integer(0), passed: $0.integer(1) != 0, report: $0.text(2))
            }
        }
    }
}

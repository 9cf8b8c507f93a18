/// How far an engine's log has been read. Committed together with what was read.
package struct TailOffset: Hashable, Sendable {
    /// The engine's name.
    package var log: String
    /// The file the offset belongs to (st_dev, st_ino).
    package var device: UInt64
    package var inode: UInt64
    /// In bytes from the start of the file.
    package var offset: Int64

    package init(log: String, device: UInt64, inode: UInt64, offset: Int64) {
        self.log = log
        self.device = device
        self.inode = inode
        self.offset = offset
    }
}

extension Connection {
    func store(_ tail: TailOffset) throws(StoreError) {
        try statement("INSERT OR REPLACE INTO tail VALUES (?, ?, ?, ?)")
            .run(tail.log, Int64(bitPattern: tail.device), Int64(bitPattern: tail.inode), tail.offset)
    }

    func set(_ key: String, to value: String?) throws(StoreError) {
        if let value {
            try statement("INSERT OR REPLACE INTO setting VALUES (?, ?)").run(key, value)
        } else {
            try statement("DELETE FROM setting WHERE key = ?").run(key)
        }
    }
}

extension Database {
    /// Where each log was read up to, by name.
    package func offsets() throws(StoreError) -> [TailOffset] {
        try use { connection throws(StoreError) in
            try connection.statement("SELECT * FROM tail ORDER BY log").rows {
                TailOffset(
                    log: $0.text(0), device: UInt64(bitPattern: $0.integer(1)),
                    inode: UInt64(bitPattern: $0.integer(2)),
                    offset: $0.integer(3))
            }
        }
    }

    package func setting(_ key: String) throws(StoreError) -> String? {
        try use { connection throws(StoreError) in
            try connection.statement("SELECT value FROM setting WHERE key = ?").first(key) { $0.text(0) }
        }
    }

    package func settings() throws(StoreError) -> [String: String] {
        let pairs = try use { connection throws(StoreError) in
            try connection.statement("SELECT key, value FROM setting ORDER BY key").rows { ($0.text(0), $0.text(1)) }
        }
        // Two keys of different bytes can be equal as Swift strings.
        return Dictionary(pairs) { _, last in last }
    }

    /// Each is one direction in a room that is not wanted there, by names.
    package func blocks() throws(StoreError) -> [(room: String, from: String, to: String)] {
        try use { connection throws(StoreError) in
            try connection.statement("SELECT * FROM block ORDER BY room, from_name, to_name").rows {
                ($0.text(0), $0.text(1), $0.text(2))
            }
        }
    }
}

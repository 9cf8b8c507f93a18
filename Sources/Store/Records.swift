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

/// One direction that a room does not want, by names.
package struct Block: Hashable, Sendable {
    package var room: String
    package var from: String
    package var to: String

    package init(room: String, from: String, to: String) {
        self.room = room
        self.from = from
        self.to = to
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

    func store(_ block: Block) throws(StoreError) {
        try statement("INSERT OR REPLACE INTO block VALUES (?, ?, ?)").run(block.room, block.from, block.to)
    }

    func remove(_ block: Block) throws(StoreError) {
        try statement("DELETE FROM block WHERE room = ? AND from_name = ? AND to_name = ?")
            .run(block.room, block.from, block.to)
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

    package func blocks() throws(StoreError) -> [Block] {
        try use { connection throws(StoreError) in
            try connection.statement("SELECT * FROM block ORDER BY room, from_name, to_name").rows {
                Block(room: $0.text(0), from: $0.text(1), to: $0.text(2))
            }
        }
    }
}

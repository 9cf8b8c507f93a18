//  Module Store: what the hub remembers, in one SQLite file. Start here, then Migration.swift.
//
//  What it is: visits, latency samples, events, log offsets, settings and blocks behind one actor, which is the only
//  writer. Whatever belongs together is committed together (`Change`). What it refuses to be: in the path of MIDI, or a
//  place where SQL can be sent.
//  Ruled by Store.docc, https://sqlite.org/wal.html and https://sqlite.org/rescode.html.

import CSQLite

/// The hub's memory. All calls run one at a time, in the order they arrive, on a queue of the database's own.
///
/// Errors leave it usable: after a full disk or a busy file the same call can be made again. A damaged file is set
/// aside, the call throws `.damaged`, and the next one works on a new, empty file: then commit the visits that are open
/// and the settings that matter before going on, and read `drainNotices()`.
package actor Database {
    private let executor = QueueExecutor("midihub.store")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private var file: DatabaseFile
    /// nil while the file cannot be opened, and after `close()`.
    private var connection: Connection?
    private var isClosed = false
    var isHousekeeping = false

    /// Opens the file at `path`, in a directory that exists, or makes it (mode 0600). Blocks the caller for as long as
    /// that takes. A damaged file is set aside and a new one begun; a newer one is refused and left alone. Tests give a
    /// `pageLimit`, a cap in pages of 4096 bytes that is to SQLite what a full disk is, and `migrations` of their own.
    package init(
        path: String, pageLimit: Int? = nil, migrations: [Migration] = Migration.all
    ) throws(StoreError) {
        var file = DatabaseFile(path: path, pageLimit: pageLimit, migrations: migrations)
        connection = try file.open()
        self.file = file
    }

    /// Applies all changes or, when it throws, none of them. Answers the id of the newest event there ever was: those of
    /// this commit's events are consecutive and end there.
    @discardableResult
    package func commit(_ changes: [Change]) throws(StoreError) -> Int64 {
        try verify()
        return try use { connection throws(StoreError) in
            try connection.transaction { () throws(StoreError) in
                for change in changes { try connection.apply(change) }
                return try connection.lastID(of: "event")
            }
        }
    }

    /// Throws `.damaged` where the file was deleted, overwritten or replaced since it was opened: SQLite would not notice.
    package func verify() throws(StoreError) {
        guard let current = connection, let reason = file.loss(of: current) else { return }
        connection = nil
        current.close(leavingFileAlone: true)
        try file.giveUp(because: reason)
        throw StoreError(extendedCode: SQLITE_CORRUPT, message: reason)
    }

    /// Sentences for people about what happened to the file. Each is returned once.
    package func drainNotices() -> [String] {
        defer { file.notices = [] }
        return file.notices
    }

    /// Writes the log back into the file and closes it. Calls after this one throw.
    package func close() {
        isClosed = true
        connection?.close()
        connection = nil
    }

    /// Runs `body` on the connection, opened again if need be; sets the file aside when it turns out to be damaged.
    func use<Answer>(_ body: (Connection) throws(StoreError) -> Answer) throws(StoreError) -> Answer {
        guard !isClosed else { throw StoreError(extendedCode: SQLITE_MISUSE, message: "the database is closed") }
        let current: Connection
        if let connection {
            current = connection
        } else {
            current = try file.open()
            connection = current
        }
        do throws(StoreError) { return try body(current) } catch {
            if error.kind == .damaged {
                connection = nil
                current.close(leavingFileAlone: true)
                try file.setAside(because: error.message)
            }
            throw error
        }
    }
}

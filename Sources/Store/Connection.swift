import CSQLite
import Glibc

/// One connection to the database file and its prepared statements. Not Sendable: the `Database` that opened it is the
/// only one to use it, on one thread at a time, so SQLite's own lock is off.
final class Connection {
    private let handle: OpaquePointer
    private var isClosed = false
    private var statements: [StatementKey: Statement] = [:]
    /// The running number that tells samples of one visit and millisecond apart; see `store(_: LatencySample)`.
    var nextOrdinal: Int64 = 0

    /// Opens `path`, makes the file if there is none, and brings its schema up to date. Throws `.damaged` when the
    /// header, the schema or an end of a table is broken, `.newerSchema` when it is from the future; neither changes
    /// the file.
    init(path: String, pageLimit: Int?, migrations: [Migration]) throws(StoreError) {
        try Self.createPrivately(path)
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        // "./": a relative path beginning with "file:" would be taken for a URI where SQLite was built so.
        let code = sqlite3_open_v2(path.hasPrefix("/") ? path : "./" + path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else {
            defer { sqlite3_close_v2(opened) }
            throw StoreError(from: opened, code)
        }
        handle = opened
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 2000)
        // Until the file is known to be ours and sound, closing must not write to it.
        configure(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        configure(SQLITE_DBCONFIG_DEFENSIVE, true)
        try execute("PRAGMA trusted_schema = OFF")
        // Finds most broken pages when they are read, for a few comparisons a page.
        try execute("PRAGMA cell_size_check = ON")
        let version = try Migration.version(of: self, known: migrations.count)

        guard try text("PRAGMA journal_mode = WAL") == "wal" else {
            throw StoreError(
                extendedCode: SQLITE_CANTOPEN, message: "the file system of \(path) cannot hold a write-ahead log")
        }
        // In WAL mode NORMAL loses nothing when a program dies; a power cut may take the last commits, each one whole.
        try execute("PRAGMA synchronous = NORMAL")
        // The log goes back into the file every 2000 pages (8 MiB), as busy pages are then copied less often than at 1000.
        try execute("PRAGMA wal_autocheckpoint = 2000")
        try execute("PRAGMA journal_size_limit = 8388608")
        // The whole hub has 40 MiB: 2 MiB of pages here, none mapped (and so no SIGBUS from a failing disk).
        try execute("PRAGMA cache_size = -2048")
        try execute("PRAGMA mmap_size = 0")
        // Sorting must go on when the disk is full. Deleted rows need no wiping.
        try execute("PRAGMA temp_store = MEMORY")
        try execute("PRAGMA secure_delete = OFF")
        if let pageLimit { _ = try text("PRAGMA max_page_count = \(pageLimit)") }

        try Migration.run(migrations, from: version, on: self)
        configure(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
    }

    deinit { close() }

    /// Writes the log back into the file and removes it, unless the file is to be left as it is. The end of this
    /// connection's use.
    func close(leavingFileAlone: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        statements.removeAll()
        if leavingFileAlone { configure(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) }
        sqlite3_close_v2(handle)
    }

    /// The prepared statement for `sql`, compiled once. Finish with it before asking for it again.
    func statement(_ sql: StaticString) throws(StoreError) -> Statement {
        let key = StatementKey(start: sql.utf8Start)
        if let known = statements[key] { return known }
        let made = try Statement(
            UnsafeBufferPointer(start: sql.utf8Start, count: sql.utf8CodeUnitCount), on: handle, keeps: true)
        statements[key] = made
        return made
    }

    /// A statement for this one use.
    func statement(composed sql: String) throws(StoreError) -> Statement {
        let bytes = Array(sql.utf8)
        let result: Result<Statement, StoreError> = bytes.withUnsafeBufferPointer { buffer in
            do throws(StoreError) { return .success(try Statement(buffer, on: handle, keeps: false)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Runs statements that take no values and answer nothing, separated by semicolons.
    func execute(_ sql: String) throws(StoreError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        if code != SQLITE_OK { throw StoreError(from: handle, code, sql: sql) }
    }

    /// The first column of the first row, as text; for pragmas.
    func text(_ sql: String) throws(StoreError) -> String? { try statement(composed: sql).first { $0.text(0) } }

    func integer(_ sql: String) throws(StoreError) -> Int64? { try statement(composed: sql).first { $0.integer(0) } }

    /// Whether the file still begins as SQLite's do, which pages kept in memory hide. Read through SQLite's own descriptor:
    /// closing another one would drop its locks (fcntl(2)).
    var hasHeader: Bool {
        var file: UnsafeMutablePointer<sqlite3_file>?
        let code = sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file)
        guard code == SQLITE_OK, let file, let read = file.pointee.pMethods?.pointee.xRead else { return true }
        var header = [UInt8](repeating: 0, count: 16)
        return switch read(file, &header, 16, 0) {
        case SQLITE_OK: header == Array("SQLite format 3\0".utf8)
        case SQLITE_IOERR | (2 << 8): false  // SQLITE_IOERR_SHORT_READ, a macro that Swift does not import
        default: true
        }
    }

    /// Rows touched by the last statement that wrote.
    var changes: Int { Int(sqlite3_changes(handle)) }

    /// All of `body`, or nothing of it.
    func transaction<Answer>(_ body: () throws(StoreError) -> Answer) throws(StoreError) -> Answer {
        try statement("BEGIN IMMEDIATE").run()
        do throws(StoreError) {
            let answer = try body()
            try statement("COMMIT").run()
            return answer
        } catch {
            // After some errors SQLite has rolled back already. When this fails too, the first error is the one to
            // throw.
            if sqlite3_get_autocommit(handle) == 0 { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
            throw error
        }
    }

    private func configure(_ option: Int32, _ on: Bool) {
        _ = midihub_sqlite3_db_config(handle, option, on ? 1 : 0)
    }

    /// The file holds addresses, which are not public; SQLite gives its log and index the same mode. Only where there
    /// is no file yet: closing any descriptor of an open database would drop SQLite's locks (fcntl(2)).
    private static func createPrivately(_ path: String) throws(StoreError) {
        let number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if number >= 0 {
            _ = Glibc.close(number)
            return
        }
        let reason = errno
        if reason == EEXIST { return }
        throw StoreError(extendedCode: SQLITE_CANTOPEN, systemError: reason, message: "cannot make \(path)")
    }
}

/// A statement's place in the program text: quicker to look up than the text.
private struct StatementKey: Hashable {
    let start: UnsafePointer<UInt8>
}

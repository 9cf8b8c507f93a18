import CSQLite
import Glibc

/// The file on disk: opens it, and when it is damaged moves it out of the way with all that belongs to it, so that
/// people can try to save something from it.
struct DatabaseFile {
    let path: String
    private let pageLimit: Int?
    private let migrations: [Migration]
    /// Sentences for people that `drainNotices` has not returned yet.
    var notices: [String] = []
    /// Whether the next file begun follows one that was lost.
    private var followsLost = false
    /// Which file was opened last.
    private var identity: Identity?

    private struct Identity: Equatable {
        let device: dev_t
        let inode: ino_t
    }

    init(path: String, pageLimit: Int?, migrations: [Migration]) {
        self.path = Self.resolved(path)
        self.pageLimit = pageLimit
        self.migrations = migrations
    }

    /// A connection to the file, to a new one where there was none or only a damaged one.
    mutating func open() throws(StoreError) -> Connection {
        let wasEmpty = size(path) == 0
        if wasEmpty, let log = size(path + "-wal"), log > 0 {
            // SQLite would delete the log without reporting it.
            try setAside(because: "it is empty, though its log is not")
            return try connect()
        }
        do throws(StoreError) {
            let connection = try connect()
            if wasEmpty { notices.append("The database \(path) was an empty file; recording begins anew.") }
            return connection
        } catch {
            guard error.kind == .damaged else { throw error }
            try setAside(because: error.message)
            return try connect()
        }
    }

    /// Why what `connection` writes to is not the file that others find at this path; nil where it is.
    func loss(of connection: Connection) -> String? {
        switch status(path) {
        case nil: return errno == ENOENT ? "it was deleted" : nil
        case let found? where Identity(device: found.st_dev, inode: found.st_ino) != identity:
            return "another file was put in its place"
        case _?: return connection.hasHeader ? nil : "it was overwritten"
        }
    }

    /// The file was taken from under us: what is at its place now stays there unless it is what was overwritten. The
    /// log beside it belongs to the one that is gone, and SQLite would apply it to the one that came.
    mutating func giveUp(because reason: String) throws(StoreError) {
        let isStillThere = status(path).map { Identity(device: $0.st_dev, inode: $0.st_ino) } == identity
        try setAside(because: reason, withFile: isStillThere)
    }

    /// Renames the file to `PATH.damaged-YYYYMMDD-HHMMSS` (UTC), its companions likewise, and says so. Nothing is
    /// overwritten. No connection may be open.
    mutating func setAside(because reason: String, withFile: Bool = true) throws(StoreError) {
        let companions = ["-journal", "-shm", "-wal"]
        let stem = "\(path).damaged-\(Self.stamp(.now))"
        var name = stem
        var number = 2
        while ([""] + companions).contains(where: { size(name + $0) != nil }) {
            name = "\(stem)-\(number)"
            number += 1
        }
        // The database last: if we die in between, it is still there to be found damaged.
        let left = (companions + (withFile ? [""] : [])).filter { size(path + $0) != nil }
        for companion in left { try move(path + companion, to: name + companion) }
        followsLost = true
        let kept = left.isEmpty ? "" : withFile ? "It is kept as \(name); " : "What is left of it is \(name)*; "
        notices.append("The database was damaged (\(reason)). \(kept)recording begins anew.")
    }

    private mutating func connect() throws(StoreError) -> Connection {
        let isNew = size(path) == nil
        let connection: Connection
        do throws(StoreError) {
            connection = try Connection(path: path, pageLimit: pageLimit, migrations: migrations)
        } catch {
            // An empty file, as a full disk leaves it, would later look like one that was emptied.
            if isNew, size(path) == 0 { unlink(path) }
            throw error
        }
        if followsLost {
            try connection.skipLostIDs(now: .now)
            followsLost = false
        }
        identity = status(path).map { Identity(device: $0.st_dev, inode: $0.st_ino) }
        return connection
    }

    private mutating func move(_ old: String, to new: String) throws(StoreError) {
        if rename(old, new) == 0 { return }
        let reason = errno
        let notice = "The database \(path) is damaged and cannot be moved away: \(String(cString: strerror(reason)))."
        if notices.last != notice { notices.append(notice) }
        throw StoreError(
            extendedCode: SQLITE_CORRUPT, systemError: reason, message: "damaged, and cannot be renamed to \(new)")
    }

    /// In bytes; nil where there is no such file.
    private func size(_ path: String) -> Int? { status(path).map { Int($0.st_size) } }

    private func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    private static func stamp(_ moment: Timestamp) -> String {
        var seconds = time_t(moment.milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))"
            + "-\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))"
    }

    /// SQLite puts the log beside the file that a link leads to, so that is where we work.
    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }
}

extension Connection {
    /// Makes the ids of a new file begin where those of the lost one cannot have come to: at the time in seconds.
    /// Followers that go by event id, and a hub that still holds visits, are then not confused.
    fileprivate func skipLostIDs(now: Timestamp) throws(StoreError) {
        try transaction { () throws(StoreError) in
            for table in ["visit", "event"] where try lastID(of: table) == 0 {
                try statement("INSERT INTO sqlite_sequence VALUES (?, ?)").run(table, now.milliseconds / 1000)
            }
        }
    }
}

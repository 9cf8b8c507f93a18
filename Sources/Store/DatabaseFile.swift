import CSQLite
import Glibc

/// The file on disk: opens it, and when it is damaged moves it out of the way with all that belongs to it, so that
/// people can try to save something from it.
struct DatabaseFile {
    let path: String
    private let pageLimit: Int?
    /// Sentences for people that nobody has taken yet.
    var notices: [String] = []
    /// Whether the next file begun follows one that was lost.
    private var followsLost = false

    init(path: String, pageLimit: Int?) {
        self.path = Self.resolved(path)
        self.pageLimit = pageLimit
    }

    /// A connection to the file, to a new one where there was none or only a damaged one.
    mutating func open() throws(StoreError) -> Connection {
        if size(path) == 0 {
            if let log = size(path + "-wal"), log > 0 {
                // SQLite would delete the log without a word.
                try setAside(because: "it is empty, though its log is not")
            } else {
                notices.append("The database \(path) was an empty file; recording begins anew.")
            }
        }
        do throws(StoreError) { return try connect() } catch {
            guard error.kind == .damaged else { throw error }
            try setAside(because: error.message)
        }
        return try connect()
    }

    /// Renames the file to `PATH.damaged-YYYYMMDD-HHMMSS` (UTC), its companions likewise, and says so. Nothing is
    /// overwritten. No connection may be open.
    mutating func setAside(because reason: String) throws(StoreError) {
        let companions = ["-journal", "-shm", "-wal"]
        let stem = "\(path).damaged-\(Self.stamp(.now))"
        var name = stem
        var number = 2
        while ([""] + companions).contains(where: { size(name + $0) != nil }) {
            name = "\(stem)-\(number)"
            number += 1
        }
        // The database last: if we die in between, it is still there to be found damaged.
        for companion in companions where size(path + companion) != nil {
            try move(path + companion, to: name + companion)
        }
        try move(path, to: name)
        followsLost = true
        notices.append("The database was damaged (\(reason)). It is kept as \(name); recording begins anew.")
    }

    private mutating func connect() throws(StoreError) -> Connection {
        let connection = try Connection(path: path, pageLimit: pageLimit)
        if followsLost {
            try connection.skipLostIDs(now: .now)
            followsLost = false
        }
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
    private func size(_ path: String) -> Int? {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    private static func stamp(_ moment: Moment) -> String {
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
    fileprivate func skipLostIDs(now: Moment) throws(StoreError) {
        try transaction { () throws(StoreError) in
            for table in ["visit", "event"] where try lastID(of: table) == 0 {
                try statement("INSERT INTO sqlite_sequence VALUES (?, ?)").run(table, now.milliseconds / 1000)
            }
        }
    }
}

import CSQLite

/// A Swift value that stands for a `?` in a statement.
protocol Bindable {
    /// Answers SQLite's result code.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32
}

extension Int64: Bindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, self) }
}

extension String: Bindable {
    /// With its length, as names may hold NUL; SQLite takes a copy.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        // SQLITE_TRANSIENT is a cast in a macro, which Swift does not import.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        // A nil pointer would bind NULL, and an empty string may have one.
        if isEmpty { return sqlite3_bind_text(statement, index, "", 0, copied) }
        var text = self
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text64(
                    statement, index, $0.baseAddress, sqlite3_uint64($0.count), copied, UInt8(SQLITE_UTF8))
            }
        }
    }
}

extension Timestamp: Bindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { milliseconds.bind(to: statement, at: index) }
}

extension Optional: Bindable where Wrapped: Bindable {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        guard let self else { return sqlite3_bind_null(statement, index) }
        return self.bind(to: statement, at: index)
    }
}

/// A prepared statement, finalised when it goes. Used by one thread at a time, as its connection is.
final class Statement {
    private let handle: OpaquePointer

    /// Compiles `sql` for `database`; `keeps` says that it will be used many times.
    init(_ sql: UnsafeBufferPointer<UInt8>, on database: OpaquePointer, keeps: Bool) throws(StoreError) {
        var prepared: OpaquePointer?
        let flags = keeps ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
        let code = sql.withMemoryRebound(to: CChar.self) {
            sqlite3_prepare_v3(database, $0.baseAddress, Int32($0.count), flags, &prepared, nil)
        }
        guard code == SQLITE_OK, let prepared else {
            throw StoreError(from: database, code, sql: String(decoding: sql, as: UTF8.self))
        }
        handle = prepared
    }

    deinit { sqlite3_finalize(handle) }

    /// Runs to the end, for statements whose rows are of no interest.
    func run<each Value: Bindable>(_ values: repeat each Value) throws(StoreError) {
        defer { sqlite3_reset(handle) }
        try bind(repeat each values)
        while try step() {}
    }

    /// Calls `body` for each row, in order, until it answers false.
    func forEach<each Value: Bindable>(
        _ values: repeat each Value, while body: (borrowing Row) -> Bool
    ) throws(StoreError) {
        defer { sqlite3_reset(handle) }
        try bind(repeat each values)
        let row = Row(statement: handle)
        while try step(), body(row) {}
    }

    /// Every row as `read` makes it.
    func rows<Element, each Value: Bindable>(
        _ values: repeat each Value, as read: (borrowing Row) -> Element
    ) throws(StoreError) -> [Element] {
        var elements: [Element] = []
        try forEach(repeat each values) { row in
            elements.append(read(row))
            return true
        }
        return elements
    }

    /// The first row as `read` makes it, or nil.
    func first<Element, each Value: Bindable>(
        _ values: repeat each Value, as read: (borrowing Row) -> Element
    ) throws(StoreError) -> Element? {
        var element: Element?
        try forEach(repeat each values) { row in
            element = read(row)
            return false
        }
        return element
    }

    /// As `rows`, where the number of values is known only at run time.
    func rows<Element>(binding values: [any Bindable], as read: (borrowing Row) -> Element) throws(StoreError)
        -> [Element]
    {
        for (index, value) in values.enumerated() { try check(value.bind(to: handle, at: Int32(index + 1))) }
        return try rows(as: read)
    }

    private func bind<each Value: Bindable>(_ values: repeat each Value) throws(StoreError) {
        var index: Int32 = 0
        for value in repeat each values {
            index += 1
            try check(value.bind(to: handle, at: index))
        }
    }

    private func step() throws(StoreError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw error(code)
        }
    }

    private func check(_ code: Int32) throws(StoreError) {
        if code != SQLITE_OK { throw error(code) }
    }

    private func error(_ code: Int32) -> StoreError {
        StoreError(from: sqlite3_db_handle(handle), code, sql: sqlite3_sql(handle).map { String(cString: $0) } ?? "")
    }
}

/// The row a statement stands on; columns count from 0. A column of another type than asked for is converted by
/// SQLite's rules and never traps: the file may have been edited by hand.
struct Row: ~Copyable {
    fileprivate let statement: OpaquePointer

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    func moment(_ column: Int32) -> Timestamp { Timestamp(milliseconds: integer(column)) }

    func text(_ column: Int32) -> String {
        // The pointer first: it may convert, which changes the length (https://sqlite.org/c3ref/column_blob.html).
        guard let start = sqlite3_column_text(statement, column) else { return "" }
        let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
        return String(decoding: bytes, as: UTF8.self)
    }

    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    /// Two neighbouring columns, the earliest moment and the latest.
    func when(_ column: Int32) -> TimeRange { TimeRange(earliest: moment(column), latest: moment(column + 1)) }
}

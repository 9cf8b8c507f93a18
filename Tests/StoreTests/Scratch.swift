import CSQLite
import Foundation
import Store
import Testing

/// A directory of the test's own, removed with it.
final class Scratch: Sendable {
    let directory: String
    var path: String { directory + "/hub.sqlite" }

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/store-XXXXXX").utf8CString)
        directory = String(cString: try #require(mkdtemp(&template)))
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Names in the directory, sorted.
    var files: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted() }

    func bytes(_ name: String = "hub.sqlite") throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name)))
    }

    func write(_ bytes: [UInt8], to name: String = "hub.sqlite") throws {
        try Data(bytes).write(to: URL(fileURLWithPath: directory + "/" + name))
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: directory + "/" + name) }
}

/// The file as another program sees it: SQLite without our module.
final class Stranger {
    private let handle: OpaquePointer

    init(_ path: String) throws {
        var opened: OpaquePointer?
        try #require(sqlite3_open(path, &opened) == SQLITE_OK)
        handle = try #require(opened)
    }

    deinit { sqlite3_close_v2(handle) }

    /// Runs `sql` and answers the first column of its last row.
    @discardableResult
    func run(_ sql: String) throws -> String? {
        var answer: String?
        let code = withUnsafeMutablePointer(to: &answer) { target in
            sqlite3_exec(
                handle, sql,
                { target, _, values, _ in
                    let text = values?[0].map { String(cString: $0) }
                    target?.assumingMemoryBound(to: String?.self).pointee = text
                    return 0
                }, target, nil)
        }
        try #require(code == SQLITE_OK, "\(String(cString: sqlite3_errmsg(handle))) in \(sql)")
        return answer
    }
}

func moment(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }
func exactly(_ milliseconds: Int64) -> TimeRange { TimeRange(moment(milliseconds)) }

/// A visit where only what matters needs saying.
func visit(
    _ id: Int64, name: String = "Piano", room: String = "5004", port: UInt16 = 5004, joined: Int64 = 0,
    left: Int64? = nil
) -> Visit {
    Visit(
        id: id, room: room, engine: "engine", port: port, name: name, joined: exactly(joined),
        left: left.map { exactly($0) })
}

/// What a graph of one visit shows.
func points(
    _ database: Database, of visit: Int64 = 1, from: Int64 = 0, to: Int64 = .max, step: Int64 = 1, limit: Int = 20_000
) async throws -> [LatencyPoint] {
    let filter = LatencyFilter(visit: visit, from: moment(from), to: moment(to), step: step)
    return try await database.latency(filter, limit: limit).points.map(\.point)
}

func sample(
    _ visit: Int64, at milliseconds: Int64, _ roundTrip: Int64, _ trust: LatencySample.Trust = .confirmed
) -> Change {
    .latency(LatencySample(visit: visit, at: exactly(milliseconds), roundTrip: roundTrip, trust: trust))
}

func event(_ text: String, at milliseconds: Int64 = 0, kind: EventKind = .joined) -> Change {
    .event(EventRecord(at: exactly(milliseconds), kind: kind, text: text))
}

func offset(_ position: Int64) -> Change {
    .offset(TailOffset(log: "engine", device: 1, inode: 2, offset: position))
}

/// The kind of the error that `body` throws, nil where it throws none.
func kind(_ body: () async throws -> Void) async -> StoreError.Kind? {
    do {
        try await body()
        return nil
    } catch { return (error as? StoreError)?.kind }
}

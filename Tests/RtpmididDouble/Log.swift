import Glibc

/// A text made of literals, values and raw bytes: names from the network are copied as they are, valid UTF-8 or not.
struct Text: ExpressibleByStringInterpolation {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }
    init(stringLiteral value: String) { bytes = Array(value.utf8) }
    init(stringInterpolation: StringInterpolation) { bytes = stringInterpolation.bytes }

    struct StringInterpolation: StringInterpolationProtocol {
        var bytes: [UInt8] = []
        init(literalCapacity: Int, interpolationCount: Int) { bytes.reserveCapacity(literalCapacity + 32) }
        mutating func appendLiteral(_ literal: String) { bytes += literal.utf8 }
        mutating func appendInterpolation(_ raw: [UInt8]) { bytes += raw }
        mutating func appendInterpolation(_ value: some CustomStringConvertible) { bytes += value.description.utf8 }
    }
}

/// rtpmidid's log of 24.12 and later: one record a line on standard output, flushed at once, always coloured, never timed.
///
///     [INFO ] main.cpp:171                     | Waiting for connections.ESC[0m
///
/// A record is at most about 1 kB: the message is cut, the colour is still reset. What names hold is not escaped.
struct Log {
    enum Level: Int, Comparable {
        case debug, info, warning, error

        static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }

        var word: String {
            switch self {
            case .debug: "DEBUG"
            case .info: "INFO "
            case .warning: "WARN "
            case .error: "ERROR"
            }
        }

        var colour: String {
            switch self {
            case .debug: "\u{1b}[1;34m"
            case .info: ""
            case .warning: "\u{1b}[1;33m"
            case .error: "\u{1b}[1;31m"
            }
        }

        /// As `--log-level` and `log_level` take it.
        init?(word: String) {
            switch word.lowercased() {
            case "debug", "0": self = .debug
            case "info", "1": self = .info
            case "warning", "2": self = .warning
            case "error", "3": self = .error
            default: return nil
            }
        }
    }

    /// Records below it are not written.
    var threshold = Level.info

    /// `location` is file and line in rtpmidid 26.01: the file is stable between versions, the line is not.
    func write(_ level: Level, _ location: String, _ message: Text) {
        guard level >= threshold else { return }
        let head = "[\(level.word)] \(location)"
        let padding = String(repeating: " ", count: max(0, 40 - head.utf8.count))
        let opening = Array("\(level.colour)\(head)\(padding) | ".utf8)
        raw(opening + message.bytes.prefix(1024 - opening.count - 16) + Array("\u{1b}[0m\n".utf8))
    }

    func debug(_ location: String, _ message: Text) { write(.debug, location, message) }
    func info(_ location: String, _ message: Text) { write(.info, location, message) }
    func warning(_ location: String, _ message: Text) { write(.warning, location, message) }
    func error(_ location: String, _ message: Text) { write(.error, location, message) }

    /// Writes bytes as they are, also those of a forged record. A closed reader kills by SIGPIPE, as it does the real one.
    func raw(_ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let rest = bytes[done...]
            let count = rest.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            done += max(0, count)
        }
    }
}

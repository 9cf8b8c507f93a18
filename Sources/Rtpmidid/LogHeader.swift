/// The front of a record: which format, which level, which source file.
struct LogHeader {
    enum Level { case debug, info, warning, error, untold }

    let format: LogFormat
    let level: Level
    let file: LineCursor
    let isColoured: Bool

    /// Takes the header off a line, and for 24.12 on the closing `ESC[0m` too. Nil: not a record.
    init?(taking line: inout LineCursor) {
        var rest = line
        var isColoured = false
        switch rest[0] {
        case UInt8(ascii: "[") where rest.consume("[INFO ] "):
            (format, level) = (.levelled, .info)
        case 0x1b where rest.consume("\u{1b}[1;"):
            (format, isColoured) = (.levelled, true)
            if rest.consume("33m[WARN ] ") {
                level = .warning
            } else if rest.consume("34m[DEBUG] ") {
                level = .debug
            } else if rest.consume("31m[ERROR] ") {
                level = .error
            } else {
                return nil
            }
        case 0x1b where rest.consume("\u{1b}[0;3"):
            guard !rest.isEmpty, [0x37, 0x34, 0x33, 0x31].contains(rest[0]) else { return nil }
            rest.drop(1)
            guard rest.consume("m["), Self.consumeTime(&rest), rest.consume("] ") else { return nil }
            (format, level) = (.timed, .untold)
        case UInt8(ascii: "["):
            (format, level) = (.plain, .untold)
        case UInt8(ascii: " ") where rest.consume(" "):
            (format, level) = (.blank, .untold)
        default:
            return nil
        }
        if format != .levelled, !rest.consume("[") { return nil }
        guard let file = Self.readFile(&rest) else { return nil }
        switch format {
        case .levelled:
            guard rest.consume(while: { $0 == 0x20 }) > 0, rest.consume("| "), rest.consumeLast("\u{1b}[0m") else {
                return nil
            }
        case .timed:
            guard rest.consume("]\u{1b}[0m ") else { return nil }
        case .plain, .blank:
            guard rest.consume("] ") else { return nil }
        }
        self.file = file
        self.isColoured = isColoured
        line = rest
    }

    /// `file.cpp:12`; the file is what is returned.
    private static func readFile(_ rest: inout LineCursor) -> LineCursor? {
        let whole = rest
        let length = rest.consume { (0x61...0x7a ~= $0) || (0x41...0x5a ~= $0) || LineCursor.isDigit($0) || $0 == 0x5f }
        guard length > 0, rest.consume(".cpp:") || rest.consume(".hpp:"), rest.readNumber() != nil else { return nil }
        return whole.prefix(length)
    }

    /// `2026-11-20T23:51:41Z`
    private static func consumeTime(_ rest: inout LineCursor) -> Bool {
        let shape: StaticString = "dddd-dd-ddTdd:dd:ddZ"
        guard rest.count >= shape.utf8CodeUnitCount else { return false }
        for index in 0..<shape.utf8CodeUnitCount {
            let wanted = shape.utf8Start[index]
            if wanted == UInt8(ascii: "d") ? !LineCursor.isDigit(rest[index]) : rest[index] != wanted { return false }
        }
        rest.drop(shape.utf8CodeUnitCount)
        return true
    }
}

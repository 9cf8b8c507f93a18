/// Reads JSON with the error texts of rtpmidid's library (nlohmann 3), which its clients see word by word.
struct JSONParser {
    /// The exception's text.
    struct Failure: Error { let what: String }

    private let input: [UInt8]
    private var position = 0
    private var line = 1
    private var column = 0
    /// Characters since the last string or number began, for "last read".
    private var token: [UInt8] = []

    private enum Token {
        case punctuation(UInt8)
        case value(JSON)
        case end

        var name: String {
            switch self {
            case .punctuation(let byte): "'\(Character(UnicodeScalar(byte)))'"
            case .value(.string): "string literal"
            case .value(.null): "null literal"
            case .value(.bool(let value)): "\(value) literal"
            case .value: "number literal"
            case .end: "end of input"
            }
        }
    }

    private init(_ input: [UInt8]) { self.input = input }

    static func parse(_ input: [UInt8]) throws(Failure) -> JSON {
        var parser = JSONParser(input)
        let value = try parser.value(from: try parser.next("value"), "value", depth: 0)
        let rest = try parser.next("value")
        guard case .end = rest else { throw parser.unexpected(rest, "value", expected: "end of input") }
        return value
    }

    private mutating func value(from first: Token, _ context: String, depth: Int) throws(Failure) -> JSON {
        guard depth < 256 else { throw Failure(what: "nested too deeply for the double") }
        switch first {
        case .value(let value): return value
        case .punctuation(UInt8(ascii: "{")): return try object(depth: depth)
        case .punctuation(UInt8(ascii: "[")): return try array(depth: depth)
        case .end, .punctuation: throw unexpected(first, "value", expected: "'[', '{', or a literal")
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSON {
        var members: [String: JSON] = [:]
        var next = try next("object key")
        if case .punctuation(UInt8(ascii: "}")) = next { return .object(members) }
        while true {
            guard case .value(.string(let key)) = next else {
                throw unexpected(next, "object key", expected: "string literal")
            }
            next = try self.next("object separator")
            guard case .punctuation(UInt8(ascii: ":")) = next else {
                throw unexpected(next, "object separator", expected: "':'")
            }
            members[String(decoding: key, as: UTF8.self)] = try value(
                from: try self.next("value"), "value", depth: depth + 1)
            next = try self.next("object")
            switch next {
            case .punctuation(UInt8(ascii: "}")): return .object(members)
            case .punctuation(UInt8(ascii: ",")): next = try self.next("object key")
            default: throw unexpected(next, "object", expected: "'}'")
            }
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> JSON {
        var items: [JSON] = []
        var next = try next("value")
        if case .punctuation(UInt8(ascii: "]")) = next { return .array(items) }
        while true {
            items.append(try value(from: next, "value", depth: depth + 1))
            next = try self.next("array")
            switch next {
            case .punctuation(UInt8(ascii: "]")): return .array(items)
            case .punctuation(UInt8(ascii: ",")): next = try self.next("value")
            default: throw unexpected(next, "array", expected: "']'")
            }
        }
    }

    // MARK: Tokens

    private mutating func next(_ context: String) throws(Failure) -> Token {
        while let byte = peek, byte == 32 || byte == 9 || byte == 10 || byte == 13 { _ = read() }
        guard let byte = read() else { return .end }
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ":"),
            UInt8(ascii: ","):
            return .punctuation(byte)
        case UInt8(ascii: "t"): return try literal("true", .bool(true), context)
        case UInt8(ascii: "f"): return try literal("false", .bool(false), context)
        case UInt8(ascii: "n"): return try literal("null", .null, context)
        case UInt8(ascii: "\""):
            token = [byte]
            return .value(.string(try string(context)))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            token = [byte]
            return .value(try number(context))
        default: throw invalid("invalid literal", context)
        }
    }

    private mutating func literal(_ word: String, _ value: JSON, _ context: String) throws(Failure) -> Token {
        for expected in word.utf8.dropFirst() {
            guard read() == expected else { throw invalid("invalid literal", context) }
        }
        return .value(value)
    }

    private mutating func string(_ context: String) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            guard let byte = read() else { throw invalid("invalid string: missing closing quote", context) }
            switch byte {
            case UInt8(ascii: "\""): return bytes
            case 0..<32:
                let (code, name) = ("00" + hexDigits(byte, upper: true), Self.controlNames[Int(byte)])
                throw invalid(
                    "invalid string: control character U+\(code) (\(name)) must be escaped to \\u\(code)", context)
            case UInt8(ascii: "\\"): bytes += try escaped(context)
            default: bytes.append(byte)
            }
        }
    }

    private mutating func escaped(_ context: String) throws(Failure) -> [UInt8] {
        switch read() {
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "u"):
            var code: UInt32 = 0
            for _ in 0..<4 {
                guard let digit = read().flatMap({ Character(UnicodeScalar($0)).hexDigitValue }) else {
                    throw invalid("invalid string: '\\u' must be followed by 4 hex digits", context)
                }
                code = code << 4 | UInt32(digit)
            }
            return Array(String(UnicodeScalar(code).map(Character.init) ?? "\u{fffd}").utf8)
        case .some(let byte) where "\"\\/".utf8.contains(byte): return [byte]
        default: throw invalid("invalid string: forbidden character after backslash", context)
        }
    }

    private mutating func number(_ context: String) throws(Failure) -> JSON {
        if token == [UInt8(ascii: "-")] {
            guard let byte = read(), (48...57).contains(byte) else {
                throw invalid("invalid number; expected digit after '-'", context)
            }
        }
        // A leading zero ends the whole part.
        if token.last != UInt8(ascii: "0") { readDigits() }
        if peek == UInt8(ascii: ".") {
            _ = read()
            readDigits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            _ = read()
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { _ = read() }
            readDigits()
        }
        let text = String(decoding: token, as: UTF8.self)
        if let integer = Int(text) { return .integer(integer) }
        if let number = Double(text) { return .number(number) }
        throw invalid("invalid number; expected '+', '-', or digit after exponent", context)
    }

    private mutating func readDigits() {
        while let byte = peek, (48...57).contains(byte) { _ = read() }
    }

    private static let controlNames = [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI", "DLE",
        "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
    ]

    private var peek: UInt8? { position < input.count ? input[position] : nil }

    /// Counts as the library does: the end of input is a column of its own.
    private mutating func read() -> UInt8? {
        column += 1
        guard let byte = peek else { return nil }
        position += 1
        token.append(byte)
        if byte == 10 {
            line += 1
            column = 0
        }
        return byte
    }

    private func failure(_ context: String, _ rest: String) -> Failure {
        Failure(
            what: "[json.exception.parse_error.101] parse error at line \(line), column \(column): "
                + "syntax error while parsing \(context) - \(rest)")
    }

    private func invalid(_ why: String, _ context: String) -> Failure {
        let read = token.map { $0 < 32 ? Array("<U+00\(hexDigits($0, upper: true))>".utf8) : [$0] }.joined()
        return failure(context, "\(why); last read: '\(String(decoding: Array(read), as: UTF8.self))'")
    }

    private func unexpected(_ token: Token, _ context: String, expected: String) -> Failure {
        failure(context, "unexpected \(token.name); expected \(expected)")
    }
}

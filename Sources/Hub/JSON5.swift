/// A value of a JSON5 text (https://spec.json5.org) that knows where it stands, so that whoever reads it can say what is
/// wrong in which line. Foundation decodes JSON5 too, but tells no place, keeps the last of two equal keys, and cuts 5.5 to 5.
struct JSON5: Equatable {
    enum Content: Equatable {
        case null
        case bool(Bool)
        /// With the number as it is written.
        case number(Double, written: String)
        case text(String)
        case list([JSON5])
        case object([Member])
    }
    struct Member: Equatable {
        let key: String
        /// In quotes, as JSON has it.
        let isQuoted: Bool
        let line: Int
        let value: JSON5
    }
    struct Trouble: Error, Equatable, CustomStringConvertible { let description: String }

    let content: Content
    /// From 1 on.
    let line: Int

    /// The text's one value. What is wrong is told as "not JSON5: line 3, column 7: expected a value".
    static func value(of text: String) throws(Trouble) -> JSON5 {
        var reader = JSON5Reader(Array(text.unicodeScalars))
        return try reader.whole()
    }
}

/// Reads on, scalar by scalar.
private struct JSON5Reader {
    private let text: [Unicode.Scalar]
    private var index = 0
    private var line = 1
    private var lineStart = 0
    private static let deepest = 64

    init(_ text: [Unicode.Scalar]) { self.text = text }

    mutating func whole() throws(JSON5.Trouble) -> JSON5 {
        let value = try value(depth: 0)
        skipBlanks()
        guard index == text.count else { throw expected("the end of the file") }
        return value
    }

    private var next: Unicode.Scalar? { index < text.count ? text[index] : nil }

    private func expected(_ what: String) -> JSON5.Trouble {
        JSON5.Trouble(description: "not JSON5: line \(line), column \(index - lineStart + 1): expected \(what)")
    }

    private mutating func step(_ count: Int = 1) {
        for _ in 0..<count {
            // CR LF is the end of one line.
            let isCR = text[index] == "\r" && (index + 1 == text.count || text[index + 1] != "\n")
            let isEnd = text[index] == "\n" || isCR
            index += 1
            if isEnd { (line, lineStart) = (line + 1, index) }
        }
    }

    private func follows(_ word: String) -> Bool { text[index...].starts(with: word.unicodeScalars) }

    private mutating func skipBlanks() {
        while let scalar = next {
            if scalar.properties.isWhitespace || scalar == "\u{FEFF}" {
                step()
            } else if follows("//") {
                while let scalar = next, scalar != "\n", scalar != "\r" { step() }
            } else if follows("/*") {
                step(2)
                while next != nil, !follows("*/") { step() }
                if next != nil { step(2) }
            } else {
                return
            }
        }
    }

    private mutating func consume(_ wanted: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard next == wanted else { return false }
        step()
        return true
    }

    private mutating func value(depth: Int) throws(JSON5.Trouble) -> JSON5 {
        skipBlanks()
        guard depth < Self.deepest else { throw expected("less nesting") }
        let line = line
        switch next {
        case "{":
            var members: [JSON5.Member] = []
            var lines: [String: Int] = [:]
            try list(until: "}") { reader throws(JSON5.Trouble) in
                let member = try reader.member(depth)
                if let first = lines.updateValue(member.line, forKey: member.key) {
                    let text = "\(member.key): stands there for the second time (first in line \(first))"
                    throw JSON5.Trouble(description: "line \(member.line): \(text)")
                }
                members.append(member)
            }
            return JSON5(content: .object(members), line: line)
        case "[":
            var values: [JSON5] = []
            try list(until: "]") { reader throws(JSON5.Trouble) in values.append(try reader.value(depth: depth + 1)) }
            return JSON5(content: .list(values), line: line)
        case "\"", "'": return JSON5(content: .text(try quoted()), line: line)
        default: return JSON5(content: try word(), line: line)
        }
    }

    private mutating func list(
        until end: Unicode.Scalar, _ item: (inout JSON5Reader) throws(JSON5.Trouble) -> Void
    ) throws(JSON5.Trouble) {
        step()
        while !consume(end) {
            try item(&self)
            if consume(",") { continue }
            guard consume(end) else { throw expected("\",\" or \"\(end)\"") }
            return
        }
    }

    private mutating func member(_ depth: Int) throws(JSON5.Trouble) -> JSON5.Member {
        skipBlanks()
        let line = line
        let isQuoted = next == "\"" || next == "'"
        let key = isQuoted ? try quoted() : name()
        guard isQuoted || !key.isEmpty else { throw expected("a key") }
        guard consume(":") else { throw expected("\":\"") }
        return JSON5.Member(key: key, isQuoted: isQuoted, line: line, value: try value(depth: depth + 1))
    }

    /// A key without quotes, a number, a word: what has no blank or sign in it. Escapes, which JSON5 allows in names, are not
    /// understood.
    private mutating func name() -> String {
        var name = ""
        while let scalar = next,
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "_$+-.".unicodeScalars.contains(scalar)
        {
            name.unicodeScalars.append(scalar)
            step()
        }
        return name
    }

    private mutating func word() throws(JSON5.Trouble) -> JSON5.Content {
        let before = self
        let word = name()
        switch word {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            if let number = Self.number(word) { return .number(number, written: word) }
            self = before
            throw expected(word.isEmpty ? "a value" : "a value (text stands in quotes)")
        }
    }

    private static func number(_ word: String) -> Double? {
        var digits = word[...]
        let sign = digits.first == "-" ? -1.0 : 1
        if let first = digits.first, first == "-" || first == "+" { digits = digits.dropFirst() }
        if digits == "Infinity" { return sign * .infinity }
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            return UInt64(digits.dropFirst(2), radix: 16).map { sign * Double($0) }
        }
        // What Double takes beyond that begins with a letter or is hexadecimal.
        guard let first = digits.first, first.isNumber || first == ".", !digits.contains("x"), !digits.contains("p")
        else { return nil }
        return Double(digits).map { sign * $0 }
    }

    private mutating func quoted() throws(JSON5.Trouble) -> String {
        let before = self
        let quote = text[index]
        step()
        var result = ""
        while let scalar = next, scalar != quote, scalar != "\n", scalar != "\r" {
            if scalar == "\\" {
                step()
                guard let escaped = try escape() else { continue }
                result.unicodeScalars.append(escaped)
            } else {
                result.unicodeScalars.append(scalar)
                step()
            }
        }
        guard next == quote else {
            self = before
            throw expected("a closing \(quote) on the same line")
        }
        step()
        return result
    }

    /// What stands behind a backslash; nil for the end of a line, which the text goes on after.
    private mutating func escape() throws(JSON5.Trouble) -> Unicode.Scalar? {
        guard let scalar = next else { throw expected("more after the backslash") }
        switch scalar {
        case "x", "u":
            let before = self
            let count = scalar == "x" ? 2 : 4
            step()
            var code = hex(count)
            if let high = code, (0xD800...0xDBFF).contains(high), follows("\\u") {
                step(2)
                code = hex(4).flatMap {
                    (0xDC00...0xDFFF).contains($0) ? 0x10000 + (high - 0xD800) << 10 + ($0 - 0xDC00) : nil
                }
            }
            guard let code, let scalar = Unicode.Scalar(code) else {
                self = before
                throw expected("\(count) hex digits of a character")
            }
            return scalar
        case "\r":
            step()
            if next == "\n" { step() }
            return nil
        case "\n", "\u{2028}", "\u{2029}":
            step()
            return nil
        default:
            step()
            let controls: [Unicode.Scalar: Unicode.Scalar] = [
                "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t", "v": "\u{B}", "0": "\0",
            ]
            return controls[scalar] ?? scalar
        }
    }

    private mutating func hex(_ count: Int) -> UInt32? {
        guard index + count <= text.count else { return nil }
        let digits = String(String.UnicodeScalarView(text[index..<index + count]))
        step(count)
        return digits.allSatisfy(\.isHexDigit) ? UInt32(digits, radix: 16) : nil
    }
}

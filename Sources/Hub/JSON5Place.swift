/// Where a text stops being JSON5. Foundation decodes it but, here, does not say where it failed; this only looks for the
/// place, once something is known to be wrong (https://spec.json5.org, without its rarer escapes and numbers).
struct JSON5Place {
    private struct Unexpected: Error { let expected: String }

    private let text: [Unicode.Scalar]
    private var index = 0
    private static let deepest = 64

    /// "line 3, column 7: expected a value", or nil where nothing wrong is found.
    static func ofError(in text: String) -> String? {
        var reader = JSON5Place(text: Array(text.unicodeScalars))
        do throws(Unexpected) {
            try reader.value(depth: 0)
            reader.skipBlanks()
            if reader.index == reader.text.count { return nil }
            throw Unexpected(expected: "the end of the file")
        } catch {
            let before = reader.text[..<min(reader.index, reader.text.count)]
            let line = before.count { $0 == "\n" } + 1
            let column = before.count - (before.lastIndex(of: "\n") ?? -1)
            return "line \(line), column \(column): expected \(error.expected)"
        }
    }

    private init(text: [Unicode.Scalar]) { self.text = text }

    private var next: Unicode.Scalar? { index < text.count ? text[index] : nil }

    private mutating func skipBlanks() {
        while let scalar = next {
            if scalar.properties.isWhitespace || scalar == "\u{FEFF}" {
                index += 1
            } else if scalar == "/", index + 1 < text.count, text[index + 1] == "/" {
                while let scalar = next, scalar != "\n" { index += 1 }
            } else if scalar == "/", index + 1 < text.count, text[index + 1] == "*" {
                index += 2
                while index < text.count, !(text[index - 1] == "*" && text[index] == "/") { index += 1 }
                index = min(index + 1, text.count)
            } else {
                return
            }
        }
    }

    private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard next == wanted else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) throws(Unexpected) {
        guard depth < Self.deepest else { throw Unexpected(expected: "less nesting") }
        skipBlanks()
        switch next {
        case "{":
            try list(until: "}", depth) { reader throws(Unexpected) in
                try reader.word("a key")
                guard reader.take(":") else { throw Unexpected(expected: "\":\"") }
                try reader.value(depth: depth + 1)
            }
        case "[": try list(until: "]", depth) { reader throws(Unexpected) in try reader.value(depth: depth + 1) }
        default: try word("a value")
        }
    }

    private mutating func list(
        until end: Unicode.Scalar, _ depth: Int, _ item: (inout JSON5Place) throws(Unexpected) -> Void
    ) throws(Unexpected) {
        index += 1
        while !take(end) {
            try item(&self)
            if take(",") { continue }
            guard take(end) else { throw Unexpected(expected: "\",\" or \"\(end)\"") }
            return
        }
    }

    /// A string, a number, a name.
    private mutating func word(_ what: String) throws(Unexpected) {
        skipBlanks()
        if let quote = next, quote == "\"" || quote == "'" {
            let start = index
            index += 1
            while let scalar = next, scalar != quote, scalar != "\n" { index += scalar == "\\" ? 2 : 1 }
            guard next == quote else {
                index = start
                throw Unexpected(expected: "a closing \(quote) on the same line")
            }
            index += 1
            return
        }
        let start = index
        while let scalar = next,
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "_$+-.".unicodeScalars.contains(scalar)
        {
            index += 1
        }
        if index == start { throw Unexpected(expected: what) }
    }
}

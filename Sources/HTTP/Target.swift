/// The path and query of a request target (RFC 9112 section 3.2, RFC 3986 section 3.3), taken apart once.
///
/// Stricter than the RFCs: an encoded slash, NUL, and the segments "." and ".." are refused, so that whoever reads a path
/// later cannot be led elsewhere by it.
struct Target {
    var path: String
    var query: Query

    /// `bytes` are the target without scheme and authority, all of them `Grammar.isTarget`.
    init(_ bytes: ArraySlice<UInt8>) throws(Refusal) {
        guard bytes.first == UInt8(ascii: "/") else {
            throw Refusal(.badRequest, "The request target must start with a slash.")
        }
        let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        path = try Self.path(bytes[..<mark])
        query = mark < bytes.endIndex ? try Self.query(bytes[(mark + 1)...]) : Query()
    }

    private static func path(_ raw: ArraySlice<UInt8>) throws(Refusal) -> String {
        let text = try decoded(raw, of: "path", refusing: UInt8(ascii: "/"))
        if text.utf8.contains(UInt8(ascii: ".")) {
            for segment in text.utf8.split(separator: UInt8(ascii: "/")) where segment.count <= 2 {
                if segment.allSatisfy({ $0 == UInt8(ascii: ".") }) {
                    throw Refusal(.badRequest, "The path must not have the segments . or ..")
                }
            }
        }
        return text
    }

    private static func query(_ raw: ArraySlice<UInt8>) throws(Refusal) -> Query {
        var query = Query()
        for pair in raw.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let name = try decoded(pair[..<equals], of: "query", plusIsSpace: true)
            let value = try decoded(pair[equals...].dropFirst(), of: "query", plusIsSpace: true)
            query.pairs.append((name, value))
        }
        return query
    }

    private static func decoded(
        _ raw: ArraySlice<UInt8>, of part: String, refusing forbidden: UInt8? = nil, plusIsSpace: Bool = false
    ) throws(Refusal) -> String {
        var plain = raw
        if raw.contains(where: { $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+")) }) {
            plain = []
            var index = raw.startIndex
            while index < raw.endIndex {
                let byte = raw[index]
                index += 1
                if byte == UInt8(ascii: "+"), plusIsSpace {
                    plain.append(UInt8(ascii: " "))
                } else if byte == UInt8(ascii: "%") {
                    guard index + 1 < raw.endIndex, let high = Grammar.hexDigit(raw[index]),
                        let low = Grammar.hexDigit(raw[index + 1])
                    else { throw Refusal(.badRequest, "In the \(part), % must be followed by two hexadecimal digits.") }
                    let value = high << 4 | low
                    index += 2
                    if value == 0 { throw Refusal(.badRequest, "The \(part) must not contain NUL.") }
                    if value == forbidden {
                        throw Refusal(.badRequest, "The \(part) must not contain an encoded slash.")
                    }
                    plain.append(value)
                } else {
                    plain.append(byte)
                }
            }
        }
        guard let text = String(validating: plain, as: UTF8.self) else {
            throw Refusal(.badRequest, "The \(part) is not UTF-8.")
        }
        return text
    }
}

/// Why a request is not served: the status and one sentence for whoever sent it.
struct Refusal: Error, Equatable {
    let status: Status
    let sentence: String
    init(_ status: Status, _ sentence: String) {
        self.status = status
        self.sentence = sentence
    }
}

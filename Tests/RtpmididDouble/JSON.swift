/// JSON as rtpmidid's library (nlohmann) writes it: no blanks, keys sorted by their bytes, strings copied byte by byte.
enum JSON {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    /// Bytes, because names from the network are; writing refuses what is not UTF-8.
    case string([UInt8])
    case array([JSON])
    case object([String: JSON])

    static func text(_ text: String) -> JSON { .string(Array(text.utf8)) }

    /// `{"type_error.316"}`: the text of the library's exception for a string that is not UTF-8.
    struct NotUTF8: Error { let what: String }

    func written() throws(NotUTF8) -> [UInt8] {
        var output: [UInt8] = []
        try write(to: &output)
        return output
    }

    private func write(to output: inout [UInt8]) throws(NotUTF8) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .integer(let value): output += String(value).utf8
        case .number(let value): output += value.description.utf8
        case .string(let bytes):
            try Self.check(bytes)
            Self.quote(bytes, to: &output)
        case .array(let items):
            output.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                try item.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.quote(Array(member.key.utf8), to: &output)
                output.append(UInt8(ascii: ":"))
                try member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func quote(_ bytes: [UInt8], to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): output += "\\\"".utf8
            case UInt8(ascii: "\\"): output += "\\\\".utf8
            case 8: output += "\\b".utf8
            case 9: output += "\\t".utf8
            case 10: output += "\\n".utf8
            case 12: output += "\\f".utf8
            case 13: output += "\\r".utf8
            case 0..<32: output += ("\\u00" + hexDigits(byte, upper: false)).utf8
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// The well-formed sequences of RFC 3629 section 4.
    private static func check(_ bytes: [UInt8]) throws(NotUTF8) {
        var expected: [ClosedRange<UInt8>] = []
        for (index, byte) in bytes.enumerated() {
            if let range = expected.first, range.contains(byte) {
                expected.removeFirst()
                continue
            }
            let tail: ClosedRange<UInt8> = 0x80...0xBF
            switch byte {
            case 0...0x7F where expected.isEmpty: break
            case 0xC2...0xDF where expected.isEmpty: expected = [tail]
            case 0xE0 where expected.isEmpty: expected = [0xA0...0xBF, tail]
            case 0xED where expected.isEmpty: expected = [0x80...0x9F, tail]
            case 0xE1...0xEF where expected.isEmpty: expected = [tail, tail]
            case 0xF0 where expected.isEmpty: expected = [0x90...0xBF, tail, tail]
            case 0xF1...0xF3 where expected.isEmpty: expected = [tail, tail, tail]
            case 0xF4 where expected.isEmpty: expected = [0x80...0x8F, tail, tail]
            default:
                let digits = hexDigits(byte, upper: true)
                throw NotUTF8(what: "[json.exception.type_error.316] invalid UTF-8 byte at index \(index): 0x\(digits)")
            }
        }
        if !expected.isEmpty, let last = bytes.last {
            let digits = hexDigits(last, upper: true)
            throw NotUTF8(what: "[json.exception.type_error.316] incomplete UTF-8 string; last byte: 0x\(digits)")
        }
    }

    /// The word the library uses for the type in its errors.
    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

func hexDigits(_ byte: UInt8, upper: Bool) -> String {
    let digits = String(byte, radix: 16, uppercase: upper)
    return digits.count == 1 ? "0" + digits : digits
}

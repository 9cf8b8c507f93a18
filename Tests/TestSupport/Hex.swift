/// Bytes as pairs of lower-case hex digits without blanks.
package func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }.joined()
}

/// The bytes of pairs of hex digits; nil where it is anything else.
package func bytes(hex text: some StringProtocol) -> [UInt8]? {
    let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).reduce(into: [UInt8]?([])) { bytes, index in
        guard let high = digits[index], let low = digits[index + 1] else {
            bytes = nil
            return
        }
        bytes?.append(UInt8(high << 4 | low))
    }
}

/// Addresses in CIDR form (RFC 4632): "192.0.2.0/24", "2001:db8::/32", or a single address.
package struct AddressRange: Codable, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    private let high: UInt64
    private let low: UInt64
    /// How many leading bits count, of the 128 of the mapped form.
    private let bits: Int

    /// nil where the text is no address, or its prefix is longer than the address.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts.first, let address = SocketAddress(host: String(first), port: 0),
            address.scope == 0
        else { return nil }
        let width = address.isIPv4 ? 32 : 128
        var prefix = width
        if parts.count == 2 {
            guard let number = Int(parts[1]), (0...width).contains(number), parts[1].allSatisfy(\.isNumber) else {
                return nil
            }
            prefix = number
        }
        description = text
        (high, low, bits) = (address.high, address.low, prefix + 128 - width)
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let range = AddressRange(text) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "\"\(text)\" is no address and no range such as 192.0.2.0/24"))
        }
        self = range
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package func contains(_ address: SocketAddress) -> Bool {
        // Shifting by 64 or more gives 0, so that a mask of no bits is 0.
        let highMask = ~(UInt64.max >> UInt64(min(bits, 64)))
        let lowMask = ~(UInt64.max >> UInt64(max(bits - 64, 0)))
        return (address.high ^ high) & highMask == 0 && (address.low ^ low) & lowMask == 0
    }
}

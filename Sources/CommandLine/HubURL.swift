/// Where a hub is that runs elsewhere: `http://HOST[:PORT]` or `https://HOST[:PORT]`, a slash may follow.
package struct HubURL: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// Others on the way may read what is sent.
    package let isReadable: Bool

    /// nil where it is none: a user, a path or a query has no meaning here.
    package init?(_ text: String) {
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return nil }
        let scheme = parts[0].lowercased()
        let authority = parts[1].hasSuffix("/") ? String(parts[1].dropLast()) : parts[1]
        var host = Substring(authority)
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            let port = authority[authority.index(after: colon)...]
            guard port.allSatisfy({ $0.isASCII && $0.isNumber }), UInt16(port) ?? 0 > 0 else { return nil }
            host = authority[..<colon]
        }
        func isNamePart(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        let name = isBracketed ? host.dropFirst().dropLast() : host
        guard ["http", "https"].contains(scheme), (1...255).contains(name.utf8.count),
            name.utf8.allSatisfy({ isNamePart($0) || isBracketed && $0 == UInt8(ascii: ":") })
        else { return nil }
        description = "\(scheme)://\(authority)"
        isReadable = scheme == "http" && !["localhost", "127.0.0.1", "::1"].contains(String(name))
    }
}

extension Initiator {
    /// Where to join: a host by name or address, and its control port.
    package struct Host: Hashable, Sendable, CustomStringConvertible {
        package let name: String
        package let port: UInt16
        /// The conventional port, where none is given.
        package static let usualPort: UInt16 = 5004

        package init(name: String, port: UInt16 = usualPort) { (self.name, self.port) = (name, port) }

        /// `HOST`, `HOST:PORT`, `ADDRESS`, `[IPV6]` or `[IPV6]:PORT`. nil where it is none of these, and for port 0 and
        /// 65535, behind which there is no data port.
        package init?(_ text: String) {
            var host = text[...]
            var port: Substring?
            if text.hasPrefix("[") {
                guard let end = text.firstIndex(of: "]") else { return nil }
                host = text[text.index(after: text.startIndex)..<end]
                let rest = text[text.index(after: end)...]
                if !rest.isEmpty {
                    guard rest.hasPrefix(":") else { return nil }
                    port = rest.dropFirst()
                }
            } else if let colon = text.firstIndex(of: ":"), text.lastIndex(of: ":") == colon {
                host = text[..<colon]
                port = text[text.index(after: colon)...]
            }
            guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "/" }) else { return nil }
            name = String(host)
            guard let port else {
                self.port = Self.usualPort
                return
            }
            guard port.allSatisfy(\.isNumber), let number = UInt16(port), (1..<UInt16.max).contains(number) else {
                return nil
            }
            self.port = number
        }

        package var description: String {
            let host = name.contains(":") ? "[\(name)]" : name
            return port == Self.usualPort ? host : "\(host):\(port)"
        }
    }
}

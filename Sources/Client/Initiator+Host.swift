import Linux

extension Initiator {
    /// Where to join: a host by name or address, and its control port; or what is announced on the local network.
    package struct Host: Hashable, Sendable, CustomStringConvertible {
        package let name: String
        package let port: UInt16
        /// Where what is announced under that name was last found; nil for a host.
        let found: [SocketAddress]?
        /// The conventional port, where none is given.
        package static let usualPort: UInt16 = 5004

        package init(name: String, port: UInt16 = usualPort) { (self.name, self.port, found) = (name, port, nil) }

        /// It is looked for again whenever it does not answer: it may have another address by then.
        package init(_ session: AnnouncedSession) {
            (name, port, found) = (session.name, session.port, session.addresses)
        }

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
            found = nil
            guard let port else {
                self.port = Self.usualPort
                return
            }
            guard port.allSatisfy(\.isNumber), let number = UInt16(port), (1..<UInt16.max).contains(number) else {
                return nil
            }
            self.port = number
        }

        /// Its addresses, in the order in which they are to be tried. Blocks: see `SocketAddress.resolve`.
        func resolve() throws(ResolveError) -> [SocketAddress] {
            guard let found else { return try SocketAddress.resolve(name, port: port) }
            // Where nothing can be found out, or it has not been announced again yet, it may still be where it was.
            let session = (try? AnnouncedSession.all())?.first { $0.name == name }
            return session?.addresses ?? found
        }

        package var description: String {
            if found != nil { return name }
            let host = name.contains(":") ? "[\(name)]" : name
            return port == Self.usualPort ? host : "\(host):\(port)"
        }
    }
}

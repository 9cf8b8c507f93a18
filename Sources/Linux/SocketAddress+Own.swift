import Glibc

extension SocketAddress {
    /// The addresses of this machine (getifaddrs(3)), without ports; empty where the system does not tell.
    package static func own() -> Set<SocketAddress> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: Set<SocketAddress> = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            if let raw = entry.ifa_addr, let address = SocketAddress(UnsafeRawPointer(raw)) { found.insert(address) }
        }
        return found
    }

    /// Whether it leads to this machine, whatever the port.
    package var isOwn: Bool {
        isLoopback || high | (low & 0xFFFF_FFFF) == 0 || Self.own().contains(with(port: 0))
    }
}

import Glibc

extension SocketAddress {
    /// The addresses of this machine, without ports; empty where the system does not tell.
    package static func own() -> Set<SocketAddress> { Set(interfaces().map(\.address)) }

    /// Whether it leads to this machine, whatever the port.
    package var isOwn: Bool {
        isLoopback || high | (low & 0xFFFF_FFFF) == 0 || Self.own().contains(with(port: 0))
    }

    /// Whether the cable of the interface is pulled that has this address (IFF_LOWER_UP, netdevice(7)); false where no
    /// interface has it.
    package var isUnplugged: Bool {
        Self.interfaces().first { $0.address == with(port: 0) }.map { $0.flags & 0x10000 == 0 } ?? false
    }

    /// getifaddrs(3)
    private static func interfaces() -> [(address: SocketAddress, flags: UInt32)] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [(address: SocketAddress, flags: UInt32)] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            if let raw = entry.ifa_addr, let address = SocketAddress(UnsafeRawPointer(raw)) {
                found.append((address, entry.ifa_flags))
            }
        }
        return found
    }
}

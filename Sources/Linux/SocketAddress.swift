import CLinux
import Glibc

/// Where a datagram comes from or goes to, as it stands in a packet: without text, without pointers, cheap to compare.
/// An IPv4 address is kept in its mapped form `::ffff:a.b.c.d`, so that both families are one.
package struct SocketAddress: Hashable, Sendable, BitwiseCopyable {
    /// The address, most significant byte first.
    package var high: UInt64
    package var low: UInt64
    /// The interface, for link-local IPv6 addresses; otherwise 0.
    package var scope: UInt32
    package var port: UInt16
    /// Of a datagram's source: which of this machine's addresses it came to, from which it is to be answered. Not a part of
    /// what the address is: two that differ in this alone are equal.
    package var local = Local()

    /// One of this machine's addresses; all zero leaves the choice to the kernel's routes.
    package struct Local: BitwiseCopyable, Hashable, Sendable {
        package var high: UInt64 = 0
        package var low: UInt64 = 0
        /// The interface, for link-local IPv6 addresses; otherwise 0.
        package var interface: UInt32 = 0
        package init() {}

        package var isChosen: Bool { high | low != 0 }
    }

    package static func == (one: SocketAddress, other: SocketAddress) -> Bool {
        one.low == other.low && one.port == other.port && one.high == other.high && one.scope == other.scope
    }
    package func hash(into hasher: inout Hasher) {
        hasher.combine(high)
        hasher.combine(low)
        hasher.combine(UInt64(scope) << 32 | UInt64(port))
    }

    package init(high: UInt64, low: UInt64, scope: UInt32 = 0, port: UInt16) {
        (self.high, self.low, self.scope, self.port) = (high, low, scope, port)
    }

    /// nil where the text is no numeric address ("192.0.2.1", "fe80::1%eth0").
    package init?(host: String, port: UInt16) {
        let parts = host.split(separator: "%", maxSplits: 1)
        guard let first = parts.first else { return nil }
        var four = in_addr()
        var six = in6_addr()
        if parts.count == 1, inet_pton(AF_INET, host, &four) == 1 {
            self.init(high: 0, low: Self.mapped | UInt64(UInt32(bigEndian: four.s_addr)), port: port)
        } else if inet_pton(AF_INET6, String(first), &six) == 1 {
            self.init(six, scope: parts.count == 2 ? Self.scope(String(parts[1])) : 0, port: port)
        } else {
            return nil
        }
    }

    /// An interface's name, or its number, as `host` gives it.
    private static func scope(_ text: String) -> UInt32 {
        let index = if_nametoindex(text)
        return index != 0 ? index : UInt32(text) ?? 0
    }

    private init(_ six: in6_addr, scope: UInt32, port: UInt16) {
        (high, low) = withUnsafeBytes(of: six) {
            (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        // Only link-local addresses need the interface; for others the kernel may fill it in or not.
        self.scope = Self.isLinkLocal(high) ? scope : 0
        self.port = port
    }

    private static let mapped: UInt64 = 0xFFFF_0000_0000
    fileprivate static func isLinkLocal(_ high: UInt64) -> Bool { high >> 54 == 0xFE80 >> 6 }

    package var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }
    /// ::1 or 127.0.0.0/8.
    package var isLoopback: Bool { high == 0 && (low == 1 || low >> 24 == 0xFFFF_0000_0000 >> 24 | 127) }

    package func with(port: UInt16) -> SocketAddress {
        var copy = self
        copy.port = port
        return copy
    }

    /// The same machine, whatever the port.
    package func isSameHost(as other: SocketAddress) -> Bool {
        high == other.high && low == other.low && scope == other.scope
    }

    /// The address by which limits count: of IPv6 the first 64 bits, since one machine can choose the others.
    package var network: SocketAddress { SocketAddress(high: high, low: isIPv4 ? low : 0, port: 0) }

    /// The address without the port, as people write it.
    package var host: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if isIPv4 {
            var four = in_addr(s_addr: UInt32(truncatingIfNeeded: low).bigEndian)
            inet_ntop(AF_INET, &four, &text, socklen_t(text.count))
        } else {
            var six = in6
            inet_ntop(AF_INET6, &six, &text, socklen_t(text.count))
        }
        let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return scope == 0 ? name : "\(name)%\(scope)"
    }

    private var in6: in6_addr {
        var six = in6_addr()
        withUnsafeMutableBytes(of: &six) {
            $0.storeBytes(of: high.bigEndian, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return six
    }

    // MARK: The kernel's form

    /// Room for an address of either family.
    static let storageSize = MemoryLayout<sockaddr_in6>.size

    /// nil where the family is neither IPv4 nor IPv6.
    init?(_ storage: UnsafeRawPointer) {
        switch CInt(storage.load(as: sa_family_t.self)) {
        case AF_INET:
            let four = storage.load(as: sockaddr_in.self)
            self.init(
                high: 0, low: Self.mapped | UInt64(UInt32(bigEndian: four.sin_addr.s_addr)),
                port: UInt16(bigEndian: four.sin_port))
        case AF_INET6:
            let six = storage.load(as: sockaddr_in6.self)
            self.init(six.sin6_addr, scope: six.sin6_scope_id, port: UInt16(bigEndian: six.sin6_port))
        default: return nil
        }
    }

    /// Writes the form that a socket of `family` wants, and gives its length.
    func store(to storage: UnsafeMutableRawPointer, family: CInt) -> socklen_t {
        if family == AF_INET {
            var four = sockaddr_in()
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            four.sin_addr.s_addr = UInt32(truncatingIfNeeded: low).bigEndian
            storage.storeBytes(of: four, as: sockaddr_in.self)
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        }
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = port.bigEndian
        six.sin6_addr = in6
        six.sin6_scope_id = scope
        storage.storeBytes(of: six, as: sockaddr_in6.self)
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
    }
}

extension SocketAddress.Local {
    /// What the kernel says of a datagram's destination; a multicast or broadcast address is none of this machine's own.
    init(_ raw: midihub_local) {
        let (high, low) = withUnsafeBytes(of: raw.address) {
            (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        let one = SocketAddress(high: high, low: low, port: 0)
        guard high >> 56 != 0xFF, !(one.isIPv4 && UInt32(truncatingIfNeeded: low) >> 28 >= 0xE) else { return }
        (self.high, self.low) = (high, low)
        interface = SocketAddress.isLinkLocal(high) ? raw.interface : 0
    }

    var raw: midihub_local {
        var raw = midihub_local()
        withUnsafeMutableBytes(of: &raw.address) {
            $0.storeBytes(of: high.bigEndian, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        raw.interface = interface
        return raw
    }
}

extension SocketAddress: CustomStringConvertible {
    package var description: String { isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)" }
}

import Glibc
import Linux

/// This machine's addresses that players may try: IPv4, else IPv6, loopback where there is nothing else.
package enum NetworkAddresses {
    static func own() -> [String] {
        let four = four()
        if !four.isEmpty { return four }
        let six = six(in: File.text("/proc/net/if_inet6", limit: 1 << 20) ?? "")
        return six.isEmpty ? ["127.0.0.1"] : six
    }

    /// getifaddrs(3)
    private static func four() -> [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [String] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr, entry.ifa_flags & UInt32(IFF_LOOPBACK) == 0,
                entry.ifa_flags & UInt32(IFF_UP) != 0, address.pointee.sa_family == sa_family_t(AF_INET)
            else { continue }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
                continue
            }
            found.append(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        return found
    }

    /// Of /proc/net/if_inet6 the global addresses that stay: 32 hex digits, then interface, prefix length, scope and flags in
    /// hex, and a name. Temporary ones (RFC 8981, flag 1) change daily; deprecated (0x20), tentative (0x40) and duplicate
    /// (0x08) ones are not to be used.
    package static func six(in table: String) -> [String] {
        table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 6, fields[0].count == 32, fields[3] == "00",
                let flags = UInt32(fields[4], radix: 16), flags & (0x01 | 0x08 | 0x20 | 0x40) == 0,
                let high = UInt64(fields[0].prefix(16), radix: 16), let low = UInt64(fields[0].suffix(16), radix: 16)
            else { return nil }
            return SocketAddress(high: high, low: low, port: 0).host
        }
    }
}

import CLinux
import Glibc

extension SocketAddress {
    /// The addresses of a host, in the order in which they are to be tried (getaddrinfo(3), RFC 6724). A numeric address
    /// gives itself. Blocks for as long as the name service takes, which may be half a minute: never on a loop's thread.
    package static func resolve(_ host: String, port: UInt16) throws(ResolveError) -> [SocketAddress] {
        if let numeric = SocketAddress(host: host, port: port) { return [numeric] }
        // By RFC 6761 section 6.3 it is this machine, whether or not a file or a server says so.
        if host.lowercased() == "localhost" {
            return ["::1", "127.0.0.1"].compactMap { SocketAddress(host: $0, port: port) }
        }
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_DGRAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            throw ResolveError(host: host, reason: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next {
            if let raw = entry.pointee.ai_addr, let address = SocketAddress(UnsafeRawPointer(raw)) {
                found.append(address.with(port: port))
            }
            next = entry.pointee.ai_next
        }
        guard !found.isEmpty else { throw ResolveError(host: host, reason: "it has no IP address") }
        return found
    }

    /// The same, without a port, on a thread of its own; `done` is called there, or at once where no thread can be had.
    package static func lookUp(
        _ host: String, _ done: @escaping @Sendable (Result<[SocketAddress], ResolveError>) -> Void
    ) {
        do throws(Errno) {
            try WorkerThread("names") {
                do throws(ResolveError) {
                    done(.success(try resolve(host, port: 0)))
                } catch { done(.failure(error)) }
            }.detach()
        } catch { done(.failure(ResolveError(host: host, reason: "\(error)"))) }
    }
}

/// Why a host's name gives no address.
package struct ResolveError: Error, Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let reason: String
    package var description: String { "\(host): \(reason)" }
}

import CLinux
import Glibc

/// Stream and datagram sockets, always close-on-exec; `nonBlocking` where a loop serves them.
package enum Sockets {
    /// An IPv4 or IPv6 address and port in text: "127.0.0.1:8080", "[::1]:8080"; "*:8080" is every address.
    package struct Address: Hashable, Sendable, CustomStringConvertible {
        package let host: String
        package let port: UInt16
        package init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }
        /// nil where the text is not HOST:PORT, or HOST is no numeric address.
        package init?(_ text: String) {
            guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
                return nil
            }
            var host = String(text[..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            if host == "*" { host = "::" }
            if host == "localhost" { host = "127.0.0.1" }
            guard Self.storage(host, port) != nil else { return nil }
            self.init(host: host, port: port)
        }
        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

        fileprivate static func storage(_ host: String, _ port: UInt16) -> (sockaddr_storage, socklen_t)? {
            var storage = sockaddr_storage()
            var four = in_addr()
            var six = in6_addr()
            return withUnsafeMutablePointer(to: &storage) { pointer in
                if inet_pton(AF_INET, host, &four) == 1 {
                    pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                        $0.pointee.sin_family = sa_family_t(AF_INET)
                        $0.pointee.sin_port = port.bigEndian
                        $0.pointee.sin_addr = four
                    }
                    return (pointer.pointee, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
                if inet_pton(AF_INET6, host, &six) == 1 {
                    pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                        $0.pointee.sin6_family = sa_family_t(AF_INET6)
                        $0.pointee.sin6_port = port.bigEndian
                        $0.pointee.sin6_addr = six
                    }
                    return (pointer.pointee, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
                return nil
            }
        }

        fileprivate init(_ storage: sockaddr_storage) {
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            let port = withUnsafePointer(to: storage) { pointer -> UInt16 in
                if storage.ss_family == sa_family_t(AF_INET6) {
                    return pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                        var address = $0.pointee.sin6_addr
                        inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
                        return UInt16(bigEndian: $0.pointee.sin6_port)
                    }
                }
                return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    var address = $0.pointee.sin_addr
                    inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
                    return UInt16(bigEndian: $0.pointee.sin_port)
                }
            }
            let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let host = String(decoding: bytes, as: UTF8.self)
            self.init(host: host.hasPrefix("::ffff:") ? String(host.dropFirst(7)) : host, port: port)
        }
    }

    /// A listening TCP socket; port 0 lets the system choose (see `localAddress`).
    package static func listen(_ address: Address, backlog: CInt = 512) throws(Errno) -> Descriptor {
        let socket = try bound(address, SOCK_STREAM)
        try retrying("listen", address.description) { Glibc.listen(socket.number, backlog) }
        return socket
    }

    /// A bound UDP socket. Binding and closing it is how a taken port is noticed before an engine is started.
    package static func datagram(_ address: Address) throws(Errno) -> Descriptor { try bound(address, SOCK_DGRAM) }

    private static func bound(_ address: Address, _ type: __socket_type) throws(Errno) -> Descriptor {
        guard let (target, length) = Address.storage(address.host, address.port) else {
            throw Errno(code: EINVAL, call: "bind", thing: address.description)
        }
        var storage = target
        let flags = CInt(type.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let socket = try Descriptor("socket", address.description) {
            Glibc.socket(CInt(storage.ss_family), flags, 0)
        }
        if type == SOCK_STREAM { set(socket, SOL_SOCKET, SO_REUSEADDR, 1) }
        if storage.ss_family == sa_family_t(AF_INET6) { set(socket, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        try retrying("bind", address.description) {
            withUnsafePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket.number, $0, length) }
            }
        }
        return socket
    }

    /// A listening unix(7) socket with the given mode. A file left at `path` is replaced: hold a lock that proves it stale.
    package static func listen(unix path: String, mode: UInt32, backlog: CInt = 128) throws(Errno) -> Descriptor {
        let socket = try unixSocket()
        _ = unlink(path)
        try withUnixAddress(path) { address, length throws(Errno) in
            try retrying("bind", path) { bind(socket.number, address, length) }
        }
        try retrying("chmod", path) { chmod(path, mode) }
        try retrying("listen", path) { Glibc.listen(socket.number, backlog) }
        return socket
    }

    /// A connection to a unix(7) socket. Unix connects complete at once or fail, so `nonBlocking` needs no waiting.
    package static func connect(unix path: String, nonBlocking: Bool) throws(Errno) -> Descriptor {
        let socket = try unixSocket(nonBlocking: nonBlocking)
        try withUnixAddress(path) { address, length throws(Errno) in
            try retrying("connect", path) { Glibc.connect(socket.number, address, length) }
        }
        return socket
    }

    /// A datagram socket that is connected to a unix(7) address; "@NAME" is an abstract one, as systemd writes it.
    static func connect(unixDatagram name: String) throws(Errno) -> Descriptor {
        let type = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        let socket = try Descriptor("socket") { Glibc.socket(AF_UNIX, type, 0) }
        let path = name.hasPrefix("@") ? "\0\(name.dropFirst())" : name
        try withUnixAddress(path) { address, length throws(Errno) in
            try retrying("connect", name) { Glibc.connect(socket.number, address, length) }
        }
        return socket
    }

    /// A TCP connection, for the command line and for tests. `nonBlocking`: perhaps still on its way; writable once it is
    /// made or has failed, which SO_ERROR tells.
    package static func connect(_ address: Address, nonBlocking: Bool = false) throws(Errno) -> Descriptor {
        try connect(address, SOCK_STREAM, nonBlocking)
    }

    /// A UDP socket that speaks to one address only; nothing is sent.
    package static func connect(datagramsTo address: Address) throws(Errno) -> Descriptor {
        try connect(address, SOCK_DGRAM, true)
    }

    private static func connect(
        _ address: Address, _ kind: __socket_type, _ nonBlocking: Bool
    ) throws(Errno) -> Descriptor {
        guard let (target, length) = Address.storage(address.host, address.port) else {
            throw Errno(code: EINVAL, call: "connect", thing: address.description)
        }
        var storage = target
        var type = CInt(kind.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        if nonBlocking { type |= CInt(SOCK_NONBLOCK.rawValue) }
        let socket = try Descriptor("socket") { Glibc.socket(CInt(storage.ss_family), type, 0) }
        do throws(Errno) {
            try retrying("connect", address.description) {
                withUnsafePointer(to: &storage) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(socket.number, $0, length) }
                }
            }
        } catch {
            guard nonBlocking, error.code == EINPROGRESS else { throw error }
        }
        return socket
    }

    /// Two unix(7) sockets, connected with each other, non-blocking.
    package struct Pair: ~Copyable {
        package let ours: Descriptor
        /// To be handed to a child.
        package let theirs: Descriptor
        package consuming func intoOurs() -> Descriptor { ours }
    }

    package static func pair() throws(Errno) -> Pair {
        var ends: [CInt] = [0, 0]
        let flags = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        try retrying("socketpair") { socketpair(AF_UNIX, flags, 0, &ends) }
        return Pair(ours: Descriptor(owning: ends[0]), theirs: Descriptor(owning: ends[1]))
    }

    /// A connection taken from a listener. `peer` is nil for unix sockets.
    package struct Accepted: ~Copyable {
        package let socket: Descriptor
        package let peer: Address?
        package consuming func intoSocket() -> Descriptor { socket }
    }

    /// The next waiting connection, non-blocking, or nil.
    package static func accept(_ listener: borrowing Descriptor) throws(Errno) -> Accepted? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        while true {
            let number = withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    midihub_accept4(listener.number, $0, &length, CInt(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
                }
            }
            if number >= 0 {
                let internet = storage.ss_family == sa_family_t(AF_INET) || storage.ss_family == sa_family_t(AF_INET6)
                return Accepted(socket: Descriptor(owning: number), peer: internet ? Address(storage) : nil)
            }
            switch midihub_errno() {
            case EAGAIN: return nil
            case EINTR, ECONNABORTED, EPROTO: continue
            case let code: throw Errno(code: code, call: "accept4")
            }
        }
    }

    /// The address a socket is bound to: the real port where 0 was asked for.
    package static func localAddress(_ socket: borrowing Descriptor) -> Address {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.number, $0, &length) }
        }
        return Address(storage)
    }

    package static func set(_ socket: borrowing Descriptor, _ level: CInt, _ option: CInt, _ value: CInt) {
        var value = value
        _ = setsockopt(socket.number, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Sends small writes at once (TCP_NODELAY), for request and response.
    package static func noDelay(_ socket: borrowing Descriptor) { set(socket, CInt(IPPROTO_TCP), TCP_NODELAY, 1) }

    private static func unixSocket(nonBlocking: Bool = true) throws(Errno) -> Descriptor {
        var flags = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        if nonBlocking { flags |= CInt(SOCK_NONBLOCK.rawValue) }
        return try Descriptor("socket") { Glibc.socket(AF_UNIX, flags, 0) }
    }

    private static func withUnixAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> Void
    ) throws(Errno) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // Longer paths are silently cut by some programs; here they are an error.
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Errno(code: ENAMETOOLONG, call: "socket path", thing: path)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // An abstract name ends where its length says, a path at its zero byte.
        let size =
            bytes.first == 0
            ? MemoryLayout<sa_family_t>.size + bytes.count : MemoryLayout<sockaddr_un>.size
        let result: Result<Void, Errno> = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                do throws(Errno) {
                    return .success(try body(generic, socklen_t(size)))
                } catch { return .failure(error) }
            }
        }
        try result.get()
    }
}

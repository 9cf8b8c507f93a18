import Linux
import Synchronization

/// An even UDP port N for which N and N+1 are free now, below the range that the system gives out by itself. None is
/// handed out twice in one test process.
package func freeUDPPortPair() -> UInt16 {
    handedOut.withLock { taken in
        while true {
            let port = UInt16.random(in: 10_000..<16_000) * 2
            guard !taken.contains(port) else { continue }
            guard let one = try? Sockets.datagram(Sockets.Address(host: "::", port: port)),
                let other = try? Sockets.datagram(Sockets.Address(host: "::", port: port + 1))
            else { continue }
            _ = (one.number, other.number)
            taken.insert(port)
            return port
        }
    }
}

/// A TCP port on 127.0.0.1 that is free now, in the same way.
package func freeTCPPort() -> UInt16 {
    handedOut.withLock { taken in
        while true {
            let port = UInt16.random(in: 20_000..<32_000)
            guard !taken.contains(port),
                let socket = try? Sockets.listen(Sockets.Address(host: "127.0.0.1", port: port))
            else { continue }
            _ = socket.number
            taken.insert(port)
            return port
        }
    }
}

/// Whether some program holds a UDP port of this machine, without touching it (proc(5), net/udp).
package func isOpen(udp port: UInt16) -> Bool {
    let digits = String(port, radix: 16, uppercase: true)
    let end = ":" + String(repeating: "0", count: 4 - digits.count) + digits
    return ["/proc/net/udp6", "/proc/net/udp"].contains { table in
        text(of: table).split(separator: "\n").contains { line in
            let fields = line.split(separator: " ")
            return fields.count > 1 && fields[1].hasSuffix(end)
        }
    }
}

private let handedOut = Mutex<Set<UInt16>>([])

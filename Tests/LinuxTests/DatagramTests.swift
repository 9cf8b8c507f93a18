import Linux
import TestSupport
import Testing

@Suite struct DatagramTests {
    /// What waits, once something does: its octets and where it came from.
    private func next(_ socket: DatagramSocket) throws -> (bytes: [UInt8], source: SocketAddress) {
        var found: (bytes: [UInt8], source: SocketAddress)?
        try eventually("a datagram") {
            _ = socket.receive { bytes, source in
                found = ((0..<bytes.byteCount).map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }, source)
            }
            return found != nil
        }
        return try #require(found)
    }

    private func send(_ byte: UInt8, from socket: DatagramSocket, to address: SocketAddress) {
        socket.queue(to: address) { $0.append(byte) }
        socket.flush()
    }

    @Test func `an address of one link is read as it is written, by the interface's number`() throws {
        let address = try #require(SocketAddress(host: "fe80::1%2", port: 5004))
        #expect(address.scope == 2 && address.host == "fe80::1%2")
        #expect(SocketAddress(host: "fe80::1%lo", port: 5004)?.scope == 1)
        #expect(SocketAddress(host: "2001:db8::1%2", port: 5004)?.scope == 0)
    }

    @Test func `what is not taken at once waits, and each socket has its turn before another's second`() throws {
        let loop = try EventLoop()
        let sender = try DatagramSocket(port: 0, host: "127.0.0.1")
        let sockets = try (0..<3).map { _ in try DatagramSocket(port: 0, host: "127.0.0.1") }
        var turns: [Int] = []
        var taken = 0
        for (index, socket) in sockets.enumerated() {
            for byte in UInt8(0)..<6 {
                send(byte, from: sender, to: try #require(SocketAddress(host: "127.0.0.1", port: socket.port)))
            }
            try loop.watch(socket.number, .read) { _ in
                turns.append(index)
                taken += socket.receive(atMost: 2) { _, _ in }
            }
        }
        try loop.run(until: "all of them") { taken == 18 }
        #expect(turns.count == 9)
        for round in 0..<3 { #expect(Set(turns[round * 3..<round * 3 + 3]) == [0, 1, 2]) }
    }

    /// All of 127.0.0.0/8 is this machine: two addresses of it are a host with two.
    @Test(arguments: [nil, "0.0.0.0"])
    func `an answer leaves from the address that was asked, whatever the routes say`(host: String?) throws {
        let hub = try DatagramSocket(port: 0, host: host)
        let peer = try DatagramSocket(port: 0, host: "127.0.0.1")
        for asked in ["127.0.0.2", "127.0.0.1", "127.99.0.3"] {
            let address = try #require(SocketAddress(host: asked, port: hub.port))
            send(1, from: peer, to: address)
            let question = try next(hub)
            #expect(question.source == SocketAddress(host: "127.0.0.1", port: peer.port))
            send(2, from: hub, to: question.source)
            let answer = try next(peer)
            #expect(answer.bytes == [2] && answer.source == address)
            // As after a move of the port behind a router: the host is answered from the same address.
            send(3, from: hub, to: question.source.with(port: peer.port))
            #expect(try next(peer).source == address)
        }
    }

    @Test func `over IPv6 too`() throws {
        guard let hub = try? DatagramSocket(port: 0), let peer = try? DatagramSocket(port: 0, host: "::1") else {
            return
        }
        let address = try #require(SocketAddress(host: "::1", port: hub.port))
        send(1, from: peer, to: address)
        send(2, from: hub, to: try next(hub).source)
        #expect(try next(peer).source == address)
    }

    @Test func `an address that is ours no more does not keep an answer back`() throws {
        let hub = try DatagramSocket(port: 0)
        let peer = try DatagramSocket(port: 0, host: "127.0.0.1")
        var target = try #require(SocketAddress(host: "127.0.0.1", port: peer.port))
        let gone = try #require(SocketAddress(host: "192.0.2.77", port: 1))
        (target.local.high, target.local.low) = (gone.high, gone.low)
        send(7, from: hub, to: target)
        #expect(try next(peer).bytes == [7])
        #expect(hub.unsent == 0)
    }

    @Test func `which of our addresses was asked is no part of who asked`() throws {
        var one = try #require(SocketAddress(host: "192.0.2.1", port: 5004))
        let other = one
        one.local.low = 1
        #expect(one == other && one.hashValue == other.hashValue)
    }
}

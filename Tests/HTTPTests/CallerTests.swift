import HTTP
import Linux
import Testing

private let start = ContinuousClock.now
private let later = start.advanced(by: .seconds(3600))

private func network(_ host: String) -> Caller {
    Caller(SocketAddress(host: host, port: 50000), viaSocket: false)
}

/// `count` connections of one caller, the first opened being the first idle; `idle` of them are.
private func connections(_ count: Int, of caller: Caller, idle: Int = 0, from first: UInt64 = 0) -> [Holder] {
    (0..<count).map { index in
        Holder(
            id: first + UInt64(index), caller: caller,
            idleSince: index < idle ? start.advanced(by: .seconds(Int64(first) + Int64(index))) : nil)
    }
}

struct CallerTests {
    @Test func `an IPv6 network of 64 bits is one caller, an IPv4 address another`() {
        #expect(network("2001:db8::1") == network("2001:db8::ffff:2"))
        #expect(network("2001:db8::1") != network("2001:db8:0:1::1"))
        #expect(network("192.0.2.1") != network("192.0.2.2"))
        #expect(network("::ffff:192.0.2.1") == network("192.0.2.1"))
    }

    @Test(arguments: ["127.0.0.1", "127.1.2.3", "::1"])
    func `loopback is this machine`(host: String) { #expect(network(host) == .machine) }

    @Test func `strangers, this machine and the command line do not share places`() {
        let kinds = [network("192.0.2.1"), .machine, .commandLine]
        for one in kinds { #expect(kinds.filter { $0.competes(with: one) } == [one]) }
        #expect(network("192.0.2.1").competes(with: network("2001:db8::1")))
    }

    @Test func `a proxy on this machine says whose a request is, nobody else does`() {
        func client(_ peer: String, _ said: String...) -> String? {
            var request = Request(path: "/", peer: .init(host: peer, port: 1))
            for value in said { request.headers.append("X-Forwarded-For", value) }
            return request.client?.host
        }
        #expect(client("127.0.0.1", "192.0.2.1") == "192.0.2.1")
        #expect(client("::1", "192.0.2.1", "192.0.2.2, 2001:db8::7") == "2001:db8::7")
        #expect(client("127.0.0.1", "nonsense") == "127.0.0.1")
        #expect(client("127.0.0.1") == "127.0.0.1")
        #expect(client("192.0.2.9", "192.0.2.1") == "192.0.2.9")
    }

    @Test func `the greediest address gives up its oldest idle connection`() {
        let greedy = network("192.0.2.66")
        let holders =
            connections(3, of: network("192.0.2.1"), idle: 3) + connections(20, of: greedy, idle: 9, from: 100)
        #expect(Holder.toDismiss(among: holders.reversed(), for: network("192.0.2.2"), at: later) == 100)
    }

    @Test func `idle ones go before those that are served, whoever is the greediest`() {
        let holders =
            connections(9, of: network("192.0.2.1"), idle: 1) + connections(20, of: network("192.0.2.66"), from: 100)
        #expect(Holder.toDismiss(among: holders, for: network("192.0.2.2"), at: later) == 0)
    }

    @Test func `where none is idle, the greediest address gives up its oldest`() {
        let holders = connections(2, of: network("192.0.2.1")) + connections(20, of: network("192.0.2.66"), from: 100)
        #expect(Holder.toDismiss(among: holders, for: network("192.0.2.2"), at: later) == 100)
    }

    @Test func `a greedy newcomer takes nothing from those who have less`() {
        let greedy = network("192.0.2.66")
        let others = connections(3, of: network("192.0.2.1"), idle: 3)
        #expect(Holder.toDismiss(among: others + connections(20, of: greedy, from: 100), for: greedy, at: later) == nil)
        let withOwn = others + connections(20, of: greedy, idle: 1, from: 100)
        #expect(Holder.toDismiss(among: withOwn, for: greedy, at: later) == 100)
    }

    @Test func `one that has just come is not idle yet`() {
        let stranger = network("192.0.2.1")
        let holders = connections(8, of: stranger, idle: 8)
        #expect(Holder.toDismiss(among: holders, for: stranger, at: start.advanced(by: .seconds(-1))) == nil)
        #expect(Holder.toDismiss(among: holders, for: stranger, at: start) == 0)
    }

    @Test func `a page's few connections find places where everybody has one idle`() {
        let person = network("192.0.2.66")
        var holders = (1...50).flatMap { number in
            connections(1, of: network("198.51.100.\(number)"), idle: 1, from: UInt64(number))
        }
        for id in UInt64(100)..<106 {
            let dismissed = Holder.toDismiss(among: holders, for: person, at: later)
            #expect(dismissed == id - 99)
            holders.removeAll { $0.id == dismissed }
            holders.append(Holder(id: id, caller: person, idleSince: nil))
        }
    }

    @Test func `where all have few and all are served, a newcomer waits`() {
        let holders = (1...50).flatMap { number in
            connections(1, of: network("198.51.100.\(number)"), from: UInt64(number))
        }
        #expect(Holder.toDismiss(among: holders, for: network("192.0.2.1"), at: later) == nil)
    }
}

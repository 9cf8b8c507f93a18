import Linux
import TestSupport
import Testing

@testable import Engine

@Suite struct LimitTests {
    @Test func `a school behind one router gets in, a flood does not`() {
        var gate = InvitationLimiter()
        let school = SocketAddress(host: "192.0.2.1", port: 5)!
        let admitted = (0..<200).count { _ in gate.admits(school, at: 1000) }
        #expect(admitted == 64)
        let later = (0..<100).count { _ in gate.admits(school, at: 2000) }
        #expect(later == 20)
        // The port makes no difference, another address does.
        let otherPort = gate.admits(school.with(port: 9), at: 2000)
        #expect(!otherPort)
        let otherAddress = gate.admits(SocketAddress(host: "198.51.100.9", port: 5)!, at: 2000)
        #expect(otherAddress)
    }

    @Test func `this machine itself is not limited`() {
        var gate = InvitationLimiter()
        let loopback = SocketAddress(host: "127.0.0.1", port: 5)!
        let admitted = (0..<10_000).count { _ in gate.admits(loopback, at: 0) }
        #expect(admitted == 10_000)
    }

    @Test func `all sources together are limited too`() {
        var gate = InvitationLimiter()
        let admitted = (0..<5000).count {
            gate.admits(SocketAddress(host: "10.1.\($0 / 250).\($0 % 250 + 1)", port: 5)!, at: 0)
        }
        #expect(admitted == 640)
    }

    @Test func `refusals of a whole network of 64 bits are told of once a minute`() {
        var refusals = Refusals()
        func told(_ host: String, at now: Milliseconds) -> Int? {
            refusals.count(SocketAddress(host: host, port: 5)!, at: now)
        }
        let flood = (1...1000).count { told("2001:db8::\($0)", at: 0) != nil }
        #expect(flood == 1)
        #expect(told("192.0.2.1", at: 1) == 1)
        #expect(told("2001:db8::7", at: 60_000) == 1000)
    }

    @Test func `a bucket fills up again and never beyond its burst`() {
        var bucket = TokenBucket(rate: 10, burst: 5)
        func taken(_ count: Int, at now: Milliseconds) -> Int { (0..<count).count { _ in bucket.consume(at: now) } }
        #expect([taken(9, at: 0), taken(1, at: 99), taken(2, at: 100)] == [5, 0, 1])
        #expect(taken(9, at: 1 << 50) == 5)
        // A clock that goes back adds no allowance.
        #expect(taken(1, at: 0) == 0)
    }

    @Test(arguments: [
        ("192.0.2.0/24", "192.0.2.255", true), ("192.0.2.0/24", "192.0.3.0", false), ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true),
        ("2001:db8::/33", "2001:db8:8000::1", false),
        ("2001:db8::/33", "2001:db8:7fff::1", true), ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false),
        ("::1", "::1", true),
    ])
    func `a range has its addresses and no others`(_ range: String, _ address: String, _ expected: Bool) throws {
        let range = try #require(AddressRange(range))
        #expect(range.contains(SocketAddress(host: address, port: 1)!) == expected)
    }

    @Test(arguments: [
        "", "/", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/8/8", "::1/129", "host", "1.2.3/8", "1.2.3.4/+8",
    ])
    func `what is no range is refused`(_ text: String) { #expect(AddressRange(text) == nil) }
}

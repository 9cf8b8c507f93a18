import Hub
import Linux
import Testing
import WebAPI

@Suite struct WrongTokensTests {
    private let start = ContinuousClock.now

    private func address(_ text: String) throws -> SocketAddress { try #require(SocketAddress(host: text, port: 0)) }

    @Test func `the wait grows with each wrong token, up to a bound`() throws {
        var tokens = AuthThrottle()
        let guesser = try address("192.0.2.66")
        var now = start
        var waits: [Duration] = []
        for _ in 0..<20 {
            guard case .wait(let wait) = tokens.cost(from: guesser, at: now) else {
                Issue.record("one at a time is never told to come back")
                return
            }
            waits.append(wait)
            now = now.advanced(by: wait)
        }
        #expect(waits[0] == .zero, "fingers slip")
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 < $1 || $1 == .seconds(8) })
        #expect(waits.last == .seconds(8))
        #expect(tokens.total == 20)
    }

    @Test func `addresses are apart, but all of an IPv6 network are one`() throws {
        var tokens = AuthThrottle()
        for number in 1...9 {
            #expect(tokens.cost(from: try address("192.0.2.\(number)"), at: start) == .wait(.zero))
        }
        #expect(tokens.cost(from: try address("2001:db8::1"), at: start) == .wait(.zero))
        #expect(tokens.cost(from: try address("2001:db8::2"), at: start) != .wait(.zero))
        #expect(tokens.cost(from: try address("2001:db8:0:1::2"), at: start) == .wait(.zero))
    }

    @Test func `few answers wait at once, for one address and for all, and room comes back`() throws {
        var tokens = AuthThrottle()
        func waiting(_ from: SocketAddress, _ count: Int) -> Int {
            (0..<count).count { _ in
                if case .wait(let time) = tokens.cost(from: from, at: start) { time > .zero } else { false }
            }
        }
        #expect(waiting(try address("192.0.2.66"), 50) == AuthThrottle.waitingForOne)
        let all = try (1...100).reduce(0) { $0 + waiting(try address("198.51.100.\($1)"), 10) }
        #expect(all == AuthThrottle.waitingForAll - AuthThrottle.waitingForOne)
        let later = start.advanced(by: .seconds(9))
        #expect(tokens.cost(from: try address("192.0.2.66"), at: later) == .wait(.seconds(8)))
    }

    @Test func `what is remembered is bounded, and forgotten after a quiet time`() throws {
        var tokens = AuthThrottle()
        for number in 0..<3000 {
            let from = SocketAddress(high: UInt64(number) << 8, low: 1, port: 0)
            _ = tokens.cost(from: from, at: start.advanced(by: .milliseconds(number)))
        }
        #expect(tokens.count == AuthThrottle.addresses)
        let guesser = try address("192.0.2.66")
        _ = tokens.cost(from: guesser, at: start.advanced(by: .seconds(10)))
        #expect(tokens.cost(from: guesser, at: start.advanced(by: .seconds(11))) != .wait(.zero))
        #expect(tokens.cost(from: guesser, at: start.advanced(by: .seconds(1000))) == .wait(.zero))
        #expect(tokens.count == 1)
    }
}

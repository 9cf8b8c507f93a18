import EngineProtocol
import Glibc
import Linux
import RTPMIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// How many of the common places one address may have.
@Suite struct SharedPlacesTests {
    private final class Guest {
        let name: String
        init(_ name: String) { self.name = name }
    }
    private typealias Places = SharedPlaces<Guest>

    private func address(_ host: String, _ port: UInt16 = 5004) -> SocketAddress {
        SocketAddress(host: host, port: port)!
    }

    private func places(_ count: Int, _ guests: [(name: String, host: String)]) -> Places {
        var places = Places(count)
        for (name, host) in guests { places.add(Guest(name), from: address(host)) }
        return places
    }

    @Test func `the oldest of the greediest address gives way, to a newcomer of any`() {
        let places = places(
            4, [("a", "192.0.2.1"), ("b", "192.0.2.2"), ("c", "192.0.2.2"), ("d", "192.0.2.3")])
        #expect(places.isFull)
        let (stranger, isOwn) = places.yielding(to: address("198.51.100.1"))!
        #expect(stranger.name == "b" && !isOwn)
        let (own, isIndeed) = places.yielding(to: address("192.0.2.2", 9))!
        #expect(own.name == "b" && isIndeed)
    }

    @Test func `a newcomer counts, so that the greediest to be gives way itself`() {
        let places = places(3, [("a", "192.0.2.1"), ("b", "192.0.2.2"), ("c", "192.0.2.3")])
        #expect(places.yielding(to: address("192.0.2.3"))?.holder.name == "c")
        #expect(places.yielding(to: address("192.0.2.4"))?.holder.name == "a")
    }

    @Test func `a network of 64 bits is one address`() {
        let places = places(
            3, [("a", "192.0.2.1"), ("b", "2001:db8::1"), ("c", "2001:db8::2")])
        #expect(places.yielding(to: address("198.51.100.1"))?.holder.name == "b")
    }

    @Test func `who has gone holds no place`() {
        var places = Places(1)
        let guest = Guest("a")
        places.add(guest, from: address("192.0.2.1"))
        places.release(guest)
        #expect(!places.isFull && places.yielding(to: address("192.0.2.1")) == nil)
    }

    // MARK: In the engine

    /// Invites itself with one SSRC after the other, and never comes to the data port.
    private func flood(_ engine: EngineUnderTest, from host: String, _ times: Int) throws {
        let stranger = try Stranger(as: SSRC(1), port: engine.port, bind: host)
        for number in 1...UInt32(times) {
            stranger.send(.invitation(token: number, ssrc: SSRC(number), name: "Flood"), .control)
            // The engine's buffer holds so many.
            if number.isMultiple(of: 64) { _ = try engine.status() }
        }
    }

    @Test(arguments: ["127.0.0.1", "127.0.0.2"])
    func `a flood of invitations of one address keeps nobody out, not even one who is there too`(host: String) throws {
        let engine = try EngineUnderTest()
        try flood(engine, from: "127.0.0.2", 200)
        let player = try TestPlayer("Piano", port: engine.port, bind: host)
        try eventually("it in the room, or a refusal") {
            player.pump()
            return player.isUp || player.refusals > 0
        }
        #expect(player.isUp)
    }

    @Test func `who measures makes room for another address`() throws {
        let engine = try EngineUnderTest()
        var probes: [TestPlayer] = []
        for _ in 0..<32 { probes.append(try engine.player(Probe.name, others: probes)) }
        let other = try TestPlayer(Probe.name, port: engine.port, bind: "127.0.0.2")
        try pumping(probes + [other], "a place or a refusal") { other.isUp || other.refusals > 0 }
        #expect(other.isUp)
        try pumping(probes + [other], "a farewell to the first") { probes[0].ended == .bye }
    }

    // MARK: Members

    private let plan = EnginePlan(rooms: [], maximumPerAddress: 3)

    @Test func `an address has so many members, whatever they are called`() {
        #expect(plan.admits("D", from: address("192.0.2.1"), beside: ["A", "B"]))
        #expect(!plan.admits("D", from: address("192.0.2.1"), beside: ["A", "B", "C"]))
        #expect(!plan.admits("A", from: address("192.0.2.1"), beside: ["A", "A", "A"]))
    }

    @Test func `who returns is let in beside its session of before, once`() {
        #expect(plan.admits("A", from: address("192.0.2.1"), beside: ["A", "B", "C"]))
        #expect(!plan.admits("A", from: address("192.0.2.1"), beside: ["A", "B", "C", "A"]))
        // Everybody may return at once, as after a power cut.
        #expect(plan.admits("B", from: address("192.0.2.1"), beside: ["A", "B", "C", "A"]))
    }

    @Test func `a school behind one router gets in where nothing is told, and this machine is not limited`() {
        let plan = EnginePlan(rooms: [])
        #expect(plan.admits("new", from: address("192.0.2.1"), beside: (1...63).map { "\($0)" }))
        #expect(!plan.admits("new", from: address("192.0.2.1"), beside: (1...64).map { "\($0)" }))
        #expect(plan.admits("new", from: address("127.0.0.1"), beside: (1...500).map { "\($0)" }))
    }

    /// Of this machine, and not loopback; nil without a network.
    private static let ownAddress: String? = {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return nil }
        defer { freeifaddrs(first) }
        for entry in sequence(first: first, next: { $0?.pointee.ifa_next }) {
            guard let address = entry?.pointee.ifa_addr, address.pointee.sa_family == AF_INET else { continue }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard getnameinfo(address, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
                continue
            }
            let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if SocketAddress(host: host, port: 0)?.isLoopback == false { return host }
        }
        return nil
    }()

    @Test(.enabled(if: ownAddress != nil, "this machine has no address but loopback"))
    func `one too many of an address is refused in words, its own return is not`() throws {
        let host = Self.ownAddress!  // see the condition
        let engine = try EngineUnderTest(maximumPerAddress: 2, host: nil)
        let first = try engine.player("First", host: host)
        let second = try engine.player("Second", others: [first], host: host)
        let third = try TestPlayer("Third", port: engine.port, host: host)
        try pumping([first, second, third], "a refusal") { third.refusals > 0 || third.isUp }
        #expect(!third.isUp)
        try pumping([first, second], "word of it") {
            engine.all.contains {
                if case .refused(_, "Third", _, "its address has all the places that one may have: 2", 1) = $0 {
                    true
                } else {
                    false
                }
            }
        }
        // Its program has died, and begins anew elsewhere.
        first.isDead = true
        let again = try engine.player("First", others: [second], host: host)
        #expect(again.isUp)
        let local = try engine.player("Local", others: [second, again])
        #expect(local.isUp)
    }

    @Test func `a room for one says so`() throws {
        let engine = try EngineUnderTest(maximum: 1)
        let first = try engine.player("First")
        let second = try TestPlayer("Second", port: engine.port)
        try pumping([first, second], "word of the refusal") {
            engine.all.contains {
                if case .refused(_, "Second", _, "the room is full (at most 1)", 1) = $0 { true } else { false }
            }
        }
    }
}

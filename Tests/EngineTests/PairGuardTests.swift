import Client
import EngineProtocol
import Glibc
import HubLink
import Linux
import MIDI
import RTPMIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Whoever is not the partner has no say in which of two hubs speaks.
struct PairGuardTests {
    private static let secret = PairUnderTest.secret

    /// Neither octets nor the end came.
    private struct Silence: Error {}

    /// One end of the partners' connection by hand: what it sends is known, and can be sent again.
    private final class Caller {
        private let socket: Descriptor
        private let draws = [UInt8](repeating: 7, count: 2 * LinkKeys.drawSize)
        private var end: SealedEnd<Libcrypto.AES256GCM>?
        /// All that it has sent.
        private(set) var sent: [UInt8] = []

        convenience init(_ port: UInt16) throws {
            self.init(try Sockets.connect(.init(host: "127.0.0.1", port: port)))
        }

        init(_ socket: consuming Descriptor) {
            self.socket = socket
            _ = fcntl(self.socket.number, F_SETFL, 0)
            var limit = timeval(tv_sec: 30, tv_usec: 0)
            setsockopt(self.socket.number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }

        func send(_ bytes: [UInt8]) throws {
            sent += bytes
            try socket.writeAll(bytes, socket: true)
        }

        /// Greets and says who it is. `isAsked`: the other side has dialled.
        func introduce(_ port: UInt16, isMain: Bool = true, isAsked: Bool = false) throws {
            try send([0x4D, 0x48, 0x46, 1] + draws)
            let theirs = try read(36)
            let crypto = try Libcrypto()
            let (own, other) = (Array(draws[..<LinkKeys.drawSize]), Array(theirs[4..<4 + LinkKeys.drawSize]))
            let keys = try #require(
                LinkKeys(
                    secret: PairGuardTests.secret, asking: isAsked ? other : own, asked: isAsked ? own : other,
                    derive: { crypto.hkdf(secret: $0, salt: $1, purpose: $2, count: $3) }))
            let sending = try Libcrypto.AES256GCM(crypto, key: isAsked ? keys.fromAsked : keys.fromAsking)
            let opening = try Libcrypto.AES256GCM(crypto, key: isAsked ? keys.fromAsking : keys.fromAsked)
            end = SealedEnd(
                key: keys.number, sends: isAsked ? .fromAsked : .fromAsking, sending: sending, opening: opening)
            var line = PartnerLine(.hello)
            line.hello = PartnerLine.Hello(
                version: "test", instance: 1, isMain: isMain, ports: ["room": port], rooms: ["room"])
            try say(line)
        }

        func say(_ line: PartnerLine) throws {
            let frame = [UInt8](unsafeUninitializedCapacity: Envelope.longest) { buffer, count in
                var out = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
                _ = end?.seal(into: &out) { out in for octet in [0] + line.bytes { out.append(octet) } }
                count = out.finalize(for: UnsafeMutableRawBufferPointer(buffer))
            }
            try send([UInt8(frame.count >> 8), UInt8(frame.count & 0xFF)] + frame)
        }

        /// What the other side says next; nil where it has ended.
        func hear() throws -> PartnerLine? {
            let size = try read(2)
            guard size.count == 2 else { return nil }
            let frame = try read(Int(size[0]) << 8 | Int(size[1]))
            var content: [UInt8] = []
            try end?.open(frame.span.bytes) { bytes in content = bytes.withUnsafeBytes { Array($0) } }
            return PartnerLine(Array(content.dropFirst()))
        }

        /// So many octets, or fewer where it has ended before.
        @discardableResult
        func read(_ count: Int) throws -> [UInt8] {
            var all: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4096)
            while all.count < count {
                let most = min(buffer.count, count - all.count)
                let result = try buffer.withUnsafeMutableBytes { raw throws(Errno) in
                    try socket.read(into: UnsafeMutableRawBufferPointer(rebasing: raw[..<most]))
                }
                guard case .bytes(let some) = result else {
                    if case .again = result { throw Silence() }
                    break
                }
                all += buffer[..<some]
            }
            return all
        }

        /// Waits until the other side has closed it.
        func awaitEnd() throws {
            do { try read(.max) } catch let error as Errno where error.code == ECONNRESET {}
        }
    }

    private func engine(partner: UInt16, isMain: Bool) throws -> EngineUnderTest {
        var plan = EngineUnderTest.plan(port: freeUDPPortPair())
        plan.failover = FailoverPlan(
            host: "127.0.0.1", port: partner, secret: Self.secret, isMain: isMain, silence: 2_000,
            ports: ["room": plan.rooms[0].ports[0]], digest: "the same")
        return try EngineUnderTest(plan)
    }

    /// A backup hub whose partner is not there.
    private func alone() throws -> EngineUnderTest {
        let engine = try engine(partner: freeUDPPortPair(), isMain: false)
        try eventually("it is alone") { try engine.status().failover?.phase == .alone }
        return engine
    }

    @Test func `who says again what a partner once said is not the partner`() throws {
        let engine = try alone()
        var partner: Caller? = try Caller(engine.port)
        try partner?.introduce(engine.port)
        var connections: Int {
            engine.all.count { if case .pair(let pair) = $0 { pair.isConnected } else { false } }
        }
        try eventually("it is the partner") { connections == 1 }
        let recording = try #require(partner?.sent)
        partner = nil
        try eventually("it has gone") { try engine.status().failover?.isConnected == false }
        let replay = try Caller(engine.port)
        try replay.send(recording)
        try replay.awaitEnd()
        #expect(try engine.status().failover?.isConnected == false)
        #expect(connections == 1)
    }

    @Test func `of a partner nothing is taken that only newer hubs understand, and no order but such as end sound`()
        throws
    {
        let engine = try alone()
        let player = try engine.player("Player")
        let partner = try Caller(engine.port)
        try partner.introduce(engine.port)
        let id = try #require(try engine.status().participants.first).id
        for word in [EngineControl.Request.Word.stop, .kick, .switch, .learn, .reload, .unmute] {
            try partner.say(PartnerLine(.init(word, id: id)))
        }
        func settings(_ version: Int, _ count: UInt64) -> PartnerLine.Settings {
            var settings = PartnerLine.Settings(
                digest: nil,
                rooms: ["room": .init(stamp: .init(epoch: 1, count: count, spoke: true, author: 1))])
            settings.version = version
            return settings
        }
        try partner.say(PartnerLine(settings(PartnerLine.Settings.version + 1, 9)))
        try partner.say(PartnerLine(settings(PartnerLine.Settings.version, 5)))
        try pumping([player], "what is understood") {
            try engine.status().failover?.choices?["room"]?.stamp?.count == 5
        }
        #expect(try player.isUp && engine.status().participants.map(\.id) == [id])
    }

    @Test func `a partner of before what is chosen was told tells its configuration`() throws {
        let engine = try alone()
        let partner = try Caller(engine.port)
        try partner.introduce(engine.port)
        for digest in ["the same", "another"] {
            var line = PartnerLine(.settings)
            line.digest = digest
            try partner.say(line)
            try eventually("it is known") { try engine.status().failover?.isAlike == (digest == "the same") }
        }
    }

    @Test func `two hubs with one role are no pair, and say so`() throws {
        let pair = try PairUnderTest { $1.failover?.isMain = true }
        try eventually("both say so", seen: "\(pair.main.all)") {
            [pair.main, pair.backup].allSatisfy { engine in
                engine.all.contains {
                    if case .problem(let text) = $0 { text.contains("both hubs have the role") } else { false }
                }
            }
        }
        #expect(try [pair.main, pair.backup].allSatisfy { try $0.status().failover?.isConnected == false })
    }

    @Test func `a connection that is one too many is told so before its end, which is then nobody's death`() throws {
        let listener = try Sockets.listen(.init(host: "127.0.0.1", port: 0))
        let engine = try engine(partner: Sockets.localAddress(listener).port, isMain: true)
        var called: Caller?
        try eventually("its call") {
            if let accepted = try Sockets.accept(listener) { called = Caller(accepted.intoSocket()) }
            return called != nil
        }
        try called?.introduce(engine.port, isMain: false, isAsked: true)
        try eventually("it is the partner") { try engine.status().failover?.isConnected == true }
        let calling = try Caller(engine.port)
        try calling.introduce(engine.port, isMain: false)
        #expect(try calling.hear()?.kind == .hello)
        #expect(try calling.hear()?.kind == .superfluous)
        #expect(try calling.hear() == nil)
        #expect(try engine.status().failover?.isConnected == true)
    }

    @Test func `orders of who does not know the secret have no effect`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        for line in [
            PartnerLine(.speak, epoch: 9, .order), PartnerLine(.yield, epoch: 9, .order), PartnerLine(.stopping),
        ] {
            let stranger = try Caller(pair.ports.main)
            // In the clear, in the place of an envelope, and behind the greeting as well as without one.
            let frame = [0, UInt8(line.bytes.count + 1), 0] + line.bytes
            try stranger.send([0x4D, 0x48, 0x46, 1] + [UInt8](repeating: 7, count: 32) + frame + frame)
            try stranger.awaitEnd()
            let other = try Caller(pair.ports.main)
            try other.send(frame + [UInt8](repeating: 0, count: 64))
            try other.awaitEnd()
        }
        #expect(try pair.phases() == ["active", "standby"])
        #expect(try pair.main.status().failover?.isConnected == true)
    }

    @Test func `a beat that is not the partner's has no effect, whoever sends it`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let before = try #require(try pair.main.status().failover)
        let beat = LinkBeat(
            sent: .max / 2, echo: 0, held: 0, word: .init(epoch: before.epoch + 1000, phase: .active, isHeldBack: false)
        )
        // Of a member that speaks by link, in its own session.
        let member = try GroupUnderTest(ports: [pair.ports.main], name: "Thief")
        try eventually("its link") { member.count(.linked) == 1 }
        let unreadable = try pair.main.status().participants[0].counts.unreadable ?? 0
        _ = try member.ask { group in
            for hub in group.hubs { hub.sendLink(.beat(beat)) }
            return 0
        }
        try eventually("its counting") {
            try pair.main.status().participants[0].counts.unreadable ?? 0 > unreadable
        }
        // Of a stranger, bare and in an envelope under a key that it has made up; a player's note behind it in the same socket.
        let player = try pair.main.player("Player")
        let hearer = try pair.main.player("Hearer", others: [player])
        try pumping([player, hearer], "both are known") {
            try pair.backup.status().failover?.elsewhere?.count == 3
        }
        player.sendRaw(bytes { LinkPacket.beat(beat).write(from: player.ssrc, count: 1, into: &$0) })
        let crypto = try Libcrypto()
        let key = [UInt8](repeating: 1, count: 32)
        let sending = try Libcrypto.AES256GCM(crypto, key: key)
        let opening = try Libcrypto.AES256GCM(crypto, key: key)
        var end = SealedEnd(key: 1, sends: .fromAsking, sending: sending, opening: opening)
        player.sendRaw(
            bytes { out in
                _ = end.seal(into: &out) { LinkPacket.beat(beat).write(from: player.ssrc, count: 1, into: &$0) }
            })
        let on = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
        player.play(on)
        try pumping([player, hearer], "a note") { hearer.heard.contains(on) }
        let after = try #require(try pair.main.status().failover)
        #expect(try pair.phases() == ["active", "standby"])
        #expect(after.epoch == before.epoch && after.since == before.since)
    }

    private func bytes(_ write: (inout OutputRawSpan) -> Void) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 2048) { buffer, count in
            var out = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            write(&out)
            count = out.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}

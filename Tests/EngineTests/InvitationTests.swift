import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Peers that only listen, which the room invites.
@Suite struct InvitationTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    private static func desk(_ peer: OtherHub, host: String = "127.0.0.1") -> Invitee {
        Invitee(host: host, port: peer.port, name: "Desk")
    }

    /// Waits while the peers work.
    private func working(
        _ peers: [OtherHub], with players: [TestPlayer] = [], _ what: String,
        _ condition: () throws -> Bool
    ) throws {
        try eventually(what) {
            for peer in peers { peer.pump() }
            for player in players { player.pump() }
            return try condition()
        }
    }

    private func call(_ engine: EngineUnderTest) throws -> EngineStatus.Call {
        try #require(try engine.status().calls?.first)
    }

    @Test(arguments: ["127.0.0.1", "localhost"])
    func `a peer that only listens is invited, hears and is heard`(host: String) throws {
        let desk = try OtherHub()
        let engine = try EngineUnderTest(invites: [Self.desk(desk, host: host)])
        try working([desk], "the session") { try engine.status().participants.map(\.name) == ["Desk"] }
        let piano = try TestPlayer("Piano", port: engine.port)
        try working([desk], with: [piano], "the piano") { piano.isUp }
        piano.play(note)
        desk.play(note)
        try working([desk], with: [piano], "a note each way") { desk.heard == [note] && piano.heard == [note] }
        let one = try #require(try engine.status().participants.first)
        #expect(one.isInvited == true && one.address == "127.0.0.1:\(desk.port)" && one.rtt != nil)
        #expect(desk.peerName == "Hub")
        let call = try self.call(engine)
        #expect(call.state == .connected && call.reason == nil && call.name == "Desk" && call.room == "room")
        #expect(call.to == "\(host):\(desk.port)" && call.address == "127.0.0.1:\(desk.port)")
        #expect(try engine.status().participants.last?.isInvited == nil)
    }

    @Test func `one that refuses is told as such, and is invited again`() throws {
        let desk = try OtherHub()
        desk.refuses = true
        let engine = try EngineUnderTest(invites: [Self.desk(desk)])
        try working([desk], "the refusal") { try self.call(engine).state == .refused }
        var call = try self.call(engine)
        #expect(call.reason == "it answered no" && call.failures == 1 && call.next != nil)
        try working([desk], "another attempt") { desk.invitations > 1 }
        desk.refuses = false
        try working([desk], "the session") { try self.call(engine).state == .connected }
        call = try self.call(engine)
        #expect(call.next == nil && call.reason == nil)
        try eventually("word of each") {
            let told = engine.all.compactMap { if case .call(let call) = $0 { call.state } else { nil } }
            return told == [.refused, .connected]
        }
    }

    @Test func `one that does not answer is told as unreachable, and is in the room when it answers`() throws {
        let desk = try OtherHub()
        desk.isDead = true
        let engine = try EngineUnderTest(invites: [Self.desk(desk)])
        try working([desk], "the end of the attempt") { try self.call(engine).state == .unreachable }
        #expect(try self.call(engine).reason == "no answer from 127.0.0.1:\(desk.port)")
        desk.isDead = false
        try working([desk], "the session") { try self.call(engine).state == .connected }
    }

    @Test func `one that says goodbye is invited again, a little later each time`() throws {
        let desk = try OtherHub()
        let engine = try EngineUnderTest(invites: [Self.desk(desk)])
        for times in 1...2 {
            try working([desk], "the session") { try desk.isUp && self.call(engine).state == .connected }
            desk.leave()
            try working([desk], "word of it") { try self.call(engine).state == .refused }
            let call = try self.call(engine)
            #expect(call.failures == times && call.reason == "it said goodbye")
            #expect(try engine.status().participants.isEmpty)
        }
        #expect([1, 2, 6, 7, .max].map(EngineStatus.Call.ticks) == [10_000, 20_000, 320_000, 600_000, 600_000])
    }

    @Test func `what it held is released soon after it has vanished`() throws {
        let desk = try OtherHub()
        let engine = try EngineUnderTest(invites: [Self.desk(desk)])
        try working([desk], "the session") { try self.call(engine).state == .connected }
        let piano = try TestPlayer("Piano", port: engine.port)
        try working([desk], with: [piano], "the piano") { piano.isUp }
        desk.play(note)
        try working([desk], with: [piano], "its note") { piano.heard == [note] }
        let since = ContinuousClock.now
        try working([], with: [piano], "the end of it") { piano.heard == [note, off] }
        #expect(since.duration(to: .now) < .seconds(20))
        #expect(try engine.status().participants.first?.isSilent == true)
        try working([desk], with: [piano], "its return") { try engine.status().participants.first?.isSilent == false }
        #expect(desk.invitations == 2)
    }

    @Test func `one that ends without a word and begins anew is in the room anew`() throws {
        let desk = try OtherHub()
        let engine = try EngineUnderTest(invites: [Self.desk(desk)])
        try working([desk], "the session") { try self.call(engine).state == .connected }
        desk.restart()
        // Nobody has seen it end: it takes half a minute to be missed.
        try eventually(within: .seconds(90), "its next session") {
            desk.pump()
            return try desk.isUp && self.call(engine).state == .connected
        }
        #expect(desk.invitations == 4)
        #expect(try engine.status().participants.count == 1)
    }

    @Test func `a killed engine's sessions with those whom it has invited go on`() throws {
        let directory = TemporaryDirectory()
        let desk = try OtherHub()
        let first = try EngineUnderTest(sessions: directory.file("first"), invites: [Self.desk(desk)])
        try working([desk], "the session") { try call(first).state == .connected }
        let found = directory.write("second", try #require(File.bytes(directory.file("first"), limit: 64 << 20)))
        first.stop()
        desk.forgetUnread()
        let second = try EngineUnderTest(sessions: found, port: first.port, invites: [Self.desk(desk)])
        try working([desk], "an answer") { try second.status().participants.first?.rtt != nil }
        let piano = try TestPlayer("Piano", port: second.port)
        try working([desk], with: [piano], "the piano") { piano.isUp }
        piano.play(note)
        desk.play(note)
        try working([desk], with: [piano], "a note each way") { desk.heard == [note] && piano.heard == [note] }
        #expect(desk.invitations == 2 && desk.byes == 0)
        #expect(try call(second).state == .connected)
    }

    @Test func `one whom the plan names no more is said goodbye to, also by the engine after a killed one`() throws {
        let directory = TemporaryDirectory()
        let desk = try OtherHub()
        let first = try EngineUnderTest(sessions: directory.file("first"), invites: [Self.desk(desk)])
        try working([desk], "the session") { try call(first).state == .connected }
        let left = try #require(File.bytes(directory.file("first"), limit: 64 << 20))
        first.send(.serve(EngineUnderTest.plan(port: first.port)))
        try working([desk], "the goodbye") { desk.byes > 0 }
        #expect(try first.status().participants.isEmpty && first.status().calls == [])
        first.stop()
        desk.forgetUnread()
        let byes = desk.byes
        let second = try EngineUnderTest(sessions: directory.write("second", left), port: first.port)
        try working([desk], "the goodbye of the second") { desk.byes > byes }
        #expect(try second.status().participants.isEmpty)
    }

    @Test func `two hubs that invite each other have one session`() throws {
        let ports = (freeUDPPortPair(), freeUDPPortPair())
        func other(_ port: UInt16) -> [Invitee] { [Invitee(host: "127.0.0.1", port: port, name: "Other")] }
        let a = try EngineUnderTest(port: ports.0, invites: other(ports.1))
        let b = try EngineUnderTest(port: ports.1, invites: other(ports.0))
        try eventually("one session") {
            try [a, b].allSatisfy { try call($0).state == .connected && (try $0.status()).participants.count == 1 }
        }
        let invited = try [a, b].map { try $0.status().participants.first?.isInvited }
        #expect(invited.filter { $0 == true }.count == 1)
        let reasons = try [a, b].map { try call($0).reason }
        #expect(Set(reasons) == [nil, "it has invited itself"])
        // A note comes once.
        let (ear, piano) = (try TestPlayer("Ear", port: ports.0), try TestPlayer("Piano", port: ports.1))
        try pumping([ear, piano], "both") { ear.isUp && piano.isUp }
        piano.play(note)
        piano.play(off)
        try pumping([ear, piano], "the note") { ear.heard == [note, off] }
        #expect(piano.heard.isEmpty)
    }

    @Test(arguments: [["::1"], ["127.0.0.1", "::1"]])
    func `two hubs that invite each other at different addresses have one session`(hosts: [String]) throws {
        let ports = (freeUDPPortPair(), freeUDPPortPair())
        let toB = hosts.map { Invitee(host: $0, port: ports.1, name: "B at \($0)") }
        let a = try EngineUnderTest(port: ports.0, host: nil, invites: toB)
        let b = try EngineUnderTest(
            port: ports.1, host: nil, invites: [Invitee(host: "127.0.0.1", port: ports.0, name: "A")])
        func isSettled() throws -> Bool {
            let (ofA, ofB) = (try a.status(), try b.status())
            return ofA.participants.count == 1 && ofB.participants.count == 1 && ofB.calls?.first?.state == .connected
                && ofA.calls?.count { $0.state == .connected } ?? 0 >= 1
                && ofA.calls?.allSatisfy { $0.state != .inviting } ?? false
        }
        try eventually("one session") { try isSettled() }
        let (ear, piano) = (try TestPlayer("Ear", port: ports.0), try TestPlayer("Piano", port: ports.1))
        try pumping([ear, piano], "both") { ear.isUp && piano.isUp }
        piano.play(note)
        piano.play(off)
        try pumping([ear, piano], "the note") { ear.heard == [note, off] }
        #expect(piano.heard.isEmpty)
    }

    @Test func `a hub that is invited at two of its addresses has one session, and it is told which`() throws {
        let ports = (freeUDPPortPair(), freeUDPPortPair())
        let both = [("127.0.0.1", "First"), ("::1", "Second")].map { Invitee(host: $0, port: ports.1, name: $1) }
        let b = try EngineUnderTest(port: ports.1, host: nil)
        let a = try EngineUnderTest(port: ports.0, host: nil, invites: both)
        try eventually("a session and a refusal") {
            Set(try a.status().calls?.map(\.state) ?? []) == [.connected, .refused]
        }
        let calls = try #require(try a.status().calls)
        let here = try #require(calls.first { $0.state == .connected })
        #expect(calls.contains { $0.reason == "it is in the room already, as \(here.name)" })
        #expect(try b.status().participants.count == 1)
    }

    @Test func `a hub is known by its SSRC, and hardly anybody else by chance`() {
        var generator = SystemRandomNumberGenerator()
        let numbers = (0..<10_000).map { _ in UInt32.random(in: 0...(.max), using: &generator) }
        #expect(numbers.allSatisfy { SSRC.ofHub($0).isOfHub })
        #expect(numbers.count { SSRC($0).isOfHub } < 30)
    }

    @Test func `boards of one make that draw the same SSRC are two`() throws {
        let (one, other) = (try OtherHub(ssrc: SSRC(1)), try OtherHub(ssrc: SSRC(1)))
        let engine = try EngineUnderTest(
            host: nil,
            invites: [one, other].map { Invitee(host: "127.0.0.1", port: $0.port, name: "Board \($0.port)") })
        try working([one, other], "both") { try engine.status().participants.count == 2 }
    }

    @Test func `a hub that is to invite itself does not`() throws {
        let port = freeUDPPortPair()
        let itself = Invitee(host: "127.0.0.1", port: port, name: "Mirror")
        let engine = try EngineUnderTest(port: port, invites: [itself])
        try eventually("word of it") { try self.call(engine).reason == "it is this hub itself" }
        #expect(try engine.status().participants.isEmpty && self.call(engine).state == .refused)
    }

    @Test func `nor where another of its processes serves the room`() throws {
        let (engine, other) = (try EngineUnderTest(), try EngineUnderTest())
        var plan = EngineUnderTest.plan(port: engine.port)
        plan.rooms[0].invites = [Invitee(host: "localhost", port: other.port, name: "Mirror")]
        plan.portsElsewhere = [other.port]
        engine.send(.serve(plan))
        try eventually("word of it") { try self.call(engine).reason == "it is this hub itself" }
        #expect(try other.status().participants.isEmpty && self.call(engine).state == .refused)
    }

    @Test func `an answer from elsewhere, or with another token, is none`() throws {
        let desk = try OtherHub()
        desk.isDead = true
        let engine = try EngineUnderTest(invites: [Self.desk(desk)])
        let stranger = try TestPlayer("Mallory", port: engine.port)
        var token: UInt32?
        try eventually("the invitation") {
            token = desk.tokenOfUnread()
            return token != nil
        }
        for path in [Session.Path.control, .data] {
            stranger.send(.accepted(token: token ?? 0, ssrc: stranger.ssrc, name: nil), path)
            stranger.send(.refused(token: token ?? 0, ssrc: stranger.ssrc, name: nil), path)
        }
        desk.answer(token: (token ?? 0) &+ 1)
        try pumping([stranger], "the stranger's own session") { stranger.isUp }
        #expect(try self.call(engine).state == .inviting && engine.status().participants.map(\.name) == ["Mallory"])
    }

    @Test func `an address that is not let in is not invited`() throws {
        let desk = try OtherHub()
        let engine = try EngineUnderTest(deny: ["127.0.0.0/8"], invites: [Self.desk(desk)])
        try working([desk], "word of it") { try self.call(engine).reason == "its address is not let in" }
        #expect(desk.invitations == 0)
    }

    @Test func `one that is sent away is left alone for a minute`() throws {
        let desk = try OtherHub()
        let engine = try EngineUnderTest(invites: [Self.desk(desk)])
        try working([desk], "the session") { try self.call(engine).state == .connected }
        #expect(try engine.kick(try #require(try engine.status().participants.first).id))
        try working([desk], "the goodbye") { desk.byes > 0 }
        let call = try self.call(engine)
        #expect(call.reason == "it was sent away from here")
        #expect(try #require(call.next) - call.since >= 60_000)
    }
}

import RTPMIDI
import TestSupport
import Testing

/// One session in virtual time, and what it asked for.
struct Stage {
    var session: Session
    var now: UInt64
    private(set) var sent: [(packet: SessionPacket, path: Session.Path)] = []
    private(set) var rest: [Session.Action] = []

    static let own = SSRC(0x0BAD_CAFE)
    static let peer = SSRC(0x5E6F_7081)
    static let token: UInt32 = 0x1A2B_3C4D

    static func listener(now: UInt64 = 1_000_000) -> Stage {
        Stage(session: .listener(token: token, peer: peer, own: own, name: "Hub", now: now, salt: 0x1234), now: now)
    }
    static func initiator(now: UInt64 = 1_000_000) -> Stage {
        Stage(session: .initiator(token: token, own: own, name: "Piano", now: now, salt: 0x1234), now: now)
    }
    init(session: Session, now: UInt64) { (self.session, self.now) = (session, now) }

    /// A listener that the peer has invited on both ports and that has asked its first question.
    static func invited() -> Stage {
        var stage = Stage.listener()
        stage.receive(.invitation(token: token, ssrc: peer, name: "Piano"), on: .control)
        stage.receive(.invitation(token: token, ssrc: peer, name: "Piano"), on: .data)
        return stage
    }
    /// The same with the return path proven.
    static func upListener() -> Stage {
        var stage = invited()
        stage.answerQuestion(after: 30)
        stage.forget()
        return stage
    }
    /// An initiator that was accepted on both ports and has asked its first question.
    static func accepted() -> Stage {
        var stage = Stage.initiator()
        stage.wake()
        stage.receive(.accepted(token: token, ssrc: peer, name: "Hub"), on: .control)
        stage.receive(.accepted(token: token, ssrc: peer, name: "Hub"), on: .data)
        return stage
    }
    static func upInitiator() -> Stage {
        var stage = accepted()
        stage.answerQuestion(after: 30)
        stage.forget()
        return stage
    }

    mutating func receive(_ packet: SessionPacket, on path: Session.Path = .data) {
        session.receive(packet, on: path, now: now) { Self.note($0, &sent, &rest) }
    }
    mutating func receive(hex: String, on path: Session.Path = .data) throws {
        let datagram = try #require(bytes(hex: hex))
        receive(try SessionPacket(decoding: datagram.span.bytes), on: path)
    }
    mutating func wake() { session.wake(now: now) { Self.note($0, &sent, &rest) } }
    mutating func end() { session.end { Self.note($0, &sent, &rest) } }

    private static func note(
        _ action: Session.Action, _ sent: inout [(packet: SessionPacket, path: Session.Path)],
        _ rest: inout [Session.Action]
    ) {
        if case .send(let packet, let path) = action { sent.append((packet, path)) } else { rest.append(action) }
    }

    /// Lets time pass, waking the session whenever it is due.
    mutating func pass(_ ticks: UInt64) {
        let end = now + ticks
        while session.deadline <= end {
            now = max(now, session.deadline)
            wake()
        }
        now = end
    }

    /// The peer's answer to the newest CK0, so many ticks later; its clock says `theirs`.
    mutating func answerQuestion(after ticks: UInt64, theirs: UInt64 = 5_000, count: UInt8 = 1) {
        guard let t1 = questions.last else {
            Issue.record("nothing was asked")
            return
        }
        now += ticks
        receive(.clock(ssrc: Self.peer, count: count, t1: t1, t2: theirs, t3: 0))
    }

    /// The times of all CK0 sent.
    var questions: [UInt64] {
        sent.compactMap { if case .clock(_, 0, let t1, _, _) = $0.packet { t1 } else { nil } }
    }
    var clockAnswers: [SessionPacket] {
        sent.map(\.packet).filter { if case .clock(_, 1, _, _, _) = $0 { true } else { false } }
    }
    var invitations: Int { sent.count { if case .invitation = $0.packet { true } else { false } } }
    var byes: [Session.Path] {
        sent.compactMap { if case .bye(Self.token, Self.own, _) = $0.packet { $0.path } else { nil } }
    }
    var ends: [Session.Reason] { rest.compactMap { if case .ended(let reason) = $0 { reason } else { nil } } }
    var ups: Int { rest.count { if case .up = $0 { true } else { false } } }
    var measured: [UInt32] { rest.compactMap { if case .measured(let ticks) = $0 { ticks } else { nil } } }
    mutating func forget() { (sent, rest) = ([], []) }
}

struct SessionTests {
    // MARK: Listener

    @Test func `an invitation on both ports and a clock exchange make a session`() {
        var stage = Stage.listener()
        stage.receive(.invitation(token: Stage.token, ssrc: Stage.peer, name: "Piano"), on: .control)
        let answer = SessionPacket.accepted(token: Stage.token, ssrc: Stage.own, name: "Hub")
        #expect(stage.sent.map(\.packet) == [answer] && stage.sent.map(\.path) == [.control])
        stage.forget()
        stage.receive(.invitation(token: Stage.token, ssrc: Stage.peer, name: "Piano"), on: .data)
        #expect(stage.sent.first?.packet == answer && stage.sent.allSatisfy { $0.path == .data })
        #expect(stage.questions.count == 1 && !stage.session.isUp)
        stage.answerQuestion(after: 42)
        #expect(stage.session.isUp && stage.ups == 1 && stage.measured == [42])
        #expect(stage.session.peerName == "Piano" && stage.session.clock.last == 42)
    }

    @Test func `a peer whose own question is answered and who echoes the time is proven as well`() throws {
        var stage = Stage.invited()
        stage.forget()
        stage.receive(.clock(ssrc: Stage.peer, count: 0, t1: 700, t2: 0, t3: 0))
        guard case .clock(Stage.own, 1, 700, let t2, 0)? = stage.clockAnswers.first else {
            Issue.record("no answer: \(stage.sent)")
            return
        }
        #expect(!stage.session.isUp)
        stage.now += 80
        stage.receive(.clock(ssrc: Stage.peer, count: 2, t1: 700, t2: t2, t3: 780))
        #expect(stage.session.isUp && stage.ups == 1 && stage.measured == [80])
        // The peer's clock showed 740 when ours showed what we stamped, which is the time less the salt.
        #expect(stage.session.clock.offset == 740 - 1_000_000)
    }

    @Test func `a lost OK is said again, the same, in every state`() {
        var stage = Stage.listener()
        let invitation = SessionPacket.invitation(token: Stage.token, ssrc: Stage.peer, name: "Piano")
        for _ in 0..<3 { stage.receive(invitation, on: .control) }
        for _ in 0..<3 { stage.receive(invitation, on: .data) }
        #expect(stage.questions.count == 1)
        stage.answerQuestion(after: 30)
        stage.receive(invitation, on: .control)
        stage.receive(invitation, on: .data)
        let answers = stage.sent.filter { if case .accepted = $0.packet { true } else { false } }
        #expect(Set(answers.map(\.packet)) == [.accepted(token: Stage.token, ssrc: Stage.own, name: "Hub")])
        #expect(answers.map(\.path) == [.control, .control, .control, .data, .data, .data, .control, .data])
        #expect(stage.session.isUp && stage.ups == 1 && stage.ends.isEmpty)
    }

    @Test func `an invitation that never reaches the data port dies after five seconds`() {
        var stage = Stage.listener()
        stage.receive(.invitation(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
        stage.pass(49_999)
        #expect(stage.ends.isEmpty)
        stage.pass(1)
        #expect(stage.ends == [.halfOpen] && stage.byes == [.control, .data])
        #expect(stage.session.deadline == .max)
    }

    @Test func `who never completes a clock exchange gets a few small questions, no MIDI, and dies`() {
        var stage = Stage.invited()
        stage.pass(149_999)
        #expect(stage.ends.isEmpty && stage.ups == 0 && stage.questions.count < 8)
        stage.pass(1)
        #expect(stage.ends == [.halfOpen] && stage.byes == [.control, .data])
    }

    @Test func `feedback of a peer that is not proven is not passed on`() {
        var stage = Stage.invited()
        stage.receive(.feedback(ssrc: Stage.peer, value: 1), on: .control)
        #expect(stage.rest.isEmpty)
        stage.answerQuestion(after: 3)
        stage.receive(.feedback(ssrc: Stage.peer, value: 0x045C_0000), on: .control)
        guard case .feedback(0x045C_0000)? = stage.rest.last else {
            Issue.record("\(stage.rest)")
            return
        }
    }

    @Test func `as listener it asks the time every ten seconds`() {
        var stage = Stage.upListener()
        for _ in 0..<5 {
            stage.pass(99_970)
            #expect(stage.questions.count == 1)
            stage.answerQuestion(after: 30)
            stage.forget()
        }
        #expect(stage.session.clock.totals.count == 6)
    }

    @Test func `a listener's peer is lost when nothing at all came for sixty seconds`() {
        var stage = Stage.upListener()
        stage.pass(599_999)
        #expect(stage.ends.isEmpty)
        stage.pass(1)
        #expect(stage.ends == [.silent] && stage.byes == [.control, .data])
    }

    @Test(arguments: ["RTP", "CK0", "CK2", "RS", "RL"])
    func `any sign of life keeps a session`(sign: String) {
        var stage = Stage.upListener()
        for _ in 0..<4 {
            stage.pass(590_000)
            switch sign {
            case "RTP": stage.session.heard(now: stage.now)
            case "CK0": stage.receive(.clock(ssrc: Stage.peer, count: 0, t1: 1, t2: 2, t3: 3))
            case "CK2": stage.receive(.clock(ssrc: Stage.peer, count: 2, t1: 1, t2: 2, t3: 3))
            case "RS": stage.receive(.feedback(ssrc: Stage.peer, value: 0), on: .control)
            default: stage.receive(.bitRateLimit(ssrc: Stage.peer, limit: 31250), on: .control)
            }
        }
        #expect(stage.ends.isEmpty && stage.session.isUp)
    }

    @Test func `a listener whose questions are never answered stays, and does not nag`() {
        var stage = Stage.upListener()
        for _ in 0..<60 {
            stage.pass(10_000)
            stage.session.heard(now: stage.now)
        }
        #expect(stage.session.isUp && stage.questions.count <= 9)
    }

    @Test func `a lost answer is asked for again after a second and a half`() {
        var stage = Stage.upListener()
        stage.pass(100_000)
        #expect(stage.questions.count == 1)
        stage.pass(14_990)
        stage.pass(20)
        #expect(stage.questions.count == 2)
        // The late answer to the first counts too.
        stage.receive(.clock(ssrc: Stage.peer, count: 1, t1: stage.questions[0], t2: 9, t3: 0))
        #expect(stage.measured.count == 1 && stage.measured[0] > 15_000)
    }

    @Test func `after our restart a session asks at once and is up again with the answer`() {
        var stage = Stage(
            session: .resumedListener(
                token: Stage.token, peer: Stage.peer, own: Stage.own, name: "Hub", now: 1_000_000),
            now: 1_000_000)
        #expect(stage.session.deadline <= stage.now)
        stage.wake()
        #expect(stage.questions.count == 1 && !stage.session.isUp)
        stage.answerQuestion(after: 25)
        #expect(stage.session.isUp && stage.ups == 1)
    }

    @Test func `a resumed session whose peer is gone ends after a minute`() {
        var stage = Stage(
            session: .resumedListener(
                token: Stage.token, peer: Stage.peer, own: Stage.own, name: "Hub", now: 1_000_000),
            now: 1_000_000)
        stage.pass(599_999)
        #expect(stage.ends.isEmpty)
        stage.pass(1)
        #expect(stage.ends == [.halfOpen])
    }

    // MARK: Initiator

    @Test func `an initiator invites on control, then on data, then exchanges clocks`() {
        var stage = Stage.initiator()
        #expect(stage.session.deadline <= stage.now)
        stage.wake()
        let invitation = SessionPacket.invitation(token: Stage.token, ssrc: Stage.own, name: "Piano")
        #expect(stage.sent.map(\.packet) == [invitation] && stage.sent.map(\.path) == [.control])
        stage.forget()
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: "Hub"), on: .control)
        #expect(stage.sent.map(\.packet) == [invitation] && stage.sent.map(\.path) == [.data])
        #expect(stage.session.peer == Stage.peer && stage.session.peerName == "Hub")
        stage.forget()
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: "Hub"), on: .data)
        #expect(stage.questions.count == 1 && stage.sent.map(\.path) == [.data] && !stage.session.isUp)
        let t1 = stage.questions[0]
        stage.now += 365
        stage.receive(.clock(ssrc: Stage.peer, count: 1, t1: t1, t2: 0x1CF_725B, t3: 0))
        #expect(stage.sent.last?.packet == .clock(ssrc: Stage.own, count: 2, t1: t1, t2: 0x1CF_725B, t3: t1 + 365))
        #expect(stage.session.isUp && stage.ups == 1 && stage.measured == [365])
        let offset: Int64 = 0x1CF_725B - 1_000_000 - 182
        #expect(stage.session.clock.offset == offset)
    }

    @Test func `it invites twelve times a port, a second apart, then says BY`() {
        var stage = Stage.initiator()
        stage.pass(119_999)
        #expect(stage.invitations == 12 && stage.ends.isEmpty)
        stage.pass(1)
        #expect(stage.invitations == 12 && stage.ends == [.unanswered] && stage.byes == [.control, .data])

        stage = .initiator()
        stage.wake()
        stage.forget()
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
        stage.pass(119_999)
        #expect(stage.invitations == 12 && stage.sent.allSatisfy { $0.path == .data } && stage.ends.isEmpty)
        stage.pass(1)
        #expect(stage.ends == [.unanswered])
    }

    @Test func `after a pause of ours invitations do not come in a burst`() {
        var stage = Stage.initiator()
        stage.wake()
        stage.now += 55_000
        for _ in 0..<5 { stage.wake() }
        #expect(stage.invitations == 2 && stage.session.deadline == stage.now + 10_000)
    }

    @Test(arguments: [nil, "Hub of elsewhere"] as [String?])
    func `refused with and without a name it says so and ends without BY`(name: String?) {
        var stage = Stage.initiator()
        stage.wake()
        stage.forget()
        stage.receive(.refused(token: Stage.token, ssrc: Stage.peer, name: name), on: .control)
        guard case .refused(name)? = stage.rest.first else {
            Issue.record("\(stage.rest)")
            return
        }
        #expect(stage.ends == [.refused] && stage.sent.isEmpty)
    }

    @Test func `NO on the data port is an answer too`() {
        var stage = Stage.initiator()
        stage.wake()
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.refused(token: Stage.token, ssrc: Stage.peer, name: nil), on: .data)
        #expect(stage.ends == [.refused])
    }

    @Test func `answers with another token, on the wrong port or of another source are not for it`() {
        var stage = Stage.initiator()
        stage.wake()
        stage.receive(.refused(token: 1, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.accepted(token: 1, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: nil), on: .data)
        #expect(stage.session.peer == nil && stage.ends.isEmpty)
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.accepted(token: Stage.token, ssrc: SSRC(9), name: nil), on: .data)
        #expect(stage.questions.isEmpty && stage.session.peer == Stage.peer)
    }

    @Test func `it asks the time densely at first, then every ten seconds`() {
        var stage = Stage.accepted()
        var apart: [UInt64] = []
        for _ in 0..<9 {
            stage.answerQuestion(after: 10)
            let last = stage.now - 10
            stage.now = stage.session.deadline
            apart.append(stage.now - last)
            stage.wake()
        }
        #expect(apart == [5_000, 10_000, 15_000, 15_000, 15_000, 100_000, 100_000, 100_000, 100_000])
    }

    @Test func `a lost CK1 does not end it`() {
        var stage = Stage.upInitiator()
        for _ in 0..<30 {
            stage.forget()
            while stage.questions.count < 3 { stage.pass(1_000) }
            stage.answerQuestion(after: 30)
        }
        #expect(stage.session.isUp && stage.ends.isEmpty)
    }

    @Test func `an initiator's peer is lost with five questions unanswered and thirty seconds of silence`() {
        var stage = Stage.upInitiator()
        stage.pass(299_999)
        #expect(stage.ends.isEmpty && stage.questions.count >= 5)
        stage.pass(1)
        #expect(stage.ends == [.silent] && stage.byes == [.control, .data])
    }

    @Test func `with RTP coming unanswered questions mean nothing`() {
        var stage = Stage.upInitiator()
        for _ in 0..<60 {
            stage.pass(50_000)
            stage.session.heard(now: stage.now)
        }
        #expect(stage.session.isUp && stage.ends.isEmpty)
    }

    @Test func `an initiator that is accepted and then hears nothing gives up`() {
        var stage = Stage.accepted()
        stage.pass(300_000)
        #expect(stage.ends == [.silent])
    }

    // MARK: End

    @Test(arguments: [Stage.token, 0, 99], [Session.Path.control, .data])
    func `BY ends it whatever its token, on either port, unanswered`(token: UInt32, path: Session.Path) {
        for var stage in [Stage.upListener(), Stage.upInitiator(), Stage.invited()] {
            stage.forget()
            stage.receive(.bye(token: token, ssrc: Stage.peer, name: nil), on: path)
            #expect(stage.ends == [.bye] && stage.sent.isEmpty && stage.session.hasEnded)
        }
    }

    @Test func `BY of another source is not for it`() {
        var stage = Stage.upListener()
        stage.receive(.bye(token: Stage.token, ssrc: SSRC(1), name: nil))
        var inviting = Stage.initiator()
        inviting.receive(.bye(token: Stage.token, ssrc: SSRC(0), name: nil))
        #expect(stage.session.isUp && stage.rest.isEmpty && inviting.ends.isEmpty)
    }

    @Test func `our farewell goes to both ports with the real token, and can be repeated`() {
        var stage = Stage.upListener()
        stage.end()
        stage.end()
        #expect(stage.byes == [.control, .data, .control, .data] && stage.ends.isEmpty)
        #expect(stage.session.hasEnded && !stage.session.isUp && stage.session.deadline == .max)
    }

    @Test func `what has ended stays ended`() {
        var stage = Stage.upListener()
        stage.receive(.bye(token: 0, ssrc: Stage.peer, name: nil))
        stage.forget()
        stage.receive(.invitation(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.clock(ssrc: Stage.peer, count: 0, t1: 1, t2: 0, t3: 0))
        stage.pass(10_000_000)
        #expect(stage.sent.isEmpty && stage.rest.isEmpty)
    }

    @Test func `an invitation with a new token is left to the owner`() {
        var stage = Stage.upListener()
        stage.receive(.invitation(token: 5, ssrc: Stage.peer, name: "Piano"), on: .control)
        #expect(stage.session.isUp && stage.sent.isEmpty && stage.session.token == Stage.token)
    }

    // MARK: Both sides

    /// Two sessions over a line that loses packets: whatever is lost, both are up in the end.
    @Test(arguments: 0..<200)
    func `both sides find each other over a bad line`(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var one = Stage.initiator(now: 1_000_000)
        var other: Stage?
        var flying: [(at: UInt64, toListener: Bool, packet: SessionPacket, path: Session.Path)] = []
        var now: UInt64 = 1_000_000
        func take(_ stage: inout Stage, toListener: Bool) {
            for (packet, path) in stage.sent where Int.random(in: 0..<100, using: &random) >= 30 {
                flying.append((now + UInt64.random(in: 50...900, using: &random), toListener, packet, path))
            }
            stage.forget()
        }
        while !(one.session.isUp && other?.session.isUp == true), now < 1_600_000 {
            one.now = now
            other?.now = now
            one.wake()
            other?.wake()
            flying.sort { $0.at < $1.at }
            while let next = flying.first, next.at <= now {
                flying.removeFirst()
                if !next.toListener {
                    one.receive(next.packet, on: next.path)
                } else {
                    if other == nil, next.path == .control { other = Stage.from(next.packet, now: now) }
                    other?.receive(next.packet, on: next.path)
                }
            }
            take(&one, toListener: true)
            if var listener = other {
                take(&listener, toListener: false)
                other = listener.session.hasEnded ? nil : listener
            }
            now += 50
        }
        #expect(one.session.isUp && other?.session.isUp == true, "after \(now - 1_000_000) ticks")
    }

    @Test func `random packets of a stranger change nothing and those of the peer break nothing`() {
        var random = SeededRandom(seed: 11)
        for round in 0..<200 {
            var stage = round.isMultiple(of: 2) ? Stage.upListener() : Stage.upInitiator()
            for _ in 0..<100 {
                let stranger = Bool.random(using: &random)
                let ssrc = stranger ? SSRC(77) : Stage.peer
                let token = Bool.random(using: &random) ? Stage.token : UInt32(random.next() >> 40)
                let time = { () -> UInt64 in Bool.random(using: &random) ? random.next() : stage.questions.last ?? 0 }
                let packet: SessionPacket =
                    switch Int.random(in: 0...6, using: &random) {
                    case 0: .invitation(token: token, ssrc: ssrc, name: nil)
                    case 1: .accepted(token: token, ssrc: ssrc, name: "x")
                    case 2: .refused(token: token, ssrc: ssrc, name: nil)
                    case 3: .feedback(ssrc: ssrc, value: UInt32(truncatingIfNeeded: random.next()))
                    case 4: .bitRateLimit(ssrc: ssrc, limit: 0)
                    default:
                        .clock(
                            ssrc: ssrc, count: UInt8.random(in: 0...2, using: &random), t1: time(), t2: time(),
                            t3: time())
                    }
                let before = stage.session.lastHeard
                stage.receive(packet, on: Bool.random(using: &random) ? .control : .data)
                if stranger { #expect(stage.session.lastHeard == before) }
                stage.pass(UInt64.random(in: 0...2_000, using: &random))
            }
            #expect(stage.session.isUp && stage.ends.isEmpty)
        }
    }
}

extension Stage {
    static func from(_ packet: SessionPacket, now: UInt64) -> Stage? {
        guard case .invitation(let token, let ssrc, _) = packet else { return nil }
        return Stage(session: .listener(token: token, peer: ssrc, own: peer, name: "Hub", now: now), now: now)
    }
}

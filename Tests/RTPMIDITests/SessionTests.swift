import RTPMIDI
import Testing

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
        #expect(stage.session.peerClock.state.offset == Double(740 - 1_000_000) / 10)
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
        stage.pass(119_999)
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

    @Test func `a lost answer is asked for again after a second`() {
        var stage = Stage.upListener()
        stage.pass(100_000)
        #expect(stage.questions.count == 1)
        stage.pass(9_950)
        #expect(stage.questions.count == 1)
        stage.pass(20)
        #expect(stage.questions.count == 2)
        // The late answer to the first counts too.
        stage.receive(.clock(ssrc: Stage.peer, count: 1, t1: stage.questions[0], t2: 9, t3: 0))
        #expect(stage.measured.count == 1 && stage.measured[0] > 9_900)
    }

    @Test func `after our restart a session asks at once and is up again with the answer`() {
        var stage = Stage(
            session: .resumedListener(
                token: Stage.token, dataToken: Stage.token, peer: Stage.peer, own: Stage.own, name: "Hub",
                now: 1_000_000),
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
                token: Stage.token, dataToken: Stage.token, peer: Stage.peer, own: Stage.own, name: "Hub",
                now: 1_000_000),
            now: 1_000_000)
        stage.pass(599_999)
        #expect(stage.ends.isEmpty)
        stage.pass(1)
        #expect(stage.ends == [.halfOpen])
    }

    // MARK: End

    @Test(arguments: [Stage.token, 0], [Session.Path.control, .data])
    func `BY with its token or none ends it on either port, unanswered`(token: UInt32, path: Session.Path) {
        for var stage in [Stage.upListener(), Stage.upInitiator(), Stage.invited()] {
            stage.forget()
            stage.receive(.bye(token: token, ssrc: Stage.peer, name: nil), on: path)
            #expect(stage.ends == [.bye] && stage.sent.isEmpty && stage.session.hasEnded)
        }
    }

    @Test func `BY with another token is that of another session`() {
        for var stage in [Stage.upListener(), Stage.upInitiator(), Stage.invited()] {
            for path in [Session.Path.control, .data] {
                stage.receive(.bye(token: 99, ssrc: Stage.peer, name: nil), on: path)
            }
            #expect(stage.ends.isEmpty && !stage.session.hasEnded)
        }
    }

    @Test func `who draws another token for the data port is answered with it, and may say goodbye with either`() {
        for token in [Stage.token, 7] {
            var stage = Stage.listener()
            stage.receive(.invitation(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
            stage.receive(.invitation(token: 7, ssrc: Stage.peer, name: nil), on: .data)
            let answers = stage.sent.filter { if case .accepted = $0.packet { true } else { false } }.map(\.packet)
            #expect(
                answers == [Stage.token, 7].map { .accepted(token: $0, ssrc: Stage.own, name: "Hub") })
            stage.answerQuestion(after: 10)
            #expect(stage.session.isUp)
            stage.receive(.bye(token: token, ssrc: Stage.peer, name: nil))
            #expect(stage.ends == [.bye])
        }
    }

    @Test func `our farewell to one with two tokens has each on its port`() {
        var stage = Stage.listener()
        stage.receive(.invitation(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.invitation(token: 7, ssrc: Stage.peer, name: nil), on: .data)
        stage.forget()
        stage.end()
        #expect(
            stage.sent.map(\.packet)
                == [.bye(token: Stage.token, ssrc: Stage.own, name: nil), .bye(token: 7, ssrc: Stage.own, name: nil)])
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
}

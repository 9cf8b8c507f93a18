import RTPMIDI
import Testing

struct SessionInitiatorTests {
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
        // In milliseconds.
        #expect(stage.session.peerClock.state.offset == Double(0x1CF_725B - 1_000_000 - 182) / 10)
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

    @Test func `answers with another token or on the wrong port are not for it`() {
        var stage = Stage.initiator()
        stage.wake()
        stage.receive(.refused(token: 1, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.accepted(token: 1, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: nil), on: .data)
        #expect(stage.session.peer == nil && stage.ends.isEmpty)
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.accepted(token: 1, ssrc: Stage.peer, name: nil), on: .data)
        stage.receive(.accepted(token: Stage.token, ssrc: SSRC(9), name: nil), on: .control)
        #expect(stage.questions.isEmpty && stage.session.peer == Stage.peer)
    }

    @Test func `it asks the time densely at first, then every ten seconds`() {
        var stage = Stage.accepted()
        var apart: [UInt64] = []
        for _ in 0..<12 {
            stage.answerQuestion(after: 10)
            let last = stage.now - 10
            stage.now = stage.session.deadline
            apart.append(stage.now - last)
            stage.wake()
        }
        #expect(apart == [5_000, 10_000] + Array(repeating: 15_000, count: 7) + [100_000, 100_000, 100_000])
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
}

import RTPMIDI
import TestSupport
import Testing

/// What real peers do that no standard says (RTPMIDI.docc/Peers.md): their octets as recorded in public threads, or made by
/// hand from what is documented of them, with the sources and tokens that they carry.
struct SessionQuirkTests {
    /// A session whose peer has this SSRC and token, up.
    private func listener(peer: UInt32, token: UInt32 = Stage.token) -> Stage {
        var session = Session.listener(
            token: token, peer: SSRC(peer), own: Stage.own, name: "Hub", now: 1_000_000, salt: 0x1234)
        var asked: UInt64 = 0
        session.receive(.invitation(token: token, ssrc: SSRC(peer), name: nil), on: .data, now: 1_000_000) {
            if case .send(.clock(_, 0, let t1, _, _), _) = $0 { asked = t1 }
        }
        session.receive(
            .clock(ssrc: SSRC(peer), count: 1, t1: asked, t2: 1, t3: 0), on: .data, now: 1_000_010
        ) { _ in }
        return Stage(session: session, now: 1_000_010)
    }

    @Test func `macOS leaves garbage in CK0's unused fields`() throws {
        var stage = listener(peer: 0xDB72_48E9)
        try stage.receive(hex: "ffff434bdb7248e900365561000000000018dd162044c2410ce815b52044c241e83fd13f")
        guard case .clock(Stage.own, 1, 0x18DD16, let t2, 0)? = stage.clockAnswers.first else {
            Issue.record("\(stage.sent)")
            return
        }
        #expect(t2 == 0x1234 << 32 + 1_000_010)
        #expect(written(stage.clockAnswers[0])[8..<12].elementsEqual([1, 0, 0, 0]))
    }

    @Test func `macOS asks the time as responder too`() throws {
        var stage = Stage.upInitiator()
        try stage.receive(hex: "ffff434b5e6f708100365561000000000018dd162044c2410ce815b52044c241e83fd13f")
        #expect(stage.clockAnswers.count == 1 && stage.session.isUp)
    }

    @Test(arguments: ["macOS", "rtpMIDI on Windows", "Arduino"])
    func `BY has the token 0`(peer: String) throws {
        var stage = listener(peer: 0x5E6F_7081)
        try stage.receive(hex: "ffff425900000002000000005e6f7081", on: .control)
        #expect(stage.ends == [.bye])
    }

    @Test func `macOS and a Yamaha piano refuse without a name`() throws {
        var stage = Stage.initiator()
        stage.wake()
        try stage.receive(hex: "ffff4e4f000000021a2b3c4d0badcafe", on: .control)
        #expect(stage.ends == [.refused])
    }

    /// Its answers, `packets.AppleMIDIExchangePacket` and `AppleMIDITimestampPacket` of version 0.5.0.
    @Test func `pymidi has an SSRC for each port: that of the data port is its clock's and its MIDI's`() throws {
        var stage = Stage.initiator()
        stage.wake()
        try stage.receive(hex: "ffff4f4b000000021a2b3c4d11111111" + "70796d69646900", on: .control)
        try stage.receive(hex: "ffff4f4b000000021a2b3c4d22222222" + "70796d69646900", on: .data)
        let t1 = try #require(stage.questions.first)
        #expect(stage.session.peer == SSRC(0x2222_2222))
        stage.receive(.clock(ssrc: SSRC(0x2222_2222), count: 1, t1: t1, t2: 0x10_0000_0000, t3: 0))
        #expect(stage.session.isUp)
        // The goodbye of another SSRC does not end it.
        stage.receive(.bye(token: 0, ssrc: SSRC(0x3333_3333), name: nil), on: .control)
        #expect(stage.session.isUp)
        stage.receive(.bye(token: 0, ssrc: SSRC(0x1111_1111), name: nil), on: .control)
        #expect(stage.ends == [.bye])
    }

    @Test func `macOS accepts rtpMIDI on Windows`() throws {
        var session = Session.initiator(token: 0x58C1_08F5, own: Stage.own, name: "win", now: 0)
        session.wake(now: 0) { _ in }
        var stage = Stage(session: session, now: 300)
        try stage.receive(hex: "ffff4f4b0000000258c108f5db7248e96e65743100", on: .control)
        #expect(stage.session.peer == SSRC(0xDB72_48E9) && stage.session.peerName == "net1")
        #expect(stage.invitations == 1 && stage.sent.last?.path == .data)
    }

    @Test func `macOS invites`() throws {
        let datagram = try #require(bytes(hex: "ffff494e0000000246e87ccd9316668e6f746600"))
        guard case .invitation(let token, let ssrc, let name) = try SessionPacket(decoding: datagram.span.bytes) else {
            Issue.record("no invitation")
            return
        }
        var stage = Stage(
            session: .listener(token: token, peer: ssrc, own: Stage.own, name: "Hub", now: 0), now: 0)
        try stage.receive(hex: "ffff494e0000000246e87ccd9316668e6f746600", on: .control)
        #expect(name == "otf" && stage.session.peerName == "otf")
        #expect(stage.sent.map(\.packet) == [.accepted(token: 0x46E8_7CCD, ssrc: Stage.own, name: "Hub")])
    }

    @Test func `jackrtpmidid accepts without a name`() throws {
        var stage = Stage.initiator()
        stage.wake()
        try stage.receive(hex: "ffff4f4b000000021a2b3c4d5e6f7081", on: .control)
        #expect(stage.session.peer == Stage.peer && stage.session.peerName == nil && stage.invitations == 2)
    }

    @Test func `rtpMIDI on Windows says BY after an invitation that failed, from a source unknown`() throws {
        var stage = Stage.initiator()
        stage.wake()
        try stage.receive(hex: "ffff425900000002000000005e6f7081", on: .control)
        #expect(stage.ends.isEmpty)
    }

    @Test func `rtpMIDI on Windows does not understand clocks on the control port`() {
        var stage = Stage.upInitiator()
        stage.pass(400_000)
        for (packet, path) in stage.sent {
            if case .clock = packet { #expect(path == .data) }
        }
        #expect(!stage.questions.isEmpty)
    }

    @Test func `raveloxmidi exchanges clocks on the control port, and is answered there`() throws {
        var stage = listener(peer: 0x5E6F_7081)
        try stage.receive(hex: "ffff434b5e6f7081000000000000000002b7e4b400000000000000000000000000000000", on: .control)
        #expect(stage.clockAnswers.count == 1 && stage.sent.last?.path == .control)
    }

    @Test(arguments: ["node-rtpmidi", "raveloxmidi before its change 94"])
    func `answering CK2 with CK0 makes no loop`(peer: String) throws {
        var stage = Stage.invited()
        for _ in 0..<500 {
            let before = stage.sent.count
            stage.receive(.clock(ssrc: Stage.peer, count: 0, t1: stage.now, t2: 0, t3: 0))
            if case .clock(_, 1, let t1, let t2, _)? = stage.sent.last?.packet, stage.sent.count > before {
                let sent = stage.sent.count
                stage.receive(.clock(ssrc: Stage.peer, count: 2, t1: t1, t2: t2, t3: t1 + 3))
                #expect(stage.sent.count == sent)
            }
            stage.now += 20
        }
        // One second, twenty answers.
        #expect(stage.clockAnswers.count == 20 && stage.session.isUp)
        stage.now += 10_000
        stage.receive(.clock(ssrc: Stage.peer, count: 0, t1: stage.now, t2: 0, t3: 0))
        #expect(stage.clockAnswers.count == 21)
    }

    @Test func `node-rtpmidi sends no MIDI before an exchange is complete, so it is begun at once`() {
        #expect(Stage.accepted().questions.count == 1)
        #expect(Stage.invited().questions.count == 1)
    }

    @Test func `rtpmidid drops a session on one missing CK1, so every question is answered at once in any state`() {
        for var stage in [Stage.invited(), .upListener(), .accepted(), .upInitiator()] {
            stage.forget()
            stage.receive(.clock(ssrc: Stage.peer, count: 0, t1: 1, t2: 0, t3: 0))
            #expect(stage.clockAnswers.count == 1)
        }
    }

    @Test func `rtpmidid wants BY on both ports`() {
        var stage = Stage.upListener()
        stage.end()
        #expect(stage.byes == [.control, .data])
    }

    @Test func `Arduino, pymidi and PipeWire need no repeated invitation once they have answered`() {
        var stage = Stage.accepted()
        stage.forget()
        stage.pass(200_000)
        #expect(stage.invitations == 0)
    }

    @Test func `PipeWire says NO to a repeated invitation that it has accepted`() throws {
        var stage = Stage.initiator()
        stage.wake()
        stage.pass(10_000)
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: "PipeWire"), on: .control)
        try stage.receive(hex: "ffff4e4f000000021a2b3c4d5e6f7081", on: .control)
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: "PipeWire"), on: .data)
        try stage.receive(hex: "ffff4e4f000000021a2b3c4d5e6f7081", on: .data)
        stage.answerQuestion(after: 30)
        #expect(stage.session.isUp && stage.ends.isEmpty)
    }

    @Test func `PipeWire counts nanoseconds, and lives all the same`() {
        var stage = Stage.accepted()
        for _ in 0..<12 {
            stage.answerQuestion(after: 5, theirs: stage.now * 100_000)
            stage.now = stage.session.deadline
            stage.wake()
        }
        #expect(stage.session.isUp && !stage.session.peerClock.isUsable && stage.session.clock.last == 5)
    }

    @Test func `PipeWire never starts a clock exchange, so the listener's own proves it`() {
        var stage = Stage.invited()
        stage.answerQuestion(after: 12, theirs: 123_456_789_012_345)
        #expect(stage.session.isUp)
    }

    @Test func `jackrtpmidid gives up after two seconds without a clock, which comes at once`() {
        var stage = Stage.initiator()
        stage.wake()
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: nil), on: .data)
        #expect(stage.questions.count == 1)
        stage.pass(14_999)
        #expect(stage.questions.count == 2)
    }

    @Test func `pymidi has another SSRC on the data port`() {
        // Its ControlProtocol and DataProtocol each draw their own (pymidi 0.5, protocol.py).
        var stage = Stage.initiator()
        stage.wake()
        stage.receive(.accepted(token: Stage.token, ssrc: SSRC(0xC0), name: "pymidi"), on: .control)
        stage.receive(.accepted(token: Stage.token, ssrc: Stage.peer, name: "pymidi"), on: .data)
        stage.answerQuestion(after: 12)
        #expect(stage.session.isUp && stage.session.peer == Stage.peer)
        stage.receive(.bye(token: 0, ssrc: SSRC(0xC0), name: nil), on: .control)
        #expect(stage.ends == [.bye])
    }

    @Test func `Haukcode refuses who is still connected, so a lost session ends with BY`() {
        var stage = Stage.upInitiator()
        stage.pass(300_000)
        #expect(stage.ends == [.silent] && stage.byes == [.control, .data])
    }

    @Test func `iOS may refuse, and names itself`() {
        var stage = Stage.initiator()
        stage.wake()
        stage.receive(.refused(token: Stage.token, ssrc: Stage.peer, name: "iPad"), on: .control)
        guard case .refused("iPad")? = stage.rest.first else {
            Issue.record("\(stage.rest)")
            return
        }
    }

    @Test func `Haukcode acknowledges every packet`() {
        var stage = Stage.upListener()
        for number in 0..<300 {
            stage.receive(.feedback(ssrc: Stage.peer, value: UInt32(number) << 16), on: .control)
        }
        #expect(stage.rest.count == 300 && stage.sent.isEmpty)
    }

    @Test func `macOS tells how many bits it can take, which is a sign of life and no more`() throws {
        var stage = Stage.upListener()
        stage.pass(500_000)
        stage.forget()
        try stage.receive(hex: "ffff524c5e6f708100007a12", on: .control)
        #expect(stage.session.lastHeard == stage.now && stage.rest.isEmpty && stage.sent.isEmpty)
    }

    @Test func `through a NAT the ports differ, which a session does not see`() {
        // A session knows control and data path only; its owner finds it by token, SSRC and host.
        var stage = Stage.listener()
        stage.receive(.invitation(token: Stage.token, ssrc: Stage.peer, name: nil), on: .control)
        stage.receive(.invitation(token: Stage.token, ssrc: Stage.peer, name: nil), on: .data)
        #expect(stage.questions.count == 1)
    }

    @Test func `BEB's class counts down by its own ticks until a CK2, every ten seconds from the twelfth on`() {
        // RTP_MIDI.cpp (RTP-MIDI, jackrtpmidid): four ticks to live after each CK2; the first tick 2 s after the data
        // port's invitation, six more 1.5 s apart, then every 10 s. Its millisecond may be a tenth longer.
        for stretch: UInt64 in [100, 110] {
            var stage = Stage.accepted()
            let start = stage.now
            var ticks = (0...6).map { start + (20_000 + 15_000 * $0) * stretch / 100 }
            for _ in 0..<6 { ticks.append(ticks.last! + 100_000) }
            var ticksLeft = 16
            for tick in ticks {
                while stage.session.deadline < tick {
                    stage.now = max(stage.now, stage.session.deadline)
                    stage.wake()
                    stage.answerQuestion(after: 20)
                    ticksLeft = 4
                }
                ticksLeft -= 1
                #expect(ticksLeft > 0, "lost \(tick - start) ticks after the invitation")
            }
        }
    }

    @Test func `a Java library ends our question's exchange with count 1 and our t2, which proves it`() {
        var stage = Stage.invited()
        stage.receive(.clock(ssrc: Stage.peer, count: 0, t1: 700, t2: 0, t3: 0))
        guard case .clock(_, 1, 700, let t2, _)? = stage.clockAnswers.last else {
            Issue.record("no answer")
            return
        }
        stage.forget()
        stage.now += 40
        stage.receive(.clock(ssrc: Stage.peer, count: 1, t1: 700, t2: t2, t3: 740))
        #expect(stage.session.isUp && stage.measured == [40])
        // As CK2 it is never answered.
        #expect(stage.sent.isEmpty)
    }

    // MARK: Attackers

    @Test func `times that we never sent prove nothing`() {
        for count: UInt8 in [1, 2] {
            var stage = Stage.invited()
            let asked = stage.questions[0]
            for wrong in [0, 1, asked + 1, asked - 1, asked & 0xFFFF_FFFF, .max] {
                stage.receive(.clock(ssrc: Stage.peer, count: count, t1: wrong, t2: wrong, t3: wrong))
            }
            #expect(!stage.session.isUp && stage.measured.isEmpty)
        }
    }

    @Test func `an answer counts once, and not after ten seconds`() {
        var stage = Stage.upListener()
        stage.pass(99_970)
        stage.answerQuestion(after: 20)
        stage.answerQuestion(after: 20)
        #expect(stage.measured == [20])
        stage.pass(100_000)
        stage.pass(5_000)
        let question = stage.questions[1]
        stage.now += 100_001
        stage.receive(.clock(ssrc: Stage.peer, count: 1, t1: question, t2: 0, t3: 0))
        #expect(stage.measured == [20])
    }

    @Test func `guessing ends before it can succeed`() {
        var stage = Stage.invited()
        let asked = stage.questions[0]
        for guess in 0..<64 { stage.receive(.clock(ssrc: Stage.peer, count: 1, t1: UInt64(guess) + 5, t2: 0, t3: 0)) }
        stage.receive(.clock(ssrc: Stage.peer, count: 1, t1: asked, t2: 0, t3: 0))
        #expect(!stage.session.isUp)
    }

    @Test func `two sessions at the same time show times that cannot be guessed from one another`() {
        let times = (0..<20).map { _ -> UInt64 in
            var time: UInt64 = 0
            var session = Session.listener(
                token: Stage.token, peer: Stage.peer, own: Stage.own, name: "Hub", now: 1_000_000)
            session.receive(
                .invitation(token: Stage.token, ssrc: Stage.peer, name: nil), on: .data, now: 1_000_000
            ) { if case .send(.clock(_, 0, let t1, _, _), _) = $0 { time = t1 } }
            return time
        }
        #expect(Set(times).count > 15)
        #expect(times.allSatisfy { $0 < 1 << 48 && UInt32(truncatingIfNeeded: $0) == 1_000_000 })
    }

    @Test func `the fields of CK2 that a peer fills with anything are survived`() {
        var stage = Stage.invited()
        stage.receive(.clock(ssrc: Stage.peer, count: 0, t1: .max, t2: 0, t3: 0))
        guard case .clock(_, 1, .max, let t2, _)? = stage.clockAnswers.last else {
            Issue.record("no answer")
            return
        }
        stage.now += 7
        stage.receive(.clock(ssrc: Stage.peer, count: 2, t1: .max, t2: t2, t3: 0))
        // The echo proves the path; t3 lies one tick after t1, round the end.
        #expect(stage.session.isUp && stage.session.clock.last == 7)
    }
}

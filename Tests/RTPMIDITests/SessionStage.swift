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

extension Stage {
    static func from(_ packet: SessionPacket, now: UInt64) -> Stage? {
        guard case .invitation(let token, let ssrc, _) = packet else { return nil }
        return Stage(session: .listener(token: token, peer: ssrc, own: peer, name: "Hub", now: now), now: now)
    }
}

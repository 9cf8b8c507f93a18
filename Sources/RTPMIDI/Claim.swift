/// Somebody who sends in a peer's name, with its SSRC, from another address: the peer itself, to whom a router has
/// given another port; or a twin that drew the same SSRC; or a stranger. The new address is asked for the time, and
/// when it answers, so is the address that the peer had. The session moves only where nothing comes from there any
/// more: so a peer that still answers at its own address cannot be displaced. A claim from the address that
/// the session had before is believed as soon as it is answered: after a router's change nothing comes from there, so the
/// session had moved to somebody else while its owner could not answer.
package struct Claim: Sendable {
    package enum Step: Sendable {
        /// Send `Session.question` to the old address: does the peer still answer there?
        case askOwner
        /// It is the peer: nothing answers at its old address any more.
        case move
        /// The claim failed, and its address may make another one.
        case forget
    }
    private enum State { case asked, answered, silent, denied }

    /// In ticks: how long the new address has for its answer, and then the wait before it is asked again.
    private static let proof: UInt64 = 5_000
    /// From one question to the old address to the next.
    private static let ownerQuestion: UInt64 = 2_500
    private static let ownerQuestions = 6
    /// For the answer to the last of these.
    private static let lastAnswer: UInt64 = 5_000
    /// Packets from the old address that come within this time may have been sent before the move.
    private static let underWay: UInt64 = 2_500
    /// How long a claim that was not the peer's is not looked at again.
    private static let denial: UInt64 = 100_000

    private let time: UInt64
    private let isReturn: Bool
    private var state = State.asked
    private var since: UInt64
    private var ownerQuestionsSent = 0
    private var lastQuestion: UInt64 = 0

    /// - Parameters:
    ///   - isReturn: it comes from where the session was before.
    ///   - salt: makes the time that is asked with unguessable.
    package init(now: UInt64, isReturn: Bool = false, salt: UInt16 = .random(in: .min ... .max)) {
        (time, self.isReturn, since) = (now &+ UInt64(salt) << 32, isReturn, now)
    }

    /// For the new address.
    package func question(from own: SSRC) -> SessionPacket { .clock(ssrc: own, count: 0, t1: time, t2: 0, t3: 0) }

    /// What came from the new address.
    package mutating func receive(_ packet: SessionPacket, now: UInt64) {
        guard case .clock(_, 1, time, _, _) = packet else { return }
        switch state {
        case .asked, .silent: (state, since) = (.answered, now)
        case .answered, .denied: break
        }
    }

    /// A claim from another address may replace it: one that does not answer must not shut out one that would.
    package var yields: Bool {
        switch state {
        case .asked, .answered: false
        case .silent, .denied: true
        }
    }

    package var deadline: UInt64 {
        switch state {
        case .asked, .silent: since &+ Self.proof
        case .answered where isReturn || ownerQuestionsSent == 0: since
        case .answered:
            lastQuestion &+ (ownerQuestionsSent < Self.ownerQuestions ? Self.ownerQuestion : Self.lastAnswer)
        case .denied: since &+ Self.denial
        }
    }

    /// What is due at `now`; `lastHeard` is when something came from the old address.
    package mutating func wake(now: UInt64, lastHeard: UInt64) -> Step? {
        if isReturn, state == .answered { return .move }
        if state == .answered, lastHeard > since &+ Self.underWay { (state, since) = (.denied, now) }
        guard now >= deadline else { return nil }
        switch state {
        case .asked:
            (state, since) = (.silent, now)
            return nil
        case .silent, .denied: return .forget
        case .answered where ownerQuestionsSent < Self.ownerQuestions:
            ownerQuestionsSent += 1
            lastQuestion = now
            return .askOwner
        case .answered: return .move
        }
    }
}

/// A session with its two streams, what each side has told the other of them, and the pacing of long messages: in one piece,
/// which the engine has for each of its sessions and an initiator for its own.
package struct SessionStreams {
    package var session: Session
    package let sender: SenderStream
    package let receiver: ReceiverStream
    package var pacing = Pacing()
    /// What the peer has shown of journals.
    package private(set) var evidence: JournalEvidence
    private var feedback: Feedback

    package init(
        session: Session, sender: SenderStream, receiver: ReceiverStream, evidence: JournalEvidence = .none,
        feedback: Feedback = Feedback()
    ) {
        (self.session, self.sender, self.receiver) = (session, sender, receiver)
        (self.evidence, self.feedback) = (evidence, feedback)
        sender.ability = evidence.ability
    }

    /// The same streams in another session: one that said goodbye goes on.
    package func resumed(in session: Session) -> SessionStreams {
        SessionStreams(
            session: session, sender: sender, receiver: receiver, evidence: evidence, feedback: feedback)
    }

    /// Whoever writes journals can read them, unless it has shown otherwise. True where that is news.
    package mutating func learnEvidence() -> Bool {
        guard evidence != .sends, receiver.hasSentJournals, !feedback.isLowHalf else { return false }
        show(.sends)
        return true
    }

    /// The peer's receiver feedback. Gives the number that it means, where it means one.
    package mutating func acknowledge(_ value: UInt32) -> SequenceNumber? {
        let sent = sender.next.advanced(by: -1)
        guard let number = feedback.number(of: value, acknowledged: sender.acknowledged, sent: sent) else { return nil }
        sender.acknowledge(number)
        // Such a peer plays wrong notes from a journal (RTPMIDI.docc/Peers.md).
        if feedback.isLowHalf { show(.isHarmed) }
        return number
    }

    /// Whether feedback may be the peer's: it speaks of something that was sent not long ago.
    package func isPlausible(feedback value: UInt32) -> Bool {
        var feedback = feedback
        let sent = sender.next.advanced(by: -1)
        return feedback.number(
            of: value, acknowledged: sender.acknowledged ?? sent.advanced(by: -256), sent: sent) != nil
    }

    /// The feedback to send now, if any; it then counts as sent.
    package mutating func nextFeedback(at now: UInt64) -> SessionPacket? {
        receiver.nextFeedback(at: now).map { .feedback(ssrc: session.own, value: Feedback.value($0)) }
    }

    private mutating func show(_ evidence: JournalEvidence) {
        self.evidence = evidence
        sender.ability = evidence.ability
    }
}

/// Recognises a participant whose software sends back what it hears: a feedback loop, which doubles every note and,
/// where two of them meet, never ends.
///
/// What comes from software comes back unchanged, each time after the same delay. Each message that the participant
/// sends and that it had heard a moment before, byte for byte and about as late as the ones before it, counts for a
/// loop; anything else that it sends counts four times against it. A person who plays along with what they hear matches
/// neither velocities nor delay; but somebody who plays the same part from a sequencer may match both. So this is only a
/// suspicion. The proof is a trial: for a moment nothing is sent to the suspect. If it still plays the same, it has that
/// from elsewhere and is innocent. A loop falls silent. If that happened twice while others played on, or four times while
/// nobody did, and what is sent came back in between, it is a loop.
///
/// What goes round by two participants, as in a ring of hubs, comes back from one of them whatever is not sent to the other.
/// So all who return are to be tried together, and all who fall silent are cut: were one left, all would go round one way.
package struct LoopSentinel: BitwiseCopyable, Sendable {
    /// How many returned messages raise suspicion.
    private var threshold: Int
    /// After a silent trial so many more returned messages begin the next one.
    private static let again = 8
    /// By how many milliseconds a delay may differ from the others: networks jitter less than people.
    private static let tolerance: Int64 = 25

    package init(threshold: Int = 24) { self.threshold = threshold }

    /// What was heard last, by a hash of it: a message (status, data, data), 0 for none, and when.
    private var heard: [256 of Heard] = .init(repeating: Heard())
    private struct Heard: BitwiseCopyable {
        /// With a bit above its three octets that says whether it has been returned.
        private var word: UInt32 = 0
        var at: UInt32 = 0
        private static let returned: UInt32 = 1 << 31

        init() {}
        init(message: UInt32, at: UInt32) { (word, self.at) = (message & ~Self.returned, at) }

        var message: UInt32 { word & ~Self.returned }
        var isReturned: Bool {
            get { word & Self.returned != 0 }
            set { word = newValue ? word | Self.returned : message }
        }
    }
    private var score = 0
    private var delay: Int64 = 0
    /// Since when a trial runs; nil where none does.
    package private(set) var trialSince: Int64?
    /// Of the messages withheld, those that a loop would have returned by the trial's end, and those that came back.
    private var withheld = 0
    private var returned = 0
    /// The sum of the weights of the silent trials, each within a minute of the one before, and when the last one was.
    private var evidence = 0
    private var silentAt: Int64 = 0
    private static let memory: Int64 = 60_000
    /// How long what is withheld is looked for, in milliseconds.
    private static let watch: Int64 = 1000
    /// So many withheld messages that do not come back make a trial silent; so many that come back all the same prove
    /// innocence.
    private static let fewestWithheld = 4
    private static let proof = 2
    /// A silent trial weighs 2; one in which too little was withheld weighs 1, since everybody may have been silent.
    private static let enough = 4

    /// A channel message that is sent to the participant.
    package mutating func participantHears(_ message: UInt32, at now: Int64) {
        heard[Self.slot(message)] = Heard(message: message, at: UInt32(truncatingIfNeeded: now))
    }

    /// A channel message that the participant sends. True once it has returned so many that there is a loop; `within`: how
    /// late, in milliseconds, it may still come back.
    package mutating func participantSends(
        _ message: UInt32, at now: Int64, within memory: Int64 = 1000
    ) -> Bool {
        if trialSince != nil { return false }
        let slot = Self.slot(message)
        let one = heard[slot]
        let late = Int64(UInt32(truncatingIfNeeded: now) &- one.at)
        guard one.message == message, late <= memory,
            one.isReturned || score == 0 || abs(late - delay) <= Self.tolerance
        else {
            score = max(0, score - 4)
            return false
        }
        // A message counts once, though several copies of it may go round in a loop.
        if one.isReturned { return false }
        heard[slot].isReturned = true
        delay = score == 0 ? late : (delay * 7 + late) / 8
        score += 1
        return score >= threshold
    }

    /// It has sent back so much that it may be a loop.
    package var isReturning: Bool { score >= Self.again }

    /// It has fallen silent in its last trials, of which one was over a moment ago. Where another one is found to be a loop
    /// that was tried with it, this is the loop's other end.
    package func isOtherEnd(at now: Int64) -> Bool { evidence >= Self.enough / 2 && now - silentAt <= 3000 }

    // MARK: A trial

    /// Until then what was sent before the trial may still come back, so it proves nothing.
    private var grace: Int64 { delay + 2 * Self.tolerance }
    /// When the trial is over, in the caller's milliseconds; nil where none runs. Innocence may be proven sooner.
    package var trialEnd: Int64? {
        trialSince.map { returned >= Self.proof ? $0 : $0 + 2 * grace + Self.watch }
    }

    /// From now on nothing is to be sent to the participant.
    package mutating func beginTrial(at now: Int64) { (trialSince, withheld, returned) = (now, 0, 0) }

    /// A channel message that the participant would hear.
    package mutating func withholds(_ message: UInt32, at now: Int64) {
        guard let trialSince, now >= trialSince + grace else { return }
        if now <= trialSince + grace + Self.watch { withheld += 1 }
        participantHears(message, at: now)
    }

    /// A channel message that the participant sends during a trial. True where it had heard that before the trial.
    package mutating func returns(_ message: UInt32, at now: Int64) -> Bool {
        let slot = Self.slot(message)
        let one = heard[slot]
        let late = Int64(UInt32(truncatingIfNeeded: now) &- one.at)
        guard let trialSince, one.message == message, !one.isReturned, late <= 1000 else { return false }
        let isEarlier = now - late < trialSince + grace
        if isEarlier || abs(late - delay) <= Self.tolerance { heard[slot].isReturned = true }
        if !isEarlier, abs(late - delay) <= Self.tolerance { returned += 1 }
        return isEarlier
    }

    package enum Verdict: Sendable { case innocent, undecided, silent, loop }

    /// Ends the trial. `silenceIsProof`: also where nothing was withheld.
    package mutating func judge(at now: Int64, silenceIsProof: Bool = false) -> Verdict {
        trialSince = nil
        if returned > 0 {
            // Otherwise the next returned message would raise suspicion again at once.
            (score, evidence, threshold) = (0, 0, min(threshold * 8, 1 << 20))
            return .innocent
        }
        let isWeak = !silenceIsProof && withheld < Self.fewestWithheld
        if now - silentAt > Self.memory { evidence = 0 }
        evidence += isWeak ? 1 : 2
        silentAt = now
        score = isWeak ? 0 : max(0, threshold - Self.again)
        return evidence >= Self.enough ? .loop : isWeak ? .undecided : .silent
    }

    private static func slot(_ message: UInt32) -> Int { Int((message &* 2_654_435_761) >> 24) }
}

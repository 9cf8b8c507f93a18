/// Recognises a participant whose software sends back what it hears: a feedback loop, which doubles every note and,
/// where two of them meet, never ends.
///
/// What comes from software comes back unchanged, each time after the same delay. Each message that the participant
/// sends and that it had heard a moment before, byte for byte and about as late as the ones before it, counts for a
/// loop; anything else that it sends counts four times against it. A person who plays along with what they hear meets
/// neither the velocities nor the delay.
package struct LoopSentinel: BitwiseCopyable, Sendable {
    /// So many returned messages make a loop.
    private let threshold: Int
    /// How much later or earlier than the others, in milliseconds: networks jitter, people more.
    private static let tolerance: Int64 = 25

    package init(threshold: Int = 24) { self.threshold = threshold }

    /// What was heard last, by a hash of it: a message (status, data, data), 0 for none, and when.
    private var heard: [256 of Heard] = .init(repeating: Heard())
    private struct Heard: BitwiseCopyable {
        var message: UInt32 = 0
        var at: UInt32 = 0
    }
    private var score = 0
    private var delay: Int64 = 0

    /// A channel message that is sent to the participant.
    package mutating func participantHears(_ message: UInt32, at now: Int64) {
        heard[Self.place(message)] = Heard(message: message, at: UInt32(truncatingIfNeeded: now))
    }

    /// A channel message that the participant sends. True once it has returned so many that there is a loop; `within`: how
    /// late, in milliseconds, it may still come back.
    package mutating func participantSends(
        _ message: UInt32, at now: Int64, within memory: Int64 = 1000
    ) -> Bool {
        let place = Self.place(message)
        let one = heard[place]
        let late = Int64(UInt32(truncatingIfNeeded: now) &- one.at)
        guard one.message == message, late <= memory, score == 0 || abs(late - delay) <= Self.tolerance else {
            score = max(0, score - 4)
            return false
        }
        // Each is returned once.
        heard[place].message = 0
        delay = score == 0 ? late : (delay * 7 + late) / 8
        score += 1
        return score >= threshold
    }

    /// Whether the participant heard this a second ago at most and has not returned it yet; now it has.
    package mutating func takesBack(_ message: UInt32, at now: Int64) -> Bool {
        let place = Self.place(message)
        let one = heard[place]
        guard one.message == message, Int64(UInt32(truncatingIfNeeded: now) &- one.at) <= 1000 else { return false }
        heard[place].message = 0
        return true
    }

    private static func place(_ message: UInt32) -> Int { Int((message &* 2_654_435_761) >> 24) }
}

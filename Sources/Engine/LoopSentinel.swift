/// Recognises a participant whose software sends back what it hears: a feedback loop, which doubles every note and,
/// where two of them meet, never ends.
///
/// What comes from software comes back unchanged, each time after the same delay. Each message that the participant
/// sends and that it had heard a moment before, byte for byte and about as late as the ones before it, counts for a
/// loop; anything else that it sends counts four times against it. A person who plays along with what they hear meets
/// neither the velocities nor the delay.
struct LoopSentinel: BitwiseCopyable {
    /// So many returned messages make a loop.
    static let threshold = 24
    private static let memory: Milliseconds = 1000
    /// How much later or earlier than the others, in milliseconds: networks jitter, people more.
    private static let tolerance: Milliseconds = 25

    /// What was heard last, by a hash of it: a message (status, data, data), 0 for none, and when.
    private var heard: [256 of Heard] = .init(repeating: Heard())
    private struct Heard: BitwiseCopyable {
        var message: UInt32 = 0
        var at: UInt32 = 0
    }
    private var score = 0
    private var delay: Milliseconds = 0

    /// A channel message that is sent to the participant.
    mutating func participantHears(_ message: UInt32, at now: Milliseconds) {
        heard[Self.place(message)] = Heard(message: message, at: UInt32(truncatingIfNeeded: now))
    }

    /// A channel message that the participant sends. True once it has returned so many that there is a loop.
    mutating func participantSends(_ message: UInt32, at now: Milliseconds) -> Bool {
        let place = Self.place(message)
        let one = heard[place]
        let late = Milliseconds(UInt32(truncatingIfNeeded: now) &- one.at)
        guard one.message == message, late <= Self.memory, score == 0 || abs(late - delay) <= Self.tolerance else {
            score = max(0, score - 4)
            return false
        }
        // Each is returned once.
        heard[place].message = 0
        delay = score == 0 ? late : (delay * 7 + late) / 8
        score += 1
        return score >= Self.threshold
    }

    private static func place(_ message: UInt32) -> Int { Int((message &* 2_654_435_761) >> 24) }
}

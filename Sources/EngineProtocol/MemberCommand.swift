/// What can be done about one participant, in the same words from a page to an engine.
package enum MemberCommand: Hashable, Sendable {
    /// Sends it away.
    case kick
    /// Lets it be heard again that was cut for a feedback loop.
    case unmute
    /// Ends at those who hear it what it is thought to hold.
    case release
    /// Sends it note-offs for these notes on all channels.
    case notesOff(ClosedRange<UInt8>)
}

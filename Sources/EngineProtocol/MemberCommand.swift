/// What can be done about one participant, in the same words from a page to an engine.
package enum MemberCommand: Hashable, Sendable {
    /// Sends it away.
    case kick
    /// Lets a participant be heard again that was cut off for a feedback loop.
    case unmute
    /// Ends what it is believed to hold, at everyone who hears it.
    case release
    /// Sends it note-offs for these notes on all channels.
    case notesOff(ClosedRange<UInt8>)

    /// It only makes sound end.
    package var endsSound: Bool {
        switch self {
        case .release, .notesOff: true
        case .kick, .unmute: false
        }
    }
}

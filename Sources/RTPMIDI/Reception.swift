package import MIDI

/// What the receiver of a stream passes on.
package enum Emission: Sendable {
    /// `isRepair`: from the journal, or made here, not from the packet's own list.
    case message(Message, time: UInt32, isRepair: Bool)
    case system(SystemMessage, time: UInt32)
    /// The range is that of the packet's octets between the framing ones.
    case sysEx(SysExPart, Range<Int>, time: UInt32)
    /// The message whose first part was passed on will not be completed: a gap.
    case sysExLost
}

/// What became of a packet.
package struct Reception: Sendable {
    package enum Verdict: Sendable {
        case played
        /// A duplicate, or overtaken by a later packet whose journal has made up for it: only ends and segments of it are
        /// passed on.
        case late
        /// The stream's first packet: its journal told the state.
        case first
        /// The speaker has begun anew. What it held is silenced; otherwise as `first`.
        case restarted
        /// Its number is so far from the expected one, or lower while its time is newer, that only the next packet can tell
        /// whether the speaker has begun anew.
        case doubtful
    }
    package var verdict: Verdict
    /// Packets missing before this one.
    package var lost = 0
    /// A late one that had been missing.
    package var wasMissing = false
    /// Messages passed on to make up for them.
    package var repaired = 0
    /// Why the journal could not be used; the packet's own list was played all the same.
    package var journalRefused: PacketError?
}

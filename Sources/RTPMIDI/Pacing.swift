/// How long messages are sent at leisure, a small packet every few milliseconds, because small peers cannot take bursts
/// (RTPMIDI.docc/Packets.md): how far the message in hand has been sent, and when the next piece may follow.
package struct Pacing: BitwiseCopyable, Sendable {
    /// Data octets of the longest system exclusive message that is taken or passed on.
    package static let longest = 65536
    /// Data octets of one packet, and of one that has no time to lose.
    package static let pieceSize = 128
    package static let hurriedPieceSize = 1024
    /// From one piece to the next: 128 octets in 3 ms are ten times as fast as a MIDI cable.
    package static let interval: UInt64 = 30

    /// When the next piece may go; nil: nothing has gone, or nothing waits any more.
    package var due: UInt64?
    private var sent = 0

    package init() {}

    /// Which piece of the message in hand is sent now: what it is of it, and which of its `count` data octets it has. After
    /// the last one another message is in hand.
    package mutating func nextPiece(of count: Int, atMost size: Int = pieceSize) -> (
        part: SysExPart, octets: Range<Int>
    ) {
        let octets = sent..<min(count, sent + size)
        let isLast = octets.upperBound == count
        let part: SysExPart =
            switch (sent == 0, isLast) {
            case (true, true): .whole
            case (true, false): .first
            case (false, false): .middle
            case (false, true): .last
            }
        sent = isLast ? 0 : octets.upperBound
        return (part, octets)
    }

    /// What is left of the message in hand will not be sent.
    package mutating func forgetMessage() { sent = 0 }
}

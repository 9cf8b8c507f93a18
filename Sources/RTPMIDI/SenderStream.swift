/// What one hearer is sent: the numbers of its packets, and the recovery journal that lets it repair what the network
/// lost (RFC 6295 section 4 and appendix A; fact sheet 3.7). Every hearer has one of its own.
package final class SenderStream {
    private let ssrc: SSRC
    /// The next packet's number.
    package private(set) var next: SequenceNumber
    /// The newest number of which the hearer has said that it holds all state up to it.
    package private(set) var acknowledged: SequenceNumber?
    /// The longest journal, in octets; 0 for a hearer that a filled journal would harm.
    package var journalLimit: Int

    /// - Parameter journalLimit: octets; 0: only empty journals, and no guard packets (stable rtpmidid, PipeWire).
    package init(ssrc: SSRC, next: SequenceNumber, journalLimit: Int) {
        self.ssrc = ssrc
        self.next = next
        self.journalLimit = journalLimit
    }

    /// Writes one packet, which takes a number. An empty list makes a guard packet.
    /// - Parameter out: room for 12 + 2 octets, the list, and the journal, which takes what is left up to its limit.
    package func write(_ list: borrowing CommandList, at now: UInt64, into out: inout OutputRawSpan) {
        RTPHeader.write(
            sequence: next, timestamp: list.isEmpty ? UInt32(truncatingIfNeeded: now) : list.start, ssrc: ssrc,
            into: &out)
        if list.byteCount > 15 {
            out.write(UInt16(0xC000 | UInt16(list.byteCount)))
        } else {
            out.write(UInt8(0x40 | UInt8(list.byteCount)))
        }
        list.write(into: &out)
        out.write(UInt8(0x00))
        out.write(next.rawValue)
        next = next.advanced(by: 1)
    }

    /// The hearer has said that it holds all state up to this number. One outside of what it can mean is ignored.
    package func acknowledge(_ highest: SequenceNumber) { acknowledged = highest }

    /// When a guard packet is to be written (an empty list); nil: none is needed. In ticks of `now`.
    package var guardDue: UInt64? { nil }

    /// Puts a list into the history under the next number, which it takes, and writes nothing: the hearer sees a lost
    /// packet, and the next packet's journal brings it this state.
    package func pretendSent(_ list: borrowing CommandList) { next = next.advanced(by: 1) }
}

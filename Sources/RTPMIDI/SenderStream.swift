package import MIDI

/// What one hearer is sent: the numbers of its packets, and the recovery journal that lets it repair what the network
/// lost (RFC 6295 section 4 and appendix A; RTPMIDI.docc/Journals.md). Every hearer has one of its own: about 28 KiB, made
/// at init, of which tables that are not used take no memory.
///
/// The history goes back to the checkpoint, which follows what the hearer says it has. Where it says nothing the journal
/// would grow without end: over its limit the older half of the history's packets is dropped and the checkpoint moved
/// behind it, which tells a hearer who has missed more than is left that it must silence. Nothing older than the
/// checkpoint is kept, not even held notes: by the rules a log for one means that it was struck again.
///
/// Most hearers ignore the journal. To those that have not shown that they use it the ends of what sounds are repeated as
/// commands. These say nothing new, so no journal tells of them.
@safe package final class SenderStream {
    // Behind a pointer: what belongs to a class is checked for overlapping accesses while the program runs, several times a
    // packet.
    private let state: UnsafeMutablePointer<SenderState>

    /// - Parameter checkpoint: after our own restart, the number up to which the hearer may have missed what `pretendSent` tells.
    package init(ssrc: SSRC, next: SequenceNumber, to ability: HearerAbility, checkpoint: SequenceNumber? = nil) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: SenderState(ssrc: ssrc, next: next, to: ability, checkpoint: checkpoint))
    }
    deinit {
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// The next packet's number.
    package var next: SequenceNumber { unsafe state.pointee.next }
    /// The newest number of which the hearer has said that it holds all state up to it.
    package var acknowledged: SequenceNumber? { unsafe state.pointee.acknowledged }
    /// What the hearer can do.
    package var ability: HearerAbility {
        get { unsafe state.pointee.ability }
        set { unsafe state.pointee.ability = newValue }
    }
    /// When a guard packet is to be written; nil: none is needed. In ticks of `now`.
    package var guardDue: UInt64? { unsafe state.pointee.guardDue }

    /// Writes one packet, which takes a number.
    /// - Parameter out: room for 17 octets and the list; the journal takes what is left of the room, up to its limit.
    package func write(_ list: borrowing CommandList, at now: UInt64, into out: inout OutputRawSpan) {
        unsafe state.pointee.write(list, at: now, into: &out)
    }

    /// Writes a guard packet: the journal mends what was lost before it, and the ends that are due are said again.
    /// - Parameters:
    ///   - list: room to work in.
    ///   - isHeld: another of those whom the hearer hears still holds what would be ended. It must not use this stream.
    package func writeGuard(
        with list: inout CommandList, at now: UInt64, into out: inout OutputRawSpan,
        unless isHeld: (Message) -> Bool = { _ in false }
    ) { unsafe state.pointee.writeGuard(with: &list, at: now, into: &out, unless: isHeld) }

    /// The hearer has said that it holds all state up to this number. One that it cannot mean is ignored.
    package func acknowledge(_ highest: SequenceNumber) { unsafe state.pointee.acknowledge(highest) }

    /// Puts a list into the history under the next number, which it takes, and writes nothing: the hearer sees a lost
    /// packet, and the next packet's journal brings it this state. A guard packet is due at once.
    package func pretendSent(_ list: borrowing CommandList) { unsafe state.pointee.pretendSent(list) }

    /// Another sender has gone on at this hearer: what was sent so far, and may be lost, is not mended any more, since it is
    /// old. No journal tells of it; the checkpoint stays, so that whoever has missed some of it does not silence.
    package func forgetChanges() { unsafe state.pointee.forgetChanges() }

    /// After our own restart: what the hearer was told before, and may still sound there.
    package func assume(_ message: Message) { unsafe state.pointee.assume(message) }

    /// Sees to it that the hearer gets a filled journal, by which it sees that we write them: it contains a note-off
    /// for a note that is not sounding, which has no effect.
    package func showJournal(at now: UInt64) { unsafe state.pointee.showJournal(at: now) }

    /// An instance's memory but for a few dozen octets.
    package static var byteCount: Int { SenderState.byteCount + EndRepeats.byteCount }
}

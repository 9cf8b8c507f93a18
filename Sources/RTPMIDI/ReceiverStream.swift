package import MIDI

/// What comes from one speaker: the numbers of its packets, what was passed on, and the repair of what the network lost
/// (RFC 6295 appendix B and RFC 4696; fact sheet 3.8).
package final class ReceiverStream {
    /// What to do with the speaker's sounding notes after a loss that no journal covers.
    package enum UncoveredLoss: Sendable {
        case silence
        /// Only where the speaker has ever sent a filled journal: one that never does would lose held chords each time.
        case silenceIfJournalled
        case keep
    }
    package var onUncoveredLoss = UncoveredLoss.silenceIfJournalled

    /// The highest number received, extended beyond 16 bits.
    package private(set) var highest: UInt32?

    package init() {}
    /// Goes on after our own restart: a packet that follows `number` without a gap is no first one.
    package init(resumingAfter number: SequenceNumber) { highest = 0x10000 | UInt32(number.rawValue) }

    /// Takes as passed on what was before our own restart.
    package func assume(_ message: Message) {}

    /// Takes one packet and passes on what it says and repairs, in order. Thrown: the packet is malformed, nothing was
    /// passed on, and the packet counts as not received, so that the next journal repairs it.
    package func receive(
        _ packet: RawSpan, _ header: RTPHeader, at now: UInt64, emit: (Emission) -> Void
    ) throws(WireError) -> Reception {
        let section = try CommandSection(decoding: packet, in: header.payload)
        var reader = CommandListReader(section, timestamp: header.timestamp)
        while try reader.next(in: packet) != nil {}

        reader = CommandListReader(section, timestamp: header.timestamp)
        while let entry = try reader.next(in: packet) {
            switch entry {
            case .command(let command, _): emit(.message(command.message, time: reader.time, isRepair: false))
            case .system(let message): emit(.system(message, time: reader.time))
            case .sysEx(let part, let range): emit(.sysEx(part, range, time: reader.time))
            }
        }
        highest = 0x10000 | UInt32(header.sequence.rawValue)
        return Reception(verdict: .played)
    }

    /// What the receiver feedback should say now, if anything: the number is then taken as said.
    package func takeFeedback(at now: UInt64) -> SequenceNumber? { nil }
    /// When `takeFeedback` is next worth asking; nil: not before another packet has come.
    package var feedbackDue: UInt64? { nil }

    /// Ends what the speaker holds: note-offs, pedals up, wheel to the centre. For a speaker that left or fell silent.
    package func silence(emit: (Emission) -> Void) {}
}

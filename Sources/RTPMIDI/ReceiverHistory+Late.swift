/// Packets that were overtaken.
extension ReceiverHistory {
    /// How many packets back one may be.
    private static let window = 64

    /// A stream begins with this packet: nothing has been said by any of the numbers around it.
    mutating func beginNumbers(at packet: SequenceNumber) {
        let past = packet.advanced(by: -0x4000).rawValue
        notePackets.fill(past)
        controlPackets.fill(past)
        (programPacket, pressurePacket, wheelPacket) = (past, past, past)
    }

    /// Takes a command of a packet that was overtaken. False where it is not to be passed on: a newer packet has spoken of
    /// the same, or it would mean something else by now.
    /// - Parameter endsOnly: a journal has told the rest, or the packet comes too late for it.
    mutating func takeLate(_ command: ChannelCommand, of packet: SequenceNumber, endsOnly: Bool, at now: UInt64) -> Bool
    {
        func isFree(_ said: UInt16, by earliest: Int = 1) -> Bool {
            !(earliest...Self.window).contains(SequenceNumber(said).distance(from: packet))
        }
        let index = Int(command.first)
        switch command.status & 0xF0 {
        case 0x80, 0x90:
            // What a journal has struck counts as of the packet before that journal's, and may have been struck after the end
            // in that packet.
            guard isFree(notePackets[index], by: endsOnly ? 0 : 1),
                isFree(controlPackets[120]), (123...127).allSatisfy({ isFree(controlPackets[$0]) })
            else { return false }
            if command.isNoteOff, !isSounding(index) {
                // Its beginning may come later still.
                notePackets[index] = packet.rawValue
                return false
            }
            if endsOnly, !command.isNoteOff { return false }
        case 0xB0:
            // Numbers and values of parameters belong together, and modes are commands.
            switch command.first {
            case 6, 38, 96...101, 120...: return false
            default: break
            }
            guard !endsOnly, isFree(controlPackets[index]), isFree(controlPackets[121]) else { return false }
        case 0xC0: guard !endsOnly, isFree(programPacket) else { return false }
        case 0xD0: guard !endsOnly, isFree(pressurePacket), isFree(controlPackets[121]) else { return false }
        case 0xE0: guard !endsOnly, isFree(wheelPacket), isFree(controlPackets[121]) else { return false }
        default: return false
        }
        apply(command, packet: packet.rawValue, at: now)
        return true
    }
}

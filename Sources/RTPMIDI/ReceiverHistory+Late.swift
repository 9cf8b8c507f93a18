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
    /// - Parameters:
    ///   - isSoon: it does not come too late for anything but an end.
    ///   - isTold: journals have told what the packet says, but for notes that were not worth striking from one.
    mutating func takeLate(
        _ command: ChannelCommand, of packet: SequenceNumber, isSoon: Bool, isTold: Bool, at now: UInt64
    ) -> Bool {
        func isFree(_ said: UInt16, by earliest: Int = 1) -> Bool {
            !(earliest...Self.window).contains(SequenceNumber(said).distance(from: packet))
        }
        let index = Int(command.first)
        switch command.status & 0xF0 {
        case 0x80, 0x90:
            guard isFree(controlPackets[120]), (123...127).allSatisfy({ isFree(controlPackets[$0]) }) else {
                return false
            }
            if isTold, !command.isNoteOff {
                guard isSoon, velocities[index] == command.second | Self.skipped else { return false }
                apply(command, packet: notePackets[index], at: now)
                return true
            }
            // What a journal has told counts as of the packet before that journal's, and may have been struck after the end in
            // that packet.
            guard isFree(notePackets[index], by: isTold ? 0 : 1) else { return false }
            if command.isNoteOff, !isSounding(index) {
                // Its beginning may come later still.
                notePackets[index] = packet.rawValue
                return false
            }
            if !isSoon, !command.isNoteOff { return false }
        case 0xB0:
            // Numbers and values of parameters belong together, and modes are commands.
            switch command.first {
            case 6, 38, 96...101, 120...: return false
            default: break
            }
            guard isSoon, !isTold, isFree(controlPackets[index]), isFree(controlPackets[121]) else { return false }
        case 0xC0: guard isSoon, !isTold, isFree(programPacket) else { return false }
        case 0xD0: guard isSoon, !isTold, isFree(pressurePacket), isFree(controlPackets[121]) else { return false }
        case 0xE0: guard isSoon, !isTold, isFree(wheelPacket), isFree(controlPackets[121]) else { return false }
        default: return false
        }
        apply(command, packet: packet.rawValue, at: now)
        return true
    }
}

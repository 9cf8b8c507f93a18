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

    /// Takes a command of a packet that was overtaken, and passes on what still counts of it: not where a newer packet has
    /// spoken of the same, nor where it would mean something else by now.
    /// - Parameters:
    ///   - isSoon: it does not come too late for anything but an end.
    ///   - isTold: journals have told what the packet says, but for notes that were not worth striking from one.
    mutating func playLate(
        _ command: ChannelCommand, of packet: SequenceNumber, isSoon: Bool, isTold: Bool, at now: UInt64,
        emit: (ChannelCommand) -> Void
    ) {
        func isFree(_ said: UInt16, by earliest: Int = 1) -> Bool {
            !(earliest...Self.window).contains(SequenceNumber(said).distance(from: packet))
        }
        func pass(_ command: ChannelCommand, as number: UInt16) {
            apply(command, packet: number, at: now)
            emit(command)
        }
        let index = Int(command.first)
        let counts = isSoon && !isTold
        switch command.status & 0xF0 {
        case 0x80, 0x90:
            guard isFree(controlPackets[120]), (123...127).allSatisfy({ isFree(controlPackets[$0]) }) else { return }
            if isTold, !command.isNoteOff {
                if isSoon, velocities[index] == command.second | Self.skipped { pass(command, as: notePackets[index]) }
                return
            }
            // What a journal has told counts as of the packet before that journal's, and may have been struck after the end in
            // that packet.
            guard isFree(notePackets[index], by: isTold ? 0 : 1) else { return }
            if command.isNoteOff, !isSounding(index) {
                // Its beginning may come later still.
                notePackets[index] = packet.rawValue
            } else if isSoon || command.isNoteOff {
                pass(command, as: packet.rawValue)
            }
        case 0xB0:
            guard !isTold, isFree(controlPackets[index]), isFree(controlPackets[121]) else { return }
            let channel = command.status & 0x0F
            switch command.first {
            // Numbers and values of parameters belong together.
            case 6, 38, 96...101, 122: break
            // Commands that would end newer things as well: only what is older is ended.
            case 120, 123...127:
                controlPackets[index] = packet.rawValue
                for note in 0..<128 where isSounding(note) && isFree(notePackets[note]) {
                    pass(ChannelCommand(0x80 | channel, UInt8(note), 64), as: packet.rawValue)
                }
            case 121:
                controlPackets[121] = packet.rawValue
                for pedal in 64...67
                where values[pedal] != Self.unknown && values[pedal] > 0 && isFree(controlPackets[pedal]) {
                    pass(ChannelCommand(0xB0 | channel, UInt8(pedal), 0), as: packet.rawValue)
                }
                if wheel != Self.centre, wheel != Self.unknownWheel, isFree(wheelPacket) {
                    pass(ChannelCommand(0xE0 | channel, 0, 64), as: packet.rawValue)
                }
            default: if isSoon { pass(command, as: packet.rawValue) }
            }
        case 0xC0: if counts, isFree(programPacket) { pass(command, as: packet.rawValue) }
        case 0xD0:
            if counts, isFree(pressurePacket), isFree(controlPackets[121]) { pass(command, as: packet.rawValue) }
        case 0xE0: if counts, isFree(wheelPacket), isFree(controlPackets[121]) { pass(command, as: packet.rawValue) }
        default: break
        }
    }
}

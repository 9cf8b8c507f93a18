package import MIDI

/// What one participant holds down: notes, pedals and the pitch bend, on every channel.
///
/// A fixed number of bytes without pointers, so that it can lie in a mapped file and outlive the program that wrote it.
/// Watching may have gaps (the watcher died, or lost events). What was held before a gap is *stale*, and any other note
/// of a channel that was in use may have been struck unseen. Both are released when the participant leaves; neither
/// makes the participant a holder for whose sake another's release is held back.
package struct HeldState: BitwiseCopyable, Sendable {
    private var channels: [16 of ChannelState] = .init(repeating: ChannelState())

    package init() {}

    /// Follows a message of this participant.
    package mutating func apply(_ message: Message) {
        let index = Int(message.channel.rawValue)
        channels[index].used = 1
        switch message {
        case .noteOn(_, let note, let velocity):
            channels[index].saw(note, down: velocity.rawValue > 0)
        case .noteOff(_, let note, _):
            channels[index].saw(note, down: false)
        case .controlChange(_, let controller, let value):
            channels[index].saw(controller, value)
        case .pitchBend(_, let bend):
            channels[index].bent = bend == .centre ? 0 : 1
            channels[index].staleBend = 0
        case .polyPressure, .programChange, .channelPressure: break
        }
    }

    /// To be called when messages may have passed unseen.
    package mutating func loseSight() {
        for index in channels.indices where channels[index].used == 1 { channels[index].loseSight() }
    }

    /// Forgets notes and sustain: somebody has silenced the hearers.
    package mutating func silence() {
        for index in channels.indices {
            channels[index].forgetNotes()
            channels[index].pedals &= ~1
            channels[index].stalePedals &= ~1
        }
    }

    /// What silences a hearer for good, whatever sounds there: on all channels sustain off, all notes off, all sound off.
    package static let silencing: [Message] = Channel.all.flatMap { channel in
        [Controller.sustain, Controller.allNotesOff, Controller.allSoundOff].map {
            Message.controlChange(channel, controller: $0, value: 0)
        }
    }

    /// Takes over what `other` holds besides.
    package mutating func merge(_ other: HeldState) {
        for index in channels.indices { channels[index].merge(other.channels[index]) }
    }

    /// Nothing is held that leaving would have to release.
    package var isEmpty: Bool { !channels.indices.contains { channels[$0].holdsAnything } }

    /// How many notes are known to be held, or were before a gap.
    package var noteCount: Int {
        channels.indices.reduce(0) { $0 + (channels[$1].held | channels[$1].stale).nonzeroBitCount }
    }

    /// The messages that end, at one hearer, what this participant held there when it leaves. What one of `others` (the
    /// other participants whom this hearer hears) holds too is left alone. `unseen`: also end what may have begun unseen.
    package func releases(whileHeldBy others: [HeldState], unseen: Bool = true) -> [Message] {
        var messages: [Message] = []
        for index in channels.indices where channels[index].used == 1 {
            let mine = channels[index]
            let channel = Channel(truncating: UInt8(index))
            var notes = mine.held | mine.stale | (unseen ? mine.unseen : 0)
            var pedals = mine.pedals | mine.stalePedals
            var bent = mine.bent | mine.staleBend
            for other in others {
                notes &= ~other.channels[index].held
                pedals &= ~other.channels[index].pedals
                bent &= ~other.channels[index].bent
            }
            while notes != 0 {
                let note = DataByte(truncating: UInt8(notes.trailingZeroBitCount))
                messages.append(.noteOff(channel, note: note, velocity: 64))
                notes &= notes - 1
            }
            for (bit, pedal) in Controller.pedals.enumerated() where pedals & 1 << bit != 0 {
                messages.append(.controlChange(channel, controller: pedal, value: 0))
            }
            if bent != 0 { messages.append(.pitchBend(channel, .centre)) }
        }
        return messages
    }

    /// Hands out the notes that are held; or, of the channels in use, those that are not.
    package func tellNotes(held: Bool, _ body: (Channel, DataByte) -> Void) {
        for index in channels.indices where channels[index].used == 1 {
            var notes = held ? channels[index].held : ~channels[index].held
            while notes != 0 {
                body(Channel(truncating: UInt8(index)), DataByte(truncating: UInt8(notes.trailingZeroBitCount)))
                notes &= notes - 1
            }
        }
    }

    /// Whether this participant holds what `release` would end.
    package func holds(_ release: Message) -> Bool {
        let channel = channels[Int(release.channel.rawValue)]
        return switch release {
        case .noteOff(_, let note, _): channel.held & note.bit != 0
        case .controlChange(_, let controller, _): channel.pedals & controller.pedalBit != 0
        case .pitchBend: channel.bent != 0
        case .noteOn, .polyPressure, .programChange, .channelPressure: false
        }
    }
}

private struct ChannelState: BitwiseCopyable {
    var held: UInt128 = 0
    var stale: UInt128 = 0
    var unseen: UInt128 = 0
    /// A bit each for controllers 64...69.
    var pedals: UInt8 = 0
    var stalePedals: UInt8 = 0
    /// 0 or 1, as are the others: a file's bytes may be anything, and a Bool may not.
    var bent: UInt8 = 0
    var staleBend: UInt8 = 0
    var used: UInt8 = 0

    var holdsAnything: Bool {
        held | stale | unseen != 0 || pedals | stalePedals | bent | staleBend != 0
    }

    mutating func saw(_ note: DataByte, down: Bool) {
        held = down ? held | note.bit : held & ~note.bit
        stale &= ~note.bit
        unseen &= ~note.bit
    }

    mutating func saw(_ controller: DataByte, _ value: DataByte) {
        switch controller.rawValue {
        case 64...69:
            pedals = value.rawValue > 0 ? pedals | controller.pedalBit : pedals & ~controller.pedalBit
            stalePedals &= ~controller.pedalBit
        case 121:  // MIDI recommended practice RP-015: 64...67 and the bend go back, legato and hold 2 stay
            pedals &= ~0b1111
            stalePedals &= ~0b1111
            bent = 0
            staleBend = 0
        case 120, 123...127: forgetNotes()
        default: break
        }
    }

    mutating func forgetNotes() {
        held = 0
        stale = 0
        unseen = 0
    }

    mutating func loseSight() {
        stale |= held
        held = 0
        unseen = ~stale
        stalePedals = 0b111111
        pedals = 0
        staleBend = 1
        bent = 0
    }

    mutating func merge(_ other: ChannelState) {
        held |= other.held
        stale |= other.stale
        unseen |= other.unseen
        pedals |= other.pedals
        stalePedals |= other.stalePedals
        bent |= other.bent
        staleBend |= other.staleBend
        used |= other.used
    }
}

extension DataByte {
    fileprivate var bit: UInt128 { 1 << UInt128(rawValue) }
    fileprivate var pedalBit: UInt8 { (64...69).contains(rawValue) ? 1 << (rawValue - 64) : 0 }
}

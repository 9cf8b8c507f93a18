package import MIDI

/// What one participant holds down: notes, pedals and the pitch bend, on every channel.
///
/// A fixed number of bytes without pointers, so that it can lie in a mapped file and outlive the program that wrote it.
/// Watching may have gaps (the watcher died, or lost events). What was held before a gap is *stale*: it counts as held
/// until something else is seen of it. Whatever else a channel in use has may have been struck *unseen*: that is
/// released where nobody else can have it too, and holds no other's release back.
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
            channels[index].saw(bent: bend != .centre)
        case .polyPressure, .programChange, .channelPressure: break
        }
    }

    /// To be called when messages may have passed unseen.
    package mutating func loseSight() {
        for index in channels.indices where channels[index].used == 1 { channels[index].loseSight() }
    }

    /// Forgets notes and sustain: the hearers were silenced.
    package mutating func silence() {
        for index in channels.indices {
            channels[index].forgetNotes()
            channels[index].pedals &= ~1
            channels[index].stalePedals &= ~1
            channels[index].unseenPedals &= ~1
        }
    }

    /// What silences a hearer whatever sounds there: on all channels sustain off, all notes off, all sound off.
    package static let silencing: [Message] = Channel.all.flatMap { channel in
        [Controller.sustain, Controller.allNotesOff, Controller.allSoundOff].map {
            Message.controlChange(channel, controller: $0, value: 0)
        }
    }

    /// Adds what `other` holds.
    package mutating func merge(_ other: HeldState) {
        for index in channels.indices { channels[index].merge(other.channels[index]) }
    }

    package mutating func merge(_ other: HeldChannel) {
        guard !other.isEmpty else { return }
        let index = Int(other.channel.rawValue)
        channels[index].used = 1
        channels[index].held |= other.notes
        channels[index].pedals |= other.pedals
        channels[index].bent |= other.bend
    }

    /// What is held on one channel, or was before a gap.
    package func onChannel(_ channel: Channel) -> HeldChannel {
        let known = channels[Int(channel.rawValue)].known
        return HeldChannel(channel, notes: known.notes, pedals: known.pedals, bend: known.bend & 1)
    }

    /// True where nothing is held that would have to be released when the participant leaves.
    package var isEmpty: Bool {
        // A closure would be given a copy of the whole.
        for index in channels.indices where channels[index].holdsAnything { return false }
        return true
    }

    /// Adds what `release` would end, as if it were held.
    package mutating func owe(_ release: Message) {
        switch release {
        case .noteOff(let channel, let note, _): apply(.noteOn(channel, note: note, velocity: 64))
        case .controlChange(let channel, let pedal, _):
            apply(.controlChange(channel, controller: pedal, value: 127))
        case .pitchBend(let channel, _): apply(.pitchBend(channel, Bend(truncating: 0)))
        case .noteOn, .polyPressure, .programChange, .channelPressure: break
        }
    }

    /// How many notes are known to be held, or were before a gap.
    package var noteCount: Int {
        channels.indices.reduce(0) { $0 + (channels[$1].held | channels[$1].stale).nonzeroBitCount }
    }

    /// The messages that end, at one hearer, what this participant held there when it leaves. What one of `others` (the
    /// other participants whom this hearer hears) holds too is left alone. `unseen`: also end what may have begun unseen,
    /// but for what may have begun unseen at one of the others as well.
    package func releases(whileHeldBy others: [HeldState], unseen: Bool = true) -> [Message] {
        var messages: [Message] = []
        for index in channels.indices where channels[index].used == 1 {
            let channel = Channel(truncating: UInt8(index))
            var (known, guessed) = (channels[index].known, unseen ? channels[index].unseenThings : Things())
            for other in others {
                let theirs = other.channels[index].known
                known.subtract(theirs)
                guessed.subtract(theirs)
                guessed.subtract(other.channels[index].unseenThings)
            }
            known.merge(guessed)
            while known.notes != 0 {
                let note = DataByte(truncating: UInt8(known.notes.trailingZeroBitCount))
                messages.append(.noteOff(channel, note: note, velocity: 64))
                known.notes &= known.notes - 1
            }
            for (bit, pedal) in Controller.pedals.enumerated() where known.pedals & 1 << bit != 0 {
                messages.append(.controlChange(channel, controller: pedal, value: 0))
            }
            if known.bend != 0 { messages.append(.pitchBend(channel, .centre)) }
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
        let known = channels[Int(release.channel.rawValue)].known
        return switch release {
        case .noteOff(_, let note, _): known.notes & note.bit != 0
        case .controlChange(_, let controller, _): known.pedals & controller.pedalBit != 0
        case .pitchBend: known.bend != 0
        case .noteOn, .polyPressure, .programChange, .channelPressure: false
        }
    }
}

/// Notes, pedals (a bit each for controllers 64...69) and bend (0 or 1) of one channel.
private struct Things {
    var notes: UInt128 = 0
    var pedals: UInt8 = 0
    var bend: UInt8 = 0

    mutating func merge(_ other: Things) {
        (notes, pedals, bend) = (notes | other.notes, pedals | other.pedals, bend | other.bend)
    }
    mutating func subtract(_ other: Things) {
        (notes, pedals, bend) = (notes & ~other.notes, pedals & ~other.pedals, bend & ~other.bend)
    }
}

private struct ChannelState: BitwiseCopyable {
    var held: UInt128 = 0
    var stale: UInt128 = 0
    var unseen: UInt128 = 0
    /// A bit each for controllers 64...69.
    var pedals: UInt8 = 0
    var stalePedals: UInt8 = 0
    /// 0 or 1. No Bool: a mapped file may hold any byte, and not every byte is a valid Bool.
    var bent: UInt8 = 0
    var staleBend: UInt8 = 0
    var used: UInt8 = 0
    var unseenPedals: UInt8 = 0
    var unseenBend: UInt8 = 0

    /// Held, or held before a gap and not seen since.
    var known: Things { Things(notes: held | stale, pedals: pedals | stalePedals, bend: bent | staleBend) }
    var unseenThings: Things { Things(notes: unseen, pedals: unseenPedals, bend: unseenBend) }

    var holdsAnything: Bool {
        held | stale | unseen != 0 || pedals | stalePedals | unseenPedals | bent | staleBend | unseenBend != 0
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
            unseenPedals &= ~controller.pedalBit
        case 121:  // MIDI recommended practice RP-015: 64...67 and the bend go back, legato and hold 2 stay
            pedals &= ~0b1111
            stalePedals &= ~0b1111
            unseenPedals &= ~0b1111
            saw(bent: false)
        case 120, 123...127: forgetNotes()
        default: break
        }
    }

    mutating func saw(bent isBent: Bool) {
        (bent, staleBend, unseenBend) = (isBent ? 1 : 0, 0, 0)
    }

    mutating func forgetNotes() {
        held = 0
        stale = 0
        unseen = 0
    }

    mutating func loseSight() {
        (stale, stalePedals, staleBend) = (stale | held, stalePedals | pedals, staleBend | bent)
        (held, pedals, bent) = (0, 0, 0)
        (unseen, unseenPedals, unseenBend) = (~stale, ~stalePedals & 0b111111, ~staleBend & 1)
    }

    mutating func merge(_ other: ChannelState) {
        held |= other.held
        stale |= other.stale
        unseen |= other.unseen
        pedals |= other.pedals
        stalePedals |= other.stalePedals
        bent |= other.bent
        staleBend |= other.staleBend
        unseenPedals |= other.unseenPedals
        unseenBend |= other.unseenBend
        used |= other.used
    }
}

extension DataByte {
    var bit: UInt128 { 1 << UInt128(rawValue) }
    var pedalBit: UInt8 { (64...69).contains(rawValue) ? 1 << (rawValue - 64) : 0 }
}

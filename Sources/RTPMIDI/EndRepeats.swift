import MIDI

/// What a hearer was told to sound, and the ends of that, to be said again: note-offs, pedals up, the bend to rest. It is
/// for hearers that do not repair from the journal, at which a lost end would hang. About 1.5 KiB.
///
/// An end is said six times in all. Where a fifth of all packets is lost, one in 15,000 ends is then never heard; the four
/// times of three repetitions would be one in 600. Only what was begun is ended again, and what is begun anew is not.
@safe struct EndRepeats: ~Copyable {
    /// How often an end is said again, and how many ticks apart: five times within about 200 ms, so that a disturbance of a
    /// tenth of a second does not take all of them.
    static let times = 5
    private static let interval: UInt64 = 400
    /// Ends in one packet: with headers they make 63 octets, which the smallest peers can take. The rest follows after
    /// `pause`.
    private static let most = 12
    private static let pause: UInt64 = 50

    /// When the next ones are to be said, in ticks; nil where there are none.
    private(set) var due: UInt64?
    /// The newest time at which an end is to be heard: a repetition must not come before it.
    private var newest: UInt32 = 0
    private let channels: UnsafeMutablePointer<ChannelEnds>
    /// A bit for each channel with something to say.
    private var active: UInt16 = 0

    static var byteCount: Int { 16 * MemoryLayout<ChannelEnds>.stride }

    init() {
        unsafe channels = .allocate(capacity: 16)
        unsafe channels.initialize(repeating: ChannelEnds(), count: 16)
    }
    deinit { unsafe channels.deallocate() }

    /// The hearer is sent a command, to be heard at `time`.
    mutating func follow(_ command: ChannelCommand, time: UInt32, at now: UInt64) {
        let channel = command.channel
        guard unsafe channels[channel].follow(command) else { return }
        if due == nil {
            newest = time
            // Rounded, so that the repetitions of all hearers are due in the same moment and cost one wake-up.
            due = ((now + Self.interval / 2) / Self.interval + 1) * Self.interval
        } else if Int32(bitPattern: time &- newest) > 0 {
            newest = time
        }
        active |= 1 << UInt16(channel)
    }

    /// Adds the ends that are due.
    /// - Parameter isHeld: whether another one whom this hearer hears holds it still, so that it must not be ended.
    mutating func add(to list: inout CommandList, at now: UInt64, unless isHeld: (Message) -> Bool) {
        guard let due, due <= now else { return }
        let isBegun = (0..<16).contains { unsafe isActive($0) && channels[$0].isInRound }
        if !isBegun { for channel in 0..<16 where isActive(channel) { unsafe channels[channel].beginRound() } }
        let ahead = Int32(bitPattern: newest &- UInt32(truncatingIfNeeded: now))
        let time = ahead > 0 ? newest : UInt32(truncatingIfNeeded: now)
        var room = Self.most
        var isUnfinished = false
        for channel in 0..<16 where isActive(channel) {
            while room > 0, let end = unsafe channels[channel].popEnd(UInt8(channel)) {
                if isHeld(end.message) {
                    unsafe channels[channel].cancelEnd(end)
                } else {
                    room = list.append(end.message, at: time) ? room - 1 : 0
                }
            }
            isUnfinished = unsafe isUnfinished || channels[channel].isInRound
            if unsafe !channels[channel].isPending { active &= ~(1 << UInt16(channel)) }
        }
        self.due = isUnfinished ? now + Self.pause : active == 0 ? nil : (now / Self.interval + 1) * Self.interval
    }

    private func isActive(_ channel: Int) -> Bool { active & 1 << UInt16(channel) != 0 }
}

/// One channel's.
private struct ChannelEnds: BitwiseCopyable {
    // As in `SenderHistory`, note 0 is the highest bit.
    private var notes = Ends<UInt128>()
    /// A bit each for the controllers 64...69, and one for the bend.
    private var others = Ends<UInt8>()
    private static let bend: UInt8 = 1 << 6
    /// What controller 121 puts back (MIDI recommended practice RP-015): not legato and hold 2.
    private static let resettable: UInt8 = 0b1001111

    var isPending: Bool { notes.isPending || others.isPending }
    var isInRound: Bool { notes.round != 0 || others.round != 0 }

    /// Whether it has ended something.
    mutating func follow(_ command: ChannelCommand) -> Bool {
        switch command.status & 0xF0 {
        case 0x80: return notes.end(SenderHistory.bit(command.first))
        case 0x90:
            let note = SenderHistory.bit(command.first)
            return command.second == 0 ? notes.end(note) : notes.begin(note)
        case 0xB0:
            switch command.first {
            case 64...69:
                let pedal = UInt8(1) << (command.first - 64)
                return command.second == 0 ? others.end(pedal) : others.begin(pedal)
            case 120, 123...127: return notes.end(.max)
            case 121: return others.end(Self.resettable)
            default: return false
            }
        case 0xE0:
            return command.first == 0 && command.second == 64 ? others.end(Self.bend) : others.begin(Self.bend)
        default: return false
        }
    }

    mutating func beginRound() {
        notes.beginRound()
        others.beginRound()
    }

    mutating func popEnd(_ channel: UInt8) -> ChannelCommand? {
        if let note = notes.popFirst() { return ChannelCommand(0x80 | channel, UInt8(note), 64) }
        guard let index = others.popFirst() else { return nil }
        let number = UInt8(7 - index)
        return 1 << number == Self.bend
            ? ChannelCommand(0xE0 | channel, 0, 64) : ChannelCommand(0xB0 | channel, 64 + number, 0)
    }

    /// Cancels the repetition of an end, because another sender still holds the note: it counts as begun again.
    mutating func cancelEnd(_ end: ChannelCommand) {
        switch end.status & 0xF0 {
        case 0x80: _ = notes.begin(SenderHistory.bit(end.first))
        case 0xE0: _ = others.begin(Self.bend)
        default: _ = others.begin(1 << (end.first - 64))
        }
    }
}

/// Up to 128 things that begin and end, a bit each, and how often their ends are still to be said.
private struct Ends<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>: BitwiseCopyable {
    private var on: Bits = 0
    /// How often each end is still to be said, 0...5: a bit of the number in each.
    private var ones: Bits = 0
    private var twos: Bits = 0
    private var fours: Bits = 0
    /// Still to be said this time.
    private(set) var round: Bits = 0

    var isPending: Bool { ones | twos | fours | round != 0 }

    mutating func begin(_ some: Bits) -> Bool {
        on |= some
        (ones, twos, fours, round) = (ones & ~some, twos & ~some, fours & ~some, round & ~some)
        return false
    }

    /// Whether any of them was on.
    mutating func end(_ some: Bits) -> Bool {
        let ended = on & some
        on &= ~ended
        (ones, twos, fours) = (ones | ended, twos & ~ended, fours | ended)
        return ended != 0
    }

    mutating func beginRound() {
        round = ones | twos | fours
        // Subtracts one from each counter in the round.
        let (noOnes, noTwos) = (round & ~ones, round & ~ones & ~twos)
        (ones, twos, fours) = (ones ^ round, twos ^ noOnes, fours ^ noTwos)
    }

    mutating func popFirst() -> Int? {
        guard round != 0 else { return nil }
        let index = round.leadingZeroBitCount
        round &= ~(1 << Bits(Bits.bitWidth - 1 - index))
        return index
    }
}

import MIDI

/// The state of a `SenderStream`, and what it does.
@safe struct SenderState: ~Copyable {
    private let ssrc: SSRC
    private(set) var next: SequenceNumber
    private(set) var acknowledged: SequenceNumber?
    var ability: HearerAbility {
        didSet {
            if ability.repeatsEnds != oldValue.repeatsEnds { repeats = ability.repeatsEnds ? EndRepeats() : nil }
            kept.forgetAll()
        }
    }
    var guardDue: UInt64? {
        let endsDue = endsDue
        guard let journalDue, let endsDue else { return journalDue ?? endsDue }
        return min(journalDue, endsDue)
    }
    /// When one is, for the journal's sake.
    private var journalDue: UInt64?
    private var endsDue: UInt64? {
        switch repeats {
        case .some(let repeats): repeats.due
        case .none: nil
        }
    }
    /// For a hearer that needs it.
    private var repeats: EndRepeats?

    private let histories: UnsafeMutablePointer<SenderHistory>
    private var kept: KeptJournals
    /// What the histories and the kept journals lie in.
    private let block: UnsafeMutableRawPointer
    /// A bit for each channel whose history is not empty.
    private var active: UInt16 = 0
    /// The first packet of the history.
    private var checkpoint: UInt16
    /// Packets sent since the newest acknowledged one.
    private var unacknowledged = 0
    private var guardsWritten = 0

    init(ssrc: SSRC, next: SequenceNumber, to ability: HearerAbility, checkpoint: SequenceNumber? = nil) {
        self.ssrc = ssrc
        self.next = next
        self.ability = ability
        repeats = ability.repeatsEnds ? EndRepeats() : nil
        self.checkpoint = checkpoint.map { $0.distance(from: next) < 0 ? $0 : next }?.rawValue ?? next.rawValue
        unsafe block = .allocate(byteCount: KeptJournals.byteCount + 16 * SenderHistory.tablesByteCount, alignment: 16)
        var rest = unsafe block
        unsafe kept = KeptJournals(from: &rest)
        unsafe histories = .allocate(capacity: 16)
        unsafe SenderHistory.initialize(histories, from: rest)
    }
    deinit {
        unsafe histories.deinitialize(count: 16)
        unsafe histories.deallocate()
        unsafe block.deallocate()
    }

    /// Bytes of the memory that an instance owns.
    static var byteCount: Int { KeptJournals.byteCount + 16 * SenderHistory.byteCount }

    mutating func write(_ list: borrowing CommandList, at now: UInt64, into out: inout OutputRawSpan) {
        writePacket(list, at: now, into: &out)
        record(list)
        followEnds(of: list, at: now)
        scheduleGuard(after: list, at: now)
    }

    mutating func writeGuard(
        with list: inout CommandList, at now: UInt64, into out: inout OutputRawSpan,
        unless isHeld: (Message) -> Bool = { _ in false }
    ) {
        list.removeAll()
        repeats?.add(to: &list, at: now, unless: isHeld)
        writePacket(list, at: now, into: &out)
        list.removeAll()
        record(list)
        scheduleGuard(after: list, at: now)
    }

    private mutating func writePacket(_ list: borrowing CommandList, at now: UInt64, into out: inout OutputRawSpan) {
        RTPHeader.write(
            sequence: next, timestamp: list.isEmpty ? UInt32(truncatingIfNeeded: now) : list.start, ssrc: ssrc,
            into: &out)
        if list.byteCount > 15 {
            out.write(UInt16(0xC000 | UInt16(list.byteCount)))
        } else {
            out.write(UInt8(0x40 | UInt8(list.byteCount)))
        }
        list.write(into: &out)
        writeJournal(into: &out)
    }

    mutating func acknowledge(_ highest: SequenceNumber) {
        let age = Int(next.rawValue &- 1 &- highest.rawValue)
        guard age < unacknowledged, age < 0x8000 else { return }
        unacknowledged = age
        acknowledged = highest
        forget(through: highest.rawValue)
        if active == 0 { journalDue = nil }
    }

    mutating func pretendSent(_ list: borrowing CommandList) {
        record(list)
        guardsWritten = 0
        journalDue = active == 0 ? nil : 0
    }

    mutating func forgetChanges() {
        for channel in 0..<16 where active & 1 << UInt16(channel) != 0 {
            unsafe histories[channel].forget { _ in true }
        }
        (active, journalDue) = (0, nil)
        kept.forgetAll()
        if ability.repeatsEnds { repeats = EndRepeats() }
    }

    mutating func assume(_ message: Message) {
        repeats?.follow(ChannelCommand(message), time: 0, at: 0)
    }

    mutating func showJournal(at now: UInt64) {
        guard active == 0, ability.journalLimit > 0 else { return }
        let packet = next.rawValue &- 1
        _ = unsafe histories[0].record(ChannelCommand(0x80, 0, 64), packet: packet)
        kept.forget(0)
        active = 1
        if checkpoint == next.rawValue { checkpoint = packet }
        guardsWritten = 0
        journalDue = now
    }

    // MARK: History

    private mutating func record(_ list: borrowing CommandList) {
        let packet = next.rawValue
        // The checkpoint must stay less than half of all numbers behind.
        if packet &- checkpoint >= 0x7000 { forget(through: packet &- 0x3000) }
        if ability.journalLimit > 0 {
            for index in 0..<list.commandCount {
                if index == list.resetIndex { reset() }
                let command = list.command(index)
                if let lost = unsafe histories[command.channel].record(command, packet: packet) {
                    forget(through: lost)
                }
                active |= 1 << UInt16(command.channel)
                kept.forget(command.channel)
            }
            if list.commandCount == list.resetIndex { reset() }
        }
        next = next.advanced(by: 1)
        if ability.journalLimit <= 0 { forget(through: packet) }
        unacknowledged = min(unacknowledged + 1, 0xFFFF)
    }

    private mutating func followEnds(of list: borrowing CommandList, at now: UInt64) {
        guard ability.repeatsEnds else { return }
        for index in 0..<list.commandCount { repeats?.follow(list.command(index), time: list.newest, at: now) }
    }

    private mutating func reset() {
        kept.forgetAll()
        for channel in 0..<16 where active & 1 << UInt16(channel) != 0 {
            unsafe histories[channel].reset()
            if unsafe histories[channel].isEmpty { active &= ~(1 << UInt16(channel)) }
        }
    }

    /// Moves the checkpoint behind `packet` and drops what is older.
    private mutating func forget(through packet: UInt16) {
        let following = packet &+ 1
        guard Int16(bitPattern: following &- checkpoint) > 0 else { return }
        checkpoint = following
        guard active != 0 else { return }
        kept.forgetAll()
        for channel in 0..<16 where active & 1 << UInt16(channel) != 0 {
            unsafe histories[channel].forget { Int16(bitPattern: $0 &- following) < 0 }
            if unsafe histories[channel].isEmpty { active &= ~(1 << UInt16(channel)) }
        }
    }

    private mutating func writeJournal(into out: inout OutputRawSpan) {
        let limit = min(max(ability.journalLimit, 3), out.freeCapacity)
        precondition(limit >= 3, "room for an empty journal")
        unsafe out.withUnsafeMutableBytes { buffer, count in
            while true {
                if let end = unsafe writeJournal(into: buffer, from: count, limit: count + limit) {
                    count = end
                    return
                }
                // Too long: half of what it tells goes, the older half.
                let told = next.rawValue &- checkpoint
                forget(through: checkpoint &+ told / 2)
            }
        }
    }

    /// Nil when it does not fit.
    private mutating func writeJournal(into octets: UnsafeMutableRawBufferPointer, from start: Int, limit: Int) -> Int?
    {
        let channelCount = active.nonzeroBitCount
        guard channelCount <= ability.journalChannels else { return nil }
        // Until a hearer has sent feedback it may be stable rtpmidid, which plays every such note of a journal of several
        // channels, lost or not.
        let mayPlayLate = acknowledged != nil || channelCount == 1
        var writer = unsafe JournalWriter(
            into: octets, from: start, limit: limit, previous: next.rawValue &- 1, mayPlayLate: mayPlayLate)
        guard writer.writeHeader(checkpoint: checkpoint, channelCount: channelCount) else { return nil }
        var isFresh = false
        var rest = active
        while rest != 0 {
            let channel = rest.trailingZeroBitCount
            rest &= rest &- 1
            if let journal = unsafe kept.journal(channel) {
                guard unsafe writer.copy(journal.octets, journal.count) else { return nil }
                continue
            }
            let start = writer.count
            guard let fresh = unsafe writer.write(&histories[channel], channel: channel, longest: ability.channelLimit)
            else {
                return nil
            }
            if !fresh { unsafe kept.keep(UnsafeRawBufferPointer(rebasing: octets[start..<writer.count]), channel) }
            isFresh = isFresh || fresh
        }
        // Deviation: pymidi takes S for Y and cannot read a packet that has it; it never sends feedback. A clear S only
        // makes a hearer look for itself.
        if !isFresh, acknowledged != nil {
            writer.set((channelCount > 0 ? 0x20 | UInt8(channelCount - 1) : 0) | 0x80, at: start)
        }
        return writer.count
    }

    // MARK: Guard packets

    /// 100 ms after the last command, 100 ms later, then after twice the time each, up to a second.
    private mutating func scheduleGuard(after list: borrowing CommandList, at now: UInt64) {
        guard active != 0 else {
            journalDue = nil
            return
        }
        if list.commandCount > 0 {
            guardsWritten = 0
            journalDue = now + 1000
        } else if let due = journalDue, now >= due {
            guardsWritten += 1
            let limit = acknowledged == nil ? 10 : 60
            journalDue = guardsWritten < limit ? now + min(500 << UInt64(min(guardsWritten, 5)), 10000) : nil
        }
    }
}

package import MIDI

/// What one hearer is sent: the numbers of its packets, and the recovery journal that lets it repair what the network
/// lost (RFC 6295 section 4 and appendix A; RTPMIDI.docc/Journals.md). Every hearer has one of its own: about 27 KiB, made
/// at init.
///
/// The history goes back to the checkpoint, which follows what the hearer says it has. Where it says nothing the journal
/// would grow without end: over its limit the older half of the history's packets is dropped and the checkpoint moved
/// behind it, which tells a hearer who has missed more than is left that it must silence. Nothing older than the
/// checkpoint is kept, not even held notes: by the rules a log for one means that it was struck again.
///
/// Most hearers ignore the journal. To those that have not shown that they use it the ends of what sounds are repeated as
/// commands. These say nothing new, so no journal tells of them.
@safe package final class SenderStream {
    private let ssrc: SSRC
    /// The next packet's number.
    package private(set) var next: SequenceNumber
    /// The newest number of which the hearer has said that it holds all state up to it.
    package private(set) var acknowledged: SequenceNumber?
    /// What the hearer can do.
    package var ability: HearerAbility {
        didSet { if ability.repeatsEnds != oldValue.repeatsEnds { repeats = ability.repeatsEnds ? EndRepeats() : nil } }
    }
    /// When a guard packet is to be written; nil: none is needed. In ticks of `now`.
    package var guardDue: UInt64? {
        guard let journalDue, let endsDue = repeats?.due else { return journalDue ?? repeats?.due }
        return min(journalDue, endsDue)
    }
    /// When a guard packet is due for the journal's sake.
    private var journalDue: UInt64?
    /// For a hearer that needs it.
    private var repeats: EndRepeats?

    private let histories: UnsafeMutablePointer<SenderHistory>
    /// A bit for each channel whose history is not empty.
    private var active: UInt16 = 0
    /// The first packet of the history.
    private var checkpoint: UInt16
    /// Packets sent since the newest acknowledged one.
    private var unacknowledged = 0
    private var guardsWritten = 0

    /// - Parameter checkpoint: after our own restart, the number up to which the hearer may have missed what `pretendSent` tells.
    package init(ssrc: SSRC, next: SequenceNumber, to ability: HearerAbility, checkpoint: SequenceNumber? = nil) {
        self.ssrc = ssrc
        self.next = next
        self.ability = ability
        repeats = ability.repeatsEnds ? EndRepeats() : nil
        self.checkpoint = checkpoint.map { $0.distance(from: next) < 0 ? $0 : next }?.rawValue ?? next.rawValue
        unsafe histories = .allocate(capacity: 16)
        for channel in 0..<16 { unsafe (histories + channel).initialize(to: SenderHistory()) }
    }
    deinit {
        unsafe histories.deinitialize(count: 16)
        unsafe histories.deallocate()
    }

    /// Writes one packet, which takes a number.
    /// - Parameter out: room for 17 octets and the list; the journal takes what is left of the room, up to its limit.
    package func write(_ list: borrowing CommandList, at now: UInt64, into out: inout OutputRawSpan) {
        writePacket(list, at: now, into: &out)
        take(list)
        followEnds(of: list, at: now)
        scheduleGuard(after: list, at: now)
    }

    /// Writes a guard packet: the journal mends what was lost before it, and the ends that are due are said again.
    /// - Parameters:
    ///   - list: room to work in.
    ///   - isHeld: another of those whom the hearer hears still holds what would be ended.
    package func writeGuard(
        with list: inout CommandList, at now: UInt64, into out: inout OutputRawSpan,
        unless isHeld: (Message) -> Bool = { _ in false }
    ) {
        list.removeAll()
        repeats?.add(to: &list, at: now, unless: isHeld)
        writePacket(list, at: now, into: &out)
        list.removeAll()
        take(list)
        scheduleGuard(after: list, at: now)
    }

    private func writePacket(_ list: borrowing CommandList, at now: UInt64, into out: inout OutputRawSpan) {
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

    /// The hearer has said that it holds all state up to this number. One that it cannot mean is ignored.
    package func acknowledge(_ highest: SequenceNumber) {
        let age = Int(next.rawValue &- 1 &- highest.rawValue)
        guard age < unacknowledged, age < 0x8000 else { return }
        unacknowledged = age
        acknowledged = highest
        forget(through: highest.rawValue)
        if active == 0 { journalDue = nil }
    }

    /// Puts a list into the history under the next number, which it takes, and writes nothing: the hearer sees a lost
    /// packet, and the next packet's journal brings it this state. A guard packet is due at once.
    package func pretendSent(_ list: borrowing CommandList) {
        take(list)
        guardsWritten = 0
        journalDue = active == 0 ? nil : 0
    }

    /// After our own restart: what the hearer was told before, and may still sound there.
    package func assume(_ message: Message) {
        repeats?.follow(ChannelCommand(message), time: 0, at: 0)
    }

    /// Has the next packet carry a filled journal, so that the hearer sees that we write them: it tells the end of a
    /// note that is not sounding, which changes nothing.
    package func showJournal(at now: UInt64) {
        guard active == 0, ability.journalLimit > 0 else { return }
        let packet = next.rawValue &- 1
        _ = unsafe histories[0].record(ChannelCommand(0x80, 0, 64), packet: packet)
        active = 1
        if checkpoint == next.rawValue { checkpoint = packet }
        guardsWritten = 0
        journalDue = now
    }

    /// An instance's memory but for a few dozen octets.
    package static var byteCount: Int { 16 * SenderHistory.byteCount + EndRepeats.byteCount }

    // MARK: History

    private func take(_ list: borrowing CommandList) {
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
            }
            if list.commandCount == list.resetIndex { reset() }
        }
        next = next.advanced(by: 1)
        if ability.journalLimit <= 0 { forget(through: packet) }
        unacknowledged = min(unacknowledged + 1, 0xFFFF)
    }

    private func followEnds(of list: borrowing CommandList, at now: UInt64) {
        guard ability.repeatsEnds else { return }
        for index in 0..<list.commandCount { repeats?.follow(list.command(index), time: list.newest, at: now) }
    }

    private func reset() {
        for channel in 0..<16 where active & 1 << UInt16(channel) != 0 {
            unsafe histories[channel].reset()
            if unsafe histories[channel].isEmpty { active &= ~(1 << UInt16(channel)) }
        }
    }

    /// Moves the checkpoint behind `packet` and drops what is older.
    private func forget(through packet: UInt16) {
        let following = packet &+ 1
        guard Int16(bitPattern: following &- checkpoint) > 0 else { return }
        checkpoint = following
        guard active != 0 else { return }
        for channel in 0..<16 where active & 1 << UInt16(channel) != 0 {
            unsafe histories[channel].forget { Int16(bitPattern: $0 &- following) < 0 }
            if unsafe histories[channel].isEmpty { active &= ~(1 << UInt16(channel)) }
        }
    }

    private func writeJournal(into out: inout OutputRawSpan) {
        let limit = min(max(ability.journalLimit, 3), out.freeCapacity)
        precondition(limit >= 3, "room for an empty journal")
        unsafe out.withUnsafeMutableBytes { buffer, count in
            while true {
                if let end = unsafe writeJournal(into: buffer, from: count, limit: count + limit) {
                    count = end
                    return
                }
                // Too long: drops the older half of the packets that it tells of.
                let told = next.rawValue &- checkpoint
                forget(through: checkpoint &+ told / 2)
            }
        }
    }

    /// Nil when it does not fit.
    private func writeJournal(into octets: UnsafeMutableRawBufferPointer, from start: Int, limit: Int) -> Int? {
        let channelCount = active.nonzeroBitCount
        guard channelCount <= ability.journalChannels else { return nil }
        // Until a hearer has sent feedback it may be stable rtpmidid, which plays every such note of a journal of several
        // channels, lost or not.
        let mayPlayLate = acknowledged != nil || channelCount == 1
        var writer = unsafe JournalWriter(
            into: octets, from: start, limit: limit, previous: next.rawValue &- 1, mayPlayLate: mayPlayLate)
        guard writer.writeHeader(checkpoint: checkpoint, channelCount: channelCount) else { return nil }
        var isFresh = false
        for channel in 0..<16 where active & 1 << UInt16(channel) != 0 {
            guard let fresh = unsafe writer.write(histories[channel], channel: channel, longest: ability.channelLimit)
            else {
                return nil
            }
            isFresh = isFresh || fresh
        }
        // Deviation: pymidi reads S as Y and fails on a packet that has it. It never sends feedback, so S stays clear until
        // some has come; a clear S only makes a hearer look through the journal.
        if !isFresh, acknowledged != nil {
            writer.set((channelCount > 0 ? 0x20 | UInt8(channelCount - 1) : 0) | 0x80, at: start)
        }
        return writer.count
    }

    // MARK: Guard packets

    /// 100 ms after the last command, 100 ms later, then after twice the time each, up to a second.
    private func scheduleGuard(after list: borrowing CommandList, at now: UInt64) {
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

package import MIDI

/// What comes from one speaker: the numbers of its packets, what was passed on, and the repair of what the network lost
/// (RFC 6295 section 4, RFC 4696 section 7; RTPMIDI.docc/Journals.md). About 24 KiB, made at init.
///
/// There is no buffer for reordering: a packet overtaken by a later one counts as lost, and the later one's journal makes
/// up for it. When it comes, what no journal has told counts, as far as no newer packet has spoken of the same. Segments of
/// system exclusive messages alone, which no journal repairs, wait a moment for those before them.
@safe package final class ReceiverStream {
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

    /// Which of the highest number (the lowest bit) and the 63 before it have come.
    private var come: UInt64 = .max
    /// The newest packet that set where a sequencer is, or whether it runs.
    private var transportPacket = SequenceNumber(0)
    /// How many lost packets no journal has covered and have not come late either.
    private var untold = 0

    private let channels: UnsafeMutablePointer<ReceiverHistory>
    /// A filled journal has come: this peer understands them.
    package private(set) var hasSentJournals = false
    var sysExIsOpen = false
    var order = SegmentOrder()
    let waiting: WaitingPackets
    /// The number that would confirm that the sender has begun anew: the one after a doubtful packet.
    private var newBeginning: SequenceNumber?
    private var punctuality = TransitEstimate()
    private var feedback = FeedbackSchedule()

    /// - Parameter waiting: where packets with segments wait.
    package init(waiting: WaitingPackets = WaitingPackets(capacity: 16)) {
        self.waiting = waiting
        unsafe channels = .allocate(capacity: 16)
        for channel in 0..<16 { unsafe (channels + channel).initialize(to: ReceiverHistory()) }
    }
    /// Goes on after our own restart: a packet right after `number` follows without a loss, and is not taken for a
    /// first one.
    package convenience init(
        resumingAfter number: SequenceNumber, waiting: WaitingPackets = WaitingPackets(capacity: 16)
    ) {
        self.init(waiting: waiting)
        highest = 0x10000 | UInt32(number.rawValue)
        beginNumbers(at: number)
    }
    deinit {
        forgetSegments()
        unsafe channels.deinitialize(count: 16)
        unsafe channels.deallocate()
    }

    /// Notes as passed on what was passed on before our own restart.
    package func assume(_ message: Message) {
        let command = ChannelCommand(message)
        unsafe channels[command.channel].apply(command, packet: UInt16(truncatingIfNeeded: highest ?? 0), at: 0)
    }

    /// Takes one packet and passes on what it repairs and says, in order. Thrown: the packet is malformed, nothing was
    /// passed on, and the packet counts as not received, so that the next journal makes up for it.
    /// - Parameters:
    ///   - now: the packet's arrival, in our ticks.
    ///   - emit: is given the packet that the range of a segment is of, which may be an earlier one.
    package func receive(
        _ packet: RawSpan, _ header: RTPHeader, at now: UInt64, emit: (Emission, RawSpan) -> Void
    ) throws(PacketError) -> Reception {
        let section = try CommandSection(decoding: packet, in: header.payload)
        var reader = CommandListReader(section, timestamp: header.timestamp)
        var firstPart: SysExPart?
        while let entry = try reader.next(in: packet) {
            if case .sysEx(let part, _) = entry { firstPart = firstPart ?? part }
        }
        giveUpSegments(at: now, emit: emit)

        var reception = Reception(verdict: .played)
        var distance = 1
        if let highest {
            distance = header.sequence.distance(from: SequenceNumber(UInt16(truncatingIfNeeded: highest)))
            let age = distance <= 0 ? punctuality.age(header.timestamp, at: now) : .older
            if distance >= 3000 || distance < -100 || age != .older {
                guard newBeginning == header.sequence || age == .clearlyNewer else {
                    newBeginning = header.sequence.advanced(by: 1)
                    reception.verdict = .doubtful
                    return reception
                }
                reception.verdict = .restarted
            } else if distance <= 0 {
                reception.verdict = .late
                reception.wasMissing = hasComeLate(distance)
                if reception.wasMissing { playLate(packet, section, header, now, emit) }
                let number = highest &+ UInt32(truncatingIfNeeded: distance)
                if order.isAwaited(number) { deferOrPlay(number, packet, section, header, firstPart, now, emit) }
                return reception
            } else {
                reception.lost = distance - 1
            }
        } else {
            reception.verdict = .first
        }
        newBeginning = nil

        let isLate = punctuality.isLate(header.timestamp, at: now)
        let isFirst = reception.verdict != .played
        if reception.verdict == .restarted { begin(&reception, packet, emit) }
        if isFirst { beginNumbers(at: header.sequence) }
        let before = highest ?? 0
        let number = isFirst ? 0x10000 | UInt32(header.sequence.rawValue) : before &+ UInt32(distance)
        if distance > 1, !isFirst, order.missing == nil, sysExIsOpen || firstPart?.continues ?? false {
            order.wait(for: before &+ 1, at: now)
        }
        if !order.reaches(number) { giveUpAllSegments(at: now, emit) }
        let waits = order.missing != nil
        let journal = readJournal(packet, section, header, &reception)
        if isFirst || distance > 1 {
            repair(packet, header, journal, distance, isFirst, isLate, now, &reception, emit)
        } else if let journal {
            learnCounts(packet, journal)
        }

        play(packet, section, header, waits ? .others : .all, now, emit)
        if waits { deferOrPlay(number, packet, section, header, firstPart, now, emit) }
        highest = number
        come =
            reception.verdict == .restarted
            ? .max : isFirst || distance >= 64 ? 1 : come << UInt64(distance) | 1
        feedback.received(isUrgent: isFirst || distance > 1)
        return reception
    }

    /// The number to send as receiver feedback now, which then counts as sent; nil: nothing is to be sent.
    package func nextFeedback(at now: UInt64) -> SequenceNumber? {
        guard let highest, feedback.consumeDue(at: now) else { return nil }
        return SequenceNumber(UInt16(truncatingIfNeeded: highest))
    }
    /// The newest packet's timestamp.
    package var newestTime: UInt32 { punctuality.newest }
    /// A note sounds since before a loss of which no journal tells: its end may have been lost.
    package var mayHaveLeftNotes: Bool { (0..<16).contains { unsafe channels[$0].doubtful != 0 } }
    /// When to ask for feedback next; nil: not before another packet has come.
    package var feedbackDue: UInt64? { feedback.due }

    /// Ends what the speaker holds, for one that left or fell silent: note-offs, pedals up, wheel to the centre.
    package func silence(emit: (Emission) -> Void) {
        forgetSegments()
        if sysExIsOpen {
            sysExIsOpen = false
            emit(.sysExLost)
        }
        let time = punctuality.newest
        func pass(_ command: ChannelCommand) { emit(.message(command.message, time: time, isRepair: true)) }
        for channel in 0..<16 {
            unsafe channels[channel].silence(channel: channel, pedals: .all, emit: pass)
            if unsafe channels[channel].wheel != ReceiverHistory.centre,
                unsafe channels[channel].wheel != ReceiverHistory.unknownWheel
            {
                let command = ChannelCommand(0xE0 | UInt8(channel), 0, 64)
                unsafe channels[channel].apply(command, packet: 0, at: 0)
                pass(command)
            }
        }
    }

    /// An instance's memory but for a few dozen octets.
    package static var byteCount: Int { 16 * ReceiverHistory.byteCount }

    // MARK: One packet

    private func beginNumbers(at number: SequenceNumber) {
        transportPacket = number.advanced(by: -0x4000)
        for channel in 0..<16 { unsafe channels[channel].beginNumbers(at: number) }
    }

    private func begin(_ reception: inout Reception, _ packet: RawSpan, _ emit: (Emission, RawSpan) -> Void) {
        var count = 0
        silence { emission in
            count += 1
            emit(emission, packet)
        }
        reception.repaired += count
        for channel in 0..<16 { unsafe channels[channel].begin() }
        hasSentJournals = false
    }

    private func readJournal(
        _ packet: RawSpan, _ section: CommandSection, _ header: RTPHeader, _ reception: inout Reception
    ) -> Journal? {
        guard let range = section.journal else { return nil }
        do throws(PacketError) {
            let journal = try Journal(decoding: packet, in: range, of: header.sequence)
            if !journal.isEmpty { hasSentJournals = true }
            return journal
        } catch {
            reception.journalRefused = error
            return nil
        }
    }

    private func repair(
        _ packet: RawSpan, _ header: RTPHeader, _ journal: Journal?, _ distance: Int, _ isFirst: Bool, _ isLate: Bool,
        _ now: UInt64, _ reception: inout Reception, _ emit: (Emission, RawSpan) -> Void
    ) {
        var repaired = 0
        func pass(_ command: ChannelCommand) {
            repaired += 1
            emit(.message(command.message, time: header.timestamp, isRepair: true), packet)
        }
        if !isFirst {
            // The journal must go back to the first missing packet.
            let isCovered = journal.map { header.sequence.distance(from: $0.checkpoint) >= distance - 1 } ?? false
            if !isCovered {
                let silences = silencesUncovered(isRefused: reception.journalRefused != nil)
                untold = (mayHaveLeftNotes ? untold : 0) + reception.lost
                for channel in 0..<16 {
                    if silences {
                        unsafe channels[channel].silence(channel: channel, pedals: .sustaining, emit: pass)
                    } else {
                        unsafe channels[channel].doubt()
                    }
                }
            }
        }
        let isSingleLoss = !isFirst && distance == 2
        if let journal, !(isSingleLoss && journal.isOld) {
            let terms = RepairTerms(
                packet: header.sequence.rawValue, checkpoint: journal.checkpoint.rawValue, isSingleLoss: isSingleLoss,
                isFirst: isFirst, isLate: isLate, now: now)
            var offset = journal.channels
            for _ in 0..<journal.channelCount {
                // The journal was walked once already, so that neither this nor the repair throws.
                guard let channel = try? ChannelJournal(decoding: packet, at: offset, end: journal.end) else { break }
                offset = channel.end
                if isSingleLoss, channel.isOld { continue }
                try? unsafe channels[channel.channel].repair(from: channel, packet, terms, emit: pass)
            }
        }
        reception.repaired += repaired
    }
    private func silencesUncovered(isRefused: Bool) -> Bool {
        switch onUncoveredLoss {
        case .silence: true
        case .silenceIfJournalled: hasSentJournals || isRefused
        case .keep: false
        }
    }

    private func learnCounts(_ packet: RawSpan, _ journal: Journal) {
        var offset = journal.channels
        for _ in 0..<journal.channelCount {
            guard let channel = try? ChannelJournal(decoding: packet, at: offset, end: journal.end) else { break }
            offset = channel.end
            if let logs = channel.controls { unsafe channels[channel.channel].learnCounts(from: logs, packet) }
        }
    }

    enum Wanted { case all, segments, others }
    func play(
        _ packet: RawSpan, _ section: CommandSection, _ header: RTPHeader, _ wanted: Wanted, _ now: UInt64,
        _ emit: (Emission, RawSpan) -> Void
    ) {
        var reader = CommandListReader(section, timestamp: header.timestamp)
        // The list was read to its end once already.
        while let entry = try? reader.next(in: packet) {
            switch entry {
            case .command(let command, _) where wanted != .segments:
                unsafe channels[command.channel].apply(command, packet: header.sequence.rawValue, at: now)
                emit(.message(command.message, time: reader.time, isRepair: false), packet)
            case .system(let message) where wanted != .segments:
                if message.status == 0xFF { reset() }
                if message.isTransport { transportPacket = header.sequence }
                emit(.system(message, time: reader.time), packet)
            case .sysEx(let part, let data) where wanted != .others:
                if part.isBeginning {
                    if sysExIsOpen { emit(.sysExLost, packet) }
                } else if !sysExIsOpen {
                    // Its beginning is missing.
                    continue
                }
                sysExIsOpen = part == .first || part == .middle
                if part == .whole, data.count == 4 {
                    let first = data.lowerBound
                    if SystemReset.isOne(
                        packet.uint8(at: first), packet.uint8(at: first + 2), packet.uint8(at: first + 3))
                    {
                        reset()
                    }
                }
                emit(.sysEx(part, data, time: reader.time), packet)
            case .command, .system, .sysEx: break
            }
        }
    }

    /// Marks a packet as having come. False where it had come before.
    private func hasComeLate(_ distance: Int) -> Bool {
        guard distance > -64, come & 1 << UInt64(-distance) == 0 else { return false }
        come |= 1 << UInt64(-distance)
        return true
    }

    /// Of a packet that was overtaken what comes soon counts unless a newer packet has spoken of the same, or a journal has told
    /// it already; and an end, however late. So does the clock, which no journal repairs here.
    private func playLate(
        _ packet: RawSpan, _ section: CommandSection, _ header: RTPHeader, _ now: UInt64,
        _ emit: (Emission, RawSpan) -> Void
    ) {
        let isSoon = punctuality.isSoon(header.timestamp, at: now)
        // Whose notes a loss has silenced, what was among them is not struck any more.
        let isTold = silencesUncovered(isRefused: false)
        var reader = CommandListReader(section, timestamp: header.timestamp)
        while let entry = try? reader.next(in: packet) {
            switch entry {
            case .command(let command, _):
                let time = reader.time
                unsafe channels[command.channel].playLate(
                    command, of: header.sequence, isSoon: isSoon, isTold: isTold, at: now
                ) { emit(.message($0.message, time: time, isRepair: false), packet) }
            case .system(let message) where isSoon:
                if message.isTransport {
                    guard !(1...64).contains(transportPacket.distance(from: header.sequence)) else { continue }
                    transportPacket = header.sequence
                } else if message.status != 0xF8 {
                    continue
                }
                emit(.system(message, time: reader.time), packet)
            case .system, .sysEx: break
            }
        }
        untold = max(0, untold - 1)
        // Every lost packet has come after all.
        if untold == 0 { for channel in 0..<16 { unsafe channels[channel].trust() } }
    }

    private func reset() {
        for channel in 0..<16 { unsafe channels[channel].reset() }
    }
}

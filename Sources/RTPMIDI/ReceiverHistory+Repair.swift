/// What a repair needs to know of the packet.
struct RepairTerms {
    /// The packet that carries the journal.
    var packet: UInt16
    var checkpoint: UInt16
    /// Exactly the packet before this one is missing: only what the journal marks as new since then is looked at.
    var isSingleLoss: Bool
    /// The stream's first packet: state is told, notes are not struck, and counts are taken over.
    var isFirst: Bool
    /// This packet came so late that notes in it are not worth striking.
    var isLate: Bool
    var now: UInt64
}

extension ReceiverHistory {
    /// Brings the channel to the state that a journal tells (RFC 4696 section 7; RTPMIDI.docc/Journals.md), passing on what
    /// is missing: program, wheel, pressure, what clears notes, notes and their pressures, controllers, parameters, and
    /// what was begun to be selected.
    ///
    /// Clearing controllers (120, 123...127) come before the notes: a note log is never older than the newest of them.
    mutating func repair(
        from journal: ChannelJournal, _ packet: RawSpan, _ terms: RepairTerms, emit: (ChannelCommand) -> Void
    ) throws(PacketError) {
        let status = UInt8(journal.channel)
        if let offset = journal.program { repairProgram(packet, at: offset, status, terms, emit) }
        if let offset = journal.wheel, isWanted(packet.uint8(at: offset), terms) {
            let first = packet.uint8(at: offset) & 0x7F
            let second = packet.uint8(at: offset + 1) & 0x7F
            if wheel != UInt16(second) << 7 | UInt16(first) {
                pass(ChannelCommand(0xE0 | status, first, second), terms, emit)
            }
        }
        if let offset = journal.pressure, isWanted(packet.uint8(at: offset), terms) {
            let value = packet.uint8(at: offset) & 0x7F
            if pressure != value { pass(ChannelCommand(0xD0 | status, value), terms, emit) }
        }
        if let logs = journal.controls { repairControls(packet, logs, .clearing, status, terms, emit) }
        if let chapter = journal.notes, !terms.isFirst { repairNotes(packet, chapter, status, terms, emit) }
        if let logs = journal.polyPressures {
            for offset in stride(from: logs.start, to: logs.start + 2 * logs.count, by: 2)
            where isWanted(packet.uint8(at: offset), terms) {
                let note = packet.uint8(at: offset) & 0x7F
                let value = packet.uint8(at: offset + 1) & 0x7F
                if pressures[Int(note)] != value { pass(ChannelCommand(0xA0 | status, note, value), terms, emit) }
            }
        }
        if let logs = journal.controls { repairControls(packet, logs, .other, status, terms, emit) }
        if let chapter = journal.parameters, !(terms.isSingleLoss && chapter.isOld) {
            try repairParameters(packet, chapter, status, terms, emit)
        }
        if let logs = journal.controls { repairControls(packet, logs, .selecting, status, terms, emit) }
    }

    /// Takes over what the journal counts, after a packet that came in order: only joining late can have made it differ.
    mutating func learnCounts(from logs: ChannelJournal.LogList, _ packet: RawSpan) {
        for offset in stride(from: logs.start, to: logs.start + 2 * logs.count, by: 2) {
            let log = ControlLog(packet, at: offset)
            switch log.tool {
            case .value: break
            case .toggles(let count): toggles[log.index] = count
            case .count(let count): counts[log.index] = count
            }
        }
    }

    private func isWanted(_ head: UInt8, _ terms: RepairTerms) -> Bool { head & 0x80 == 0 || !terms.isSingleLoss }

    private mutating func pass(_ command: ChannelCommand, _ terms: RepairTerms, _ emit: (ChannelCommand) -> Void) {
        apply(command, packet: terms.packet &- 1, at: terms.now)
        emit(command)
    }

    private mutating func repairProgram(
        _ packet: RawSpan, at offset: Int, _ status: UInt8, _ terms: RepairTerms, _ emit: (ChannelCommand) -> Void
    ) {
        let head = packet.uint8(at: offset)
        guard isWanted(head, terms) else { return }
        let hasBank = packet.uint8(at: offset + 1) & 0x80 != 0
        let high = packet.uint8(at: offset + 1) & 0x7F
        let low = packet.uint8(at: offset + 2) & 0x7F
        // A bank chosen by its high bits alone is told with low bits of zero.
        let isSameBank = programBank.high == high && (programBank.low == Self.unknown ? 0 : programBank.low) == low
        guard program != head & 0x7F || hasBank && !isSameBank else { return }
        if hasBank {
            if values[0] != high { pass(ChannelCommand(0xB0 | status, 0, high), terms, emit) }
            if values[32] != low { pass(ChannelCommand(0xB0 | status, 32, low), terms, emit) }
        }
        pass(ChannelCommand(0xC0 | status, head & 0x7F), terms, emit)
    }

    private mutating func repairNotes(
        _ packet: RawSpan, _ chapter: NoteChapter, _ status: UInt8, _ terms: RepairTerms,
        _ emit: (ChannelCommand) -> Void
    ) {
        if !(terms.isSingleLoss && chapter.offBitsAreOld) {
            for offset in chapter.offBits..<chapter.end {
                let octet = packet.uint8(at: offset)
                guard octet != 0 else { continue }
                for bit in 0..<8 where octet & (0x80 >> UInt8(bit)) != 0 {
                    end(note: (chapter.low + offset - chapter.offBits) * 8 + bit, status, terms, emit)
                }
            }
        }
        for offset in stride(from: chapter.logs, to: chapter.offBits, by: 2) {
            let head = packet.uint8(at: offset)
            guard isWanted(head, terms) else { continue }
            let velocity = packet.uint8(at: offset + 1) & 0x7F
            // A log with velocity 0 would be a note-off, which belongs into the OFFBITS.
            guard velocity > 0 else { continue }
            let isWorthPlaying = packet.uint8(at: offset + 1) & 0x80 != 0
            let note = Int(head & 0x7F)
            if isSounding(note) {
                // Struck again while packets were missing: another velocity, or a note-on from the packet before (S=0) or
                // after the checkpoint, which the sounding one is not.
                let isOlder = Int16(bitPattern: notePackets[note] &- terms.checkpoint) < 0
                let isStruckAgain =
                    velocities[note] != velocity || isOlder || head & 0x80 == 0
                    || isWorthPlaying && !isRecent(note, at: terms.now)
                guard isStruckAgain else { continue }
                end(note: note, status, terms, emit)
            } else if velocities[note] == velocity | Self.skipped, head & 0x80 != 0 {
                continue
            }
            if isWorthPlaying, !terms.isLate {
                pass(ChannelCommand(0x90 | status, UInt8(note), velocity), terms, emit)
            } else {
                velocities[note] = velocity | Self.skipped
                notePackets[note] = terms.packet &- 1
            }
        }
    }
    private mutating func end(
        note: Int, _ status: UInt8, _ terms: RepairTerms, _ emit: (ChannelCommand) -> Void
    ) {
        if isSounding(note) {
            pass(ChannelCommand(0x80 | status, UInt8(note), 64), terms, emit)
        } else {
            velocities[note] = 0
        }
    }

    private mutating func repairControls(
        _ packet: RawSpan, _ logs: ChannelJournal.LogList, _ kind: ControlLog.Kind, _ status: UInt8,
        _ terms: RepairTerms,
        _ emit: (ChannelCommand) -> Void
    ) {
        for offset in stride(from: logs.start, to: logs.start + 2 * logs.count, by: 2)
        where isWanted(packet.uint8(at: offset), terms) {
            let log = ControlLog(packet, at: offset)
            guard log.kind == kind else { continue }
            let index = log.index
            let isOn = values[index] != Self.unknown && values[index] >= 64
            switch log.tool {
            case .value(let value):
                if values[index] != value { pass(ChannelCommand(0xB0 | status, log.number, value), terms, emit) }
            case .toggles(let count):
                let missing = terms.isFirst ? (count & 1) ^ (isOn ? 1 : 0) : (count &- toggles[index]) & 0x3F
                if missing > 0 { pass(ChannelCommand(0xB0 | status, log.number, isOn ? 0 : 127), terms, emit) }
                if missing > 0, missing & 1 == 0 {
                    pass(ChannelCommand(0xB0 | status, log.number, isOn ? 127 : 0), terms, emit)
                }
                toggles[index] = count
            case .count(let count):
                if counts[index] != count, !terms.isFirst {
                    let value = log.number == 126 && values[index] != Self.unknown ? values[index] : 0
                    pass(ChannelCommand(0xB0 | status, log.number, value), terms, emit)
                }
                counts[index] = count
            }
        }
    }

    private mutating func repairParameters(
        _ packet: RawSpan, _ chapter: ParameterChapter, _ status: UInt8, _ terms: RepairTerms,
        _ emit: (ChannelCommand) -> Void
    ) throws(PacketError) {
        var newest = Parameters.null
        // A hostile journal could ask for thousands of steps in a few octets.
        var stepsLeft = 128
        var offset = chapter.logs
        while offset < chapter.end {
            let log = try chapter.log(packet, at: offset)
            offset = log.end
            newest = log.number
            guard !(terms.isSingleLoss && log.isOld) else { continue }
            let known = parameters.slot(log.number)
            let setsHigh = log.high != nil && known?.high != log.high
            let setsLow = log.low != nil && (known?.low != log.low || setsHigh)
            let told = setsHigh || setsLow ? 0 : Int(known?.steps ?? 0)
            let steps = (log.steps ?? 0) - told
            guard setsHigh || setsLow || log.steps != nil && steps != 0 else { continue }
            select(log.number, status, terms, emit)
            if setsHigh, let high = log.high { pass(ChannelCommand(0xB0 | status, 6, high), terms, emit) }
            if setsLow, let low = log.low { pass(ChannelCommand(0xB0 | status, 38, low), terms, emit) }
            for _ in 0..<min(abs(steps), stepsLeft) {
                pass(ChannelCommand(0xB0 | status, steps > 0 ? 96 : 97, 0), terms, emit)
            }
            stepsLeft -= min(abs(steps), stepsLeft)
        }
        select(chapter.isSelected ? newest : Parameters.null, status, terms, emit)
        if let pending = chapter.pending, parameters.pending != pending {
            let number: UInt8 = pending & Parameters.notRegistered != 0 ? 99 : 101
            pass(ChannelCommand(0xB0 | status, number, UInt8(pending >> 7 & 0x7F)), terms, emit)
        }
    }
    /// Selects a parameter where it is not the one selected; the null number deselects.
    private mutating func select(
        _ number: UInt16, _ status: UInt8, _ terms: RepairTerms, _ emit: (ChannelCommand) -> Void
    ) {
        let selected = parameters.selected?.number ?? Parameters.null
        guard selected != number else { return }
        let isRegistered = number & Parameters.notRegistered == 0
        pass(ChannelCommand(0xB0 | status, isRegistered ? 101 : 99, UInt8(number >> 7 & 0x7F)), terms, emit)
        pass(ChannelCommand(0xB0 | status, isRegistered ? 100 : 98, UInt8(number & 0x7F)), terms, emit)
    }
}

/// A log of chapter C (RFC 6295 appendix A.3): `S NUM7`, then `0 VALUE7`, `1 0 TOGGLES6` or `1 1 COUNT6`.
package struct ControlLog: Hashable, Sendable {
    package enum Tool: Hashable, Sendable {
        case value(UInt8)
        case toggles(UInt8)
        case count(UInt8)
    }
    package let isOld: Bool
    package let number: UInt8
    package let tool: Tool

    package init(_ packet: RawSpan, at offset: Int) {
        let octet = packet.uint8(at: offset + 1)
        isOld = packet.uint8(at: offset) & 0x80 != 0
        number = packet.uint8(at: offset) & 0x7F
        tool =
            octet & 0x80 == 0 ? .value(octet) : octet & 0x40 == 0 ? .toggles(octet & 0x3F) : .count(octet & 0x3F)
    }
    var index: Int { Int(number) }
    /// They are repaired before notes, after notes, and after parameters.
    enum Kind {
        case clearing
        case other
        /// Part of the selection of a parameter, which may be half done.
        case selecting
    }
    var kind: Kind {
        switch number {
        case 120, 123...127: .clearing
        case 98...101: .selecting
        default: .other
        }
    }
}

/// Writes a recovery journal (RFC 6295 section 5 and appendix A) into what is left of a packet: chapters P C M W N T A.
///
/// A structure's S bit is 0 when it tells of the packet just before this one, and so are those of all that enclose it.
@safe struct JournalWriter {
    private let octets: UnsafeMutableRawBufferPointer
    private(set) var count: Int
    private let limit: Int
    /// The number of the packet before this one.
    private let previous: UInt16
    /// Notes struck in the packet before this one may be played late (Y=1).
    private let mayPlayLate: Bool

    /// - Parameters:
    ///   - octets: to write into, from `count` on; must outlive the writer.
    ///   - limit: where the journal must end.
    init(
        into octets: UnsafeMutableRawBufferPointer, from count: Int, limit: Int, previous: UInt16, mayPlayLate: Bool
    ) {
        precondition(limit <= octets.count, "the limit lies in the buffer")
        unsafe self.octets = octets
        self.count = count
        self.limit = limit
        self.previous = previous
        self.mayPlayLate = mayPlayLate
    }

    private func hasRoom(_ needed: Int) -> Bool { limit - count >= needed }
    mutating func put(_ octet: UInt8) {
        precondition(count < limit, "room was made")
        unsafe octets[count] = octet
        count += 1
    }
    mutating func set(_ octet: UInt8, at index: Int) {
        precondition(index < count)
        unsafe octets[index] = octet
    }
    private func singleLoss(_ isFresh: Bool) -> UInt8 { isFresh ? 0 : 0x80 }

    /// The three-octet header, when there is room.
    mutating func writeHeader(checkpoint: UInt16, channelCount: Int) -> Bool {
        guard hasRoom(3) else { return false }
        put(channelCount > 0 ? 0x20 | UInt8(channelCount - 1) : 0)
        put(UInt8(checkpoint >> 8))
        put(UInt8(truncatingIfNeeded: checkpoint))
        return true
    }

    /// Writes a channel's journal as it was kept. False when there is no room.
    /// - Parameter journal: can be read as far as the longest journal that is kept.
    mutating func copy(_ journal: UnsafeRawPointer, _ length: Int) -> Bool {
        guard hasRoom(length) else { return false }
        guard let start = unsafe octets.baseAddress?.advanced(by: count) else { return false }
        if hasRoom(KeptJournals.longest) {
            // Always the same number of octets: that needs neither a loop nor a call.
            unsafe start.copyMemory(from: journal, byteCount: KeptJournals.longest)
        } else {
            unsafe start.copyMemory(from: journal, byteCount: length)
        }
        count += length
        return true
    }

    /// Writes the journal of a channel. Nil when there is no room; else whether it tells of the packet before this one. The
    /// history is not changed: lent in another way it would be copied whole.
    mutating func write(_ history: inout SenderHistory, channel: Int, longest: Int) -> Bool? {
        let start = count
        guard hasRoom(3) else { return nil }
        count += 3
        var contents: UInt8 = 0
        var isFresh = false
        func note(_ chapter: UInt8, _ fresh: Bool) {
            contents |= chapter
            isFresh = isFresh || fresh
        }
        if history.program.isLogged {
            guard let fresh = writeProgram(&history) else { return nil }
            note(0x80, fresh)
        }
        if history.oldestControl != SenderHistory.none {
            guard let fresh = writeControls(&history) else { return nil }
            note(0x40, fresh)
        }
        if history.parameters.isLogged {
            guard let fresh = writeParameters(history.parameters) else { return nil }
            note(0x20, fresh)
        }
        if history.wheel.isLogged {
            guard hasRoom(2) else { return nil }
            let fresh = history.wheel.packet == previous
            put(singleLoss(fresh) | history.wheel.first)
            put(history.wheel.second)
            note(0x10, fresh)
        }
        if history.on | history.off != 0 {
            guard let fresh = writeNotes(&history) else { return nil }
            note(0x08, fresh)
        }
        if history.pressure.isLogged {
            guard hasRoom(1) else { return nil }
            let fresh = history.pressure.packet == previous
            put(singleLoss(fresh) | history.pressure.first)
            note(0x02, fresh)
        }
        if history.pressed != 0 {
            guard let fresh = writePressures(&history) else { return nil }
            note(0x01, fresh)
        }
        let length = count - start
        guard length <= longest else { return nil }
        set(singleLoss(isFresh) | UInt8(channel) << 3 | UInt8(length >> 8), at: start)
        set(UInt8(truncatingIfNeeded: length), at: start + 1)
        set(contents, at: start + 2)
        return isFresh
    }

    /// Chapter P: `S PROG7`, `B MSB7`, `X LSB7`.
    private mutating func writeProgram(_ history: inout SenderHistory) -> Bool? {
        guard hasRoom(3) else { return nil }
        let fresh = history.program.packet == previous
        put(singleLoss(fresh) | history.program.first)
        put(history.programBank.map { 0x80 | $0.high } ?? 0)
        put(history.programBank?.low ?? 0)
        return fresh
    }

    /// Chapter C: `S LEN7`, then LEN+1 logs `S NUM7`, `A VAL7`, the oldest command first. The value is told of all but
    /// 120, 121 and 123...127, of which it is how often they were sent; of 126, whose value means something, both, but for
    /// the case of all controllers: LEN ends at 128 logs.
    private mutating func writeControls(_ history: inout SenderHistory) -> Bool? {
        guard hasRoom(1) else { return nil }
        let start = count
        put(0)
        var logs = 0
        var isFresh = false
        var controller = history.oldestControl
        while controller != SenderHistory.none {
            let fresh = history.controlPackets[Int(controller)] == previous
            isFresh = isFresh || fresh
            let isCounted = controller >= 120 && controller != 122
            if !isCounted || controller == 126 && history.controlCount < 128 {
                guard hasRoom(2) else { return nil }
                put(singleLoss(fresh) | controller)
                put(history.values[Int(controller)])
                logs += 1
            }
            if isCounted {
                guard hasRoom(2) else { return nil }
                put(singleLoss(fresh) | controller)
                put(0xC0 | history.counts[Int(controller) - 120] & 0x3F)
                logs += 1
            }
            controller = history.newer[Int(controller)]
        }
        set(singleLoss(isFresh) | UInt8(logs - 1), at: start)
        return isFresh
    }

    /// Chapter M: `S P E U W Z LENGTH10`, logs `S LSB7`, `Q MSB7`, `J K L M N T V R`, [6], [38], [steps].
    ///
    /// Deviation: never P, half of a selection; chapter C tells it instead. Wireshark, and Arduino's reader which descends
    /// from it, does not count that octet and takes what follows for another log.
    private mutating func writeParameters(_ parameters: borrowing Parameters) -> Bool? {
        guard hasRoom(2) else { return nil }
        let start = count
        put(0)
        put(0)
        var isFresh = false
        if parameters.isNullLogged { isFresh = parameters.nullPacket == previous }
        var flags: UInt8 = 0
        for index in 0..<parameters.count where parameters.slots[index].isLogged {
            guard hasRoom(7) else { return nil }
            let slot = parameters.slots[index]
            let fresh = slot.packet == previous
            isFresh = isFresh || fresh
            put(singleLoss(fresh) | UInt8(slot.number & 0x7F))
            put((slot.number & Parameters.notRegistered != 0 ? 0x80 : 0) | UInt8(slot.number >> 7 & 0x7F))
            let steps = slot.steps.magnitude
            put(
                (slot.high != nil ? 0x80 : 0) | (slot.low != nil ? 0x40 : 0) | (steps > 0 ? 0x20 : 0) | 0x02)
            if let high = slot.high { put(high) }
            if let low = slot.low { put(low) }
            if steps > 0 {
                put((slot.steps < 0 ? 0x80 : 0) | UInt8(steps >> 8))
                put(UInt8(truncatingIfNeeded: steps))
            }
        }
        // E says that the newest log is the one selected: only where that log is here.
        if parameters.selected?.isLogged == true { flags |= 0x20 }
        let length = count - start
        set(singleLoss(isFresh) | flags | UInt8(length >> 8), at: start)
        set(UInt8(truncatingIfNeeded: length), at: start + 1)
        return isFresh
    }

    /// Chapter N: `B LEN7`, `LOW4 HIGH4`, logs `S NOTE7`, `Y VEL7`, then the OFFBITS octets LOW...HIGH.
    ///
    /// Deviation: towards the end of a packet Wireshark takes a chapter with more logs than OFFBITS octets for cut off; so
    /// octets without a bit make up the number, as far as there are any.
    private mutating func writeNotes(_ history: inout SenderHistory) -> Bool? {
        let logs = history.on.nonzeroBitCount
        var low = history.off == 0 ? 15 : history.off.leadingZeroBitCount / 8
        var high = history.off == 0 ? 14 : (127 - history.off.trailingZeroBitCount) / 8
        if history.off != 0 {
            while high - low + 1 < min(logs, 16) { if high < 15 { high += 1 } else { low -= 1 } }
        }
        guard hasRoom(2 + 2 * logs + high - low + 1) else { return nil }
        let start = count
        let fresh = history.notes(of: previous)
        // B does for the OFFBITS what S does for a log.
        let offIsFresh = history.off & fresh != 0
        put(singleLoss(offIsFresh) | UInt8(min(logs, 127)))
        // Without OFFBITS the range is 15 to 1, or to 0 to say that 127 means 128.
        put(history.off != 0 ? UInt8(low) << 4 | UInt8(high) : logs == 128 ? 0xF0 : 0xF1)
        putNotes(UInt64(truncatingIfNeeded: history.on >> 64), from: 0, history.velocities)
        putNotes(UInt64(truncatingIfNeeded: history.on), from: 64, history.velocities)
        let freshOn = history.on & fresh
        SenderHistory.forEach(freshOn) { note in
            let earlier = (history.on & ~(SenderHistory.bit(note) &- 1 | SenderHistory.bit(note))).nonzeroBitCount
            let offset = start + 2 + 2 * earlier
            set(note, at: offset)
            if mayPlayLate { set(0x80 | history.velocities[Int(note)], at: offset + 1) }
        }
        if history.off != 0 { put(history.off &<< UInt128(truncatingIfNeeded: 8 * low), octets: high - low + 1) }
        return offIsFresh || freshOn != 0
    }

    /// The logs of a set of notes, the highest bit that of `first`, as of notes of older packets. The caller has made room.
    private mutating func putNotes(_ notes: UInt64, from first: UInt8, _ velocities: Table128<UInt8>) {
        var rest = notes
        while rest != 0 {
            let bit = rest.leadingZeroBitCount
            rest &= ~((1 as UInt64) &<< UInt64(truncatingIfNeeded: 63 - bit))
            let note = first | UInt8(truncatingIfNeeded: bit)
            let log = UInt16(0x80 | note) << 8 | UInt16(velocities[Int(note)])
            unsafe octets.storeBytes(of: log.bigEndian, toByteOffset: count, as: UInt16.self)
            count += 2
        }
    }

    /// The highest octets of some bits. The caller has made room for these.
    private mutating func put(_ bits: UInt128, octets needed: Int) {
        if hasRoom(16) {
            unsafe octets.storeBytes(of: bits.bigEndian, toByteOffset: count, as: UInt128.self)
            count += needed
        } else {
            for octet in 0..<needed {
                put(UInt8(truncatingIfNeeded: bits &>> UInt128(truncatingIfNeeded: 120 - 8 * octet)))
            }
        }
    }

    /// Chapter A: `S LEN7`, then LEN+1 logs `S NOTE7`, `X PRESSURE7`.
    private mutating func writePressures(_ history: inout SenderHistory) -> Bool? {
        let logs = history.pressed.nonzeroBitCount
        guard hasRoom(1 + 2 * logs) else { return nil }
        let start = count
        put(0)
        var isFresh = false
        var rest = history.pressed
        while rest != 0 {
            let note = UInt8(truncatingIfNeeded: rest.leadingZeroBitCount)
            rest &= ~SenderHistory.bit(note)
            let fresh = history.pressurePackets[Int(note)] == previous
            isFresh = isFresh || fresh
            put(singleLoss(fresh) | note)
            put(history.pressures[Int(note)])
        }
        set(singleLoss(isFresh) | UInt8(logs - 1), at: start)
        return isFresh
    }
}

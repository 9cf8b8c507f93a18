/// A recovery journal's header (RFC 6295 section 5), `S Y A H TOTCHAN4`, `CHECKPOINT16`; then with Y=1 the system journal,
/// with A=1 TOTCHAN+1 channel journals. Decoding walks the whole journal: where it succeeds every length in it is true.
package struct Journal: Hashable, Sendable {
    static let byteCount = 3

    /// S: nothing in it is about the packet just before the one that carries it.
    package var isOld: Bool
    /// H: some channel journal uses the enhanced chapter C. Not used: a digital piano sets it always.
    package var isEnhanced: Bool
    package var checkpoint: SequenceNumber
    /// With its two octets of header.
    package var system: Range<Int>?
    package var channelCount: Int
    /// Where the first channel journal begins.
    package var channels: Int
    package var end: Int

    /// Neither a system journal nor a channel's: its checkpoint may be anything (RTPMIDI.docc/Journals.md).
    package var isEmpty: Bool { system == nil && channelCount == 0 }

    /// - Parameter sequence: the number of the packet that carries the journal.
    package init(
        decoding packet: RawSpan, in range: Range<Int>, of sequence: SequenceNumber
    ) throws(PacketError) {
        guard range.count >= Self.byteCount else { throw .truncated(needed: Self.byteCount, had: range.count) }
        let flags = packet.uint8(at: range.lowerBound)
        isOld = flags & 0x80 != 0
        isEnhanced = flags & 0x10 != 0
        checkpoint = SequenceNumber(packet.uint16(at: range.lowerBound + 1))
        channelCount = flags & 0x20 != 0 ? Int(flags & 0x0F) + 1 : 0
        end = range.upperBound
        var offset = range.lowerBound + Self.byteCount
        if flags & 0x40 != 0 {
            guard end - offset >= 2 else { throw .malformed("system journal cut off") }
            let length = Int(packet.uint16(at: offset) & 0x3FF)
            guard length >= 2, offset + length <= end else { throw .malformed("LENGTH of the system journal is wrong") }
            system = offset..<offset + length
            offset += length
        }
        channels = offset
        guard !isEmpty else { return }
        guard checkpoint.distance(from: sequence) <= 0 else { throw .malformed("checkpoint lies ahead of the packet") }
        var previous = -1
        for _ in 0..<channelCount {
            let journal = try ChannelJournal(decoding: packet, at: offset, end: end)
            guard journal.channel > previous else { throw .malformed("channels do not ascend") }
            previous = journal.channel
            offset = journal.end
        }
    }
}

/// The journal of one channel (RFC 6295 appendix A): `S CHAN4 H LENGTH10`, the table of contents `P C M W N E T A`, and
/// the chapters in that order. A chapter that is not there has no place.
package struct ChannelJournal: Hashable, Sendable {
    /// S: nothing in it is about the packet before.
    package var isOld: Bool
    package var channel: Int
    package var isEnhanced: Bool
    package var contents: UInt8
    package var end: Int

    package private(set) var program: Int?
    package private(set) var controls: LogList?
    package private(set) var parameters: ParameterChapter?
    package private(set) var wheel: Int?
    package private(set) var notes: NoteChapter?
    package private(set) var noteExtras: LogList?
    package private(set) var pressure: Int?
    package private(set) var polyPressures: LogList?

    /// Chapters C, E and A: `S LEN7`, then LEN+1 logs of two octets.
    package struct LogList: Hashable, Sendable {
        /// Where the first log lies.
        package var start: Int
        package var count: Int
    }

    package init(decoding packet: RawSpan, at start: Int, end limit: Int) throws(PacketError) {
        guard limit - start >= 3 else { throw .malformed("journal ends before its last channel") }
        let head = packet.uint16(at: start)
        isOld = head & 0x8000 != 0
        channel = Int(head >> 11 & 0x0F)
        isEnhanced = head & 0x0400 != 0
        let length = Int(head & 0x3FF)
        guard length >= 3 else { throw .malformed("LENGTH of a channel is less than its header") }
        guard start + length <= limit else { throw .malformed("LENGTH of a channel leads beyond the packet") }
        contents = packet.uint8(at: start + 2)
        end = start + length

        var offset = start + 3
        if contents & 0x80 != 0 { program = try Self.advance(3, &offset, end) }
        if contents & 0x40 != 0 { controls = try Self.readLogs(packet, &offset, end) }
        if contents & 0x20 != 0 {
            let chapter = try ParameterChapter(decoding: packet, at: offset, end: end)
            parameters = chapter
            offset = chapter.end
        }
        if contents & 0x10 != 0 { wheel = try Self.advance(2, &offset, end) }
        if contents & 0x08 != 0 {
            let chapter = try NoteChapter(decoding: packet, at: offset, end: end)
            notes = chapter
            offset = chapter.end
        }
        if contents & 0x04 != 0 { noteExtras = try Self.readLogs(packet, &offset, end) }
        if contents & 0x02 != 0 { pressure = try Self.advance(1, &offset, end) }
        if contents & 0x01 != 0 { polyPressures = try Self.readLogs(packet, &offset, end) }
    }

    private static func advance(_ count: Int, _ offset: inout Int, _ end: Int) throws(PacketError) -> Int {
        guard offset + count <= end else { throw .malformed("chapters do not fit LENGTH of their channel") }
        defer { offset += count }
        return offset
    }
    private static func readLogs(_ packet: RawSpan, _ offset: inout Int, _ end: Int) throws(PacketError) -> LogList {
        let head = try advance(1, &offset, end)
        let count = Int(packet.uint8(at: head) & 0x7F) + 1
        return LogList(start: try advance(2 * count, &offset, end), count: count)
    }
}

/// Chapter N (RFC 6295 appendix A.6): `B LEN7`, `LOW4 HIGH4`, LEN logs `S NOTE7`, `Y VEL7`, then OFFBITS, an octet for
/// each of LOW...HIGH, the most significant bit of octet k being note 8k.
package struct NoteChapter: Hashable, Sendable {
    /// B: no OFFBITS are about the packet before.
    package var offBitsAreOld: Bool
    package var count: Int
    /// Where the first log lies.
    package var logs: Int
    package var low: Int
    package var high: Int
    package var offBits: Int
    package var end: Int

    init(decoding packet: RawSpan, at start: Int, end limit: Int) throws(PacketError) {
        guard limit - start >= 2 else { throw .malformed("chapter N cut off") }
        let head = packet.uint8(at: start)
        offBitsAreOld = head & 0x80 != 0
        low = Int(packet.uint8(at: start + 1) >> 4)
        high = Int(packet.uint8(at: start + 1) & 0x0F)
        guard low <= high || low == 15 && high <= 1 else { throw .malformed("LOW above HIGH in chapter N") }
        count = Int(head & 0x7F)
        if count == 127, low == 15, high == 0 { count = 128 }
        logs = start + 2
        offBits = logs + 2 * count
        end = offBits + max(0, high - low + 1)
        guard end <= limit else { throw .malformed("chapter N does not fit LENGTH of its channel") }
    }
}

/// Chapter M (RFC 6295 appendix A.4): `S P E U W Z LENGTH10`, with P=1 `Q PEND7`, then logs to the end.
package struct ParameterChapter: Hashable, Sendable {
    package var start: Int
    package var isOld: Bool
    /// E: the newest log's parameter is selected.
    package var isSelected: Bool
    /// P: the high bits of a number came, the low ones not yet; with the flag of `Parameters`, as a number.
    package var pending: UInt16?
    /// Where the first log lies.
    package var logs: Int
    package var end: Int
    /// `S P E U W Z` and two bits of LENGTH.
    package var flags: UInt8

    /// `S LSB7`, [`Q MSB7`], `J K L M N T V R`, then what J...N say is there.
    package struct Log: Hashable, Sendable {
        package var isOld: Bool
        /// Fourteen bits, 8000 set where not registered.
        package var number: UInt16
        /// J: control change 6.
        package var high: UInt8?
        /// K: control change 38.
        package var low: UInt8?
        /// L: steps up less steps down since the value was set.
        package var steps: Int?
        /// M: the same since the parameter was selected.
        package var stepsSinceSelection: Int?
        /// N: how often the parameter was set, with T.
        package var count: UInt8?
        /// `J K L M N T V R`.
        package var fields: UInt8
        package var end: Int
    }

    init(decoding packet: RawSpan, at start: Int, end limit: Int) throws(PacketError) {
        guard limit - start >= 2 else { throw .malformed("chapter M cut off") }
        self.start = start
        flags = packet.uint8(at: start)
        isOld = flags & 0x80 != 0
        isSelected = flags & 0x20 != 0
        let length = Int(packet.uint16(at: start) & 0x3FF)
        logs = start + 2
        end = start + length
        guard length >= 2, end <= limit else { throw .malformed("LENGTH of chapter M is wrong") }
        if flags & 0x40 != 0 {
            guard logs < end else { throw .malformed("chapter M cut off") }
            let octet = packet.uint8(at: logs)
            pending = UInt16(octet & 0x7F) << 7 | (octet & 0x80 != 0 ? Parameters.notRegistered : 0)
            logs += 1
        }
        var offset = logs
        while offset < end { offset = try log(packet, at: offset).end }
    }

    /// The log at an offset from `logs` on and before `end`.
    package func log(_ packet: RawSpan, at start: Int) throws(PacketError) -> Log {
        var offset = start
        func advance(_ count: Int) throws(PacketError) -> Int {
            guard offset + count <= end else { throw .malformed("a log of chapter M is cut off") }
            defer { offset += count }
            return offset
        }
        let low = packet.uint8(at: try advance(1))
        var number = UInt16(low & 0x7F)
        // U: all are registered ones with high bits 0; W: none is registered; Z: so the octet is left out.
        if flags & 0x04 != 0, flags & 0x18 != 0 {
            if flags & 0x08 != 0 { number |= Parameters.notRegistered }
        } else {
            let high = packet.uint8(at: try advance(1))
            number |= UInt16(high & 0x7F) << 7 | (high & 0x80 != 0 ? Parameters.notRegistered : 0)
        }
        let fields = packet.uint8(at: try advance(1))
        var log = Log(isOld: low & 0x80 != 0, number: number, fields: fields, end: 0)
        if fields & 0x80 != 0 { log.high = packet.uint8(at: try advance(1)) & 0x7F }
        if fields & 0x40 != 0 { log.low = packet.uint8(at: try advance(1)) & 0x7F }
        if fields & 0x20 != 0 {
            log.steps = Self.signed(packet.uint16(at: try advance(2)))
        }
        if fields & 0x10 != 0 { log.stepsSinceSelection = Self.signed(packet.uint16(at: try advance(2))) }
        if fields & 0x08 != 0 { log.count = packet.uint8(at: try advance(1)) & 0x7F }
        log.end = offset
        return log
    }

    /// `G`, a bit of no use, fourteen bits.
    private static func signed(_ value: UInt16) -> Int { Int(value & 0x3FFF) * (value & 0x8000 != 0 ? -1 : 1) }
}

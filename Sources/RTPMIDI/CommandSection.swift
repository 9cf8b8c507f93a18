/// The head of a payload (RFC 6295 section 3): `B J Z P LEN4`, or with B=1 `B J Z P LEN12` in two octets; then the MIDI
/// list, then with J=1 the recovery journal to the end.
package struct CommandSection: Hashable, Sendable {
    /// B: the header has two octets.
    package var isLong: Bool
    /// Z: a delta stands before the first command too.
    package var startsWithDelta: Bool
    /// P: the source had left the first status out. Of no consequence.
    package var isPhantom: Bool
    /// Where the MIDI list lies in the datagram.
    package var list: Range<Int>
    /// Where the journal lies; may be too short to be one.
    package var journal: Range<Int>?

    package init(decoding packet: RawSpan, in payload: Range<Int>) throws(PacketError) {
        let first = packet.uint8(at: payload.lowerBound)
        isLong = first & 0x80 != 0
        startsWithDelta = first & 0x20 != 0
        isPhantom = first & 0x10 != 0
        var start = payload.lowerBound + 1
        var length = Int(first & 0x0F)
        if isLong {
            guard payload.count >= 2 else { throw .truncated(needed: start + 1, had: payload.upperBound) }
            length = length << 8 | Int(packet.uint8(at: start))
            start += 1
        }
        guard start + length <= payload.upperBound else {
            throw .truncated(needed: start + length, had: payload.upperBound)
        }
        list = start..<start + length
        journal = first & 0x40 != 0 ? list.upperBound..<payload.upperBound : nil
    }
}

/// Steps through a MIDI list (RFC 6295 section 3; fact sheet 2.3). One broken command makes the rest unfindable, so a list
/// is first read to its end and only then believed.
package struct CommandListReader {
    package enum Entry: Sendable {
        /// A channel message; with running status its status, left out on the wire, restored.
        case command(ChannelCommand, isRunning: Bool)
        case system(SystemMessage)
        /// The range of the datagram between the framing octets.
        case sysEx(SysExPart, Range<Int>)
    }
    private var offset: Int
    private let end: Int
    private var expectsDelta: Bool
    private var running: UInt8 = 0
    /// Ticks before the newest entry; after the end, of a delta with no command behind it.
    package private(set) var delta: UInt32 = 0
    /// The newest entry's: RTP timestamp plus all deltas so far.
    package private(set) var time: UInt32

    package init(_ section: CommandSection, timestamp: UInt32) {
        offset = section.list.lowerBound
        end = section.list.upperBound
        expectsDelta = section.startsWithDelta
        time = timestamp
    }

    /// The next entry; nil at the end of the list.
    package mutating func next(in packet: RawSpan) throws(PacketError) -> Entry? {
        guard offset < end else {
            delta = 0
            return nil
        }
        delta = expectsDelta ? try readDelta(packet) : 0
        expectsDelta = true
        time &+= delta
        guard offset < end else { return nil }

        let head = packet.uint8(at: offset)
        if head == 0xF0 || head == 0xF7 { return try readSysEx(packet, head) }
        if head >= 0xF0 { return .system(try readSystem(packet, head)) }
        let isRunning = head < 0x80
        if isRunning {
            guard running != 0 else { throw .malformed("data where a status belongs") }
        } else {
            running = head
            offset += 1
        }
        let first = try readData(packet)
        let second = ChannelCommand.byteCount(running) > 2 ? try readData(packet) : 0
        return .command(ChannelCommand(running, first, second), isRunning: isRunning)
    }

    private mutating func readDelta(_ packet: RawSpan) throws(PacketError) -> UInt32 {
        var delta: UInt32 = 0
        for _ in 0..<4 {
            guard offset < end else { throw .malformed("delta cut off by the end of the list") }
            let octet = packet.uint8(at: offset)
            offset += 1
            delta = delta << 7 | UInt32(octet & 0x7F)
            if octet < 0x80 { return delta }
        }
        throw .malformed("delta longer than four octets")
    }
    private mutating func readData(_ packet: RawSpan) throws(PacketError) -> UInt8 {
        guard offset < end else { throw .malformed("command cut off by the end of the list") }
        let octet = packet.uint8(at: offset)
        guard octet < 0x80 else { throw .malformed("status among the data of a command") }
        offset += 1
        return octet
    }
    private mutating func readSystem(_ packet: RawSpan, _ status: UInt8) throws(PacketError) -> SystemMessage {
        guard let dataCount = SystemMessage.dataCount(status) else {
            throw .malformed("F4 or F5 outside of a system exclusive message")
        }
        offset += 1
        // F8...FF leave the running status alone.
        if status < 0xF8 { running = 0 }
        let first = dataCount > 0 ? try readData(packet) : 0
        let second = dataCount > 1 ? try readData(packet) : 0
        guard let message = SystemMessage(status, first, second) else { throw .malformed("no such system message") }
        return message
    }
    private mutating func readSysEx(_ packet: RawSpan, _ head: UInt8) throws(PacketError) -> Entry {
        running = 0
        offset += 1
        let start = offset
        while offset < end, packet.uint8(at: offset) < 0x80 { offset += 1 }
        guard offset < end else { throw .malformed("system exclusive without an end in the list") }
        let data = start..<offset
        guard let part = SysExPart(head: head, tail: packet.uint8(at: offset)) else {
            throw .malformed("status among the data of a system exclusive message")
        }
        if part == .first || part == .middle, data.isEmpty {
            throw .malformed("first or middle segment without data")
        }
        offset += 1
        return .sysEx(part, data)
    }
}

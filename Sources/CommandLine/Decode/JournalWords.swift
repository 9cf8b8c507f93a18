import RTPMIDI

/// What a recovery journal says, as JSON values, in the shape of the test vectors' `decoded`: the RFC's own letters.
enum JournalWords {
    private typealias Object = [String: Any]

    /// - Parameter first: the journal's first octet.
    static func describe(_ journal: Journal, _ packet: RawSpan, first: UInt8) throws(PacketError) -> [String: Any] {
        var channels: [[String: Any]] = []
        var offset = journal.channels
        for _ in 0..<journal.channelCount {
            let channel = try ChannelJournal(decoding: packet, at: offset, end: journal.end)
            channels.append(try describe(channel, packet, start: offset))
            offset = channel.end
        }
        return [
            "S": bit(journal.isOld), "Y": first >> 6 & 1, "A": first >> 5 & 1, "H": bit(journal.isEnhanced),
            "checkpoint": journal.checkpoint.rawValue,
            "system": journal.system.map { SystemJournalWords.describe(packet, $0) as Any } ?? DecodedValue.null,
            "channels": channels,
        ]
    }

    private static func describe(
        _ channel: ChannelJournal, _ packet: RawSpan, start: Int
    ) throws(PacketError) -> Object {
        var contents = ""
        for (index, letter) in "PCMWNETA".enumerated() where channel.contents & (0x80 >> UInt8(index)) != 0 {
            contents.append(letter)
        }
        var object: Object = [
            "S": bit(channel.isOld), "channel": channel.channel, "H": bit(channel.isEnhanced),
            "LENGTH": channel.end - start, "toc": contents,
        ]
        if let offset = channel.program {
            let (head, high, low) = (
                packet.uint8(at: offset), packet.uint8(at: offset + 1), packet.uint8(at: offset + 2)
            )
            object["P"] = [
                "S": head >> 7, "program": head & 0x7F, "B": high >> 7, "bank_msb": high & 0x7F, "X": low >> 7,
                "bank_lsb": low & 0x7F,
            ]
        }
        if let logs = channel.controls { object["C"] = list(logs, packet, controlLog) }
        if let chapter = channel.parameters { object["M"] = try parameters(chapter, packet) }
        if let offset = channel.wheel {
            let (one, two) = (packet.uint8(at: offset), packet.uint8(at: offset + 1))
            object["W"] = [
                "S": one >> 7, "first": one & 0x7F, "R": two >> 7, "second": two & 0x7F,
                "value14": Int(two & 0x7F) << 7 | Int(one & 0x7F),
            ]
        }
        if let chapter = channel.notes { object["N"] = notes(chapter, packet) }
        if let logs = channel.noteExtras {
            object["E"] = list(logs, packet) { one, two in
                [
                    "S": one >> 7, "note": one & 0x7F, "V": two >> 7,
                    two & 0x80 != 0 ? "velocity" : "count": two & 0x7F,
                ]
            }
        }
        if let offset = channel.pressure {
            object["T"] = ["S": packet.uint8(at: offset) >> 7, "pressure": packet.uint8(at: offset) & 0x7F]
        }
        if let logs = channel.polyPressures {
            object["A"] = list(logs, packet) { one, two in
                ["S": one >> 7, "note": one & 0x7F, "X": two >> 7, "pressure": two & 0x7F]
            }
        }
        return object
    }

    private static func list(
        _ logs: ChannelJournal.LogList, _ packet: RawSpan, _ log: (UInt8, UInt8) -> Object
    ) -> Object {
        var all: [Object] = []
        for offset in stride(from: logs.start, to: logs.start + 2 * logs.count, by: 2) {
            all.append(log(packet.uint8(at: offset), packet.uint8(at: offset + 1)))
        }
        let head = packet.uint8(at: logs.start - 1)
        return ["S": head >> 7, "LEN": head & 0x7F, "logs": all]
    }

    private static func controlLog(_ one: UInt8, _ two: UInt8) -> Object {
        var log: Object = ["S": one >> 7, "number": one & 0x7F, "A": two >> 7]
        if two & 0x80 == 0 {
            log["value"] = two
        } else {
            log["T"] = two >> 6 & 1
            log[two & 0x40 == 0 ? "toggles" : "count"] = two & 0x3F
        }
        return log
    }

    private static func notes(_ chapter: NoteChapter, _ packet: RawSpan) -> Object {
        var logs: [Object] = []
        for offset in stride(from: chapter.logs, to: chapter.offBits, by: 2) {
            let (one, two) = (packet.uint8(at: offset), packet.uint8(at: offset + 1))
            logs.append(["S": one >> 7, "note": one & 0x7F, "Y": two >> 7, "velocity": two & 0x7F])
        }
        var ended: [Int] = []
        for offset in chapter.offBits..<chapter.end {
            for bit in 0..<8 where packet.uint8(at: offset) & (0x80 >> UInt8(bit)) != 0 {
                ended.append((chapter.low + offset - chapter.offBits) * 8 + bit)
            }
        }
        var object: Object = [
            "B": bit(chapter.offBitsAreOld), "LEN": min(chapter.count, 127), "LOW": chapter.low, "HIGH": chapter.high,
            "logs": logs, "off_notes": ended,
        ]
        if chapter.count == 128 { object["log_count"] = 128 }
        return object
    }

    private static func parameters(_ chapter: ParameterChapter, _ packet: RawSpan) throws(PacketError) -> Object {
        var logs: [Object] = []
        var offset = chapter.logs
        while offset < chapter.end {
            let log = try chapter.log(packet, at: offset)
            offset = log.end
            var object: Object = [
                "S": bit(log.isOld), "pnum_lsb": log.number & 0x7F, "pnum_msb": log.number >> 7 & 0x7F,
                "Q": log.number >> 15,
            ]
            for (index, letter) in "JKLMNTV".enumerated() { object["\(letter)"] = log.fields >> (7 - UInt8(index)) & 1 }
            object["entry_msb"] = log.high
            object["entry_lsb"] = log.low
            object["a_button"] = log.steps
            object["c_button"] = log.stepsSinceSelection
            object["count"] = log.count
            logs.append(object)
        }
        var object: Object = ["LENGTH": packet.uint16(at: chapter.start) & 0x3FF, "logs": logs]
        for (index, letter) in "SPEUWZ".enumerated() { object["\(letter)"] = chapter.flags >> (7 - UInt8(index)) & 1 }
        if let pending = chapter.pending {
            object["pending"] = ["Q": pending >> 15, "pnum_msb": pending >> 7 & 0x7F]
        }
        return object
    }

    private static func bit(_ flag: Bool) -> Int { DecodedValue.bit(flag) }
}

/// What a system journal says: chapters D V Q F X (RFC 6295 appendix B). Nothing here decides anything, so that what does not
/// fit is only left out.
enum SystemJournalWords {
    private typealias Object = [String: Any]

    static func describe(_ packet: RawSpan, _ range: Range<Int>) -> [String: Any] {
        let flags = packet.uint8(at: range.lowerBound)
        var contents = ""
        for (index, letter) in "DVQFX".enumerated() where flags & (0x40 >> UInt8(index)) != 0 {
            contents.append(letter)
        }
        var object: Object = ["S": flags >> 7, "LENGTH": range.count, "toc": contents]
        var rest = Rest(offset: range.lowerBound + 2, end: range.upperBound)
        for letter in contents {
            let start = rest.offset
            let chapter: Object? =
                switch letter {
                case "D": simple(packet, &rest)
                case "V":
                    rest.advance(1).map { ["S": packet.uint8(at: $0) >> 7, "count": packet.uint8(at: $0) & 0x7F] }
                case "Q": sequencer(packet, &rest)
                case "F": timeCode(packet, &rest)
                default: nil
                }
            if let chapter {
                object["\(letter)"] = chapter
            } else if letter == "X" {
                object["X"] = exclusive(packet, &rest)
            } else {
                var octets: [UInt8] = []
                for offset in start..<range.upperBound { octets.append(packet.uint8(at: offset)) }
                object["undecoded"] = DecodedValue.hex(octets)
                return object
            }
        }
        return object
    }

    private struct Rest {
        var offset: Int
        let end: Int
        /// Where the next octets lie; nil when there are fewer.
        mutating func advance(_ count: Int) -> Int? {
            guard count >= 0, offset + count <= end else { return nil }
            defer { offset += count }
            return offset
        }
    }

    /// `S B G H J K Y Z`, an octet each for B G H, blocks headed by ten bits of LENGTH for J K, by five for Y Z.
    private static func simple(_ packet: RawSpan, _ rest: inout Rest) -> Object? {
        guard let head = rest.advance(1) else { return nil }
        let flags = packet.uint8(at: head)
        var object: Object = ["S": flags >> 7]
        for (flag, name) in [(UInt8(0x40), "reset_count"), (0x20, "tune_request_count"), (0x10, "song")]
        where flags & flag != 0 {
            guard let offset = rest.advance(1) else { return nil }
            object[name] = packet.uint8(at: offset) & 0x7F
        }
        for flag in [UInt8(0x08), 0x04] where flags & flag != 0 {
            guard let offset = rest.advance(2), rest.advance(Int(packet.uint16(at: offset) & 0x3FF) - 2) != nil else {
                return nil
            }
        }
        for flag in [UInt8(0x02), 0x01] where flags & flag != 0 {
            guard let offset = rest.advance(1), rest.advance(Int(packet.uint8(at: offset) & 0x1F) - 1) != nil else {
                return nil
            }
        }
        return object
    }

    /// `S N D C T TOP3`, with C `CLOCK16`, with T `TIME24`.
    private static func sequencer(_ packet: RawSpan, _ rest: inout Rest) -> Object? {
        guard let head = rest.advance(1) else { return nil }
        let flags = packet.uint8(at: head)
        var object: Object = [
            "S": flags >> 7, "N": flags >> 6 & 1, "D": flags >> 5 & 1, "C": flags >> 4 & 1, "T": flags >> 3 & 1,
            "TOP": flags & 7,
        ]
        if flags & 0x10 != 0 {
            guard let offset = rest.advance(2) else { return nil }
            let clock = packet.uint16(at: offset)
            object["CLOCK"] = clock
            object["position"] = 65536 * Int(flags & 7) + Int(clock)
        }
        if flags & 0x08 != 0 {
            guard let offset = rest.advance(3) else { return nil }
            object["TIME"] = Int(packet.uint8(at: offset)) << 16 | Int(packet.uint16(at: offset + 1))
        }
        return object
    }

    /// `S C P Q D POINT3`, with C `COMPLETE32`, with P `PARTIAL32`: with Q=0 as in a full frame.
    private static func timeCode(_ packet: RawSpan, _ rest: inout Rest) -> Object? {
        guard let head = rest.advance(1) else { return nil }
        let flags = packet.uint8(at: head)
        var object: Object = [
            "S": flags >> 7, "C": flags >> 6 & 1, "P": flags >> 5 & 1, "Q": flags >> 4 & 1, "D": flags >> 3 & 1,
            "POINT": flags & 7,
        ]
        for (flag, name) in [(UInt8(0x40), "complete"), (0x20, "partial")] where flags & flag != 0 {
            guard let offset = rest.advance(4) else { return nil }
            let octets = (offset..<offset + 4).map { packet.uint8(at: $0) }
            if flags & 0x10 == 0 {
                object[name] = ["hr": octets[0], "mn": octets[1], "sc": octets[2], "fr": octets[3]]
            } else {
                object[name] = ["nibbles": DecodedValue.hex(octets)]
            }
        }
        return object
    }

    /// Logs to the end: `S T C F D L STA2`, `TCOUNT8`, `COUNT8`, FIRST of variable length, DATA to an octet above 127.
    private static func exclusive(_ packet: RawSpan, _ rest: inout Rest) -> [Object] {
        var logs: [Object] = []
        while let head = rest.advance(1) {
            let flags = packet.uint8(at: head)
            var log: Object = ["STA": flags & 3]
            for (index, letter) in "STCFDL".enumerated() { log["\(letter)"] = flags >> (7 - UInt8(index)) & 1 }
            for (flag, name) in [(UInt8(0x40), "tcount"), (0x20, "count")] where flags & flag != 0 {
                guard let offset = rest.advance(1) else { return logs }
                log[name] = packet.uint8(at: offset)
            }
            if flags & 0x10 != 0 {
                var first = 0
                repeat {
                    guard let offset = rest.advance(1), first < 1 << 28 else { return logs }
                    first = first << 7 | Int(packet.uint8(at: offset) & 0x7F)
                    log["first"] = first
                } while packet.uint8(at: rest.offset - 1) & 0x80 != 0
            }
            if flags & 0x08 != 0 {
                var data: [UInt8] = []
                repeat {
                    guard let offset = rest.advance(1) else { return logs }
                    data.append(packet.uint8(at: offset) & 0x7F)
                } while packet.uint8(at: rest.offset - 1) & 0x80 == 0
                log["data"] = DecodedValue.hex(data)
            }
            logs.append(log)
        }
        return logs
    }
}

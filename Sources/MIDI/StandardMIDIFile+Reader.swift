extension StandardMIDIFile {
    /// Reads the octets of a file from `offset` on.
    struct Reader {
        let bytes: [UInt8]
        var offset = 0

        func malformed(_ what: String) -> MIDIFileError { .malformed(what, at: offset) }

        mutating func read(_ count: Int) throws(MIDIFileError) -> ArraySlice<UInt8> {
            guard bytes.count - offset >= count else { throw .truncated(at: bytes.count) }
            defer { offset += count }
            return bytes[offset..<offset + count]
        }

        /// Big-endian.
        mutating func number(octets: Int) throws(MIDIFileError) -> Int {
            try read(octets).reduce(0) { $0 << 8 | Int($1) }
        }

        /// One to four octets of seven bits, all but the last with the highest bit set.
        private mutating func variableLength() throws(MIDIFileError) -> Int {
            var value = 0
            for _ in 0..<4 {
                let octet = try number(octets: 1)
                value = value << 7 | octet & 0x7F
                if octet < 0x80 { return value }
            }
            throw malformed("a number of more than four octets")
        }

        /// Reads a chunk's length; gives where the chunk ends.
        mutating func chunkEnd() throws(MIDIFileError) -> Int {
            let length = try number(octets: 4)
            guard length <= bytes.count - offset else { throw .truncated(at: bytes.count) }
            return offset + length
        }

        mutating func division() throws(MIDIFileError) -> Division {
            let division = try number(octets: 2)
            if division < 0x8000 {
                guard division > 0 else { throw malformed("no ticks in a quarter note") }
                return .ticksPerQuarter(division)
            }
            let frames = 256 - division >> 8
            guard [24, 25, 29, 30].contains(frames), division & 0xFF > 0 else {
                throw malformed("an unknown time code division")
            }
            return .ticksPerFrame(division & 0xFF, framesPerSecond: frames)
        }

        // MARK: A track

        /// The events up to the end-of-track event, or to the end of the chunk where that is missing.
        mutating func track(until end: Int) throws(MIDIFileError) -> [Event] {
            var events: [Event] = []
            var tick = 0
            var running: UInt8?
            /// A system exclusive message whose F7 is still to come.
            var open: [UInt8]?
            while offset < end {
                tick += try variableLength()
                guard offset < end else { break }
                let status = bytes[offset]
                switch status {
                case 0xFF:
                    running = nil
                    offset += 1
                    let type = UInt8(try number(octets: 1))
                    let octets = try sized(until: end)
                    if type == 0x2F { return events }
                    events.append(Event(tick: tick, content: Self.meta(type, octets)))
                case 0xF0, 0xF7:
                    running = nil
                    offset += 1
                    let octets = try sized(until: end)
                    if status == 0xF0 {
                        open = [0xF0]
                    } else if open == nil {
                        if !octets.isEmpty { events.append(Event(tick: tick, content: .escaped(octets))) }
                        continue
                    }
                    let data = octets.last == 0xF7 ? octets.dropLast() : octets[...]
                    guard data.allSatisfy({ $0 < 0x80 }) else { throw malformed("a status in system exclusive data") }
                    open?.append(contentsOf: octets)
                    if octets.last == 0xF7, let whole = open {
                        events.append(Event(tick: tick, content: .systemExclusive(whole)))
                        open = nil
                    }
                case 0xF1...0xFE:
                    throw malformed("a system message without its F7")
                default:
                    let message = try channelMessage(running: running, until: end)
                    running = message.bytes[0]
                    events.append(Event(tick: tick, content: .message(message)))
                }
            }
            return events
        }

        private mutating func channelMessage(running: UInt8?, until end: Int) throws(MIDIFileError) -> Message {
            var status = bytes[offset]
            if status >= 0x80 {
                offset += 1
            } else if let running {
                status = running
            } else {
                throw malformed("data without a status")
            }
            let count = (0xC0..<0xE0).contains(status) ? 1 : 2
            guard end - offset >= count else { throw .truncated(at: end) }
            let octets = [status] + bytes[offset..<offset + count]
            do throws(MessageError) {
                let message = try Message(decoding: octets.span)
                offset += count
                return message
            } catch {
                throw malformed("a status where data belongs")
            }
        }

        private mutating func sized(until end: Int) throws(MIDIFileError) -> [UInt8] {
            let length = try variableLength()
            guard length <= end - offset else { throw .truncated(at: end) }
            return Array(try read(length))
        }

        /// A tempo of 0 would play everything at once: the event is kept and the tempo ignored.
        private static func meta(_ type: UInt8, _ octets: [UInt8]) -> Content {
            let value = octets.prefix(3).reduce(0) { $0 << 8 | Int($1) }
            return type == 0x51 && octets.count == 3 && value > 0 ? .tempo(value) : .meta(type: type, octets)
        }
    }
}

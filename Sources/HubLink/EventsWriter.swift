package import RTPMIDI

/// The octets of an EVENTS from its origin on: encoded once, the same for everyone who hears the origin.
@safe package struct EventsWriter: ~Copyable {
    /// How much is said again with each packet: so many events, of so many octets, that came in so many ticks before.
    package static let repeats = 4
    private static let repeatedOctets = 64
    private static let repeatedAge: UInt64 = 2_500

    private let octets: UnsafeMutablePointer<UInt8>
    private var count = 0
    private var isAnswer = false

    package init() { unsafe octets = .allocate(capacity: LinkPacket.longest) }
    deinit { unsafe octets.deallocate() }

    /// As many of the events from `first` to `last` as one packet takes, which must be in the window, behind a few earlier
    /// ones. Gives the last one taken.
    package mutating func write(
        _ origin: Origin, _ first: EventNumber, through last: EventNumber, of window: EventWindow, at now: UInt64
    ) -> EventNumber {
        var start = first
        var spent = 0
        for _ in 0..<Self.repeats {
            let earlier = start.advanced(by: -1)
            guard window.has(earlier), now &- window.times(earlier).at <= Self.repeatedAge else { break }
            spent += window.byteCount(earlier)
            guard spent <= Self.repeatedOctets else { break }
            start = earlier
        }
        isAnswer = false
        return encode(origin, start, through: last, newFrom: first, of: window)
    }

    /// The last events once more. False where there are none to repeat.
    package mutating func writeRepeat(
        _ origin: Origin, through last: EventNumber, of window: EventWindow, at now: UInt64
    ) -> Bool {
        let next = last.advanced(by: 1)
        _ = write(origin, next, through: last, of: window, at: now)
        return count > 0
    }

    /// The answer to a question for events: those of the window from the first that it has on. Gives the last one taken; nil
    /// where it has none of them.
    package mutating func writeAnswer(
        _ origin: Origin, _ first: EventNumber, through last: EventNumber, of window: EventWindow
    ) -> EventNumber? {
        guard last.distance(from: first) < EventWindow.capacity else { return nil }
        var start = first
        while !window.has(start) {
            if start == last { return nil }
            start = start.advanced(by: 1)
        }
        isAnswer = true
        return encode(origin, start, through: last, newFrom: start, of: window)
    }

    /// Copies it, behind the head for one hearer.
    package func write(from ssrc: SSRC, count packets: UInt16, into out: inout OutputRawSpan) {
        LinkPacket.eventsHead(from: ssrc, count: packets, isAnswer: isAnswer).write(into: &out)
        unsafe out.withUnsafeMutableBytes { buffer, initialized in
            precondition(buffer.count - initialized >= count, "no room for the events")
            unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[initialized...])
                .copyMemory(from: UnsafeRawBufferPointer(start: octets, count: count))
            initialized += count
        }
    }

    private mutating func encode(
        _ origin: Origin, _ start: EventNumber, through last: EventNumber, newFrom first: EventNumber,
        of window: EventWindow
    ) -> EventNumber {
        let listAt = LinkPacket.eventsAt - LinkHead.byteCount + 2
        let room = LinkPacket.longest - LinkHead.byteCount
        count = 0
        guard last.distance(from: start) >= 0 else { return last }
        let began = window.times(start).played
        var time = began
        var end = listAt
        var number = start
        var taken = start
        while last.distance(from: number) >= 0, window.has(number) {
            let size = window.byteCount(number)
            let delta = min(UInt32(max(0, Int32(bitPattern: window.times(number).played &- time))), 0x0FFF_FFFF)
            let deltaCount = number == start ? 0 : delta < 1 << 7 ? 1 : delta < 1 << 14 ? 2 : delta < 1 << 21 ? 3 : 4
            guard end + deltaCount + size <= room else { break }
            for septet in (0..<deltaCount).reversed() {
                let more: UInt8 = septet > 0 ? 0x80 : 0
                unsafe octets[end] = more | UInt8(truncatingIfNeeded: delta >> (7 * UInt32(septet)) & 0x7F)
                end += 1
            }
            if number != start { time &+= delta }
            let to = end
            unsafe window.withBytes(number) { bytes in
                for index in 0..<size { unsafe octets[to + index] = bytes[index] }
            }
            end += size
            taken = number
            number = number.advanced(by: 1)
        }
        put(origin.rawValue, at: 0)
        put(first.rawValue, at: 4)
        put(began, at: 8)
        put(0, at: 12)
        unsafe octets[16] = UInt8(max(0, min(first.distance(from: start), taken.distance(from: start) + 1)))
        unsafe octets[17] = 0
        unsafe octets[18] = 0x80 | UInt8((end - listAt) >> 8)
        unsafe octets[19] = UInt8((end - listAt) & 0xFF)
        count = end
        return taken
    }

    private mutating func put(_ value: UInt32, at offset: Int) {
        unsafe octets[offset] = UInt8(truncatingIfNeeded: value >> 24)
        unsafe octets[offset + 1] = UInt8(truncatingIfNeeded: value >> 16)
        unsafe octets[offset + 2] = UInt8(truncatingIfNeeded: value >> 8)
        unsafe octets[offset + 3] = UInt8(truncatingIfNeeded: value)
    }
}

/// Messages that wait, in their order. Where many do, a value (a controller, a bend, a pressure, a song position) takes the
/// place of an older one of the same thing that still waits, so that a flood of values stays short and ends right; notes,
/// pedals, clock and all else stay, each.
///
/// A thinned value comes where the older one stood, and not behind what came in between: a controller that never rests would
/// else never be heard. What sets others back (controllers from 120 on, reset) is not overtaken.
package struct ThinningQueue: Sendable {
    /// So many may wait before values are thinned.
    package static let thinnedFrom = 64

    private var messages: [[UInt8]] = []
    /// Of the next one.
    private var index = 0
    /// How many have gone, or will have when `index` is 0 again.
    private var gone = 0
    /// Where the value of a thing waits, counted from the first message that ever came.
    private var places: [UInt32: Int] = [:]

    package init() {}

    /// Of all that wait.
    package private(set) var octets = 0
    package var count: Int { messages.count - index }
    package var isEmpty: Bool { count == 0 }
    package var first: [UInt8]? { isEmpty ? nil : messages[index] }

    package mutating func append(_ message: [UInt8]) {
        if Self.setsBack(message) { places = [:] }
        if let thing = Self.thing(message) {
            if count >= Self.thinnedFrom, let place = places[thing], place >= gone + index {
                messages[place - gone] = message
                return
            }
            places[thing] = gone + messages.count
        }
        messages.append(message)
        octets += message.count
    }

    package mutating func removeFirst() -> [UInt8]? {
        guard let message = first else { return nil }
        index += 1
        octets -= message.count
        if isEmpty {
            removeAll()
        } else if index >= 1024, index > messages.count / 2 {
            messages.removeFirst(index)
            (gone, index) = (gone + index, 0)
        }
        return message
    }

    package mutating func removeAll() {
        gone += messages.count
        (messages, index, octets, places) = ([], 0, 0, [:])
    }

    /// Of what a message sets a value that only counts as it is last; nil for all whose order counts: notes, pedals (64 to
    /// 69), banks and parameters (0, 6, 32, 38, 96 to 101), programs, and what the system's messages begin and end.
    private static func thing(_ message: [UInt8]) -> UInt32? {
        guard let status = message.first else { return nil }
        switch status {
        case 0xA0..<0xC0 where message.count == 3:
            switch (status & 0xF0, message[1]) {
            case (0xB0, 0), (0xB0, 6), (0xB0, 32), (0xB0, 38), (0xB0, 64...69), (0xB0, 96...101), (0xB0, 120...127):
                return nil
            default: return UInt32(status) << 8 | UInt32(message[1])
            }
        case 0xD0..<0xF0, 0xF2, 0xFE: return UInt32(status) << 8
        default: return nil
        }
    }

    private static func setsBack(_ message: [UInt8]) -> Bool {
        message.first == 0xFF || message.count == 3 && message[0] & 0xF0 == 0xB0 && message[1] >= 120
    }
}

/// The ends of notes, pedals and bends, to be said once more a while later, unless that has begun again: a client that was
/// held up may have cut the first.
struct Reminders: Sendable {
    /// In ms.
    static let delay = 400.0

    private var ends: [(due: Double, thing: UInt16, message: [UInt8])] = []
    /// When the end of a thing is to be said again.
    private var dues: [UInt16: Double] = [:]

    /// When the next one is due, in ms.
    var due: Double? { ends.first?.due }

    mutating func follow(_ message: [UInt8], at now: Double) {
        guard let (thing, isEnd) = Self.thing(message) else { return }
        guard isEnd else {
            dues[thing] = nil
            return
        }
        // The client is behind by so many that it will be cut off.
        if ends.count >= 2 * ListSender.longest { ends.removeFirst(ListSender.longest) }
        dues[thing] = now + Self.delay
        ends.append((now + Self.delay, thing, message))
    }

    mutating func removeDue(at now: Double) -> [UInt8]? {
        while let first = ends.first, first.due <= now {
            ends.removeFirst()
            if dues[first.thing] == first.due {
                dues[first.thing] = nil
                return first.message
            }
        }
        return nil
    }

    /// What a message begins or ends; nil where that is nothing that could hang.
    private static func thing(_ message: [UInt8]) -> (UInt16, isEnd: Bool)? {
        guard message.count == 3 else { return nil }
        let channel = UInt16(message[0] & 0x0F) << 8
        return switch message[0] & 0xF0 {
        case 0x80: (channel | UInt16(message[1]), true)
        case 0x90: (channel | UInt16(message[1]), message[2] == 0)
        case 0xB0 where (64...69).contains(message[1]): (0x1000 | channel | UInt16(message[1]), message[2] == 0)
        case 0xE0: (0x2000 | channel, message[1] == 0 && message[2] == 64)
        default: nil
        }
    }
}

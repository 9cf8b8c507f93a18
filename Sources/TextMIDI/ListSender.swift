/// What waits to be sent to one client, as it understands it, at the pace that its reading asks for.
///
/// The client looks every two milliseconds, takes at most 1024 octets, and keeps nothing from one look to the next: a list
/// that the end of a look cuts is lost to it. So in any two milliseconds at most 800 octets are sent, and at most 900 are on
/// their way. It evaluates what it takes for a list, so it is given nothing but three numbers, or one, in brackets.
package struct ListSender: Sendable {
    /// Octets that may be sent at once after a pause, and in each ms from then on.
    package static let burst = 600.0
    package static let rate = 100.0
    /// Octets that may be on their way: sent, and not acknowledged yet.
    package static let window = 900
    /// So many messages may wait; of a client for whom more do the connection has to be ended.
    package static let longest = 4096

    private var queue = ThinningQueue()
    private var reminders = Reminders()
    /// Octets that count as being read just now, at a time in ms.
    private var level = 0.0
    private var levelAt = 0.0

    package init() {}

    package var isEmpty: Bool { queue.isEmpty }
    /// When, in ms, the end of something is said once more.
    package var reminderDue: Double? { reminders.due }
    package var isOverfull: Bool { queue.count > Self.longest }

    /// Takes a complete message. One that the client cannot understand is left out: what has one octet of data (programs,
    /// channel pressure), and system exclusive.
    /// - Parameter now: in ms, of any clock that only goes forward.
    package mutating func put(_ message: [UInt8], at now: Double) {
        guard Self.isUnderstood(message) else { return }
        queue.append(message)
        reminders.follow(message, at: now)
    }

    package static func isUnderstood(_ message: [UInt8]) -> Bool {
        guard let status = message.first else { return false }
        return switch status {
        case 0x80..<0xC0, 0xE0..<0xF0, 0xF2: message.count == 3
        case 0xF6, 0xF8, 0xFA...0xFC, 0xFE, 0xFF: message.count == 1
        default: false
        }
    }

    /// The text that may be sent now, of whole messages: to be given to the socket in one piece. Empty where nothing waits,
    /// or nothing may be sent yet; asked again two milliseconds later.
    /// - Parameters:
    ///   - now: as above.
    ///   - underway: octets that the other side has not acknowledged.
    package mutating func take(at now: Double, underway: Int) -> [UInt8] {
        if queue.isEmpty { while let end = reminders.removeDue(at: now) { queue.append(end) } }
        level = max(0, level - Self.rate * max(0, now - levelAt))
        levelAt = now
        var text: [UInt8] = []
        while let message = queue.first {
            let one = Self.text(message)
            guard level + Double(one.count) <= Self.burst, underway + text.count + one.count <= Self.window else {
                break
            }
            level += Double(one.count)
            text += one
            _ = queue.removeFirst()
        }
        return text
    }

    /// `[144, 60, 100]`: as Python writes a list.
    package static func text(_ message: [UInt8]) -> [UInt8] {
        Array("[\(message.map(String.init).joined(separator: ", "))]".utf8)
    }
}

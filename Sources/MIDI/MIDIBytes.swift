/// A stream of octets, as on a cable, taken apart into messages.
package enum MIDIBytes {
    /// Splits the stream: channel messages (running status is allowed, and each message gets its status), system messages,
    /// and system exclusive from F0 to F7. All must be complete.
    package static func split(_ bytes: [UInt8]) throws(MIDIBytesError) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        var running: UInt8?
        var index = 0
        while index < bytes.count {
            var status = bytes[index]
            if status >= 0x80 {
                index += 1
            } else if let running {
                status = running
            } else {
                throw .dataWithoutStatus(at: index)
            }
            if status < 0xF8 { running = status < 0xF0 ? status : nil }
            var message = [status]
            if status == 0xF0 {
                guard let end = bytes[index...].firstIndex(where: { $0 >= 0x80 }), bytes[end] == 0xF7 else {
                    throw .incomplete(status: status)
                }
                message += bytes[index...end]
                index = end + 1
            } else {
                guard let count = dataCount(status) else { throw .unknownStatus(status, at: index - 1) }
                guard bytes.count - index >= count, bytes[index..<index + count].allSatisfy({ $0 < 0x80 }) else {
                    throw .incomplete(status: status)
                }
                message += bytes[index..<index + count]
                index += count
            }
            messages.append(message)
        }
        return messages
    }

    private static func dataCount(_ status: UInt8) -> Int? {
        switch status {
        case 0xC0..<0xE0, 0xF1, 0xF3: 1
        case 0x80..<0xF0, 0xF2: 2
        case 0xF6, 0xF8, 0xFA...0xFC, 0xFE, 0xFF: 0
        default: nil
        }
    }
}

/// Why octets are no MIDI messages.
package enum MIDIBytesError: Error, Hashable, CustomStringConvertible {
    case dataWithoutStatus(at: Int)
    case unknownStatus(UInt8, at: Int)
    case incomplete(status: UInt8)

    package var description: String {
        switch self {
        case .dataWithoutStatus(let index): "octet \(index + 1) is data, and no status came before it"
        case .unknownStatus(let status, let index):
            "octet \(index + 1), \(String(status, radix: 16)), begins no message"
        case .incomplete(let status): "the message that begins with \(String(status, radix: 16)) is not complete"
        }
    }
}

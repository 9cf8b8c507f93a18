/// A message of Open Sound Control, as far as an order needs it: its address, and whether its first argument is one that
/// means no. Ruled by the OSC 1.0 specification (opensoundcontrol.stanford.edu/spec-1_0.html). What comes is hostile until
/// it is read.
struct OSCMessage: Equatable {
    var address: String
    /// Of its first argument: a button tells 1 when it is pressed and 0 when it is let go. nil where that is no number and no
    /// truth value, or there is none.
    var isOn: Bool?

    private static let deepest = 4
    private static let most = 32

    /// The messages of a packet, those in its bundles too, in their order; none where it is not well-formed, or has more than
    /// 32. When a bundle is to be played is not looked at.
    static func all(in packet: [UInt8]) -> [OSCMessage] {
        var messages: [OSCMessage] = []
        guard read(packet[...], 0, into: &messages), messages.count <= most else { return [] }
        return messages
    }

    private static func read(_ bytes: ArraySlice<UInt8>, _ depth: Int, into messages: inout [OSCMessage]) -> Bool {
        var reader = Reader(bytes)
        guard depth <= deepest, messages.count <= most, let word = reader.string() else { return false }
        guard word == "#bundle" else {
            guard word.hasPrefix("/"), let isOn = reader.arguments() else { return false }
            messages.append(OSCMessage(address: word, isOn: isOn))
            return true
        }
        guard reader.skip(8) else { return false }
        while !reader.rest.isEmpty {
            guard let size = reader.word(), size % 4 == 0, let part = reader.part(Int(size)),
                read(part, depth + 1, into: &messages)
            else { return false }
        }
        return true
    }
}

private struct Reader {
    var rest: ArraySlice<UInt8>
    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func part(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func skip(_ count: Int) -> Bool { part(count) != nil }
    mutating func word() -> UInt32? { part(4)?.reduce(0) { $0 << 8 | UInt32($1) } }

    /// Printable ASCII, ended by one to four zeros.
    mutating func string() -> String? {
        guard let end = rest.firstIndex(of: 0), rest[..<end].allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return nil
        }
        let length = end - rest.startIndex
        guard let all = part((length / 4 + 1) * 4), all.dropFirst(length).allSatisfy({ $0 == 0 }) else { return nil }
        return String(decoding: all.prefix(length), as: UTF8.self)
    }

    /// To the end of the message: what the first of them means; nil where they are not well-formed.
    mutating func arguments() -> Bool?? {
        // Senders of before the type tags leave them out where there is nothing to say.
        if rest.isEmpty { return .some(nil) }
        guard let tags = string(), tags.hasPrefix(",") else { return nil }
        var first: Bool?
        for (index, tag) in tags.dropFirst().enumerated() {
            var isOn: Bool?
            switch tag {
            case "i":
                guard let word = word() else { return nil }
                isOn = word != 0
            case "f":
                guard let word = word() else { return nil }
                isOn = Float(bitPattern: word) > 0
            case "T": isOn = true
            case "F": isOn = false
            case "N", "I": break
            case "c", "r", "m": guard skip(4) else { return nil }
            case "h", "d", "t": guard skip(8) else { return nil }
            case "s", "S": guard string() != nil else { return nil }
            case "b":
                guard let size = word(), size <= 4096, skip((Int(size) + 3) / 4 * 4) else { return nil }
            default: return nil
            }
            if index == 0 { first = isOn }
        }
        return rest.isEmpty ? .some(first) : nil
    }
}

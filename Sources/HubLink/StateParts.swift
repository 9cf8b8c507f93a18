import MIDI
package import RTPMIDI
package import Rooms

/// What one who plays holds and has set, in as many packets as it takes.
@safe package final class StateParts {
    static let most = 32
    /// Messages of one part: with a delta before each they fit into a packet.
    private static let each = 250

    private let number: EventNumber
    private let parts: Int
    private var come: UInt32 = 0
    private(set) var state = SpeakerState()

    /// Gathers what is told in parts.
    init(_ first: LinkPacket.StatePart) { (number, parts) = (first.number, first.parts) }

    func belongs(_ part: LinkPacket.StatePart) -> Bool { part.number == number && part.parts == parts }
    var isComplete: Bool { come.nonzeroBitCount == parts }

    func add(_ part: LinkPacket.StatePart, in datagram: RawSpan) {
        guard come & 1 << UInt32(part.part) == 0 else { return }
        come |= 1 << UInt32(part.part)
        var reader = CommandListReader(part.list, timestamp: 0)
        // It was read to its end when it was decoded.
        while let entry = try? reader.next(in: datagram) {
            if case .command(let command, _) = entry { state.follow(command.message) }
        }
    }

    /// Writes the parts of a state, each by `send`.
    package static func write(
        _ state: SpeakerState, of origin: Origin, at number: EventNumber, isFinal: Bool = false,
        isStruck: Bool = false, from ssrc: SSRC, count: () -> UInt16, send: ((inout OutputRawSpan) -> Void) -> Void
    ) {
        var messages: [Message] = []
        state.controls.tell { messages.append($0) }
        state.tellHeld { messages.append($0) }
        let parts = min(most, max(1, (messages.count + each - 1) / each))
        for part in 0..<parts {
            let own = messages[min(messages.count, part * each)..<min(messages.count, (part + 1) * each)]
            // A delta of one octet before each but the first.
            let length = own.reduce(0) { $0 + $1.bytes.count } + max(0, own.count - 1)
            let packets = count()
            send { out in
                let flags = (isFinal ? LinkPacket.finalState : 0) | (isStruck ? LinkPacket.struckState : 0)
                LinkHead(ssrc: ssrc, kind: .state, flags: flags, count: packets).write(into: &out)
                out.write(origin.rawValue)
                out.write(number.rawValue)
                out.write(UInt8(part))
                out.write(UInt8(parts))
                out.write(0 as UInt16)
                out.write(0x8000 | UInt16(length))
                for (index, message) in own.enumerated() {
                    if index > 0 { out.write(0 as UInt8) }
                    for octet in message.bytes { out.write(octet) }
                }
            }
        }
    }
}

import MIDI
import RTPMIDI

/// Our own stream over a bad line: four octets are a message, a segment of a system exclusive one, or what happens to the
/// packet. Whatever is sent, lost and overtaken, the hearer takes every journal, and sounds nothing that is not held.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = UnsafeBufferPointer(start: start, count: count)
    let sender = SenderStream(
        ssrc: SSRC(1), next: SequenceNumber(0xFFF0), to: HearerAbility(journalLimit: count % 2 == 0 ? 1400 : 60))
    if count % 3 == 0 { sender.ability.channelLimit = 255 }
    if count % 5 == 0 { sender.ability = .unknown }
    let receiver = ReceiverStream()
    receiver.onUncoveredLoss = .silence
    var list = CommandList()
    var now: UInt64 = 0
    var held = Held()
    var heard = Held()

    /// Overtaken by the next one.
    var late: [UInt8] = []

    func hear(_ octets: [UInt8], isLate: Bool) {
        let packet = octets.span.bytes
        do {
            let header = try RTPHeader(decoding: packet)
            let reception = try receiver.receive(packet, header, at: now) { emission, packet in
                switch emission {
                case .message(let message, _, _): heard.apply(message)
                case .sysEx(_, let range, _): precondition(range.upperBound < packet.byteCount, "beyond the packet")
                case .system, .sysExLost: break
                }
            }
            precondition(reception.journalRefused == nil, "our own journal was refused")
            if !isLate { heard.check(held) }
        } catch {
            preconditionFailure("our own packet was refused")
        }
    }
    func send(isLost: Bool, isLate: Bool = false) {
        let octets = [UInt8](unsafeUninitializedCapacity: 2800) { buffer, count in
            let buffer = UnsafeMutableRawBufferPointer(buffer)
            var out = OutputRawSpan(buffer: buffer, initializedCount: 0)
            if list.isEmpty {
                sender.writeGuard(with: &list, at: now, into: &out)
            } else {
                sender.write(list, at: now, into: &out)
            }
            count = out.finalize(for: buffer)
        }
        list.removeAll()
        guard !isLost else { return }
        let overtaken = late
        late = isLate ? octets : []
        if !isLate { hear(octets, isLate: false) }
        if !overtaken.isEmpty { hear(overtaken, isLate: true) }
    }
    send(isLost: false)
    for offset in stride(from: 0, to: count - 3, by: 4) {
        let (kind, one, two, three) = (
            input[offset], input[offset + 1], input[offset + 2] & 0x7F, input[offset + 3] & 0x7F
        )
        now += UInt64(one >> 2)
        if kind & 0x80 != 0 {
            let message = ChannelCommand(kind & 0xF0 == 0xF0 ? kind & 0xBF : kind, two, three).message
            if !list.append(message, at: UInt32(truncatingIfNeeded: now)) {
                send(isLost: false)
                precondition(list.append(message, at: UInt32(truncatingIfNeeded: now)))
            }
            held.apply(message)
        } else if kind & 0x20 != 0 {
            let part = [SysExPart.first, .middle, .last, .whole][Int(kind & 3)]
            withUnsafeBytes(of: (two, three)) { _ = list.append(sysEx: part, $0, at: UInt32(truncatingIfNeeded: now)) }
        } else if kind & 0x40 != 0 {
            if let number = receiver.nextFeedback(at: now) { sender.acknowledge(number) }
        } else {
            send(isLost: kind & 1 != 0, isLate: kind & 2 != 0)
        }
    }
    send(isLost: false)
    send(isLost: false)
    return 0
}

private struct Held {
    private var notes: [16 of UInt128] = .init(repeating: 0)
    private var wheels: [16 of UInt16] = .init(repeating: 0x2000)

    mutating func apply(_ message: Message) {
        let channel = Int(message.channel.rawValue)
        switch message {
        case .noteOn(_, let note, let velocity) where velocity.rawValue > 0:
            notes[channel] |= 1 << UInt128(note.rawValue)
        case .noteOn(_, let note, _), .noteOff(_, let note, _): notes[channel] &= ~(1 << UInt128(note.rawValue))
        case .pitchBend(_, let bend): wheels[channel] = bend.rawValue
        case .controlChange(_, let controller, _) where controller.rawValue == 121: wheels[channel] = 0x2000
        case .controlChange(_, let controller, _) where controller.rawValue == 120 || controller.rawValue >= 123:
            notes[channel] = 0
        default: break
        }
    }
    func check(_ held: Self) {
        for channel in 0..<16 {
            precondition(notes[channel] & ~held.notes[channel] == 0, "a note sounds that is not held")
        }
    }
}

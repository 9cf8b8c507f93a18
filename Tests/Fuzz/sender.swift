import MIDI
import RTPMIDI

/// Our own stream over a bad line: four octets are a message, or what happens to the packet. Whatever is sent and lost, the
/// hearer takes every journal, and when it has heard the last packet it sounds nothing that is not held and has every
/// wheel position.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = UnsafeBufferPointer(start: start, count: count)
    let sender = SenderStream(
        ssrc: SSRC(1), next: SequenceNumber(0xFFF0), to: HearerAbility(journalLimit: count % 2 == 0 ? 1400 : 60))
    if count % 3 == 0 { sender.ability.channelLimit = 255 }
    let receiver = ReceiverStream()
    receiver.onUncoveredLoss = .silence
    var list = CommandList()
    var now: UInt64 = 0
    var held = Held()
    var heard = Held()

    func send(isLost: Bool) {
        withUnsafeTemporaryAllocation(byteCount: 2800, alignment: 8) { buffer in
            var out = OutputRawSpan(buffer: buffer, initializedCount: 0)
            sender.write(list, at: now, into: &out)
            let length = out.finalize(for: buffer)
            list.removeAll()
            guard !isLost else { return }
            let packet = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<length]))
            do {
                let header = try RTPHeader(decoding: packet)
                let reception = try receiver.receive(packet, header, at: now) { emission, _ in
                    if case .message(let message, _, _) = emission { heard.apply(message) }
                }
                precondition(reception.journalRefused == nil, "our own journal was refused")
                heard.check(held)
            } catch {
                preconditionFailure("our own packet was refused")
            }
        }
    }
    send(isLost: false)
    for place in stride(from: 0, to: count - 3, by: 4) {
        let (kind, one, two, three) = (input[place], input[place + 1], input[place + 2] & 0x7F, input[place + 3] & 0x7F)
        now += UInt64(one >> 2)
        if kind & 0x80 != 0 {
            let message = ChannelCommand(kind & 0xF0 == 0xF0 ? kind & 0xBF : kind, two, three).message
            if !list.append(message, at: UInt32(truncatingIfNeeded: now)) {
                send(isLost: false)
                precondition(list.append(message, at: UInt32(truncatingIfNeeded: now)))
            }
            held.apply(message)
        } else if kind & 0x40 != 0 {
            if let number = receiver.takeFeedback(at: now) { sender.acknowledge(number) }
        } else {
            send(isLost: kind & 1 != 0)
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

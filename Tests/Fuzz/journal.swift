import RTPMIDI

/// A stream of payloads, each behind three octets: how many packets are missing before it, and its length. So the journals
/// meet a receiver with a past.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = UnsafeBufferPointer(start: start, count: count)[...]
    let stream = ReceiverStream()
    var number: UInt16 = 0xFFF8
    var now: UInt64 = 0
    while input.count > 3 {
        let head = input.prefix(3).map { $0 }
        input = input.dropFirst(3)
        number &+= UInt16(head[0] & 0x0F)
        now += UInt64(head[0] >> 4) * 400
        var packet: [UInt8] = [
            0x80, 0x61, UInt8(number >> 8), UInt8(truncatingIfNeeded: number), 0, 0, 0, 0, 0, 0, 0, 1,
        ]
        packet += input.prefix(min(Int(head[1]) << 8 | Int(head[2]), 1500))
        input = input.dropFirst(packet.count - 12)
        guard let header = try? RTPHeader(decoding: packet.span.bytes) else { continue }
        var repaired = 0
        var emitted = 0
        do {
            let reception = try stream.receive(packet.span.bytes, header, at: now) { emission, _ in
                emitted += 1
                if case .message(_, _, true) = emission { repaired += 1 }
            }
            precondition(repaired == reception.repaired)
            // 16 channels of notes, controllers and pressures, each ended and struck again, and bounded parameters.
            precondition(repaired < 16 * (3 * 128 + 3 * 128 + 128 + 2000))
        } catch {
            precondition(emitted == 0, "passed on from a malformed packet")
        }
    }
    stream.silence { _ in }
    return 0
}

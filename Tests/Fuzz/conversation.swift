import RTPMIDI

/// A session of either side (told by the first octet) that hears anything: each datagram behind its length and how long
/// the silence before it was.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    var now: UInt64 = 1_000_000
    var session: Session =
        start[0] & 1 == 0
        ? .listener(token: 0x1A2B_3C4D, peer: SSRC(0x5E6F_7081), own: SSRC(3), name: "Hub", now: now, salt: 7)
        : .initiator(token: 0x1A2B_3C4D, own: SSRC(3), name: "Piano", now: now, salt: 7)
    var feedback = Feedback()
    var ends = 0
    func perform(_ action: Session.Action) {
        switch action {
        case .feedback(let value):
            _ = feedback.number(of: value, acknowledged: SequenceNumber(5), sent: SequenceNumber(500))
        case .ended: ends += 1
        case .send, .up, .measured, .refused: break
        }
    }
    var offset = 1
    while offset + 2 <= count {
        now += UInt64(start[offset]) * UInt64(start[offset]) * 20
        let end = min(count, offset + 2 + Int(start[offset + 1]))
        while session.deadline <= now, !session.hasEnded {
            session.wake(now: max(now, session.deadline), perform: perform)
        }
        let datagram = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: start + offset + 2, count: end - offset - 2))
        if let packet = try? SessionPacket(decoding: datagram) {
            session.receive(packet, on: start[offset] & 1 == 0 ? .control : .data, now: now, perform: perform)
        }
        offset = end
        precondition(ends <= 1 && session.hasEnded == (ends == 1), "ended more than once")
        _ = (session.clock.p95, session.clock.jitter, session.clock.average)
        _ = session.peerClock.moment(of: UInt32(truncatingIfNeeded: now), cameAt: now)
    }
    return 0
}

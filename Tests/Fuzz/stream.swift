import RTPMIDI

/// A datagram of the data port, to a receiver that has heard nothing yet and to one that has.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let packet = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: start, count: count))
    guard let header = try? RTPHeader(decoding: packet) else { return 0 }
    precondition(header.payload.lowerBound >= 12 && header.payload.upperBound <= count && !header.payload.isEmpty)
    for stream in [ReceiverStream(), ReceiverStream(resumingAfter: header.sequence.advanced(by: -3))] {
        stream.onUncoveredLoss = .silence
        var emitted = 0
        do {
            _ = try stream.receive(packet, header, at: 0) { emission, packet in
                emitted += 1
                if case .sysEx(_, let range, _) = emission { precondition(header.payload.contains(range.lowerBound)) }
            }
        } catch {
            precondition(emitted == 0, "passed on from a malformed packet")
        }
    }
    return 0
}

import HubLink
import RTPMIDI
import Rooms

/// A packet of a link: what is read is what would be written, and a list is read to its end.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let datagram = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: start, count: count))
    guard let head = try? LinkHead(decoding: datagram), let packet = try? LinkPacket(decoding: datagram, head) else {
        return 0
    }
    precondition(LinkHead.isLink(datagram) && SessionPacket.isSession(datagram))
    var reader = OriginReader(Origin(1), statistics: PathStatistics())
    switch packet {
    case .hello, .welcome, .gone, .report, .identity, .want: again(packet)
    case .events(let list):
        reader.receive(list, in: datagram, by: 0, at: 1) { _, _, _ in }
    case .state(let part):
        reader.receive(part, in: datagram, by: 0, known: SpeakerState(), at: 1) { _, _, _ in }
    case .pulse(let pulse): for index in 0..<pulse.count { _ = pulse.entry(index, in: datagram) }
    }
    return 0
}

private func again(_ packet: LinkPacket) {
    withUnsafeTemporaryAllocation(byteCount: LinkPacket.longest, alignment: 8) { buffer in
        var out = OutputRawSpan(buffer: buffer, initializedCount: 0)
        packet.write(from: SSRC(1), count: 2, into: &out)
        let length = out.finalize(for: buffer)
        let written = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<length]))
        guard let head = try? LinkHead(decoding: written) else { preconditionFailure("no head") }
        precondition((try? LinkPacket(decoding: written, head)) == packet, "written differently")
    }
}

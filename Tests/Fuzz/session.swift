import RTPMIDI

/// A datagram of the control port, or a session packet on the data port: what is read is what would be written.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let packet = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: start, count: count))
    guard let session = try? SessionPacket(decoding: packet) else { return 0 }
    precondition(SessionPacket.isSession(packet))
    withUnsafeTemporaryAllocation(byteCount: SessionPacket.longest, alignment: 8) { buffer in
        var out = OutputRawSpan(buffer: buffer, initializedCount: 0)
        session.write(into: &out)
        let length = out.finalize(for: buffer)
        let again = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<length]))
        precondition((try? SessionPacket(decoding: again)) == session, "written differently")
    }
    return 0
}

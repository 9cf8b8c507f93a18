/// A file for `midihub decode`, and all that it says of the packets in it.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard let capture = try? Capture(Array(UnsafeBufferPointer(start: start, count: count))) else { return 0 }
    var replay = Replay()
    for datagram in capture.datagrams.prefix(50) {
        _ = PacketWords.judge(datagram.octets, isControl: datagram.isControl)
        _ = replay.emissions(of: datagram)
    }
    return 0
}

import Linux

/// Packets of those who take much of the engine, which wait until everybody else's have gone. A few of each and all in the
/// order of their coming; laid out once.
final class DeferredPackets {
    static let capacity = 512
    /// So many may be one's own, so that several have room.
    static let own = 64

    private struct Entry {
        var peer: Peer?
        var count = 0
    }
    private var entries = [Entry](repeating: Entry(), count: capacity)
    private let bytes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: capacity * DatagramSocket.datagramSize, alignment: 64)
    private var first = 0
    private var count = 0

    deinit { bytes.deallocate() }

    var isEmpty: Bool { count == 0 }

    /// False where there is no room.
    func append(_ packet: RawSpan, of peer: Peer) -> Bool {
        guard count < Self.capacity, peer.deferred < Self.own, packet.byteCount <= DatagramSocket.datagramSize else {
            return false
        }
        let place = (first + count) % Self.capacity
        packet.withUnsafeBytes { slot(place).copyMemory(from: $0) }
        entries[place] = Entry(peer: peer, count: packet.byteCount)
        count += 1
        peer.deferred += 1
        return true
    }

    /// Hands the oldest to `body`.
    func takeFirst(_ body: (RawSpan, Peer) -> Void) {
        guard count > 0, let peer = entries[first].peer else { return }
        let packet = UnsafeRawBufferPointer(rebasing: slot(first)[..<entries[first].count])
        entries[first].peer = nil
        peer.deferred -= 1
        // Its place is not taken again before `body` has returned: nothing is appended meanwhile.
        first = (first + 1) % Self.capacity
        count -= 1
        body(packet.bytes, peer)
    }

    private func slot(_ place: Int) -> UnsafeMutableRawBufferPointer {
        let start = place * DatagramSocket.datagramSize
        return UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + DatagramSocket.datagramSize])
    }
}

import Linux

/// Packets of those who take much of the engine, which wait until everybody else's have gone. A few of each and all in the
/// order of their coming; laid out once.
final class DeferredPackets {
    static let capacity = 512
    /// How many of them may be one participant's, so that there is room for several.
    static let own = 64

    private struct Entry {
        var endpoint: Endpoint?
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
    func append(_ packet: RawSpan, of endpoint: Endpoint) -> Bool {
        guard count < Self.capacity, endpoint.deferred < Self.own, packet.byteCount <= DatagramSocket.datagramSize
        else {
            return false
        }
        let index = (first + count) % Self.capacity
        packet.withUnsafeBytes { slot(index).copyMemory(from: $0) }
        entries[index] = Entry(endpoint: endpoint, count: packet.byteCount)
        count += 1
        endpoint.deferred += 1
        return true
    }

    /// Hands the oldest to `body`.
    func popFirst(_ body: (RawSpan, Endpoint) -> Void) {
        guard count > 0, let endpoint = entries[first].endpoint else { return }
        let packet = UnsafeRawBufferPointer(rebasing: slot(first)[..<entries[first].count])
        entries[first].endpoint = nil
        endpoint.deferred -= 1
        // Its place is not taken again before `body` has returned: nothing is appended meanwhile.
        first = (first + 1) % Self.capacity
        count -= 1
        body(packet.bytes, endpoint)
    }

    private func slot(_ index: Int) -> UnsafeMutableRawBufferPointer {
        let start = index * DatagramSocket.datagramSize
        return UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + DatagramSocket.datagramSize])
    }
}

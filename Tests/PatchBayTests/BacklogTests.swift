import Glibc
import Linux
import PatchBay
import Testing

@Suite struct BacklogTests {
    /// Octets as the sequencer's device gives them: 28 an event, and behind one of variable length its data, filled up to
    /// whole events (<sound/asequencer.h>).
    private func event(_ type: UInt8, _ number: UInt8 = 0, data: Int? = nil) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 28)
        (bytes[0], bytes[2]) = (type, number)
        guard let data else { return bytes }
        bytes[1] = 1 << 2
        (bytes[16], bytes[17]) = (UInt8(data % 256), UInt8(data / 256))
        return bytes + [UInt8](repeating: 0xFF, count: (data + 27) / 28 * 28)
    }

    private struct Ends: ~Copyable {
        let device = try! Sockets.pair()  // memory alone makes it fail
        let hub = try! Sockets.pair()

        func device(gives bytes: [UInt8]) throws { try device.theirs.writeAll(bytes, socket: true) }

        /// Type and number of each event.
        func received() throws -> [[UInt8]] {
            let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
                if case .bytes(let read)? = try? hub.ours.read(into: UnsafeMutableRawBufferPointer(buffer)) {
                    count = read
                }
            }
            #expect(bytes.count % 28 == 0)
            return stride(from: 0, to: bytes.count, by: 28).map { [bytes[$0], bytes[$0 + 2]] }
        }
    }

    @Test func `events of any length become events of one size, in their order`() throws {
        let ends = Ends()
        var backlog = Backlog(capacity: 100)
        var isOpen = true
        try ends.device(
            gives: event(6, 1) + event(130, 2, data: 1) + event(7, 3) + event(130, 4, data: 28)
                + event(130, 5, data: 300) + event(130, 6, data: 0) + event(36, 7))
        isOpen = backlog.read(from: ends.device.ours.number) && isOpen
        backlog.write(to: ends.hub.theirs.number)
        let isEmpty = backlog.isEmpty
        #expect(isOpen && isEmpty)
        #expect(try ends.received() == [[6, 1], [130, 2], [7, 3], [130, 4], [130, 5], [130, 6], [36, 7]])
    }

    @Test func `what cannot be kept is told of in its place`() throws {
        let ends = Ends()
        var backlog = Backlog(capacity: 3)
        var isOpen = true
        for number: UInt8 in 1...5 {
            try ends.device(gives: event(6, number))
            isOpen = backlog.read(from: ends.device.ours.number) && isOpen
        }
        backlog.write(to: ends.hub.theirs.number)
        try ends.device(gives: event(6, 6))
        isOpen = backlog.read(from: ends.device.ours.number) && isOpen
        backlog.write(to: ends.hub.theirs.number)
        #expect(isOpen)
        #expect(try ends.received() == [[6, 1], [6, 2], [6, 3], [255, 1], [6, 6]])
    }

    @Test func `a beat is an event that the kernel never delivers`() throws {
        let ends = Ends()
        var backlog = Backlog(capacity: 3)
        backlog.beat()
        backlog.write(to: ends.hub.theirs.number)
        #expect(try ends.received() == [[255, 0]])
    }

    @Test func `nothing there is no end, but a closed device is`() throws {
        var backlog = Backlog(capacity: 3)
        let pair = try Sockets.pair()
        let wasOpen = backlog.read(from: pair.ours.number)
        shutdown(pair.theirs.number, CInt(SHUT_RDWR))
        let isOpen = backlog.read(from: pair.ours.number)
        #expect(wasOpen && !isOpen)
    }
}

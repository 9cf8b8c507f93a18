import Glibc
import Linux

/// A TCP client as older hubs have them, on a real socket.
package final class TextPeer {
    private let socket: Descriptor
    package private(set) var text: [UInt8] = []
    package private(set) var isClosed = false

    package init(_ port: UInt16, host: String = "127.0.0.1") throws {
        socket = try Sockets.connect(.init(host: host, port: port), nonBlocking: true)
        try eventually("a connection to \(host)") {
            var waiting = pollfd(fd: socket.number, events: Int16(POLLOUT), revents: 0)
            return poll(&waiting, 1, 0) == 1
        }
    }

    package var address: String { Sockets.localAddress(socket).description }

    /// False where the other side has no room, or is gone.
    @discardableResult
    package func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        var isSent = false
        bytes.withUnsafeBytes { isSent = (try? socket.write($0, socket: true)) == .bytes(bytes.count) }
        return isSent
    }

    /// Reads what is there; how much that was.
    @discardableResult
    package func pump() -> Int {
        var count = 0
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 65536) { buffer in
            switch Result(catching: { try socket.read(into: UnsafeMutableRawBufferPointer(buffer)) }) {
            case .success(.bytes(let some)):
                text += buffer[..<some]
                count = some
            case .success(.again): break
            case .success(.end), .failure: isClosed = true
            }
        }
        return count
    }

    /// Every message that has come, as text.
    package var heard: [String] {
        String(decoding: text, as: UTF8.self).split(separator: "]").map { "\($0)]" }
    }

    /// The next `close` is a reset.
    package func breakOff() { Sockets.resetAtClose(socket) }
}

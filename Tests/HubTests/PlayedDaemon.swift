import Linux
import TestSupport

/// A daemon's control socket, played on the test's own loop by a listener that answers as the test says.
final class PlayedDaemon {
    let directory = TemporaryDirectory()
    let loop: EventLoop
    let listener: Descriptor
    private(set) var requests: [String] = []
    private(set) var connections: [Connection] = []
    /// What it does with a request.
    var answer: (Connection, String) -> Void = { _, _ in }
    let path: String

    final class Connection {
        let socket: Descriptor
        /// The client has closed its end.
        var isOver = false
        init(_ socket: consuming Descriptor) { self.socket = socket }
        func send(_ text: String) { try? socket.writeAll(Array(text.utf8), socket: true) }
    }

    init(_ loop: EventLoop, at path: String? = nil) throws {
        self.loop = loop
        self.path = path ?? directory.file("control")
        listener = try Sockets.listen(unix: self.path, mode: 0o600)
        try loop.watch(listener.number, .read) { [unowned self] _ in accept() }
    }

    private func accept() {
        guard let socket = try? Sockets.accept(listener)?.intoSocket() else { return }
        let connection = Connection(socket)
        connections.append(connection)
        var registration: EventLoop.Registration?
        registration = try? loop.watch(connection.socket.number, .read) { [unowned self] _ in
            var buffer = [UInt8](repeating: 0, count: 4096)
            guard
                case .bytes(let count) = try? buffer.withUnsafeMutableBytes({ try connection.socket.read(into: $0) }
                )
            else {
                connection.isOver = true
                if let registration { loop.unwatch(registration) }
                return
            }
            let request = String(decoding: buffer[..<count], as: UTF8.self)
            requests.append(request)
            answer(connection, request)
        }
    }
}

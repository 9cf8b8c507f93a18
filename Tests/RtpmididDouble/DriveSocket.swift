import CLinux
import Glibc
import Linux

/// The test's side entrance, a unix socket at `<control path>.drive`: one command a line, one answer a line, given when
/// the command's effects are done. An answer begins with `ok` or `error`. `DriveCommands.swift` has the commands.
final class DriveSocket {
    private final class Connection {
        let socket: Descriptor
        var registration: EventLoop.Registration?
        var pending: [UInt8] = []
        init(_ socket: consuming Descriptor) { self.socket = socket }
    }

    private let listener: Descriptor
    private unowned let daemon: Daemon
    private var connections: [Connection] = []
    private let commands: DriveCommands

    init(path: String, daemon: Daemon) throws {
        listener = try Sockets.listen(unix: path, mode: 0o600)
        self.daemon = daemon
        commands = DriveCommands(daemon)
        try daemon.loop.watch(listener.number, .read) { [unowned self] _ in accept() }
    }

    private func accept() {
        guard let accepted = try? Sockets.accept(listener) else { return }
        let connection = Connection(accepted.intoSocket())
        _ = fcntl(connection.socket.number, F_SETFL, 0)
        connections.append(connection)
        connection.registration = try? daemon.loop.watch(connection.socket.number, .read) {
            [unowned self, unowned connection] _ in
            read(connection)
        }
    }

    private func read(_ connection: Connection) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let transfer = buffer.withUnsafeMutableBytes { try? connection.socket.read(into: $0) }
        guard case .bytes(let count) = transfer else {
            if let registration = connection.registration { daemon.loop.unwatch(registration) }
            connections.removeAll { $0 === connection }
            return
        }
        connection.pending += buffer[..<count]
        while let end = connection.pending.firstIndex(of: 10) {
            let line = String(decoding: connection.pending[..<end], as: UTF8.self)
            connection.pending.removeFirst(end + 1)
            let answer = commands.answer(line)
            _ = try? connection.socket.writeAll(Array((answer + "\n").utf8), socket: true)
        }
        if commands.hung { serveAlone() }
    }

    /// The hung daemon: nothing but this entrance is served, so neither log, control socket, ALSA nor SIGTERM, until a
    /// test says `resume`.
    private func serveAlone() {
        while commands.hung {
            var waiting = [pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)]
            waiting += connections.map { pollfd(fd: $0.socket.number, events: Int16(POLLIN), revents: 0) }
            let now = connections
            guard poll(&waiting, UInt(waiting.count), -1) > 0 else { continue }
            for (connection, entry) in zip(now, waiting.dropFirst()) where entry.revents != 0 { read(connection) }
            if waiting[0].revents != 0 { accept() }
        }
    }
}

import CLinux
import Glibc
import Linux

/// rtpmidid's control socket: each read of a connection is taken as one request, each answer is one line, written
/// blocking, so that a client that does not read stops the whole daemon.
final class ControlSocket {
    /// For the test: how the clients behaved.
    struct Counts {
        var connections = 0
        var requests = 0
        /// Connections that were closed with an answer unread.
        var abandoned = 0
        /// Bytes of answers that wait to be read.
        var unread = 0
    }

    private final class Client {
        let socket: Descriptor
        var registration: EventLoop.Registration?
        init(_ socket: consuming Descriptor) { self.socket = socket }
    }

    private let log: Log
    private let listener: ListeningSocket?
    private var listening: EventLoop.Registration?
    private var clients: [Client] = []
    private weak var daemon: Daemon?
    private var seen = Counts()
    /// Reported once in the life of the process.
    private var reportedToPoller = false

    /// Holds the listening socket, which cannot be an optional property by itself.
    private final class ListeningSocket {
        let socket: Descriptor
        init(_ path: String) throws(Errno) {
            socket = try Sockets.listen(unix: path, mode: 0o777, backlog: 20)
        }
    }

    /// Replaces whatever file is there. Without the socket the daemon goes on.
    init(path: String, log: Log) {
        self.log = log
        // The real one cuts a path that is too long, and listens there.
        let cut = String(decoding: path.utf8.prefix(107), as: UTF8.self)
        if unlink(path) == 0 {
            log.info("control_socket.cpp:47", "Removed old control socket. Creating new one.")
        }
        do {
            listener = try ListeningSocket(cut)
            log.info("control_socket.cpp:79", "Control socket ready at \(path)")
        } catch {
            listener = nil
            log.error("control_socket.cpp:65", "Error Binding socket at \(path): \(error.reason)")
        }
    }

    func serve(_ daemon: Daemon) throws {
        self.daemon = daemon
        setDeaf(false)
    }

    /// Stops or starts accepting and reading; connections stay.
    func setDeaf(_ deaf: Bool) {
        guard let daemon, let listener else { return }
        if deaf {
            for registration in clients.map(\.registration) + [listening] {
                if let registration { daemon.loop.unwatch(registration) }
            }
            listening = nil
            for client in clients { client.registration = nil }
        } else if listening == nil {
            listening = try? daemon.loop.watch(listener.socket.number, .read) { [unowned self] _ in accept() }
            for client in clients { watch(client) }
        }
    }

    private func accept() {
        guard let listener, let accepted = try? Sockets.accept(listener.socket) else { return }
        let client = Client(accepted.intoSocket())
        // Blocking, for the writes.
        _ = fcntl(client.socket.number, F_SETFL, 0)
        seen.connections += 1
        clients.append(client)
        watch(client)
    }

    private func watch(_ client: Client) {
        client.registration = try? daemon?.loop.watch(client.socket.number, .read) { [unowned self, unowned client] _ in
            read(client)
        }
    }

    private func read(_ client: Client) {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let transfer = buffer.withUnsafeMutableBytes { raw -> Result<Descriptor.Transfer, Errno> in
            do throws(Errno) { return .success(try client.socket.read(into: raw)) } catch { return .failure(error) }
        }
        guard case .success(.bytes(let count)) = transfer else {
            // A peer that closes with our answer unread resets the connection.
            if case .failure(let error) = transfer, error.code == ECONNRESET { seen.abandoned += 1 }
            return remove(client)
        }
        seen.requests += 1
        var answer: [UInt8]?
        if count >= 1023 {
            answer = Array(#"{"event": "close", "detail": "Message too long", "code": 1}"#.utf8)
        } else if let daemon {
            let request = trimmed(buffer[..<count].prefix { $0 != 0 })
            do {
                answer = try ControlMethods(daemon: daemon).answer(request)
            } catch {
                reportToPoller(error.what)
            }
        }
        if let answer { write(answer + [10], to: client) }
        daemon?.runLater()
    }

    private func write(_ bytes: [UInt8], to client: Client) {
        do {
            try client.socket.writeAll(bytes)
        } catch {
            seen.abandoned += 1
            log.error(
                "control_socket.cpp:150", "Could not send msg to control socket! Closing Connection.")
            remove(client)
        }
    }

    private func reportToPoller(_ what: String) {
        if reportedToPoller { return }
        reportedToPoller = true
        log.error("poller.cpp:267", "Caught exception at poller: \(what)")
    }

    private func remove(_ client: Client) {
        if let registration = client.registration { daemon?.loop.unwatch(registration) }
        clients.removeAll { $0 === client }
    }

    var counts: Counts {
        var counts = seen
        for client in clients {
            var waiting: CInt = 0
            // SIOCOUTQ, the same number: for a unix stream socket, what the other side has not read.
            _ = ioctl(client.socket.number, UInt(TIOCOUTQ), &waiting)
            counts.unread += Int(waiting)
        }
        return counts
    }

    /// The daemon ends: who is still connected is told.
    func shutDown() {
        for client in clients {
            _ = try? client.socket.writeAll(
                Array("{\"event\": \"close\", \"detail\": \"Shutdown\", \"code\": 0}\n".utf8))
        }
        log.debug("control_socket.cpp:96", "Closed control socket")
    }
}

import Glibc

/// A process's control socket, asked: one request a connection, in one write, the reply read up to its newline whatever
/// happens, one at a time. Lives on a loop and never blocks it.
package final class ControlSocket {
    package enum Failure: Error, Equatable {
        /// Nothing listens there (any more), or it could not be written to.
        case unreachable(String)
        /// No whole reply came in time, or it accepts nobody: a hung daemon, or one that holds an unprintable name.
        case silent
    }

    private final class Exchange {
        let socket: Descriptor
        var registration: EventLoop.Registration?
        var timer: EventLoop.TimerID?
        var reply: [UInt8] = []
        let done: (Result<[UInt8], Failure>) -> Void
        init(_ socket: consuming Descriptor, _ done: @escaping (Result<[UInt8], Failure>) -> Void) {
            self.socket = socket
            self.done = done
        }
    }

    /// The longest reply: a status of rtpmidid has about 800 bytes a participant, in which a name of 1 kB, escaped,
    /// stands four times.
    package static let longest = 8 << 20

    private let loop: EventLoop
    private let path: String
    private var waiting: [(request: [UInt8], timeout: Duration, done: (Result<[UInt8], Failure>) -> Void)] = []
    private var current: Exchange?

    package init(_ path: String, loop: EventLoop) {
        (self.path, self.loop) = (path, loop)
    }

    /// The loop outlives the socket and must not call it any more. Whoever waits for an answer gets none.
    deinit {
        if let registration = current?.registration { loop.unwatch(registration) }
        if let timer = current?.timer { loop.cancel(timer) }
    }

    /// Sends `request`, a line with its newline, and calls back with the reply line, without its newline.
    package func ask(
        _ request: [UInt8], timeout: Duration, _ done: @escaping (Result<[UInt8], Failure>) -> Void
    ) {
        waiting.append((request, timeout, done))
        next()
    }

    private func next() {
        guard current == nil, !waiting.isEmpty else { return }
        let (request, timeout, done) = waiting.removeFirst()
        do throws(Errno) {
            let exchange = Exchange(try Sockets.connect(unix: path, nonBlocking: true), done)
            try exchange.socket.writeAll(request, socket: true)
            exchange.registration = try loop.watch(exchange.socket.number, .read) { [unowned self] _ in receive() }
            exchange.timer = loop.after(timeout) { [unowned self] in finish(.failure(.silent)) }
            current = exchange
        } catch {
            // Later, not from within `ask`, where the caller does not expect it.
            loop.after(.zero) { [weak self] in
                guard let self else { return }
                // EAGAIN: earlier connections have not been accepted, so it hangs.
                done(.failure(error.code == EAGAIN ? .silent : .unreachable("\(error)")))
                next()
            }
        }
    }

    private func receive() {
        guard let exchange = current else { return }
        var ended = false
        // What came earlier has already been searched for the newline.
        let known = exchange.reply.count
        withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 8) { buffer in
            while !ended, exchange.reply.count <= Self.longest {
                let result: Descriptor.Transfer
                do throws(Errno) { result = try exchange.socket.read(into: buffer) } catch {
                    ended = true
                    return
                }
                switch result {
                case .bytes(let count): exchange.reply += buffer[..<count]
                case .again: return
                case .end: ended = true
                }
            }
        }
        if let newline = exchange.reply[known...].firstIndex(of: UInt8(ascii: "\n")) {
            finish(.success(Array(exchange.reply[..<newline])))
        } else if ended {
            finish(.failure(.unreachable("\(path): closed before its reply")))
        } else if exchange.reply.count > Self.longest {
            finish(.failure(.unreachable("\(path): a reply of more than \(Self.longest) bytes")))
        }
    }

    private func finish(_ result: Result<[UInt8], Failure>) {
        guard let exchange = current else { return }
        current = nil
        if let registration = exchange.registration { loop.unwatch(registration) }
        if let timer = exchange.timer { loop.cancel(timer) }
        exchange.done(result)
        next()
    }
}

import Glibc
import Linux

/// The connection of one `Client` request: non-blocking, with poll(2) for every wait, so that the deadline holds
/// whatever the other side does.
struct ClientExchange: ~Copyable {
    private let endpoint: Client.Endpoint
    private let deadline: ContinuousClock.Instant
    private let socket: Descriptor

    init(_ endpoint: Client.Endpoint, until deadline: ContinuousClock.Instant) throws(Client.Failure) {
        self.endpoint = endpoint
        self.deadline = deadline
        do throws(Errno) {
            switch endpoint {
            case .address(let address): socket = try Sockets.connect(address, nonBlocking: true)
            case .socket(let path): socket = try Self.connect(path, until: deadline)
            }
        } catch {
            throw error.code == EAGAIN ? .timedOut(endpoint) : .system(error)
        }
    }

    /// Unix sockets connect at once, but for EAGAIN while the listener's queue is full (unix(7)).
    private static func connect(_ path: String, until deadline: ContinuousClock.Instant) throws(Errno) -> Descriptor {
        while true {
            do throws(Errno) {
                return try Sockets.connect(unix: path, nonBlocking: true)
            } catch {
                guard error.code == EAGAIN, ContinuousClock.now < deadline else { throw error }
                _ = poll(nil, 0, 10)
            }
        }
    }

    func run(_ request: [UInt8]) throws(Client.Failure) -> Client.Answer {
        try connected()
        let failure = try send(request)
        var parser = AnswerParser(endpoint)
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            _ = try wait(for: POLLIN)
            var outcome = Result<Descriptor.Transfer, Errno>.success(.again)
            chunk.withUnsafeMutableBytes { buffer in
                do throws(Errno) { outcome = .success(try socket.read(into: buffer)) } catch {
                    outcome = .failure(error)
                }
            }
            switch outcome {
            case .success(.bytes(let count)):
                if let answer = try parser.receive(chunk[..<count]) { return answer }
            case .success(.again): continue
            case .success(.end):
                if let failure, parser.isEmpty { throw .system(failure) }
                return try parser.ended()
            case .failure(let error): throw .system(failure ?? error)
            }
        }
    }

    private func connected() throws(Client.Failure) {
        guard case .address(let address) = endpoint else { return }
        _ = try wait(for: POLLOUT)
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        _ = getsockopt(socket.number, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code == 0 else { throw .system(Errno(code: code, call: "connect", thing: address.description)) }
    }

    /// Sends until done, or until the other side speaks first: a server that refuses a request may not read the rest. An
    /// error is handed back, for the answer may already be here.
    private func send(_ request: [UInt8]) throws(Client.Failure) -> Errno? {
        var sent = 0
        while sent < request.count {
            if try wait(for: POLLOUT | POLLIN) & Int16(POLLIN) != 0 { return nil }
            var failure: Errno?
            request.withUnsafeBytes { buffer in
                do throws(Errno) {
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
                    if case .bytes(let count) = try socket.write(rest, socket: true) { sent += count }
                } catch { failure = error }
            }
            if let failure { return failure }
        }
        return nil
    }

    /// Waits until one of the events has come and returns which; throws at the deadline.
    private func wait(for events: CInt) throws(Client.Failure) -> Int16 {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw .timedOut(endpoint) }
            let (seconds, attoseconds) = left.components
            let milliseconds = CInt(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
            var entry = pollfd(fd: socket.number, events: Int16(events), revents: 0)
            if poll(&entry, 1, milliseconds) > 0 { return entry.revents }
        }
    }
}

package import Linux
package import Synchronization

/// A socket that connections are taken from. Owns its descriptor; the server closes it when it stops.
package final class Listener: Sendable {
    let descriptor: Descriptor
    let viaSocket: Bool

    private init(_ descriptor: consuming Descriptor, viaSocket: Bool) {
        self.descriptor = descriptor
        self.viaSocket = viaSocket
    }

    /// From `Sockets.listen(_:)`.
    package static func tcp(_ descriptor: consuming Descriptor) -> Listener {
        Listener(descriptor, viaSocket: false)
    }

    /// From `Sockets.listen(unix:mode:)`: requests have `viaSocket` set.
    package static func unix(_ descriptor: consuming Descriptor) -> Listener {
        Listener(descriptor, viaSocket: true)
    }
}

/// One thread that serves HTTP on any number of listeners.
package final class Server: Sendable {
    private enum State {
        case made(ServerLoop.Parts)
        case running
        case stopped
    }
    private let state: Mutex<State>
    private let thread = Mutex<WorkerThread?>(nil)
    private let mailbox: Mailbox<ServerLoop.Message>
    private let counters: ServerCounters

    /// `counters` may have been made before, for a route that shows them.
    package init(
        router: Router, limits: Limits = Limits(), listeners: [Listener], counters: ServerCounters = ServerCounters()
    ) throws(Errno) {
        self.counters = counters
        mailbox = try Mailbox()
        state = Mutex(.made(ServerLoop.Parts(router: router, limits: limits, listeners: listeners)))
    }

    /// Begins to serve, on a thread of its own; connections made before have waited in the listeners. Once only.
    package func start() throws(Errno) {
        let parts = state.withLock { state -> ServerLoop.Parts? in
            guard case .made(let parts) = state else { return nil }
            state = .running
            return parts
        }
        guard let parts else { preconditionFailure("a server is started once, and not after it was stopped") }
        // The lock is held until the thread is stored, so that a concurrent `stop` finds a thread to wait for.
        try thread.withLock { slot throws(Errno) in
            let loop = try ServerLoop(parts, mailbox, counters)
            slot = try WorkerThread("http") { loop.run() }
        }
    }

    /// Closes the listeners, gives answers under way `Limits.stopTime` to finish, and returns when the thread has ended.
    /// Any number of times, from any thread but the server's own (a handler must not call it).
    package func stop() {
        let wasRunning = state.withLock { state in
            defer { state = .stopped }
            if case .running = state { return true }
            return false
        }
        if wasRunning { mailbox.send(.stop) }
        thread.withLock { slot in
            if let worker = slot.take() { worker.join() }
        }
    }

    /// A tick of the stream, for everyone who views it: from any thread, in the order of the calls.
    package func publish(_ update: StreamUpdate) { mailbox.send(.update(update)) }

    deinit { stop() }

    /// Replaces the unix(7) socket, whose file is gone, by another.
    package func replaceSocket(by listener: Listener) { mailbox.send(.replaceSocket(listener)) }

    package var requests: Int { counters.requests.load(ordering: .relaxed) }
    package var refused: Int { counters.refused.load(ordering: .relaxed) }
    package var viewers: Int { counters.viewers.load(ordering: .relaxed) }
    /// Whether somebody views one of these topics.
    package func isWatched(_ topics: Topics) -> Bool {
        counters.watched.load(ordering: .relaxed) & topics.rawValue != 0
    }
    package var connections: Int { counters.connections.load(ordering: .relaxed) }
}

/// Written by the server's thread, read by any.
package final class ServerCounters: Sendable {
    /// Requests handed to the router since the start.
    package let requests = Atomic<Int>(0)
    /// Answers given without asking the router: bad requests, late ones, connections beyond the limit.
    package let refused = Atomic<Int>(0)
    /// Connections open now, those being closed and the viewers' included.
    package let connections = Atomic<Int>(0)
    /// Viewers of the stream.
    package let viewers = Atomic<Int>(0)
    /// The topics that somebody views, a bit each.
    let watched = Atomic<UInt32>(0)
    private let statuses = Mutex<[Int: Int]>([:])

    package init() {}

    /// Answers since the start by their status code.
    package var answers: [Int: Int] { statuses.withLock { $0 } }

    func count(_ status: Status) { statuses.withLock { $0[status.code, default: 0] += 1 } }
}

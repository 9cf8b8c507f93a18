import Glibc
import Linux
import Synchronization

/// The server's thread: takes connections, moves bytes, and asks the router. All of it belongs to that thread.
final class ServerLoop {
    enum Message: Sendable {
        /// A handler answers after having returned.
        case answer(connection: UInt64, Response)
        case update(StreamUpdate)
        case replaceSocket(Listener)
        case stop
    }
    struct Parts: Sendable {
        var router: Router
        var limits: Limits
        var listeners: [Listener]
    }

    let loop: EventLoop
    let limits: Limits
    let counters: ServerCounters
    private let router: Router
    private let mailbox: Mailbox<Message>
    private var doors: [(listener: Listener, registration: EventLoop.Registration)] = []
    private var connections: [UInt64: Connection] = [:]
    private var nextID: UInt64 = 0
    var feed = Feed()
    private var viewerCount = 0
    private var topicViewers = [Int](repeating: 0, count: UInt32.bitWidth)
    private var beating = false
    private var sweeping = false
    private var stopping = false
    private var writer = ResponseWriter()
    /// What one read can take: shared by all connections, as only one reads at a time.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 1024, alignment: 16)

    /// Connections that are told 503 and stay a moment to be sure to hear it, beyond those served. More than that at once
    /// get the same answer, written without waiting for anything.
    private static let lingering = 128
    /// Connections taken before others get their turn.
    private static let acceptedAtOnce = 64
    /// How long to leave the listeners alone when the system has no descriptor or memory for a connection: a listener
    /// stays readable, and the loop would spin.
    private static let scarcity: Duration = .milliseconds(200)

    init(_ parts: Parts, _ mailbox: Mailbox<Message>, _ counters: ServerCounters) throws(Errno) {
        loop = try EventLoop()
        router = parts.router
        limits = parts.limits
        self.mailbox = mailbox
        self.counters = counters
        try loop.receive(mailbox) { [unowned self] in handle($0) }
        for listener in parts.listeners { try open(listener) }
    }

    private func open(_ listener: Listener) throws(Errno) {
        let registration = try loop.watch(listener.descriptor.number, .read) { [unowned self] _ in accept(listener) }
        doors.append((listener, registration))
    }

    private func replaceSocket(by listener: Listener) {
        for door in doors where door.listener.viaSocket { loop.unwatch(door.registration) }
        doors.removeAll { $0.listener.viaSocket }
        do throws(Errno) { try open(listener) } catch {
            preconditionFailure("a fresh socket cannot be watched: \(error)")
        }
    }

    deinit { scratch.deallocate() }

    func run() {
        do throws(Errno) { try loop.run() } catch { preconditionFailure("epoll_wait on our own set: \(error)") }
        for connection in connections.values { connection.close() }
    }

    private func handle(_ message: Message) {
        switch message {
        case .answer(let id, let response):
            if response.delay > .zero { deliver(response, to: id) } else { connections[id]?.answered(response) }
        case .update(let update): publish(update)
        case .replaceSocket(let listener): if !stopping { replaceSocket(by: listener) }
        case .stop: stop()
        }
    }

    // MARK: The stream

    private func publish(_ update: StreamUpdate) {
        let lastBefore = feed.last
        feed.apply(update)
        guard viewerCount > 0 else { return }
        // A copy, since connections that turn out to be gone are removed meanwhile.
        for connection in Array(connections.values) { connection.ticked(lastBefore: lastBefore) }
    }

    /// Whether there is room for one more viewer, who is then counted.
    func admitViewer(_ connection: Connection) -> Bool {
        guard makeRoom(for: connection.caller, limits.streams, among: { $0.isViewer }) else { return false }
        viewerCount += 1
        counters.viewers.store(viewerCount, ordering: .relaxed)
        beatLater()
        return true
    }

    /// A viewer of these topics has begun (1) or gone (-1).
    func count(_ topics: Topics, _ change: Int) {
        var watched: UInt32 = 0
        for bit in topicViewers.indices {
            if topics.rawValue & 1 << UInt32(bit) != 0 { topicViewers[bit] += change }
            if topicViewers[bit] > 0 { watched |= 1 << UInt32(bit) }
        }
        counters.watched.store(watched, ordering: .relaxed)
    }

    private func beatLater() {
        guard !beating else { return }
        beating = true
        loop.after(limits.beat) { [unowned self] in
            beating = false
            for connection in Array(connections.values) { connection.beat() }
            if viewerCount > 0 { beatLater() }
        }
    }

    func dismissViewer() {
        viewerCount -= 1
        counters.viewers.store(viewerCount, ordering: .relaxed)
    }

    // MARK: Connections

    private func accept(_ listener: Listener) {
        for _ in 0..<Self.acceptedAtOnce {
            do throws(Errno) {
                guard let accepted = try Sockets.accept(listener.descriptor) else { return }
                let peer = accepted.peer
                try admit(accepted.intoSocket(), peer, viaSocket: listener.viaSocket)
            } catch {
                return pauseListeners()
            }
        }
    }

    private func pauseListeners() {
        for door in doors { loop.change(door.registration, to: []) }
        loop.after(Self.scarcity) { [unowned self] in
            for door in doors { loop.change(door.registration, to: .read) }
        }
    }

    private func admit(_ socket: consuming Descriptor, _ peer: Sockets.Address?, viaSocket: Bool) throws(Errno) {
        if !viaSocket {
            Sockets.noDelay(socket)
            // By default megabytes could wait in the kernel for a peer that does not read. A smaller buffer also shows
            // progress in finer steps.
            Sockets.set(socket, SOL_SOCKET, SO_SNDBUF, 128 * 1024)
        }
        let now = ContinuousClock.now
        let caller = Caller(peer.flatMap { SocketAddress(host: $0.host, port: 0) }, viaSocket: viaSocket)
        let crowdedOut = !makeRoom(for: caller, limits.connections, among: { !$0.crowdedOut && !$0.isViewer })
        let conversation =
            crowdedOut
            ? Conversation(crowdedOut: limits, at: now)
            : Conversation(limits: limits, peer: peer, viaSocket: viaSocket, at: now)
        let connection = Connection(
            nextID, socket, conversation, caller: caller, crowdedOut: crowdedOut, server: self)
        nextID += 1
        if crowdedOut, connections.values.count(where: \.crowdedOut) >= Self.lingering {
            connection.turnAway()
            return
        }
        connections[connection.id] = connection
        counters.connections.store(connections.count, ordering: .relaxed)
        sweepLater()
        connection.open()
    }

    /// Whether there is a place for one more of this caller's among `limit`, if need be one that somebody else loses.
    private func makeRoom(for caller: Caller, _ limit: Int, among counts: (Connection) -> Bool) -> Bool {
        let rivals = connections.values.filter { $0.caller.competes(with: caller) && counts($0) }
        guard rivals.count >= limit else { return true }
        guard let loser = Holder.toDismiss(among: rivals.map(\.holder), for: caller, at: .now) else { return false }
        connections[loser]?.close()
        return true
    }

    /// Whether the connection may keep a place, now that its request shows who it is for: connections of a proxy all come
    /// from this machine.
    private func admit(_ connection: Connection, asking request: Request) -> Bool {
        let caller = Caller(request.client, viaSocket: request.viaSocket)
        if caller == connection.caller { return true }
        let isAdmitted = makeRoom(for: caller, limits.connections) {
            !$0.crowdedOut && !$0.isViewer && $0 !== connection
        }
        if isAdmitted { connection.caller = caller }
        return isAdmitted
    }

    func forget(_ connection: Connection) {
        guard connections.removeValue(forKey: connection.id) != nil else { return }
        counters.connections.store(connections.count, ordering: .relaxed)
        if stopping, connections.isEmpty { loop.stop() }
    }

    /// The router's answer, if it is there at once; else it comes as a message.
    func ask(_ request: Request, for connection: Connection) -> Response? {
        guard admit(connection, asking: request) else {
            counters.refused.add(1, ordering: .relaxed)
            return Conversation.tooMany
        }
        let connection = connection.id
        counters.requests.add(1, ordering: .relaxed)
        let responder = Responder(collectedOr: { [mailbox] in mailbox.send(.answer(connection: connection, $0)) })
        router.route(request, responder)
        guard let response = responder.collect() else { return nil }
        guard response.delay > .zero else { return response }
        deliver(response, to: connection)
        return nil
    }

    /// Sends a delayed answer when it is due, if the peer is still there.
    private func deliver(_ response: Response, to connection: UInt64) {
        loop.after(response.delay) { [unowned self] in connections[connection]?.answered(response) }
    }

    func write(_ reply: Conversation.Reply) -> ResponseWriter.Wire {
        if case .answer(let response, _, _) = reply { counters.count(response.status) }
        return writer.write(reply, now: SystemTime.unixMilliseconds / 1000)
    }

    // MARK: Time

    /// One timer for all deadlines, and none while nobody is connected.
    private func sweepLater() {
        guard !sweeping else { return }
        sweeping = true
        loop.after(limits.tick) { [unowned self] in
            sweeping = false
            let now = ContinuousClock.now
            for connection in Array(connections.values) { connection.expire(at: now) }
            if !connections.isEmpty { sweepLater() }
        }
    }

    private func stop() {
        stopping = true
        for door in doors { loop.unwatch(door.registration) }
        doors = []
        for connection in Array(connections.values) { connection.stop() }
        if connections.isEmpty { return loop.stop() }
        loop.after(limits.stopTime) { [unowned self] in loop.stop() }
    }
}

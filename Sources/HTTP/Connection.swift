import Glibc
import Linux
import Synchronization

/// A socket that does what its `Conversation` says. Lives on the server's thread.
final class Connection {
    let id: UInt64
    /// Who it is counted for; of a proxy's connection, on whose behalf the last request came.
    var caller: Caller
    let crowdedOut: Bool
    private let socket: Descriptor
    private var conversation: Conversation
    private unowned let server: ServerLoop
    private var registration: EventLoop.Registration?
    private var interest: EventLoop.Interest = []
    /// What waits to be sent: one answer at most, so that a peer that does not read holds no more than it asked for.
    private var wire: ResponseWriter.Wire?
    private var offset = 0
    private var refusalsCounted = 0
    /// It has, or is about to have, a place among the viewers of the stream.
    private(set) var isViewer = false
    private var viewed: Topics = []
    private var asksHead = false
    /// Set as long as the stream flows: then the conversation is over.
    private var viewer: Viewer?
    private var progressedAt = ContinuousClock.now

    init(
        _ id: UInt64, _ socket: consuming Descriptor, _ conversation: Conversation, caller: Caller, crowdedOut: Bool,
        server: ServerLoop
    ) {
        self.id = id
        self.socket = socket
        self.conversation = conversation
        self.caller = caller
        self.crowdedOut = crowdedOut
        self.server = server
    }

    var holder: Holder { Holder(id: id, caller: caller, idleSince: isViewer ? nil : conversation.idleSince) }

    /// Begins to serve.
    func open() {
        do throws(Errno) {
            registration = try server.loop.watch(socket.number, .read) { [unowned self] in ready($0) }
            interest = .read
            proceed()
        } catch {
            close()
        }
    }

    /// Answers a connection for which there was no place, without adding it to the loop.
    func turnAway() {
        if case .send(let reply) = conversation.next(at: .now) {
            _ = try? write(server.write(reply).head, from: 0)
        }
        countRefusals()
        _ = shutdown(socket.number, CInt(SHUT_WR))
        _ = try? socket.read(into: server.scratch)
    }

    func answered(_ response: Response) {
        guard viewer == nil else { return }
        begin(response)
        proceed()
    }

    private func begin(_ response: Response) {
        guard response.stream != nil, !asksHead else { return conversation.answered(response) }
        isViewer = isViewer || server.admitViewer(self)
        guard !isViewer else { return conversation.answered(response) }
        conversation.answered(.comeBack("As many as the hub can serve view the stream already."))
    }

    func expire(at now: ContinuousClock.Instant) {
        if viewer != nil {
            if wire != nil, progressedAt.advanced(by: server.limits.readerTime) <= now { close() }
            return
        }
        guard conversation.deadline <= now else { return }
        conversation.expired()
        proceed()
    }

    func stop() {
        // Viewers reconnect by themselves.
        if viewer != nil { return close() }
        conversation.stop()
        // Answers under way are finished; other connections end now.
        proceed()
    }

    func close() {
        if let registration { server.loop.unwatch(registration) }
        registration = nil
        if isViewer { server.dismissViewer() }
        isViewer = false
        server.count(viewed, -1)
        viewed = []
        server.forget(self)
    }

    private func ready(_ events: EventLoop.Interest) {
        if viewer != nil { return readyToView(events) }
        if events.contains(.write), wire != nil {
            flush()
        } else if events.contains(.read), interest == .read {
            read()
        } else if !events.isDisjoint(with: .hangup) {
            // The peer is gone and cannot get an answer.
            return close()
        }
        proceed()
    }

    /// Reads once for each wake-up, so that a peer that sends without end does not keep others waiting.
    private func read() {
        do throws(Errno) {
            switch try socket.read(into: server.scratch) {
            case .bytes(let count):
                conversation.received(UnsafeRawBufferPointer(rebasing: server.scratch[..<count]), at: .now)
            case .again: break
            case .end: conversation.ended()
            }
        } catch {
            close()
        }
    }

    /// Does what the conversation asks until it waits for something.
    private func proceed() {
        while registration != nil {
            switch conversation.next(at: .now) {
            case .read: return wait(for: .read)
            case .answer(let request):
                asksHead = request.method == .head
                if let response = server.ask(request, for: self) { begin(response) }
            case .send(let reply):
                countRefusals()
                wire = server.write(reply)
                offset = 0
                flush()
            case .wait: return wait(for: wire == nil ? [] : .write)
            case .stream(let subscription): return view(subscription)
            case .halfClose: _ = shutdown(socket.number, CInt(SHUT_WR))
            case .close: close()
            }
        }
    }

    private func countRefusals() {
        server.counters.refused.add(conversation.refusals - refusalsCounted, ordering: .relaxed)
        refusalsCounted = conversation.refusals
    }

    private func wait(for wanted: EventLoop.Interest) {
        guard let registration, wanted != interest else { return }
        interest = wanted
        server.loop.change(registration, to: wanted)
    }

    /// Sends as much as the kernel takes now: the head, then the body from where it lies.
    private func flush() {
        while let current = wire {
            let inHead = offset < current.head.count
            let chunk = inHead ? current.head : current.body
            let begin = inHead ? offset : offset - current.head.count
            if begin == chunk.count {
                wire = nil
                if viewer == nil { conversation.sent(at: .now) }
                return
            }
            do {
                switch try write(chunk, from: begin) {
                case .bytes(let count):
                    offset += count
                    if begin + count == chunk.count { continue }
                    if viewer == nil { conversation.progressed(at: .now) } else { progressedAt = .now }
                    return
                case .again, .end: return
                }
            } catch {
                return close()
            }
        }
    }

    private func write(_ bytes: [UInt8], from begin: Int) throws -> Descriptor.Transfer {
        try bytes.withUnsafeBytes { buffer in
            try socket.write(UnsafeRawBufferPointer(rebasing: buffer[begin...]), socket: true)
        }
    }

    // MARK: Viewing the stream

    private func view(_ subscription: Subscription) {
        viewer = Viewer(subscription, server.feed)
        viewed = subscription.topics
        server.count(viewed, 1)
        goOn()
    }

    /// The feed has taken a tick.
    func ticked(lastBefore: Int64) {
        guard viewer != nil else { return }
        if let bytes = viewer?.advance(&server.feed, isIdle: wire == nil, lastBefore: lastBefore) { send(bytes) }
        goOn()
    }

    func beat() {
        guard viewer != nil, wire == nil else { return }
        send(Self.comment)
        goOn()
    }
    private static let comment = Array(": beat\n\n".utf8)

    private func readyToView(_ events: EventLoop.Interest) {
        if events.contains(.read) {
            // What a viewer sends is ignored, but reading shows when it ends.
            guard let result = try? socket.read(into: server.scratch), result != .end else { return close() }
        } else if !events.isDisjoint(with: .hangup) {
            return close()
        }
        if events.contains(.write), wire != nil { flush() }
        goOn()
    }

    /// Sends what there is for it, until it has all or takes no more for now.
    private func goOn() {
        while registration != nil, wire == nil {
            guard let bytes = viewer?.next(server.feed) else { return wait(for: .read) }
            send(bytes)
        }
        wait(for: [.read, .write])
    }

    private func send(_ bytes: [UInt8]) {
        wire = ResponseWriter.Wire(head: bytes, body: [])
        offset = 0
        progressedAt = .now
        flush()
    }
}

package import Linux

/// One connection, from its first byte to its end, without a socket or a clock: it is told what happened and when, and
/// `next` says what to do. One request at a time; pipelined ones wait in the parser, in order.
///
///     receiving ──request──▶ answering ──answered──▶ ready ──▶ sending ──sent──▶ receiving
///         └──refused──────────────────────────────────▲             └──last──▶ finished ──▶ draining ──▶ closed
package struct Conversation: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum Step: Sendable {
        /// Wait for bytes: then `received` or `ended`.
        case read
        /// Have it answered: then `answered`.
        case answer(Request)
        /// Put it on the wire: `progressed` whenever some was taken, `sent` when all was.
        case send(Reply)
        /// Nothing to do, and nothing to be read, until `answered` or `sent`.
        case wait
        /// Say that nothing more will be sent (shutdown(2)), then ask again.
        case halfClose
        /// The stream's head is sent: what follows is no conversation any more.
        case stream(Subscription)
        case close
    }
    package enum Reply: Sendable {
        /// The interim answer 100.
        case goOn
        case answer(Response, bodyless: Bool, Persistence)
    }
    private enum Afterwards {
        case receive, resume, finish
        case stream(Subscription)
    }
    private enum Phase {
        case receiving
        case answering(bodyless: Bool, Persistence)
        case ready(Reply, Afterwards)
        case sending(Afterwards)
        case finished
        case streaming(Subscription)
        case draining
        case closed
    }

    private let limits: Limits
    private let peer: Sockets.Address?
    private let viaSocket: Bool
    private var parser: RequestParser
    private var phase = Phase.receiving
    private var peerEnded = false
    private var stopping = false
    private var hasAsked = false
    private var requestDeadline: Instant
    /// When to call `expired`.
    package private(set) var deadline: Instant
    /// Requests that were answered without asking a handler.
    package private(set) var refusals = 0

    package init(limits: Limits, peer: Sockets.Address?, viaSocket: Bool, at now: Instant) {
        self.limits = limits
        self.peer = peer
        self.viaSocket = viaSocket
        parser = RequestParser(limits: limits)
        deadline = now.advanced(by: limits.idleTime)
        requestDeadline = deadline
    }

    /// A connection beyond the limit: it is told so, whatever it sends.
    package init(crowdedOut limits: Limits, at now: Instant) {
        self.init(limits: limits, peer: nil, viaSocket: false, at: now)
        refuse(Self.tooMany)
    }
    static let tooMany = Response.comeBack("Too many connections are open. Try again in a few seconds.")

    /// What to do now. Ask again after doing it, until it says to read, wait or close.
    package mutating func next(at now: Instant) -> Step {
        switch phase {
        case .receiving: return receive(at: now)
        case .answering, .sending: return .wait
        case .ready(let reply, let afterwards):
            phase = .sending(afterwards)
            deadline = now.advanced(by: limits.readerTime)
            return .send(reply)
        case .finished:
            phase = peerEnded ? .closed : .draining
            deadline = now.advanced(by: limits.drainTime)
            return .halfClose
        case .streaming(let subscription): return .stream(subscription)
        case .draining: return .read
        case .closed: return .close
        }
    }

    private mutating func receive(at now: Instant) -> Step {
        switch parser.next(peer: peer, viaSocket: viaSocket) {
        case .request(let request):
            hasAsked = true
            phase = .answering(bodyless: request.method == .head, parser.persistence)
            deadline = now.advanced(by: limits.answerTime)
            return .answer(request)
        case .refuse(let status, let sentence): refuse(status, sentence)
        case .incomplete where !parser.hasBegun && (peerEnded || stopping): phase = .closed
        case .incomplete where peerEnded: refuse(.badRequest, "The request ended before it was complete.")
        case .incomplete where stopping: refuse(.comeBack("The server is stopping."))
        case .incomplete:
            guard parser.shouldSendContinue() else { return .read }
            phase = .ready(.goOn, .resume)
        }
        return next(at: now)
    }

    package mutating func received(_ bytes: UnsafeRawBufferPointer, at now: Instant) {
        guard case .receiving = phase else { return }  // draining: bytes are dropped
        if !parser.hasBegun { startRequest(at: now) }
        parser.append(bytes)
    }

    /// The peer will send no more. What it has asked is still answered.
    package mutating func ended() {
        peerEnded = true
        if case .draining = phase { phase = .closed }
    }

    /// How long a new connection does not count as idle: its first request is still on its way.
    package static let grace: Duration = .seconds(1)

    /// Since when the connection is idle, with no request under way and no answer to send; nil while it is busy, and in
    /// the future for a new connection.
    package var idleSince: Instant? {
        switch phase {
        case .receiving where !parser.hasBegun:
            deadline.advanced(by: (hasAsked ? .zero : Self.grace) - limits.idleTime)
        case .draining: deadline.advanced(by: .zero - limits.drainTime)
        case .receiving, .answering, .ready, .sending, .finished, .streaming, .closed: nil
        }
    }

    /// The handler's answer; one that comes too late changes nothing.
    package mutating func answered(_ response: Response) {
        guard case .answering(let bodyless, let asked) = phase else { return }
        if let stream = response.stream, !bodyless, !stopping {
            phase = .ready(.answer(response, bodyless: false, .close), .stream(stream))
            return
        }
        let persistence = stopping || response.stream != nil ? .close : asked
        phase = .ready(
            .answer(response, bodyless: bodyless, persistence), persistence == .close ? .finish : .receive)
    }

    /// The peer has taken some of what is being sent.
    package mutating func progressed(at now: Instant) { deadline = now.advanced(by: limits.readerTime) }

    /// All of it is on its way.
    package mutating func sent(at now: Instant) {
        guard case .sending(let afterwards) = phase else { return }
        switch afterwards {
        case .receive:
            phase = .receiving
            // The time limit of a pipelined request that has come in part begins here.
            if parser.hasBegun { startRequest(at: now) } else { deadline = now.advanced(by: limits.idleTime) }
        case .resume:
            phase = .receiving
            deadline = requestDeadline
        case .finish: phase = .finished
        case .stream(let subscription): phase = .streaming(subscription)
        }
    }

    /// The deadline has passed.
    package mutating func expired() {
        switch phase {
        case .receiving where parser.hasBegun:
            refuse(.requestTimeout, "The request was not complete within \(limits.requestTime).")
        case .answering(let bodyless, _):
            refuse(.unavailable, "The server took too long to find the answer.", bodyless: bodyless)
        case .receiving, .ready, .sending, .finished, .streaming, .draining, .closed: phase = .closed
        }
    }

    /// No more requests: what is under way is finished, then the connection ends.
    package mutating func stop() { stopping = true }

    private mutating func startRequest(at now: Instant) {
        requestDeadline = now.advanced(by: limits.requestTime)
        deadline = requestDeadline
    }

    private mutating func refuse(_ status: Status, _ sentence: String, bodyless: Bool = false) {
        refuse(.problem(status, sentence), bodyless: bodyless)
    }

    private mutating func refuse(_ response: Response, bodyless: Bool = false) {
        refusals += 1
        phase = .ready(.answer(response, bodyless: bodyless, .close), .finish)
    }
}

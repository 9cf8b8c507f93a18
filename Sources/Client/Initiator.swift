//  Module Client: one who takes part in a session on somebody else's port. Start here, then `Initiator+MIDI.swift`.
//
//  What it is: the initiator's side of RTP-MIDI with its two sockets, on a loop that its owner runs: `midihub join`, `ping`
//  and `demo`, and the piano of a page. What it refuses to be: an instrument, a file or an ALSA port (its owner connects
//  those to it), or anything that only a hub needs. Ruled by the articles in RTPMIDI.docc.

import Glibc
package import HubLink
package import Linux
import MIDI
package import RTPMIDI
import Rooms

/// One who takes part in a session on somebody else's port: an initiator, which `midihub join` is. It belongs to the thread
/// of its loop, invites itself, and does so again whenever the session ends, until it is told to leave.
///
/// A host's addresses are tried one after the other; then it waits: a second, then twice as long each time, at most a
/// minute, a fifth more or less. It must outlive its loop's run.
package final class Initiator {
    /// What tells of the session's life.
    package enum Event: Hashable, Sendable {
        /// MIDI may flow. The name is the other side's.
        case up(name: String?, address: SocketAddress)
        /// `wasUp`: a session has ended; else none came about. It is tried again after `retry`.
        case down(reason: String, wasUp: Bool, retry: Duration)
        /// A new round trip was measured: see `distance`.
        case measured
        /// The other side takes and gives numbered events.
        case linked
        /// It has not answered the questions for a link: it is another program, or an older hub.
        case unlinked
    }

    /// A message that came: a channel message, a system message, or system exclusive from F0 to F7.
    package struct Received: Hashable, Sendable {
        package let bytes: [UInt8]
        /// When it is to be heard, by the sender's clock, in ticks of 100 µs.
        package let timestamp: UInt32
        /// It did not come as a message of its own: the journal repaired it, or the end of the session ends it.
        package let isRepair: Bool
    }

    package let host: Host
    package let name: String
    package var onNews: (Event) -> Void = { _ in }
    package var onReceived: (Received) -> Void = { _ in }
    /// Where this is set, the other side is asked for a link: then numbered events take the place of RTP-MIDI, and this is
    /// given what comes of them.
    package var onLink: ((LinkPacket, RawSpan) -> Void)?
    /// From one pulse of a link to the next right after an event, in ms, both ways.
    package var wantedPulse: UInt16 = 1000
    /// Whether a session was up, or an attempt failed, at least once.
    package private(set) var hasTried = false
    package var isUp: Bool { attempt?.streams.session.isUp ?? false }

    /// A session, from its invitation on.
    struct Attempt {
        var hub: SocketAddress
        var streams: SessionStreams
        var wasUp = false
        var upSince: UInt64 = 0
        /// When the host's next address is to be tried unless this one has answered.
        let deadline: UInt64
        /// A system exclusive message that is coming in, after its F0.
        var incoming: [UInt8]?
        /// What sounds at the other side because of us.
        var held = HeldState()
        /// Questions for a link that were sent, and when the next one is due.
        var hellos = 0
        var helloDue: UInt64?
        var link: LinkSession?
    }
    var attempt: Attempt?
    package let control: DatagramSocket
    package let data: DatagramSocket

    private let loop: EventLoop
    private let resolved: Mailbox<Resolved>
    let ssrc: SSRC
    private let epoch: UInt64
    /// The host's addresses that have not been tried yet; the next one is the last.
    private var addresses: [SocketAddress] = []
    private var failures = 0
    private var isLeaving = false
    private var retryTimer: EventLoop.TimerID?
    private var timer: (at: UInt64, id: EventLoop.TimerID)?

    /// What is to be sent (see `Initiator+MIDI.swift`). With the longest journal behind it, a list of this capacity
    /// still fits into a datagram that every path carries in one piece.
    var list = CommandList(capacity: 280)
    var outbox: [[UInt8]] = []
    var outboxIndex = 0

    package internal(set) var counts = Counts()

    private enum Resolved: Sendable {
        case addresses([SocketAddress])
        case failed(String)
    }

    /// Takes two consecutive local ports. Nothing is sent until `start`.
    /// - Parameter ssrc: what it is called in its sessions; one who is in several hubs at once is the same in all.
    package init(
        _ host: Host, name: String, loop: EventLoop, ssrc: SSRC = SSRC(.random(in: 1...(.max)))
    ) throws(Errno) {
        (self.host, self.name, self.loop) = (host, name, loop)
        (control, data) = try Self.ports()
        resolved = try Mailbox()
        self.ssrc = ssrc
        epoch = .random(in: 1 << 33...1 << 40)
        try loop.receive(resolved) { [unowned self] in handle($0) }
        try loop.watch(control.number, .read) { [unowned self] _ in receive(on: .control) }
        try loop.watch(data.number, .read) { [unowned self] _ in receive(on: .data) }
    }

    /// Some peers answer the port behind the control port, whatever the invitation came from; and node-rtpmidi answers from
    /// its control port to even ports, from its data port to odd ones.
    private static func ports() throws(Errno) -> (control: DatagramSocket, data: DatagramSocket) {
        for _ in 0..<50 {
            let control = try DatagramSocket(port: 0)
            let number = control.port
            if number.isMultiple(of: 2), let data = try? DatagramSocket(port: number + 1) { return (control, data) }
        }
        throw Errno(code: EADDRINUSE, call: "bind", thing: "two consecutive UDP ports")
    }

    /// Joins; after it has left, once more.
    package func start() {
        isLeaving = false
        if let found = host.found { handle(.addresses(found)) } else { resolve() }
    }

    /// Ends what it holds on the other side and says BY twice, since one may be lost. Then it is finished, or may `start` again.
    package func leave(_ done: @escaping () -> Void) {
        let isSaid = isLeaving
        isLeaving = true
        if let retryTimer { loop.cancel(retryTimer) }
        retryTimer = nil
        guard attempt != nil else { return done() }
        if !isSaid {
            releaseHeld()
            act { $0.end(perform: $1) }
            silence()
        }
        loop.after(.milliseconds(60)) { [self] in
            if isLeaving {
                act { $0.end(perform: $1) }
                attempt = nil
            }
            done()
        }
    }

    /// Ticks of 100 µs since a random epoch.
    package var now: UInt64 { epoch &+ SystemTime.monotonicNanoseconds / 100_000 }

    // MARK: Coming and going

    private func resolve() {
        let (host, resolved) = (host, resolved)
        let look = { @Sendable in
            do throws(ResolveError) {
                resolved.send(.addresses(try host.resolve()))
            } catch {
                resolved.send(.failed("\(error)"))
            }
        }
        do throws(Errno) {
            try WorkerThread("resolve", look).detach()
        } catch {
            fail("no thread: \(error)")
        }
    }

    private func handle(_ answer: Resolved) {
        // An answer may be older than the last goodbye.
        guard !isLeaving, attempt == nil else { return }
        switch answer {
        case .addresses(let found):
            addresses = found.reversed()
            invite()
        case .failed(let reason): fail(reason)
        }
    }

    private func invite() {
        guard let hub = addresses.popLast() else { return }
        let now = now
        attempt = Attempt(
            hub: hub,
            streams: SessionStreams(
                session: .initiator(token: .random(in: 1...(.max)), own: ssrc, name: name, now: now),
                sender: SenderStream(ssrc: ssrc, next: SequenceNumber(.random(in: 0...(.max))), to: .unknown),
                receiver: ReceiverStream()),
            deadline: addresses.isEmpty ? .max : now + 30_000)
        act { $0.wake(now: now, perform: $1) }
    }

    private func fail(_ reason: String) {
        attempt = nil
        if !addresses.isEmpty, !isLeaving { return invite() }
        hasTried = true
        let seconds = Double(min(60, 1 << min(failures, 6))) * .random(in: 0.8...1.2)
        failures += 1
        tell(.down(reason: reason, wasUp: false, retry: retry(after: seconds)))
    }

    private func lose(_ reason: String) {
        silence()
        attempt = nil
        addresses = []
        forgetOutbox()
        tell(.down(reason: reason, wasUp: true, retry: retry(after: .random(in: 0.8...1.2))))
    }

    private func retry(after seconds: Double) -> Duration {
        let pause = Duration.milliseconds(Int64(seconds * 1000))
        if !isLeaving {
            retryTimer = loop.after(pause) { [unowned self] in resolve() }
        }
        return pause
    }

    func tell(_ news: Event) { if !isLeaving { onNews(news) } }

    // MARK: The session

    private func receive(on path: Session.Path) {
        let socket = path == .control ? control : data
        _ = socket.receive { bytes, source in
            guard let hub = attempt?.hub, source == address(of: path, hub) else { return }
            if LinkHead.isLink(bytes) {
                receiveLink(bytes)
            } else if SessionPacket.isSession(bytes) {
                guard let packet = try? SessionPacket(decoding: bytes) else { return }
                // Everything else is sent from the address that was answered: for the other side another address is another
                // participant, and the system may come to prefer another one (IPv6 privacy addresses, RFC 8981).
                if !hub.local.isChosen { attempt?.hub.local = source.local }
                act { $0.receive(packet, on: path, now: now, perform: $1) }
            } else if path == .data {
                receiveMIDI(bytes)
            }
        }
        wake()
    }

    func address(of path: Session.Path, _ hub: SocketAddress) -> SocketAddress {
        path == .control ? hub : hub.with(port: hub.port &+ 1)
    }

    func act(_ body: (inout Session, (Session.Action) -> Void) -> Void) {
        guard attempt != nil else { return }
        var actions: [Session.Action] = []
        body(&attempt!.streams.session) { actions.append($0) }  // see the guard
        for action in actions {
            // An action before this one may have ended it.
            guard let attempt else { return }
            switch action {
            case .send(let packet, let path): send(packet, on: path)
            case .up:
                self.attempt?.wasUp = true
                hasTried = true
                failures = 0
                addresses = []
                attempt.streams.sender.showJournal(at: now)
                self.attempt?.upSince = now
                if onLink != nil { self.attempt?.helloDue = now }
                tell(.up(name: attempt.streams.session.peerName, address: attempt.hub))
            case .measured: tell(.measured)
            case .feedback(let value): _ = self.attempt?.streams.acknowledge(value)
            case .refused(let name):
                // Its other addresses would give the same answer.
                addresses = []
                fail("refused" + (name.map { $0.isEmpty ? "" : " by \($0)" } ?? ""))
            case .ended(let reason):
                if attempt.wasUp {
                    lose(reason.text)
                } else if reason == .unanswered, attempt.streams.session.peer != nil {
                    fail("\(attempt.hub) answers, but not on the port behind it, \(attempt.hub.port + 1)")
                } else {
                    fail("\(attempt.hub): \(reason.text)")
                }
            }
        }
        wakeLater()
    }

    func send(_ packet: SessionPacket, on path: Session.Path) {
        guard let hub = attempt?.hub else { return }
        let socket = path == .control ? control : data
        socket.queue(to: address(of: path, hub)) { packet.write(into: &$0) }
        socket.flush()
    }

    // MARK: Time

    /// Does everything whose time has come.
    func wake() {
        let now = now
        if let attempt, attempt.streams.session.peer == nil, attempt.deadline <= now {
            act { $0.end(perform: $1) }
            fail("\(attempt.hub): no answer")
        }
        act { if $0.deadline <= now { $0.wake(now: now, perform: $1) } }
        sendHello(now)
        workMIDI(now)
        wakeLater()
    }

    private func wakeLater() {
        guard let attempt, !isLeaving else { return }
        let now = now
        var next = attempt.streams.session.deadline
        if attempt.streams.session.peer == nil { next = min(next, attempt.deadline) }
        // At least one tick ahead, so that a due time for which there turns out to be nothing to do does not make the
        // loop spin.
        if attempt.streams.session.isUp { next = min(next, max(dueMIDI, now + 10), attempt.helloDue ?? .max) }
        guard next != .max else { return }
        if let timer {
            if timer.at <= next { return }
            loop.cancel(timer.id)
        }
        let microseconds = next > now ? min(next - now, 36_000_000) * 100 : 0
        timer = (
            next,
            loop.after(.microseconds(Int64(microseconds))) { [unowned self] in
                timer = nil
                wake()
            }
        )
    }
}

extension Session.Reason {
    fileprivate var text: String {
        switch self {
        case .bye: "the other side said goodbye"
        case .refused: "refused"
        case .unanswered: "no answer"
        case .halfOpen: "no answer to the clock"
        case .silent: "silent for half a minute"
        }
    }
}

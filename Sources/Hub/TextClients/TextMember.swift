import Client
import Glibc
import Linux
import MIDI
import Rooms
import TextMIDI

/// One TCP client: a participant like any other, on a thread of its own, which joins the room over loopback. Lives on the
/// hub's loop.
final class TextMember {
    struct Event: Sendable {
        enum What: Sendable {
            /// It takes part from this UDP port.
            case begins(UInt16)
            /// The connection's round trip in microseconds, and how much that came was no message.
            case measured(Int, UInt64)
            /// The connection has ended, with this sounding at the client; or it was ended, since the client was too slow.
            case ended(HeldState, isTooSlow: Bool)
        }
        let number: Int
        let what: What
    }

    let number: Int
    let name: String
    let peer: SocketAddress
    let place: TextDoor.Place
    /// From which it takes part, once it does.
    var port: UInt16 = 0
    private let orders: Mailbox<Void>
    private var thread: WorkerThread?

    /// - Parameters:
    ///   - owed: what sounds there since an earlier connection, and is ended.
    ///   - settling: how long the engine takes from the session to the wires.
    init(
        _ number: Int, name: String, peer: SocketAddress, place: TextDoor.Place, socket: consuming Descriptor,
        owed: HeldState, settling: Duration, news: Mailbox<Event>
    ) throws(Errno) {
        (self.number, self.name, self.peer, self.place) = (number, name, peer, place)
        let orders = try Mailbox<Void>()
        self.orders = orders
        let line = Line(socket)
        let host = place.host
        thread = try WorkerThread("tcp") {
            let tell: @Sendable (Event.What) -> Void = { news.send(Event(number: number, what: $0)) }
            do throws(Errno) {
                try TextConversation(line, host, name: name, owed: owed, settling: settling, tell: tell).run(orders)
            } catch { tell(.ended(owed, isTooSlow: false)) }
        }
    }

    /// Ends what it holds and what sounds there, and says goodbye to both.
    func leave() { orders.send(()) }

    /// The same. `wait`: until that is done.
    func end(wait: Bool) {
        leave()
        let running = thread.take()
        if wait { running?.join() } else { running?.detach() }
    }
}

/// A connection, for the thread that gets it.
private final class Line: Sendable {
    let socket: Descriptor
    init(_ socket: consuming Descriptor) { self.socket = socket }
}

/// The thread at work.
private final class TextConversation {
    private let line: Line
    private let loop: EventLoop
    /// Without a link: nothing is lost on the way to the engine, and windows for each origin would be a megabyte for sixteen.
    private let participant: Initiator
    private let settling: Duration
    private let tell: (TextMember.Event.What) -> Void
    private var registration: EventLoop.Registration?
    private var pouring: Alarm!  // made last in init, as the next one: they call back into self
    private var sending: Alarm!

    private var reader = ListReader()
    /// What it has played, on its way into the room.
    private var inbox = ThinningQueue()
    private var sender = ListSender()
    private var sounding: HeldState
    private let began = ContinuousClock.now
    private var hasJoined = false
    /// It is in the room, and wired.
    private var isIn = false
    private var isPaused = false
    private var isOver = false

    /// A scanner that says what it is does so at once, and need not be seen in the room.
    private static let hesitation: Duration = .milliseconds(150)
    /// What is played on the way in is kept for so long.
    private static let keptOnTheWay: Duration = .seconds(2)
    /// More than so much, and the client is not read until half of it has gone.
    private static let most = (messages: 4096, octets: 256 * 1024)
    /// So many messages go into the room in so long, as many as four MIDI cables bring: more would be too much for the
    /// engine, and could not be thinned any more.
    private static let burst = (messages: 48, interval: Duration.milliseconds(10))
    private var left = 0
    private var nextBurst = ContinuousClock.now

    init(
        _ line: Line, _ host: Initiator.Host, name: String, owed: HeldState, settling: Duration,
        tell: @escaping (TextMember.Event.What) -> Void
    ) throws(Errno) {
        loop = try EventLoop()
        (self.line, self.settling, self.tell, sounding) = (line, settling, tell, owed)
        participant = try Initiator(host, name: name, loop: loop)
        pouring = loop.alarm { [unowned self] in pour() }
        sending = loop.alarm { [unowned self] in send() }
    }

    private var clock: Double { Double(SystemTime.monotonicNanoseconds) / 1_000_000 }

    func run(_ orders: Mailbox<Void>) throws(Errno) {
        Sockets.noDelay(line.socket)
        Sockets.keepAlive(line.socket, idle: 10, patience: 15)
        participant.onNews = { [unowned self] in handle($0) }
        participant.onReceived = { [unowned self] in hear($0.bytes) }
        try loop.receive(orders) { [unowned self] in leave() }
        registration = try loop.watch(line.socket.number, .read) { [unowned self] in ready($0) }
        tell(.begins(participant.control.port))
        measure()
        loop.every(.seconds(5)) { [unowned self] in measure() }
        release()
        loop.after(Self.hesitation) { [unowned self] in join() }
        try loop.run()
    }

    private func measure() {
        guard let roundTrip = Sockets.roundTrip(line.socket) else { return }
        tell(.measured(roundTrip, reader.unreadable))
    }

    // MARK: The room

    private func join() {
        guard !hasJoined, !isOver else { return }
        hasJoined = true
        participant.start()
    }

    private func handle(_ news: Initiator.Event) {
        switch news {
        case .up:
            loop.after(settling) { [unowned self] in
                guard participant.isUp else { return }
                isIn = true
                pour()
            }
        // It comes back by itself. What is played meanwhile is not kept, as with any other.
        case .down: isIn = false
        case .measured, .linked, .unlinked: break
        }
    }

    private func hear(_ message: [UInt8]) {
        guard ListSender.isUnderstood(message) else { return }
        if let one = try? Message(decoding: message.span) { sounding.apply(one) }
        sender.put(message, at: clock)
        // At the end of this turn, with all that comes in it.
        sending.due = .now
    }

    // MARK: The client

    private func ready(_ interest: EventLoop.Interest) {
        guard !isOver, !isPaused || !interest.isDisjoint(with: .hangup) else { return }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16384) { buffer in
            do throws(Errno) {
                switch try line.socket.read(into: UnsafeMutableRawBufferPointer(buffer)) {
                case .again: break
                case .end: finish()
                case .bytes(let count):
                    let now = SystemTime.monotonicNanoseconds / 1_000_000
                    let isClient = reader.read(UnsafeBufferPointer(rebasing: buffer[..<count]).span, at: now) {
                        inbox.append($0)
                    }
                    guard isClient else { return finish() }
                    join()
                    pour()
                }
            } catch { finish() }
        }
    }

    /// Gives the room what it takes.
    private func pour() {
        guard isIn else {
            if began.duration(to: .now) > Self.keptOnTheWay { inbox.removeAll() }
            return pause()
        }
        let now = ContinuousClock.now
        if now >= nextBurst { (left, nextBurst) = (Self.burst.messages, now.advanced(by: Self.burst.interval)) }
        var messages: [[UInt8]] = []
        while left > 0, !participant.isBusy, let message = inbox.removeFirst() {
            messages.append(message)
            // What goes in pieces has the way for itself.
            left = message.count > 128 ? 0 : left - 1
        }
        if !messages.isEmpty { participant.send(messages) }
        if !inbox.isEmpty { pouring.due = nextBurst }
        pause()
    }

    /// A client that sends more than is taken waits, or goes on.
    private func pause() {
        let limit = isPaused ? (Self.most.messages / 2, Self.most.octets / 2) : Self.most
        let isTooMuch = inbox.count > limit.0 || inbox.octets > limit.1
        guard isTooMuch != isPaused, let registration else { return }
        isPaused = isTooMuch
        loop.change(registration, to: isTooMuch ? [] : .read)
    }

    private func send() {
        let text = sender.take(at: clock, underway: Sockets.unacknowledged(line.socket))
        if !text.isEmpty {
            var isSent = false
            text.withUnsafeBytes { isSent = (try? line.socket.write($0, socket: true)) == .bytes(text.count) }
            // Half a message would spoil the next one.
            if !isSent { return cutOff() }
        }
        if sender.isOverfull { return cutOff() }
        if !sender.isEmpty {
            sending.due = .now.advanced(by: .milliseconds(2))
        } else if let due = sender.reminderDue {
            sending.due = .now.advanced(by: .milliseconds(Int64(max(0, due - clock).rounded(.up))))
        }
    }

    // MARK: Ending

    private func cutOff() {
        Sockets.resetAtClose(line.socket)
        finish(isTooSlow: true)
    }

    /// Ends what sounds at the client.
    private func release() {
        for message in sounding.releases(whileHeldBy: [], unseen: false) { hear(message.bytes) }
    }

    private func leave() {
        guard !isOver else { return }
        release()
        send()
        finish()
    }

    private func finish(isTooSlow: Bool = false) {
        guard !isOver else { return }
        isOver = true
        if let registration { loop.unwatch(registration) }
        // At once, since a client comes back at once, and under its name.
        tell(.ended(sounding, isTooSlow: isTooSlow))
        participant.leave { [unowned self] in loop.stop() }
    }
}

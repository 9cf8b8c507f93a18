import Client
import EngineProtocol
import Linux
import RTPMIDI
import Rooms
import Store

/// The piano of a page: a participant like any other, on a thread of its own, which joins the room over loopback. Lives on
/// the hub's loop.
final class Piano {
    /// It cannot play any more, and why. It answers until it is told to end.
    struct Event: Sendable {
        let key: PianoKey
        let number: Int
        let reason: String
    }
    fileprivate enum Command: Sendable {
        case play([Stroke], hasEcho: Bool, Reply)
        case leave
    }

    let name: String
    let number: Int
    var idle: EventLoop.TimerID?
    private let orders: Mailbox<Command>
    private var thread: WorkerThread?

    /// `settling`: how long the engine takes from the session to the wires.
    init(
        _ key: PianoKey, number: Int, name: String, host: Initiator.Host, settling: Duration, news: Mailbox<Event>
    ) throws(Errno) {
        (self.name, self.number) = (name, number)
        let orders = try Mailbox<Command>()
        self.orders = orders
        thread = try WorkerThread("piano") {
            let tell: @Sendable (String) -> Void = { news.send(.init(key: key, number: number, reason: $0)) }
            do throws(Errno) {
                try Player(host, name: name, settling: settling, tell: tell).run(orders)
            } catch { tell("\(error)") }
        }
    }

    /// Answered once it is on its way, or, where there is an echo, once that is back.
    func play(_ strokes: [Stroke], hasEcho: Bool, _ reply: @escaping Reply) {
        orders.send(.play(strokes, hasEcho: hasEcho, reply))
    }

    /// Lets go of everything and says BY. `wait`: until that is done.
    func end(wait: Bool) {
        orders.send(.leave)
        let running = thread.take()
        if wait { running?.join() } else { running?.detach() }
    }
}

/// The thread at work.
private final class Player {
    private let loop: EventLoop
    private let participant: Initiator
    private let settling: Duration
    private let tell: (String) -> Void
    private var isSettled = false
    private var failure: String?
    private var waiting: [(strokes: [Stroke], hasEcho: Bool, reply: Reply, since: ContinuousClock.Instant)] = []
    private var echoes: [(message: [UInt8], reply: Reply, since: ContinuousClock.Instant)] = []
    private var held: Set<UInt8> = []
    private var lastWord = ContinuousClock.now

    /// The page says every two seconds that it still holds something down.
    private static let holdingTimeout: Duration = .seconds(6)
    private static let joiningTimeout: Duration = .seconds(5)
    private static let echoTimeout: Duration = .milliseconds(500)

    init(
        _ host: Initiator.Host, name: String, settling: Duration, tell: @escaping (String) -> Void
    ) throws(Errno) {
        loop = try EventLoop()
        (self.settling, self.tell) = (settling, tell)
        participant = try Initiator(host, name: name, loop: loop)
    }

    func run(_ orders: Mailbox<Piano.Command>) throws(Errno) {
        participant.onNews = { [unowned self] in handle($0) }
        participant.onReceived = { [unowned self] in hear($0.bytes) }
        participant.start()
        try loop.receive(orders) { [unowned self] in obey($0) }
        loop.every(.milliseconds(100)) { [unowned self] in tick() }
        try loop.run()
    }

    private func handle(_ news: Initiator.Event) {
        switch news {
        case .up:
            loop.after(settling) { [unowned self] in
                isSettled = true
                for one in waiting { play(one.strokes, hasEcho: one.hasEcho, one.reply) }
                waiting = []
            }
        case .down(let reason, _, _): fail(reason)
        case .measured, .linked, .unlinked: break
        }
    }

    /// It does not join again by itself, since it may have been sent away.
    private func fail(_ reason: String) {
        guard failure == nil else { return }
        failure = reason
        held = []
        answerAll(reason)
        participant.leave {}
        tell(reason)
    }

    /// Answers everything that has not been answered yet.
    private func answerAll(_ reason: String) {
        for one in waiting { refuse(one.reply, reason) }
        for one in echoes { answer(one.reply, echo: nil) }
        (waiting, echoes) = ([], [])
    }

    private func refuse(_ reply: @escaping Reply, _ reason: String) {
        reply(.unavailable("\(participant.name) is not in the room: \(reason)."))
    }

    private func obey(_ order: Piano.Command) {
        switch order {
        case .play(let strokes, let hasEcho, let reply):
            lastWord = .now
            if let failure { return refuse(reply, failure) }
            if isSettled { return play(strokes, hasEcho: hasEcho, reply) }
            guard waiting.count < 100 else { return refuse(reply, "it is still on its way in") }
            waiting.append((strokes, hasEcho, reply, .now))
        case .leave:
            answerAll("it has left")
            guard failure == nil else { return loop.stop() }
            failure = "it has left"
            participant.leave { [unowned self] in loop.stop() }
        }
    }

    private func play(_ strokes: [Stroke], hasEcho: Bool, _ reply: @escaping Reply) {
        participant.send(strokes.map(\.message))
        for stroke in strokes {
            if stroke.velocity > 0 { held.insert(stroke.note) } else { held.remove(stroke.note) }
        }
        if hasEcho, let first = strokes.first(where: { $0.velocity > 0 }) {
            echoes.append((first.message, reply, .now))
        } else {
            answer(reply, echo: nil)
        }
    }

    private func hear(_ message: [UInt8]) {
        guard let index = echoes.firstIndex(where: { $0.message == message }) else { return }
        let one = echoes.remove(at: index)
        let micros = one.since.duration(to: .now) / .microseconds(1)
        answer(one.reply, echo: (micros / 10).rounded() / 100)
    }

    private func answer(_ reply: @escaping Reply, echo: Double?) {
        var done = CommandReply.done("\(participant.name) plays.")
        done.played = .init(name: participant.name, echo: echo)
        reply(done)
    }

    private func tick() {
        let now = ContinuousClock.now
        while let first = echoes.first, first.since.duration(to: now) > Self.echoTimeout {
            echoes.removeFirst()
            answer(first.reply, echo: nil)
        }
        if let first = waiting.first, first.since.duration(to: now) > Self.joiningTimeout {
            fail("the engine does not answer")
        }
        // The page or its connection is gone: its keys are released.
        if !held.isEmpty, lastWord.duration(to: now) > Self.holdingTimeout {
            participant.send(held.map { Stroke(note: $0, velocity: 0).message })
            held = []
        }
    }
}

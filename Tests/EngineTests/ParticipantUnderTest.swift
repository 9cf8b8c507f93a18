import Client
import Linux
import Synchronization
import TestSupport

@testable import Engine

/// A participant on a thread of its own, and what it tells.
final class ParticipantUnderTest {
    private let orders: Mailbox<@Sendable (Initiator, EventLoop) -> Void>
    private let collected = Collected()
    private var thread: WorkerThread?

    private final class Collected: Sendable {
        let news = Mutex<[Initiator.Event]>([])
        let received = Mutex<[Initiator.Received]>([])
        let counts = Mutex(Initiator.Counts())
    }

    init(_ host: Initiator.Host, name: String) throws {
        orders = try Mailbox()
        let (orders, collected) = (orders, collected)
        thread = try WorkerThread("participant") {
            do {
                let loop = try EventLoop()
                let participant = try Initiator(host, name: name, loop: loop)
                participant.onNews = { news in collected.news.withLock { $0.append(news) } }
                participant.onReceived = { received in collected.received.withLock { $0.append(received) } }
                try loop.receive(orders) { order in
                    order(participant, loop)
                    let counts = participant.counts
                    collected.counts.withLock { $0 = counts }
                }
                participant.start()
                try loop.run()
            } catch {
                collected.news.withLock { $0.append(.down(reason: "\(error)", wasUp: false, retry: .zero)) }
            }
        }
    }

    convenience init(port: UInt16, name: String) throws {
        try self.init(Initiator.Host(name: "127.0.0.1", port: port), name: name)
        try waitUntilUp()
    }

    var news: [Initiator.Event] { collected.news.withLock { $0 } }
    var ups: Int { news.count { if case .up = $0 { true } else { false } } }
    var downs: [String] { news.compactMap { if case .down(let reason, _, _) = $0 { reason } else { nil } } }
    var received: [Initiator.Received] { collected.received.withLock { $0 } }
    var heard: [String] { received.map { hex($0.bytes) } }

    func waitUntilUp(_ times: Int = 1) throws {
        try eventually("a session", seen: "\(news)") { ups >= times }
    }
    func hears(_ messages: [String]) throws {
        try eventually("\(messages)", seen: "\(heard)") { heard == messages }
    }
    func send(_ messages: [[UInt8]]) { orders.send { participant, _ in participant.send(messages) } }
    func act(_ order: @escaping @Sendable (Initiator) -> Void) {
        orders.send { participant, _ in order(participant) }
    }
    /// The value that `read` gives on the participant's thread.
    func ask<Value: Sendable>(_ read: @escaping @Sendable (Initiator) -> Value) throws -> Value {
        let answer = Answer<Value>()
        act { participant in
            let value = read(participant)
            answer.value.withLock { $0 = value }
        }
        return try awaited("an answer") { answer.value.withLock { $0 } }
    }
    private final class Answer<Value: Sendable>: Sendable { let value = Mutex<Value?>(nil) }

    /// Says goodbye and waits until that is done.
    func leave() {
        guard let running = thread.take() else { return }
        orders.send { participant, loop in participant.leave { loop.stop() } }
        running.join()
    }

    /// Ends without a BYE.
    func vanish() {
        guard let running = thread.take() else { return }
        orders.send { _, loop in loop.stop() }
        running.join()
    }

    deinit { vanish() }
}

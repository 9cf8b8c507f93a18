import Client
import HubLink
import Linux
import Synchronization
import TestSupport

/// One who is in several hubs at once, on a thread of its own, and what it tells.
final class GroupUnderTest {
    private let orders: Mailbox<@Sendable (HubGroup, EventLoop) -> Void>
    private let collected = Collected()
    private var thread: WorkerThread?

    private final class Collected: Sendable {
        let news = Mutex<[Initiator.Event]>([])
        let received = Mutex<[HubGroup.Received]>([])
        let selected = Mutex<[Int?]>([])
        let readiness = Mutex<[Bool]>([])
    }

    init(ports: [UInt16], name: String, findsPartner: Bool = false) throws {
        orders = try Mailbox()
        let (orders, collected) = (orders, collected)
        thread = try WorkerThread("participant") {
            do {
                let loop = try EventLoop()
                let hosts = ports.map { Initiator.Host(name: "127.0.0.1", port: $0) }
                let group = try HubGroup(hosts, name: name, loop: loop)
                group.findsPartner = findsPartner
                group.onNews = { news, _ in
                    let isReady = group.hasTried
                    collected.news.withLock { $0.append(news) }
                    collected.readiness.withLock { $0.append(isReady) }
                }
                group.onReceived = { received in collected.received.withLock { $0.append(received) } }
                group.onSelected = { hub in collected.selected.withLock { $0.append(hub) } }
                try loop.receive(orders) { $0(group, loop) }
                group.start()
                try loop.run()
            } catch {
                collected.news.withLock { $0.append(.down(reason: "\(error)", wasUp: false, retry: .zero)) }
            }
        }
    }

    /// One that has links with all of these engines.
    convenience init(_ engines: [EngineUnderTest], name: String) throws {
        try self.init(ports: engines.map(\.port), name: name)
        try eventually("\(engines.count) links", seen: "\(news)") { count(.linked) == engines.count }
    }

    var news: [Initiator.Event] { collected.news.withLock { $0 } }
    func count(_ event: Initiator.Event) -> Int { news.count { $0 == event } }
    var received: [HubGroup.Received] { collected.received.withLock { $0 } }
    /// Whether it was known of every hub how to speak with it, at each of the `news`.
    var readiness: [Bool] { collected.readiness.withLock { $0 } }
    var selected: [Int?] { collected.selected.withLock { $0 } }
    var heard: [String] { received.map { hex($0.bytes) } }

    func hears(_ messages: [String]) throws {
        try eventually("\(messages)", seen: "\(heard)") { heard == messages }
    }
    func send(_ messages: [[UInt8]]) { orders.send { group, _ in group.send(messages) } }
    /// The value that `read` gives on the group's thread.
    func ask<Value: Sendable>(_ read: @escaping @Sendable (HubGroup) -> Value) throws -> Value {
        let answer = Answer<Value>()
        orders.send { group, _ in
            let value = read(group)
            answer.value.withLock { $0 = value }
        }
        return try awaited("an answer") { answer.value.withLock { $0 } }
    }
    private final class Answer<Value: Sendable>: Sendable { let value = Mutex<Value?>(nil) }

    /// Says goodbye and waits until that is done.
    func leave() {
        guard let running = thread.take() else { return }
        orders.send { group, loop in group.leave { loop.stop() } }
        running.join()
    }
    /// Ends without a word.
    func vanish() {
        guard let running = thread.take() else { return }
        orders.send { _, loop in loop.stop() }
        running.join()
    }
    deinit { vanish() }
}

import Dispatch
import EngineProtocol
import Linux
import Rooms
import Synchronization
import TestSupport

@testable import Engine

/// An engine on its own thread with real sockets on loopback, and what it tells.
final class EngineUnderTest {
    let port: UInt16
    private let engine: EngineThread
    private let collected = Collected()
    private var hasEnded = false

    private final class Collected: Sendable {
        let news = Mutex<[EngineEvent]>([])
        let loopEnd = Mutex(false)
    }
    private let reader: WorkerThread

    convenience init(
        policy: Policy = .all, maximum: Int = 250, maximumPerAddress: Int? = nil, allow: [String] = [],
        deny: [String] = [], sessions: String? = nil, port: UInt16 = freeUDPPortPair(), host: String? = "127.0.0.1",
        invites: [Invitee] = [], room: String = "room", before: [RoomPlan] = [], failover: FailoverPlan? = nil
    ) throws {
        var plan = Self.plan(policy: policy, maximum: maximum, allow: allow, deny: deny, port: port, host: host)
        plan.maximumPerAddress = maximumPerAddress
        if !invites.isEmpty { plan.rooms[0].invites = invites }
        plan.rooms[0].name = room
        plan.rooms = before + plan.rooms
        plan.failover = failover
        try self.init(plan, sessions: sessions, port: port)
    }

    init(_ plan: EnginePlan, sessions: String? = nil, port: UInt16? = nil) throws {
        self.port = port ?? plan.rooms[0].ports[0]
        let news = try Mailbox<EngineEvent>()
        engine = try EngineThread(plan, sessions: sessions, version: "test", news: news)
        let collected = collected
        reader = try WorkerThread("news") {
            guard let loop = try? EventLoop() else { return }
            try? loop.receive(news) { item in
                collected.news.withLock { $0.append(item) }
                if case .ended = item { loop.stop() }
            }
            try? loop.run()
        }
        try engine.start()
        try eventually("the engine's port") {
            all.contains { if case .listening = $0 { true } else { false } }
        }
    }

    static func plan(
        policy: Policy = .all, maximum: Int = 250, allow: [String] = [], deny: [String] = [], port: UInt16,
        host: String? = "127.0.0.1"
    ) -> EnginePlan {
        EnginePlan(
            rooms: [.init(name: "room", displayName: "Hub", policy: policy, ports: [port], maximum: maximum)],
            allow: allow.map { AddressRange($0)! }, deny: deny.map { AddressRange($0)! }, host: host)
    }

    var all: [EngineEvent] { collected.news.withLock { $0 } }

    /// Another plan, which is followed when this returns.
    func serve(_ plan: EnginePlan) throws {
        send(.serve(plan))
        _ = try status()
    }

    func send(_ order: EngineLoopCommand) { engine.send(order) }

    func status() throws -> EngineStatus {
        let answer = Answer<EngineStatus>()
        engine.send(.status { status in answer.value.withLock { $0 = status } })
        return try awaited("the status") { answer.value.withLock { $0 } }
    }

    /// It hangs until what is given is called.
    func freeze() -> () -> Void {
        let (hangs, goesOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        engine.send(
            .status { _ in
                hangs.signal()
                goesOn.wait()
            })
        hangs.wait()
        return { goesOn.signal() }
    }

    func panic() throws -> (hearers: Int, notes: Int) {
        let answer = Answer<[Int]>()
        engine.send(
            .panic(room: nil, all: false) { hearers, notes in answer.value.withLock { $0 = [hearers, notes] } })
        let numbers = try awaited("the panic") { answer.value.withLock { $0 } }
        return (numbers[0], numbers[1])
    }

    func sounding() throws -> [UInt64: ActiveNotes] {
        let answer = Answer<[UInt64: ActiveNotes]>()
        engine.send(.sounding { all in answer.value.withLock { $0 = all } })
        return try awaited("what sounds") { answer.value.withLock { $0 } }
    }

    /// Why the other hub is not to speak; nil: it is.
    func switchHubs() throws -> String? {
        let answer = Answer<String?>()
        engine.send(.switchHubs(.order) { why in answer.value.withLock { $0 = why } })
        return try awaited("an answer") { answer.value.withLock { $0 } }
    }

    /// Why there is no drill; nil: it begins.
    func drill(_ plan: DrillPlan) throws -> String? {
        let answer = Answer<String?>()
        engine.send(.drill(plan) { why in answer.value.withLock { $0 = why } })
        return try awaited("an answer") { answer.value.withLock { $0 } }
    }

    func kick(_ id: UInt64) throws -> Bool { try perform(.kick, on: id) }
    func unmute(_ id: UInt64) throws -> Bool { try perform(.unmute, on: id) }
    func release(_ id: UInt64) throws -> Bool { try perform(.release, on: id) }

    private func perform(_ command: MemberCommand, on id: UInt64) throws -> Bool {
        let answer = Answer<Bool>()
        engine.send(.member(id: id, command) { done in answer.value.withLock { $0 = done } })
        return try awaited("\(command)") { answer.value.withLock { $0 } }
    }

    private final class Answer<Value: Sendable>: Sendable { let value = Mutex<Value?>(nil) }

    /// A participant that is up.
    func player(
        _ name: String, others: [TestPlayer] = [], host: String = "127.0.0.1", journals: Bool = true
    ) throws -> TestPlayer {
        let player = try TestPlayer(name, port: port, host: host, journals: journals)
        try eventually("\(name) on the hub") {
            for one in others + [player] { one.pump() }
            return player.isUp
        }
        return player
    }

    func stop() {
        guard !hasEnded else { return }
        hasEnded = true
        engine.send(.stop)
        engine.join()
    }

    deinit { stop() }
}

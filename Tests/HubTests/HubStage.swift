import EngineProtocol
import Linux
import Rooms
import Store
import Synchronization
import TestSupport

@testable import Hub

/// A hub in the test's own process: its loop is run by the test, what it carries with is a `FakeCarrier`.
final class HubStage {
    let directory: TemporaryDirectory
    let state: StateDirectory
    let hub: Hub
    let carrier: FakeCarrier
    /// The carrier of the other kind; nil where that is a real one.
    let orphaned: FakeCarrier?
    let observer = FakeObserver()
    /// What `reload` reads; nil is a file that is wrong.
    private let file: File
    let webhook: Webhook
    let restarts = Restarts()

    /// What was begun to make the hub anew, and what that is.
    final class Restarts {
        var program = "/bin/true"
        private(set) var pids: [Int32] = []
        var count: Int { pids.count }

        func begin() throws(Errno) -> Int32 {
            pids.append(try ChildProgram(path: program, arguments: [], environment: [:], output: nil).spawn())
            return pids[pids.count - 1]
        }
        // A child that nobody has collected keeps whoever waits for any child from hearing of others.
        deinit { for pid in pids { try? eventually("its end") { ChildProgram.reap(pid) != nil } } }
    }

    private final class File { var configuration: Configuration? }

    /// What was posted, and what is answered.
    final class Webhook: Sendable {
        let taken = Mutex<[Alert]>([])
        let outcome = Mutex<Curl.Outcome>(.answered(status: 200, body: []))
        func post(_ alert: Alert) -> Curl.Outcome {
            let outcome = outcome.withLock { $0 }
            if case .answered(200, _) = outcome { taken.withLock { $0.append(alert) } }
            return outcome
        }
    }

    /// Rooms "Main" and "Duets"; `directory`: of a hub that was there before. `endsReally`: what the other kind of engine
    /// has left there is looked for by a real carrier.
    init(
        in directory: TemporaryDirectory = TemporaryDirectory(), kind: Configuration.EngineChoice = .embedded,
        endsReally: Bool = false, _ change: (inout Configuration) -> Void = { _ in }
    ) throws {
        var configuration = Configuration()
        configuration.engine = kind
        configuration.rooms = [
            .init(name: "Main", ports: [5004], policy: .auto),
            .init(name: "Duets", ports: [5010, 5012], policy: .pair),
        ]
        change(&configuration)
        self.directory = directory
        state = StateDirectory(directory.file("state"))
        try state.create()
        let (file, webhook) = (File(), Webhook())
        file.configuration = configuration
        (self.file, self.webhook) = (file, webhook)
        var made: [FakeCarrier] = []
        var outside = Hub.Outside()
        outside.prints = false
        outside.watchesNetwork = false
        outside.carrier = { kind, context in
            if endsReally, !made.isEmpty {
                return kind == .embedded ? EmbeddedCarrier(context, processes: 1) : try RtpmididFleet(context)
            }
            made.append(FakeCarrier(context))
            return made[made.count - 1]
        }
        outside.restart = { [restarts] _ throws(Errno) in try restarts.begin() }
        outside.post = { alert, _ in webhook.post(alert) }
        hub = try Hub(
            { () throws(ConfigurationError) in
                guard let configuration = file.configuration else { throw ConfigurationError("line 1: nonsense") }
                return configuration
            }, configuration, state, try SignalDescriptor([]), outside)
        (carrier, orphaned) = (made[0], made.count > 1 ? made[1] : nil)
        hub.observer = observer
        try hub.begin()
    }

    var engine: FakeEngine { carrier.serving[0] }
    var loop: EventLoop { hub.context.loop }
    var snapshot: Snapshot { hub.board.snapshot }

    func edit(_ change: (inout Configuration) -> Void) {
        var configuration = hub.configuration
        change(&configuration)
        file.configuration = configuration
    }
    func spoilConfiguration() { file.configuration = nil }

    // MARK: Telling it

    static let author = Author(address: "192.0.2.7")

    /// The reply to a command.
    func obey(_ command: Command, by author: Author = author) throws -> CommandReply {
        let answer = tell(command, by: author)
        try loop.run(until: "a reply to \(command)") { answer.withLock { $0 != nil } }
        return answer.withLock { $0! }  // waited for
    }

    /// Gives a command; its reply stands in what is returned once it has come.
    func tell(_ command: Command, by author: Author = author) -> Box {
        let answer = Box()
        hub.requests.send(.command(command, by: author) { reply in answer.reply.withLock { $0 = reply } })
        return answer
    }

    final class Box: Sendable {
        let reply = Mutex<CommandReply?>(nil)
        func withLock<Value>(_ body: (inout CommandReply?) -> Value) -> Value { reply.withLock { body(&$0) } }
    }

    // MARK: What it does

    /// Waits until all that is to be recorded is on disk, and shown.
    func settle() throws {
        for _ in 0..<2 {
            var isDone = false
            hub.context.recorder.whenDone { isDone = true }
            try loop.run(until: "the store") { isDone }
        }
    }

    /// All events on record, oldest first.
    func events() throws -> [EventRecord] {
        try settle()
        let database = hub.database()
        return blocking { ((try? await database?.events(limit: 1000)) ?? []).reversed() }
    }
    func texts(_ kinds: EventKind...) throws -> [String] {
        try events().filter { kinds.contains($0.kind) }.map(\.text)
    }

    /// All visits on record, oldest first.
    func visits() throws -> [Visit] {
        try settle()
        let database = hub.database()
        return blocking { ((try? await database?.visits(limit: 1000)) ?? []).reversed() }
    }

    func publish() -> Snapshot {
        hub.publish()
        return snapshot
    }

    /// As a hub that is killed: what it has done is on disk, its carrier's processes go on.
    func die() throws -> TemporaryDirectory {
        try settle()
        let database = hub.database()
        blocking { await database?.close() }
        return directory
    }
}

/// Sees what a hub shows.
final class FakeObserver: HubObserver {
    let pageAddress = "http://localhost/"
    var isWatched = false
    var watchesSounding = false
    private(set) var isStarted = false
    private(set) var isStopped = false
    private(set) var snapshots = 0
    private(set) var events: [EventRecord] = []
    private(set) var played: [[Int64: Int]] = []
    private(set) var sounding: [[Int64: ActiveNotes]?] = []

    func start() throws { isStarted = true }
    func stop() { isStopped = true }
    func reopenSocket() -> Bool { false }
    func show(_ snapshot: Snapshot) { snapshots += 1 }
    func show(_ events: [EventRecord]) { self.events += events }
    func lostEvents() {}
    func showPlayed(_ notes: [Int64: Int]) { played.append(notes) }
    func showSounding(_ all: [Int64: ActiveNotes]?) { sounding.append(all) }
}

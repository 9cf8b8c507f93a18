//  Module Hub: puts everything together. Start here; every object is made on this page.
//
//  What it is: one loop on the main thread that owns the engines and decides; beside it the patch bay's thread, the HTTP
//  thread and the store's queue, which it reaches by mailboxes only. What it refuses to be: in the path of MIDI, which
//  goes on whatever happens here, or a server: it is told commands as values, and observers show it.
//  Hub.docc/Architecture.md has the whole program in one picture.

import Devices
import EngineProtocol
import Glibc
package import Linux
import Rooms
package import Store

/// One running hub.
package final class Hub {
    /// Reads the configuration, again at each reload.
    let configure: Configure
    private let signals: SignalDescriptor
    let context: HubContext
    package let board = SnapshotStore()
    /// Commands and questions from other threads.
    package let requests: Mailbox<HubRequest>
    let startedAt = Timestamp.now
    /// What the carrier was told to serve. Made anew when something of it changes, since every snapshot needs it.
    var plan = EnginePlan(rooms: [])
    private let holder: DatabaseReference
    /// What the hubs before this one have left on record.
    package let memory: RestoredState
    /// Who shows it to people; nil until it listens.
    var observer: (any HubObserver)?
    let kind: EngineKind
    private let whyThatKind: String
    /// What carries the MIDI, and a carrier of the other kind, which only ends the engines that an earlier hub has left.
    let carrier: any Carrier
    private let orphaned: any Carrier
    let restartProgram: (StateDirectory) throws(Errno) -> Int32
    var location: String?
    var isPublishing = false
    var publishedAt = ContinuousClock.now.advanced(by: .seconds(-1))
    var matrix = Matrix()
    let alerter: Alerter
    let deviceWatch: DeviceWatch
    /// What is announced around here, and who of that is let in.
    let network: NetworkWatch
    var discovery = Discovery()
    var isLookingAtDevices = false
    var soundingQuestion = SoundingQuestion()
    /// Notes of each participant that viewers have not been told of.
    var played: [Int64: Int] = [:]
    /// By room.
    var blocks: [String: Set<Block>]
    /// Blocks that were lifted since the start. A store that was down meanwhile may still have them.
    var lifted: [String: Set<Block>] = [:]
    /// Whom people have told the hub to invite.
    var kept: KeptConnections
    /// Whom rooms would invite had nobody sent them away.
    var sentAway: [KeptConnections.One] = []
    /// The echoes that are on, by room.
    var echoes: [String: Echo] = [:]
    /// Who has the focus, and which controllers are live by choice.
    var claims: Claims
    /// When that was chosen, and what else was chosen of two hubs; stamps of this hub bear the number.
    var choices: Choices
    let author = UInt32.random(in: 0...(.max))
    /// Who waits for a note that is to be an order.
    var learner: Learner?
    /// This hub, one of a pair, is not to speak, since somebody works on it.
    var isMuted: Bool
    var failoverWatch = FailoverWatch()
    /// The drills of the pair, the newest first.
    var drills: [DrillReport]
    /// A person has ordered it to speak where it waits for a partner that is silent. Until that one is there again.
    var isTakingOver = false
    /// Where orders by OSC come in, why it is not open, and when somebody was refused there last.
    var oscDoor: OSCDoor?
    var oscTrouble: String?
    var oscRefusedAt: ContinuousClock.Instant?
    /// The pianos of people who play on /test.
    var pianos: [PianoKey: Piano] = [:]
    var pianosMade = 0
    let pianoNews: Mailbox<Piano.Event>
    let textClients: TextClients
    var isStopping = false
    private var isFinishing = false
    private var exit = ExitCode.well
    let serviceManager = ServiceManager(Programs.environment)
    private var toldHealth = ""

    package typealias Configure = () throws(ConfigurationError) -> Configuration

    /// Runs a hub until it is told to end. `observe` opens what shows it to people. Throws where it cannot begin;
    /// `ConfigurationError` where the configuration is wrong.
    package static func run(
        _ state: StateDirectory, _ configure: @escaping Configure, observe: (Hub) throws -> any HubObserver
    ) throws -> ExitCode {
        let configuration = try configure()
        try state.becomeOwner()
        try state.create()
        guard let lock = try HubLock.acquire(state) else {
            Output.complain("a hub already runs on \(state.path)")
            return .unavailable
        }
        lock.keep()
        Signals.ignorePipe()
        allowDescriptors()
        let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGUSR2])
        let hub = try Hub(configure, configuration, state, signals)
        hub.observer = try observe(hub)
        return try hub.run()
    }

    /// What reaches beyond the hub's own process; tests have others.
    struct Outside {
        /// Makes a carrier. Called for the kind that carries the MIDI, then for the other kind.
        var carrier: (EngineKind, HubContext) throws -> any Carrier = { kind, context in try kind.carrier(context) }
        /// Takes an alert to the webhook at that address. Blocks until it is answered, on a thread of its own.
        var post: @Sendable (Alert, String) -> Curl.Outcome = { Alerter.post($0, to: $1) }
        /// What is announced on the local network is found out by a child.
        var watchesNetwork = true
        /// Begins what makes the hub anew; its pid.
        var restart: (StateDirectory) throws(Errno) -> Int32 = { (state) throws(Errno) in try Hub.restart(state) }
        /// Events are also written to standard output.
        var prints = true
    }

    /// A descriptor for every connection and viewer of the page: more than the 1024 of most systems' soft limit.
    private static func allowDescriptors() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < 4096 else { return }
        limit.rlim_cur = min(limit.rlim_max, 4096)
        setrlimit(resource, &limit)
    }

    init(
        _ configure: @escaping Configure, _ configuration: Configuration, _ state: StateDirectory,
        _ signals: consuming SignalDescriptor, _ outside: Outside = Outside()
    ) throws {
        (self.configure, restartProgram) = (configure, outside.restart)
        self.signals = signals
        let loop = try EventLoop()
        (requests, pianoNews) = (try Mailbox(), try Mailbox())

        var failure: StoreError?
        var database: Database?
        do throws(StoreError) { database = try Database(path: state.database) } catch { failure = error }
        let recorder = try StoreWriter(database, path: state.database, failure: failure, loop: loop)
        memory = RestoredState.load(database)
        (blocks, claims, choices, isMuted) = (memory.blocks, memory.claims, memory.choices, memory.isMuted)
        drills = memory.drills
        let problem: String?
        (kept, problem) = KeptConnections.load(state.connections)
        (kind, whyThatKind) = EngineKind.choose(configuration, state)
        holder = DatabaseReference(database)

        context = try HubContext(
            state: state, loop: loop, recorder: recorder, configuration: configuration, memory: memory,
            prints: outside.prints)
        alerter = try Alerter(context, post: outside.post)
        deviceWatch = DeviceWatch(loop: loop)
        network = NetworkWatch(context, hasChild: outside.watchesNetwork)
        carrier = try outside.carrier(kind, context)
        orphaned = try outside.carrier(kind.other, context)
        textClients = try TextClients(context, settling: carrier.settling)
        if configuration.location == .auto { location = Location.ask() }
        if case .named(let name) = configuration.location { location = name }
        recorder.noticed = { [unowned self] in context.note(.store, severity: .warning, $0) }
        recorder.recovered = { [unowned self] in
            holder.replace(recorder.database)
            carrier.rerecord()
            for (room, some) in lifted { for one in some { record(one, in: room, isBlocked: false) } }
            for (room, some) in blocks { for one in some { record(one, in: room, isBlocked: true) } }
            recordClaims()
            recordChoices()
            recordMuted()
            context.recorder.add(drills.map(\.change))
        }
        recorder.strangers = Strangers(recorded: Set(memory.openVisits.map(\.id)))
        recorder.counted = { [unowned self] in
            context.note($0.kind, severity: $0.severity, address: $0.address, $0.text)
        }
        recorder.recorded = { [unowned self] in observer?.show($0) }
        recorder.lostEvents = { [unowned self] in observer?.lostEvents() }
        context.played = { [unowned self] in countPlayed($0, $1) }
        if let problem { context.note(.notConnected, severity: .warning, problem) }
        for notice in memory.notices { context.note(.store, severity: .warning, notice) }
        context.changed = { [unowned self] in publishSoon() }
        context.lost = { [unowned self] in alerter.lost($0, $1, hub: hubName) }
        context.echoReturned = { [unowned self] in echoReturned(in: $0, by: $1) }
        context.touched = { [unowned self] in touched(by: $1, in: $0) }
        context.pairChanged = { [unowned self] in lookAtPair(at: $0) }
        context.triggered = { [unowned self] in triggered(by: $0, at: $1) }
        context.learned = { [unowned self] in learned($1, from: $0) }
        context.isMissing = { [unowned self] in seeWhoIsMissing($0) }
        for one in [carrier, orphaned] { one.whenDown = { [unowned self] in endIfAllAreDown() } }
        try loop.receive(requests) { [unowned self] in receive($0) }
        try loop.receive(pianoNews) { [unowned self] in handle($0) }
    }

    // MARK: What its observers need

    package var state: StateDirectory { context.state }
    package var configuration: Configuration { context.configuration }
    package var counters: StoreWriterCounters { context.recorder.counters }
    /// The store of the moment, nil while there is none; from any thread.
    package var database: @Sendable () -> Database? { { [holder] in holder.database } }

    // MARK: Beginning

    private func run() throws -> ExitCode {
        try begin()
        sayWhereWeAre()
        serviceManager?.tell(["READY": "1"])
        // From this loop, so that it is noticed when the loop hangs.
        if let watchdog = serviceManager?.watchdog {
            context.loop.every(watchdog / 3) { [unowned self] in serviceManager?.tell(["WATCHDOG": "1"]) }
        }
        try context.loop.run()
        return exit
    }

    /// Starts everything. It goes on whenever the loop runs.
    func begin() throws {
        let loop = context.loop
        try loop.watch(signals.number, .read) { [unowned self] _ in
            while let signal = signals.next() { handle(signal: signal) }
        }
        context.note(.engineChosen, "The engine is \(kind.rawValue): \(whyThatKind)")
        stampWhatIsKept()
        plan = wantedPlan
        carrier.begin(plan)
        orphaned.begin(EnginePlan(rooms: []))
        textClients.follow()
        followOSC()
        context.abandonOpenVisits()
        network.begin()
        loop.every(.seconds(5)) { [unowned self] in tick() }
        // Activity and sounding notes are asked for only while somebody watches.
        loop.every(.milliseconds(200)) { [unowned self] in
            if let observer, observer.isWatched { carrier.requestActivity() }
            watchSounding()
        }
        loop.every(.seconds(1)) { [unowned self] in
            carrier.look()
            followAnnouncements(now: .now)
            attendPair()
            if !isStopping { alerter.look(board.snapshot) }
        }
        loop.every(.seconds(600)) { [unowned self] in housekeep() }
        publish()
        try observer?.start()
    }

    /// `systemctl status` shows it.
    func tellServiceManager(_ health: Snapshot.Health) {
        let text = ([health.sentence] + health.problems.map(\.what)).joined(separator: " ")
        guard let serviceManager, text != toldHealth else { return }
        serviceManager.tell(["STATUS": Output.safe(text)])
        toldHealth = text
    }

    // MARK: Time

    private func tick() {
        keepSocket()
        carrier.tick()
        freeAbandonedFocus()
        followOSC()
        for engine in carrier.engines { engine.readLog() }
        HubLog.rotateOwn(context.state)
        context.recorder.check()
        publishSoon()
    }

    /// The command line finds the hub by its socket. Where somebody has deleted it, it is made again.
    private func keepSocket() {
        let path = context.state.socket
        guard !isStopping, !File.exists(path), observer?.reopenSocket() ?? false else { return }
        context.note(.socket, severity: .warning, "\(path) was gone and has been made again")
    }

    private func housekeep() {
        guard let database = holder.database else { return }
        let size = context.configuration.history
        Task { try? await database.housekeep(now: .now, size: size) }
    }

    // MARK: Ending

    /// Leaves the engines running: the next hub adopts them.
    func leave() {
        guard !isStopping else { return }
        isStopping = true
        File.remove(context.state.socket)
        context.note(.leftToNext, "The hub ends; its engines go on for the next one")
        network.end()
        finish()
    }

    func stop(because reason: String) {
        guard !isStopping else { return }
        isStopping = true
        // So that no command is sent to a hub that is ending.
        File.remove(context.state.socket)
        context.note(.stopping, "The hub ends (\(reason)): goodbye to everyone")
        network.end()
        endPianos(wait: false)
        textClients.end(wait: false)
        carrier.stop()
        endIfAllAreDown()
    }

    private func endIfAllAreDown() {
        guard isStopping, !isFinishing, carrier.isDown, orphaned.isDown else { return }
        finish()
    }

    private func finish() {
        isFinishing = true
        endLearning(.unavailable("The hub ends."))
        serviceManager?.tell(["STOPPING": "1"])
        endPianos(wait: true)
        textClients.end(wait: true)
        context.recorder.whenDone { [unowned self] in
            carrier.close()
            observer?.stop()
            if let database = holder.database { blocking { await database.close() } }
            context.loop.stop()
        }
    }
}

extension EngineKind {
    fileprivate func carrier(_ context: HubContext) throws(Errno) -> any Carrier {
        switch self {
        case .rtpmidid: try RtpmididFleet(context)
        case .embedded: EmbeddedCarrier(context, processes: context.configuration.engineProcesses)
        }
    }
}

/// The hub cannot begin, in words.
package struct HubError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

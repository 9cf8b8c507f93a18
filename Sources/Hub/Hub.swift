//  Module Hub: puts everything together. Start here; every object is made on this page.
//
//  What it is: one loop on the main thread that owns the engines and decides; beside it the patch bay's thread, the HTTP
//  thread and the store's queue, which it reaches by mailboxes only. What it refuses to be: in the path of MIDI, which
//  goes on whatever happens here.

import Glibc
import HTTP
import Linux
import PatchBay
import Rooms
import Store
import Supervisor

/// One running hub.
package final class Hub {
    private let options: Options
    private let lock: FileLock
    private let signals: SignalDescriptor
    private let context: HubContext
    private let board = Board()
    private let orders: Mailbox<Order>
    private let news: Mailbox<News>
    private let startedAt = Moment.now
    private let holder: StoreHolder
    private var server: Server?
    private var pageAddress: String?
    private var engines: [RtpmididEngine] = []
    private var retired: [RtpmididEngine] = []
    private var offsets: [String: TailOffset]
    private var openVisits: [Visit]
    private var location: String?
    private var changes: ChangeNotifier
    private var watches: [CInt: RtpmididEngine] = [:]
    private var wires: [WireInfo] = []
    private var isPublishing = false
    private var isStopping = false
    private var bayTrouble: String?
    private var exit = ExitCode.well

    /// Runs a hub until it is told to end. Throws where it cannot begin; `ConfigurationError` where it was told wrongly.
    package static func run(_ options: Options) throws -> ExitCode {
        let configuration = try options.configuration()
        guard configuration.engine != .embedded else {
            throw ConfigurationError(
                "--engine embedded: this version has no embedded engine yet; rtpmidid is its only one")
        }
        let state = options.place
        try state.create()
        guard let lock = try HubLock.take(state) else {
            Output.complain("a hub already runs on \(state.path)")
            return .unavailable
        }
        Signals.ignorePipe()
        let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGUSR2])
        let hub = try Hub(options, configuration, state, holding: lock, signals)
        try hub.listen()
        return try hub.run()
    }

    private init(
        _ options: Options, _ configuration: Configuration, _ state: StateDirectory, holding lock: consuming FileLock,
        _ signals: consuming SignalDescriptor
    ) throws {
        self.options = options
        self.lock = lock
        self.signals = signals
        let loop = try EventLoop()
        (orders, news) = (try Mailbox(), try Mailbox())
        changes = try ChangeNotifier()

        var failure: StoreError?
        var database: Database?
        do throws(StoreError) { database = try Database(path: state.database) } catch { failure = error }
        let recorder = try Recorder(database, path: state.database, failure: failure, loop: loop)
        let memory = StoreMemory.load(database)
        (offsets, openVisits) = (memory.offsets, memory.openVisits)
        holder = StoreHolder(database)

        context = HubContext(
            state: state, loop: loop, recorder: recorder, configuration: configuration, nextVisit: memory.nextVisit,
            lastAlive: memory.lastAlive, prints: true)
        if configuration.location == .auto { location = Location.ask() }
        if case .named(let place) = configuration.location { location = place }
        recorder.noticed = { [unowned self] in context.note("store", severity: .warning, $0) }
        recorder.recovered = { [unowned self] in
            holder.replace(recorder.database)
            for engine in engines { engine.rerecord() }
        }
        for notice in memory.notices { context.note("store", severity: .warning, notice) }
        context.changed = { [unowned self] in publishSoon() }
        context.enginesChanged = { [unowned self] in configureBay() }
        try loop.receive(orders) { [unowned self] in obey($0) }
        try loop.receive(news) { [unowned self] in take($0) }
        try loop.watch(changes.number, .read) { [unowned self] _ in readChangedLogs() }
    }

    // MARK: Beginning

    /// The page and the command line's socket. A taken page address is said and does not keep the music from playing.
    private func listen() throws {
        let state = context.state
        let access = Access(
            token: try Access.token(context.configuration, state: state), hosts: context.configuration.hosts)
        let routes = Routes(
            board: board, access: access, database: { [holder] in holder.database }, orders: orders,
            webDirectory: WebDirectory.find(context.configuration.web))
        var listeners = [Listener.unix(try Sockets.listen(unix: state.socket, mode: 0o660))]
        let address = context.configuration.listen
        let socket: Descriptor
        do throws(Errno) {
            socket = try Sockets.listen(address)
        } catch {
            File.remove(state.socket)
            let finding = Doctor.page(address)
            // Whoever was there a moment ago may have gone.
            let words = finding.isWell ? "\(address): \(error.reason)" : finding.words
            throw HubError("the page cannot be served: \(words); choose another with --listen ADDRESS:PORT")
        }
        let bound = Sockets.localAddress(socket)
        pageAddress =
            "http://\(bound.host == "::" || bound.host == "0.0.0.0" ? "localhost:\(bound.port)" : "\(bound)")/"
        listeners.append(Listener.tcp(socket))
        server = try Server(router: routes.router(), listeners: listeners)
        try File.replace("\(state.path)/page", with: Array("\(pageAddress ?? "")\n".utf8))
    }

    private func run() throws -> ExitCode {
        let loop = context.loop
        try loop.watch(signals.number, .read) { [unowned self] _ in
            while let signal = signals.next() { take(signal: signal) }
        }
        openBay()
        for (port, room, index) in context.configuration.ports { add(port, room, index) }
        for engine in strays() { retire(engine) }
        loop.every(.seconds(5)) { [unowned self] in tick() }
        loop.every(.seconds(600)) { [unowned self] in housekeep() }
        publish()
        try server?.start()
        sayWhereWeAre()
        try loop.run()
        return exit
    }

    private func sayWhereWeAre() {
        Output.line("\(hubName), pid \(getpid()), state in \(context.state.path)")
        for (port, room, _) in context.configuration.ports {
            Output.line("  Room \(Output.safe(room.name)): connect to \(addresses(port).joined(separator: " or "))")
        }
        guard let pageAddress else { return }
        if isatty(1) == 1, let token = File.text(context.state.token, limit: 4096)?.split(separator: "\n").first {
            Output.line("  Page: \(pageAddress)#token=\(token)")
        } else {
            Output.line("  Page: \(pageAddress) (its token: \(context.state.token))")
        }
    }

    private func openBay() {
        guard context.bay == nil else { return }
        do throws(BayError) {
            context.bay = try Bay(table: context.state.held, news: news)
            bayTrouble = nil
            configureBay()
        } catch {
            bayTrouble = error.description
        }
    }

    private func add(_ port: UInt16, _ room: Configuration.Room, _ index: Int) {
        let name = RtpmididEngine.name(port)
        let engine = RtpmididEngine(
            port: port, room: room, index: index, displayName: displayName(room),
            openVisits: openVisits.filter { $0.engine == name }, context: context)
        openVisits.removeAll { $0.engine == name }
        engine.logWatched = { [unowned self, unowned engine] in watchLog(of: engine) }
        engines.append(engine)
        engine.begin(at: offsets.removeValue(forKey: name))
    }

    /// Engines that run on ports which are no longer configured: an older hub left them. They are ended properly.
    private func strays() -> [RtpmididEngine] {
        let wanted = Set(engines.map(\.name))
        var found: [RtpmididEngine] = []
        for name in context.state.knownEngines where !wanted.contains(name) && name.hasPrefix("rtpmidid-") {
            guard let port = UInt16(name.dropFirst("rtpmidid-".count)), port < UInt16.max else { continue }
            let room = Configuration.Room(name: "\(port)", ports: [port], policy: .auto)
            let engine = RtpmididEngine(
                port: port, room: room, index: 0, displayName: hubName, openVisits: [], context: context)
            if engine.process.adopt() { found.append(engine) }
        }
        return found
    }

    private func watchLog(of engine: RtpmididEngine) {
        do throws(Errno) {
            watches[try changes.watch(context.state.log(engine.name))] = engine
        } catch {
            context.note(
                "log-trouble", severity: .warning, engine: engine.name,
                "The log of \(engine.name) is read only now and then: \(error)")
        }
    }

    private func readChangedLogs() {
        guard let changed = changes.changed() else { return engines.forEach { $0.readLog() } }
        for watch in changed { watches[watch]?.readLog() }
    }

    // MARK: News and orders

    private func take(_ item: News) {
        switch item {
        case .appeared(let appearance):
            engines.first { $0.name == appearance.engine }?.appeared(appearance)
        case .vanished(let id):
            for engine in engines + retired where engine.present[id] != nil { engine.vanished(id) }
        case .wires(let now):
            wires = now
            publishSoon()
        case .released(let released):
            guard released.notes > 0 else { break }
            let notes = released.notes == 1 ? "1 note" : "\(released.notes) notes"
            context.note(
                "released",
                "\(released.name) left \(notes) sounding: released at \(released.hearers.count) participants")
        case .restored(let lost):
            context.note(
                "restored", severity: .warning,
                "\(lost.count) connections were removed by somebody else and are made again")
        case .trouble(let words): context.note("patchbay", severity: .warning, words)
        case .activity(let counts):
            for engine in engines { for id in counts.keys { engine.heard(id) } }
        }
    }

    private func take(signal: CInt) {
        switch signal {
        case SIGHUP:
            do throws(ConfigurationError) {
                context.note("reload", try reload())
            } catch {
                context.note(
                    "reload-failed", severity: .error, "The new configuration is not used: \(error.description)")
            }
        case SIGUSR2: leave()
        default: stop(because: "signal \(signal)")
        }
    }

    private func obey(_ order: Order) {
        switch order {
        case .reload(let responder):
            do throws(ConfigurationError) {
                let words = try reload()
                context.note("reload", words)
                responder.send(Self.done(words))
            } catch {
                context.note(
                    "reload-failed", severity: .error, "The new configuration is not used: \(error.description)")
                responder.send(.problem(.badRequest, "The new configuration is not used: \(error.description)"))
            }
        case .panic(let room, let author, let responder): panic(room, author, responder)
        case .restart(let name, let author, let responder):
            guard let engine = engines.first(where: { $0.name == name }) else {
                responder.send(.problem(.notFound, "There is no engine \"\(name)\"."))
                return
            }
            engine.restart(by: author)
            responder.send(Self.done("\(name) is being restarted.", status: .accepted))
        case .stop(let responder):
            responder.send(Self.done("The hub says goodbye and ends.", status: .accepted))
            stop(because: "midihub stop")
        }
    }

    private static func done(_ text: String, status: Status = .ok) -> Response {
        .json(Array(API.encode(API.Done(text: text)).utf8), status: status)
    }

    private func panic(_ room: String?, _ author: String, _ responder: Responder) {
        guard let bay = context.bay else {
            responder.send(.problem(.unavailable, "There is no ALSA sequencer, so nothing can sound."))
            return
        }
        context.note(
            "panic", severity: .warning, room: room,
            "Panic in \(room.map { "room \($0)" } ?? "all rooms"), by \(author)")
        bay.send(
            .panic(room: room) { silenced in
                responder.send(
                    Self.done("Silenced \(silenced.ports) participants; \(silenced.notes) notes were sounding."))
            })
    }

    // MARK: Configuration

    /// Reads the configuration again and does what has changed; a wrong one changes nothing.
    private func reload() throws(ConfigurationError) -> String {
        let fresh = try options.configuration()
        guard fresh.engine != .embedded else {
            throw ConfigurationError("engine: this version has no embedded engine yet")
        }
        let old = context.configuration
        context.configuration = fresh
        var words: [String] = []
        let ports = fresh.ports
        for engine in engines where !ports.contains(where: { $0.port == engine.port }) {
            words.append("port \(engine.port) removed")
            retire(engine)
        }
        engines.removeAll { engine in retired.contains { $0 === engine } }
        for (port, room, index) in ports {
            if let engine = engines.first(where: { $0.port == port }) {
                if engine.room.policy != room.policy {
                    words.append("room \(room.name) is now \(room.policy.rawValue)")
                }
                if engine.room.name != room.name { words.append("port \(port) is now in room \(room.name)") }
                (engine.room, engine.portIndex, engine.displayName) = (room, index, displayName(room))
            } else {
                words.append("port \(port) added")
                add(port, room, index)
            }
        }
        engines.sort { $0.port < $1.port }
        if fresh.listen != old.listen || fresh.hosts != old.hosts || fresh.web != old.web || fresh.token != old.token {
            words.append("listen, hosts, web and token take effect at the next start")
        }
        if fresh.name != old.name || fresh.location != old.location {
            words.append("the name is seen by players after each engine's next start")
        }
        configureBay()
        publishSoon()
        return words.isEmpty
            ? "Configuration read again: nothing has changed."
            : "Configuration read again: \(words.joined(separator: "; "))."
    }

    private func retire(_ engine: RtpmididEngine) {
        retired.append(engine)
        engine.whenDown = { [unowned self, unowned engine] in
            File.remove(context.state.ini(engine.name))
            // Not from within its own callback.
            context.loop.after(.zero) { [weak self] in self?.forget(engine.name) }
        }
        engine.stop()
    }

    private func forget(_ name: String) {
        watches = watches.filter { $0.value.name != name }
        retired.removeAll { $0.name == name }
        if isStopping { endIfAllAreDown() }
    }

    private func configureBay() {
        let rooms = context.configuration.rooms.map { RoomSpec(name: $0.name, policy: $0.policy) }
        context.bay?.send(.configure(rooms: rooms, engines: engines.compactMap(\.spec)))
    }

    // MARK: Time

    private func tick() {
        openBay()
        for engine in engines {
            engine.tick()
            engine.readLog()
        }
        HubLog.rotateOwn(context.state)
        publishSoon()
    }

    private func housekeep() {
        guard let database = holder.database else { return }
        Task { try? await database.housekeep(now: .now) }
    }

    // MARK: Ending

    /// Leaves the engines running: the next hub adopts them.
    private func leave() {
        context.note("left-to-next", "The hub ends; its engines go on for the next one")
        finish(closing: false)
    }

    private func stop(because reason: String) {
        guard !isStopping else { return }
        isStopping = true
        context.note("stopping", "The hub ends (\(reason)): goodbye to everyone")
        for engine in engines {
            engine.whenDown = { [unowned self] in endIfAllAreDown() }
            engine.stop()
        }
        endIfAllAreDown()
    }

    private func endIfAllAreDown() {
        guard engines.allSatisfy({ $0.process.service.state == .idle }), retired.isEmpty else { return }
        finish(closing: true)
    }

    private func finish(closing: Bool) {
        context.recorder.whenDone { [unowned self] in
            context.bay?.stop()
            File.remove(context.state.socket)
            server?.stop()
            if let database = holder.database { blocking { await database.close() } }
            context.loop.stop()
        }
    }

    // MARK: Showing

    private var hubName: String {
        guard let location else { return context.configuration.name }
        return "\(context.configuration.name) (\(location))"
    }

    private func displayName(_ room: Configuration.Room) -> String {
        context.configuration.rooms.count > 1 ? "\(hubName) \(room.name)" : hubName
    }

    private func addresses(_ port: UInt16) -> [String] {
        NetworkAddresses.own().map { Sockets.Address(host: $0, port: port).description }
    }

    private func publishSoon() {
        guard !isPublishing else { return }
        isPublishing = true
        context.loop.after(.milliseconds(20)) { [unowned self] in
            isPublishing = false
            publish()
        }
    }

    private func publish() {
        var snapshot = Snapshot()
        snapshot.name = hubName
        snapshot.pid = getpid()
        snapshot.startedAt = startedAt.milliseconds
        snapshot.addresses = context.configuration.ports.flatMap { addresses($0.port) }
        snapshot.engines = engines.map(\.view)
        var shown: [PortID: Snapshot.Participant] = [:]
        for engine in engines {
            for one in engine.present.values where one.standing != .waiting { shown[one.id] = one.view }
        }
        snapshot.participants = shown.values.sorted { $0.id < $1.id }
        snapshot.wires = wires.compactMap { wire in
            guard let from = shown[wire.from], let to = shown[wire.to] else { return nil }
            return .init(room: from.room, from: from.id, to: to.id, fromName: from.name, toName: to.name)
        }
        snapshot.rooms = context.configuration.rooms.map { room in
            .init(
                name: room.name, policy: room.policy.rawValue, ports: room.ports,
                participants: snapshot.participants.count { $0.room == room.name && $0.state != .duplicate },
                wires: snapshot.wires.count { $0.room == room.name })
        }
        snapshot.store = context.recorder.view
        snapshot.health = Health.judge(
            engines: snapshot.engines, participants: snapshot.participants, store: snapshot.store, troubles: troubles())
        board.publish(snapshot)
    }

    /// What is missing on this machine, said once for all ports.
    private func troubles() -> [Snapshot.Problem] {
        guard engines.contains(where: { !$0.isReady }) else { return [] }
        return [Doctor.daemon(context.configuration), Doctor.sequencer()].filter { !$0.isWell }
            .map { .init(what: $0.words, fix: $0.fix) }
    }
}

/// The hub cannot begin, in words.
package struct HubError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

//  Module Hub: puts everything together. Start here; every object is made on this page.
//
//  What it is: one loop on the main thread that owns the engines and decides; beside it the patch bay's thread, the HTTP
//  thread and the store's queue, which it reaches by mailboxes only. What it refuses to be: in the path of MIDI, which
//  goes on whatever happens here.

import Engine
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
    private let kind: EngineKind
    private let whyThatKind: String
    private var engines: [any HubEngine] = []
    private var retired: [any HubEngine] = []
    private var offsets: [String: TailOffset]
    private var openVisits: [Visit]
    private var location: String?
    private var changes: ChangeNotifier
    private var watches: [CInt: any HubEngine] = [:]
    private var wires: [WireInfo] = []
    private var isPublishing = false
    private var isStopping = false
    private var bayTrouble: String?
    private var exit = ExitCode.well

    /// Runs a hub until it is told to end. Throws where it cannot begin; `ConfigurationError` where it was told wrongly.
    package static func run(_ options: Options) throws -> ExitCode {
        let configuration = try options.configuration()
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
        (kind, whyThatKind) = EngineKind.choose(configuration, state)
        holder = StoreHolder(database)

        context = HubContext(
            state: state, loop: loop, recorder: recorder, configuration: configuration, memory: memory, prints: true)
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
            throw HubError(
                "the page cannot be served on \(address): \(error.reason); choose another with --listen ADDRESS:PORT")
        }
        let bound = Sockets.localAddress(socket)
        pageAddress =
            "http://\(bound.host == "::" || bound.host == "0.0.0.0" ? "localhost:\(bound.port)" : "\(bound)")/"
        listeners.append(Listener.tcp(socket))
        server = try Server(router: routes.router(), listeners: listeners)
        // For people who start a hub; on a full disk it plays all the same.
        try? File.replace("\(state.path)/page", with: Array("\(pageAddress ?? "")\n".utf8))
    }

    private func run() throws -> ExitCode {
        let loop = context.loop
        try loop.watch(signals.number, .read) { [unowned self] _ in
            while let signal = signals.next() { take(signal: signal) }
        }
        context.note("engine-chosen", "The engine is \(kind.rawValue): \(whyThatKind)")
        openBay()
        switch kind {
        case .rtpmidid: for (port, room, index) in context.configuration.ports { add(port, room, index) }
        case .embedded: addEmbedded()
        }
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
        guard context.bay == nil, kind == .rtpmidid else { return }
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
        begin(engine)
    }

    private func addEmbedded() {
        let engine = EmbeddedEngine(
            openVisits: openVisits.filter { $0.engine == EmbeddedEngine.name }, context: context
        ) { [unowned self] in plan }
        openVisits.removeAll { $0.engine == EmbeddedEngine.name }
        begin(engine)
    }

    private func begin(_ engine: any HubEngine) {
        engine.logWatched = { [unowned self, unowned engine] in watchLog(of: engine) }
        engines.append(engine)
        engine.begin(at: offsets.removeValue(forKey: engine.name))
    }

    private var rtpmidids: [RtpmididEngine] { engines.compactMap { $0 as? RtpmididEngine } }
    private var embedded: EmbeddedEngine? { engines.lazy.compactMap { $0 as? EmbeddedEngine }.first }

    /// What the embedded engine is to serve.
    private var plan: EnginePlan {
        let configuration = context.configuration
        return EnginePlan(
            rooms: configuration.rooms.map {
                .init(
                    name: $0.name, displayName: displayName($0), policy: $0.policy, ports: $0.ports,
                    maximum: $0.maximum)
            }, allow: configuration.allow, deny: configuration.deny, host: configuration.address)
    }

    /// Engines that run on ports which are no longer configured, or of the other kind: an older hub left them. They are
    /// ended properly.
    private func strays() -> [any HubEngine] {
        let wanted = Set(engines.map(\.name))
        var found: [any HubEngine] = []
        if kind != .embedded {
            let engine = EmbeddedEngine(openVisits: [], context: context) { EnginePlan(rooms: []) }
            if engine.process.adopt() { found.append(engine) }
        }
        for file in File.names(in: context.state.engines) where file.hasPrefix("rtpmidid-") && file.hasSuffix(".ini") {
            let name = String(file.dropLast(4))
            guard !wanted.contains(name), let port = UInt16(name.dropFirst("rtpmidid-".count)), port < UInt16.max else {
                continue
            }
            let room = Configuration.Room(name: "\(port)", ports: [port], policy: .auto)
            let engine = RtpmididEngine(
                port: port, room: room, index: 0, displayName: hubName, openVisits: [], context: context)
            if engine.process.adopt() { found.append(engine) }
        }
        return found
    }

    private func watchLog(of engine: any HubEngine) {
        do throws(Errno) {
            watches[try changes.watch(context.state.log(engine.name))] = engine
        } catch {
            context.note(
                "log-trouble", severity: .warning, engine: engine.name,
                "The log of \(engine.name) is read only now and then: \(error)")
        }
    }

    private func readChangedLogs() {
        guard let changed = changes.changed() else {
            for engine in engines { engine.readLog() }
            return
        }
        for watch in changed { watches[watch]?.readLog() }
    }

    // MARK: News and orders

    private func take(_ item: News) {
        switch item {
        case .appeared(let appearance):
            rtpmidids.first { $0.name == appearance.engine }?.appeared(appearance)
        case .vanished(let id):
            for engine in engines + retired {
                if let engine = engine as? RtpmididEngine, engine.present[id] != nil { engine.vanished(id) }
            }
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
            for engine in rtpmidids { for id in counts.keys { engine.heard(id) } }
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
        let bay = context.bay
        let embedded = embedded
        guard bay != nil || embedded != nil else {
            responder.send(.problem(.unavailable, "There is no ALSA sequencer, so nothing can sound."))
            return
        }
        context.note(
            "panic", severity: .warning, room: room,
            "Panic in \(room.map { "room \($0)" } ?? "all rooms"), by \(author)")
        bay?.send(
            .panic(room: room) { silenced in
                responder.send(Self.silenced(silenced.ports, silenced.notes))
            })
        embedded?.ask(.init(.panic, room: room)) { reply in
            guard let hearers = reply?.hearers, let notes = reply?.notes else {
                responder.send(.problem(.unavailable, "The engine does not answer."))
                return
            }
            responder.send(Self.silenced(hearers, notes))
        }
    }

    private static func silenced(_ hearers: Int, _ notes: Int) -> Response {
        done("Silenced \(hearers) participants; \(notes) notes were sounding.")
    }

    // MARK: Configuration

    /// Reads the configuration again and does what has changed; a wrong one changes nothing.
    private func reload() throws(ConfigurationError) -> String {
        let fresh = try options.configuration()
        let old = context.configuration
        context.configuration = fresh
        var words = differences(from: old, to: fresh)
        switch kind {
        case .rtpmidid: follow(fresh)
        case .embedded: embedded?.reload()
        }
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

    /// What a new configuration changes for players.
    private func differences(from old: Configuration, to new: Configuration) -> [String] {
        var words: [String] = []
        for (port, _, _) in old.ports where !new.ports.contains(where: { $0.port == port }) {
            words.append("port \(port) removed")
        }
        for (port, room, _) in new.ports {
            guard let before = old.ports.first(where: { $0.port == port })?.room else {
                words.append("port \(port) added")
                continue
            }
            if before.policy != room.policy { words.append("room \(room.name) is now \(room.policy.rawValue)") }
            if before.name != room.name { words.append("port \(port) is now in room \(room.name)") }
        }
        if old.engine != new.engine { words.append("the engine is chosen at the next start") }
        if old.allow != new.allow || old.deny != new.deny || old.address != new.address {
            words.append(
                kind == .embedded
                    ? "who is let in has changed" : "allow, deny and address have no effect: rtpmidid lets everybody in")
        }
        return words
    }

    /// One rtpmidid a port: those of removed ports are ended, those of new ones started.
    private func follow(_ configuration: Configuration) {
        let ports = configuration.ports
        for engine in rtpmidids where !ports.contains(where: { $0.port == engine.port }) { retire(engine) }
        engines.removeAll { engine in retired.contains { $0 === engine } }
        for (port, room, index) in ports {
            if let engine = rtpmidids.first(where: { $0.port == port }) {
                (engine.room, engine.portIndex, engine.displayName) = (room, index, displayName(room))
            } else {
                add(port, room, index)
            }
        }
        engines = rtpmidids.sorted { $0.port < $1.port }
    }

    private func retire(_ engine: any HubEngine) {
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
        context.bay?.send(.configure(rooms: rooms, engines: rtpmidids.compactMap(\.spec)))
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
        snapshot.engines = engines.flatMap(\.views)
        var shown: [PortID: Snapshot.Participant] = [:]
        for engine in rtpmidids {
            for one in engine.present.values where one.standing != .waiting { shown[one.id] = one.view }
        }
        snapshot.participants = engines.flatMap(\.participants).sorted { $0.id < $1.id }
        snapshot.wires = wires.compactMap { wire in
            guard let from = shown[wire.from], let to = shown[wire.to] else { return nil }
            return .init(room: from.room, from: from.id, to: to.id, fromName: from.name, toName: to.name)
        }
        snapshot.wires += embedded?.wires(context.configuration) ?? []
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
        guard rtpmidids.contains(where: { !$0.isReady }) else { return [] }
        return [Doctor.daemon(context.configuration), Doctor.sequencer()].filter { !$0.isWell }
            .map { .init(what: $0.words, fix: $0.fix) }
    }
}

/// The hub cannot begin, in words.
package struct HubError: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

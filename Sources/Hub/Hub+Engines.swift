import EngineProtocol
import Linux
import PatchBay
import Rooms
import Store

/// Which engines there are: those of the configuration, those that an older hub left, those on their way out.
extension Hub {
    func add(_ port: UInt16, _ room: Configuration.Room, _ index: Int) {
        let name = RtpmididEngine.name(port)
        let engine = RtpmididEngine(
            port: port, room: room, index: index, displayName: displayName(room),
            openVisits: openVisits.filter { $0.engine == name }, context: context)
        openVisits.removeAll { $0.engine == name }
        begin(engine)
    }

    func addEmbedded() {
        let engine = EmbeddedEngine(
            openVisits: openVisits.filter { $0.engine == EmbeddedEngine.name }, context: context
        ) { [unowned self] in plan }
        openVisits.removeAll { $0.engine == EmbeddedEngine.name }
        begin(engine)
    }

    func begin(_ engine: any HubEngine) {
        engine.logWatched = { [unowned self, unowned engine] in watchLog(of: engine) }
        engines.append(engine)
        engine.begin(at: offsets.removeValue(forKey: engine.name))
    }

    var rtpmidids: [RtpmididEngine] { engines.compactMap { $0 as? RtpmididEngine } }
    var embedded: EmbeddedEngine? { engines.lazy.compactMap { $0 as? EmbeddedEngine }.first }

    /// What the embedded engine is to serve.
    var plan: EnginePlan {
        let configuration = context.configuration
        return EnginePlan(
            rooms: configuration.rooms.map {
                .init(
                    name: $0.name, displayName: displayName($0), policy: $0.policy, ports: $0.ports,
                    blocks: blocks(of: $0.name), maximum: $0.maximum ?? Configuration.Room.usualMaximum,
                    echoes: echoes[$0.name].map { _ in true })
            }, allow: configuration.allow, deny: configuration.deny,
            maximumPerAddress: configuration.maximumPerAddress, host: configuration.address)
    }

    /// Engines that run on ports which are no longer configured, or of the other kind: an older hub left them. They are
    /// ended properly.
    func strays() -> [any HubEngine] {
        let wanted = Set(engines.map(\.name))
        var found: [any HubEngine] = []
        if kind != .embedded {
            let engine = EmbeddedEngine(openVisits: [], context: context) { EnginePlan(rooms: []) }
            if engine.process.adopt() { found.append(engine) }
        }
        for name in context.state.knownEngines where !wanted.contains(name) && name.hasPrefix("rtpmidid-") {
            guard let port = UInt16(name.dropFirst("rtpmidid-".count)), port < UInt16.max else { continue }
            let room = Configuration.Room(name: "\(port)", ports: [port], policy: .auto)
            let engine = RtpmididEngine(
                port: port, room: room, index: 0, displayName: hubName, openVisits: [], context: context)
            if engine.process.adopt() { found.append(engine) }
        }
        return found
    }

    /// Reads the configuration again and does what has changed; a wrong one changes nothing.
    func reload() throws(ConfigurationError) -> String {
        serviceManager?.tell(["RELOADING": "1"])
        defer { serviceManager?.tell(["READY": "1"]) }
        let fresh = try configure()
        if let keys = kind.cannotHonour(fresh) {
            throw ConfigurationError(
                "\(kind.rawValue), which carries the MIDI now, cannot honour \(keys); after `midihub stop` and `midihub start` the embedded engine does"
            )
        }
        let old = context.configuration
        context.configuration = fresh
        forgetEchoes()
        var words = differences(from: old, to: fresh)
        switch kind {
        case .rtpmidid: follow(fresh)
        case .embedded: embedded?.reload()
        }
        if fresh.listen != old.listen || fresh.hosts != old.hosts || fresh.origins != old.origins
            || fresh.web != old.web || fresh.token != old.token
        {
            words.append("listen, hosts, origins, web and token take effect at the next start")
        }
        if fresh.alerts != old.alerts { words.append("the alerts have changed") }
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
    func differences(from old: Configuration, to new: Configuration) -> [String] {
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
            if before.ports != room.ports, Set(before.ports) == Set(room.ports) {
                words.append("the ports of room \(room.name) have changed places")
            }
            if before.maximum != room.maximum {
                let most = room.maximum ?? Configuration.Room.usualMaximum
                words.append("room \(room.name) now takes \(most)")
            }
        }
        if old.engine != new.engine { words.append("the engine is chosen at the next start") }
        if old.allow != new.allow || old.deny != new.deny || old.address != new.address
            || old.maximumPerAddress != new.maximumPerAddress
        {
            words.append("who is let in has changed")
        }
        // Of a room with several ports once.
        var told: Set<String> = []
        return words.filter { told.insert($0).inserted }
    }

    /// One rtpmidid a port: those of removed ports are ended, those of new ones started.
    func follow(_ configuration: Configuration) {
        let ports = configuration.ports
        // Who stays first: the patch bay is to hear of the new rooms once, and whole.
        for engine in rtpmidids {
            guard let (_, room, index) = ports.first(where: { $0.port == engine.port }) else { continue }
            (engine.room, engine.portIndex, engine.displayName) = (room, index, displayName(room))
        }
        let leaving = rtpmidids.filter { engine in !ports.contains { $0.port == engine.port } }
        engines.removeAll { engine in leaving.contains { $0 === engine } }
        for engine in leaving { retire(engine) }
        for (port, room, index) in ports where !rtpmidids.contains(where: { $0.port == port }) {
            add(port, room, index)
        }
        engines = rtpmidids.sorted { $0.port < $1.port }
    }

    func retire(_ engine: any HubEngine) {
        retired.append(engine)
        engine.whenDown = { [unowned self, unowned engine] in
            File.remove(context.state.ini(engine.name))
            // Not from within its own callback.
            context.loop.after(.zero) { [weak self] in self?.forget(engine.name) }
        }
        engine.stop()
    }

    func forget(_ name: String) {
        watches = watches.filter { $0.value.name != name }
        retired.removeAll { $0.name == name }
        if isStopping { endIfAllAreDown() }
    }

    func configureBay() {
        let rooms = context.configuration.rooms.map {
            RoomSpec(name: $0.name, policy: $0.policy, echoes: echoes[$0.name] != nil)
        }
        context.bay?.send(.configure(rooms: rooms, engines: rtpmidids.compactMap(\.spec)))
    }

    /// Longer than a full room's releases take, and shorter than a goodbye may.
    private static let releasePatience: Duration = .seconds(1)

    func afterReleases(_ done: @escaping () -> Void) {
        guard let bay = context.bay else { return done() }
        let number = releaseWaiters.add(done)
        bay.send(.afterReleases { [releasesDone] in releasesDone.send(number) })
        context.loop.after(Self.releasePatience) { [weak self] in self?.releaseWaiters.take(number)?() }
    }
}

/// Who waits for the patch bay's releases; each is called once.
struct ReleaseWaiters {
    private var waiting: [Int: () -> Void] = [:]
    private var count = 0

    mutating func add(_ done: @escaping () -> Void) -> Int {
        count += 1
        waiting[count] = done
        return count
    }

    /// nil where it has been called.
    mutating func take(_ number: Int) -> (() -> Void)? { waiting.removeValue(forKey: number) }
}

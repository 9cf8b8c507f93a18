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
        engine.logWatched = { [unowned self, unowned engine] in watchLog(of: engine) }
        engines.append(engine)
        engine.begin(at: offsets.removeValue(forKey: name))
    }

    /// Engines that run on ports which are no longer configured: an older hub left them. They are ended properly.
    func strays() -> [RtpmididEngine] {
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

    /// Reads the configuration again and does what has changed; a wrong one changes nothing.
    func reload() throws(ConfigurationError) -> String {
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

    func retire(_ engine: RtpmididEngine) {
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
        let rooms = context.configuration.rooms.map { RoomSpec(name: $0.name, policy: $0.policy) }
        context.bay?.send(.configure(rooms: rooms, engines: engines.compactMap(\.spec)))
    }
}

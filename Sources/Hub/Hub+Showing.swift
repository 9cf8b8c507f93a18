import EngineProtocol
import Glibc
import Linux
import Rooms
import Store

/// What the hub says of itself: on its terminal at the start, and in the snapshot that every page shows.
extension Hub {
    var hubName: String {
        guard let location else { return context.configuration.name }
        return "\(context.configuration.name) (\(location))"
    }

    func displayName(_ room: Configuration.Room) -> String {
        context.configuration.rooms.count > 1 ? "\(hubName) \(room.name)" : hubName
    }

    /// Where players may try to connect, by port.
    private func addresses() -> [[String]] {
        let own = context.configuration.address.map { [$0] } ?? NetworkAddresses.own()
        return context.configuration.ports.map { port, _, _ in
            own.map { Sockets.Address(host: $0, port: port).description }
        }
    }

    func publishSoon() {
        guard !isPublishing else { return }
        isPublishing = true
        // Ten times a second at most, and soon after a quiet time.
        let next = max(.now.advanced(by: .milliseconds(20)), publishedAt.advanced(by: .milliseconds(100)))
        context.loop.at(next) { [unowned self] in
            isPublishing = false
            publish()
        }
    }

    func publish() {
        var snapshot = Snapshot()
        snapshot.name = hubName
        snapshot.pid = getpid()
        snapshot.startedAt = startedAt.milliseconds
        snapshot.addresses = addresses().flatMap(\.self)
        let views = Dictionary(grouping: carrier.engines.flatMap(\.views), by: \.port)
        snapshot.engines = context.configuration.ports.flatMap { views[$0.port] ?? [] }
        snapshot.participants = (carrier.participants + echoes.values.map(\.view)).sorted { $0.id < $1.id }
        let loops = carrier.loops
        matrix.update(
            .init(
                rooms: plan.rooms, seats: snapshot.participants.map { .init($0, loops: loops.contains($0.id)) },
                actual: carrier.wires))
        (snapshot.wires, snapshot.pairs) = (matrix.wires, matrix.pairs)
        snapshot.rooms = context.configuration.rooms.map { room in
            .init(
                name: room.name, policy: room.policy.rawValue, ports: room.ports,
                participants: snapshot.participants.count {
                    $0.room == room.name && $0.state != .duplicate && $0.echo == nil
                },
                wires: snapshot.wires.count { $0.room == room.name })
        }
        showFocus(in: &snapshot)
        snapshot.connections = connectionViews
        snapshot.offers = offerViews(beside: snapshot.participants)
        snapshot.store = context.recorder.view
        snapshot.failover = failoverView(snapshot.participants)
        snapshot.lock = lockView
        snapshot.health = Snapshot.Health.judge(
            engines: snapshot.engines, participants: snapshot.participants, store: snapshot.store,
            carrierProblems: carrier.carrierProblems + textClients.problems,
            startedAt: startedAt.milliseconds, now: Timestamp.now.milliseconds)
        let notices = carrier.notices + (snapshot.failover?.notices ?? []) + [oscTrouble].compactMap(\.self)
        if !notices.isEmpty { snapshot.health.notices = notices }
        board.publish(snapshot)
        tellServiceManager(snapshot.health)
        publishedAt = .now
        observer?.show(snapshot)
    }

    /// Told at most ten times a second.
    func countPlayed(_ participant: Int64, _ notes: Int) {
        guard let observer, observer.isWatched else { return }
        if played.isEmpty {
            context.loop.after(.milliseconds(100)) { [unowned self] in
                observer.showPlayed(played)
                played = [:]
            }
        }
        played[participant, default: 0] += notes
    }

    func sayWhereWeAre() {
        Output.log("\(hubName), pid \(getpid()), state in \(context.state.path)")
        for ((_, room, _), addresses) in zip(context.configuration.ports, addresses()) {
            Output.log("  Room \(Output.safe(room.name)): connect to \(addresses.joined(separator: " or "))")
        }
        for one in context.configuration.tcp {
            guard let room = context.configuration.room(of: one) else { continue }
            Output.log("  Room \(Output.safe(room.name)): TCP clients come in on port \(one.port)")
        }
        guard let pageAddress = observer?.pageAddress else { return }
        Output.log("  " + Output.page(pageAddress, context.state))
    }
}

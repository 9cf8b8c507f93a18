import Glibc
import Linux
import PatchBay
import Rooms
import Sequencer
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
        snapshot.engines = engines.flatMap(\.views)
        snapshot.participants = (engines.flatMap(\.participants) + echoes.values.map(\.view)).sorted { $0.id < $1.id }
        let loops = embedded?.loops ?? []
        var shown: [PortID: Int64] = [:]
        for engine in rtpmidids {
            for one in engine.present.values where one.isShown { shown[one.id] = one.visit.id }
        }
        let actual = wires.compactMap { wire -> Matrix.Pair? in
            guard let from = shown[wire.from], let to = shown[wire.to] else { return nil }
            return .init(from: from, to: to)
        }
        matrix.update(
            .init(
                rooms: context.configuration.rooms, blocks: roomBlocks, echoes: Set(echoes.keys),
                seats: snapshot.participants.map { .init($0, loops: loops.contains($0.id)) },
                actual: kind == .rtpmidid ? Set(actual) : nil))
        (snapshot.wires, snapshot.pairs) = (matrix.wires, matrix.pairs)
        snapshot.rooms = context.configuration.rooms.map { room in
            .init(
                name: room.name, policy: room.policy.rawValue, ports: room.ports,
                participants: snapshot.participants.count {
                    $0.room == room.name && $0.state != .duplicate && $0.echo == nil
                },
                wires: snapshot.wires.count { $0.room == room.name })
        }
        snapshot.store = context.recorder.view
        snapshot.health = Health.judge(
            engines: snapshot.engines, participants: snapshot.participants, store: snapshot.store, troubles: troubles(),
            startedAt: startedAt.milliseconds, now: Timestamp.now.milliseconds)
        if let notices = embedded?.notices, !notices.isEmpty { snapshot.health.notices = notices }
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

    /// What is missing on this machine, said once for all ports.
    private func troubles() -> [Snapshot.Problem] {
        let deaf = [
            bayTrouble.map { "Nobody is connected with anybody: \($0)" },
            listenerTrouble.map { "What players hold when they leave is not released: \($0). MIDI goes on." },
        ].compactMap { $0.map { Snapshot.Problem(what: $0, fix: nil) } }
        // Looked at only then: opening the device makes an ALSA client, which everybody is told of.
        guard rtpmidids.contains(where: { !$0.isReady }) else { return deaf }
        let sequencer = Doctor.sequencer()
        return [Doctor.daemon(context.configuration), sequencer].filter { !$0.isWell }
            .map { .init(what: $0.words, fix: $0.fix) } + (sequencer.isWell ? deaf : [])
    }

    func sayWhereWeAre() {
        Output.log("\(hubName), pid \(getpid()), state in \(context.state.path)")
        for ((_, room, _), addresses) in zip(context.configuration.ports, addresses()) {
            Output.log("  Room \(Output.safe(room.name)): connect to \(addresses.joined(separator: " or "))")
        }
        guard let pageAddress = observer?.pageAddress else { return }
        Output.log("  " + Output.page(pageAddress, context.state))
    }
}

import EngineProtocol
import Linux
import Rooms
import Store

/// The plan for the carrier, and how a reload changes it.
extension Hub {
    /// The plan that follows from the present configuration, blocks and echoes.
    var wantedPlan: EnginePlan {
        let configuration = context.configuration
        var plan = EnginePlan(
            rooms: configuration.rooms.map { room in
                RoomPlan(
                    name: room.name, displayName: displayName(room), policy: room.policy, ports: room.ports,
                    // Sorted, so that a plan that has not changed is the same file.
                    blocks: (blocks[room.name] ?? []).sorted {
                        ($0.from ?? "", $0.to ?? "") < ($1.from ?? "", $1.to ?? "")
                    },
                    maximum: room.maximum ?? RoomPlan.usualMaximum, echoes: echoes[room.name].map { _ in true },
                    focus: claims.focus(of: room), inputs: claims.inputs(of: room),
                    devices: configuration.devices(of: room),
                    invites: invitees(of: room).isEmpty ? nil : invitees(of: room),
                    pairings: choices.pairings[room.name], stamp: choices.stamps[room.name])
            }, allow: configuration.allowedByEngines, deny: configuration.deny,
            maximumPerAddress: configuration.maximumPerAddress, host: configuration.address)
        plan.failover = failoverPlan(plan.rooms)
        return plan
    }

    /// Makes the plan anew and gives it to the carrier. `done` gets the reason where it is not followed yet, else nil.
    func applyPlan(_ done: @escaping (String?) -> Void) {
        plan = wantedPlan
        // Whoever has given an order and looks at once sees what has come of it.
        publish()
        carrier.apply(plan, done)
        publishSoon()
    }

    /// Reads the configuration again and does what has changed; a wrong one changes nothing.
    func reload() throws(ConfigurationError) -> String {
        serviceManager?.tell(["RELOADING": "1"])
        defer { serviceManager?.tell(["READY": "1"]) }
        let fresh = try configure()
        if let keys = kind.cannotHonour(fresh) {
            let why = fresh.failover == nil ? "" : " (\(ConfigurationFailover.notOnRtpmidid))"
            throw ConfigurationError(
                "\(kind.rawValue), which carries the MIDI now, cannot honour \(keys)\(why); after `midihub stop` and `midihub start` the embedded engine does"
            )
        }
        let old = context.configuration
        context.configuration = fresh
        forgetEchoes()
        forgetClaims()
        sentAway = []
        if fresh.failover != old.failover { lookAtPair() }
        followOSC()
        var text = differences(from: old, to: fresh)
        applyPlan { _ in }
        textClients.follow()
        network.follow()
        if fresh.tcp != old.tcp { text.append("the ports for TCP clients have changed") }
        if fresh.listen != old.listen || fresh.hosts != old.hosts || fresh.origins != old.origins
            || fresh.web != old.web || fresh.token != old.token
        {
            text.append("listen, hosts, origins, web and token take effect at the next start")
        }
        if fresh.alerts != old.alerts { text.append("the alerts have changed") }
        if fresh.name != old.name || fresh.location != old.location {
            text.append("the name is seen by players after each engine's next start")
        }
        return text.isEmpty
            ? "Configuration read again: nothing has changed."
            : "Configuration read again: \(text.joined(separator: "; "))."
    }

    /// What a new configuration changes for players.
    func differences(from old: Configuration, to new: Configuration) -> [String] {
        var text: [String] = []
        for (port, _, _) in old.ports where !new.ports.contains(where: { $0.port == port }) {
            text.append("port \(port) removed")
        }
        for (port, room, _) in new.ports {
            guard let before = old.ports.first(where: { $0.port == port })?.room else {
                text.append("port \(port) added")
                continue
            }
            if before.policy != room.policy { text.append("room \(room.name) is now \(room.policy.rawValue)") }
            if before.name != room.name { text.append("port \(port) is now in room \(room.name)") }
            if before.ports != room.ports, Set(before.ports) == Set(room.ports) {
                text.append("the ports of room \(room.name) have changed places")
            }
            if before.focus != room.focus || before.inputs != room.inputs {
                text.append("the controllers of room \(room.name) have changed")
            }
            if before.maximum != room.maximum {
                let most = room.maximum ?? RoomPlan.usualMaximum
                text.append("room \(room.name) now takes \(most)")
            }
        }
        if old.engine != new.engine { text.append("the engine is chosen at the next start") }
        if old.engineProcesses != new.engineProcesses {
            text.append("the number of the engine's processes changes at the next start")
        }
        if old.allow != new.allow || old.deny != new.deny || old.address != new.address
            || old.maximumPerAddress != new.maximumPerAddress
        {
            text.append("who is let in has changed")
        }
        if old.devices != new.devices { text.append("the devices of this machine have changed") }
        if old.failover != new.failover { text.append("the pair of two hubs has changed") }
        if old.connect != new.connect { text.append("whom the hub invites has changed") }
        if old.discover != new.discover { text.append("who is let in from the local network has changed") }
        // A change of a room with several ports is told once.
        var told: Set<String> = []
        return text.filter { told.insert($0).inserted }
    }
}

import Devices
import Glibc
import Linux
import Rooms
import Sequencer

/// Ports come and go.
extension PatchBayLoop {
    func hearAnnouncements() {
        while true {
            switch announce.receive() {
            case .empty: return
            case .overflow: compareAll()
            case .failed(let code):
                tell("the sequencer's announcements ended with error \(code): restart the hub")
                return loop.stop()
            case .input(.announcement(let announcement)): handle(announcement)
            case .input(.midi), .input(.other): break
            }
        }
    }

    private func handle(_ announcement: SequencerHandle.Announcement) {
        switch announcement {
        case .portStarted(let address): appear(address)
        case .clientStarted(let client): owners[client] = nil
        case .portExited(let address):
            forget(outsider: address)
            if let port = ports[address], isGone(port) { vanish([port]) }
        case .clientExited(let client):
            owners[client] = nil
            for port in ports.values {
                for outsider in port.outsiders where outsider.client == client { forget(outsider: outsider) }
            }
            vanish(ports.values.filter { $0.address.client == client && isGone($0) })
        case .portChanged(let address):
            if let port = ports[address] {
                if candidate(at: address)?.name == port.name { return }
                vanish([port], areThere: true)
            }
            appear(address)
        case .unsubscribed(let from, let to): noticeRemoval(from: from, to: to)
        }
    }

    /// An announcement may be older than what a comparison has found since: numbers are reused at once. Our tap's
    /// subscription ends with the port it was made for.
    private func isGone(_ port: Port) -> Bool {
        !(port.isTapped && announce.isSubscribed(from: port.address, to: tapPort))
    }

    /// A port was announced: wires it at once where it is a participant's and nothing speaks against it.
    private func appear(_ address: Address) {
        guard ports[address] == nil, mayTakePart(address.client), let candidate = candidate(at: address) else { return }
        enter(register(candidate))
    }

    /// The engine whose process opened a client.
    func engine(of client: UInt8) -> EngineSpec? {
        let owner: Int32
        if let known = owners[client] {
            owner = known
        } else {
            owner = announce.owner(of: client) ?? 0
            owners[client] = owner
        }
        return owner > 0 ? engines[owner] : nil
    }

    /// Whose a port that is there is now; nil where it is nobody's any more.
    func belonging(of port: Port) -> EngineSpec? {
        if port.engine.isOfDevices {
            guard let seat = seated[port.address], Array(seat.name.utf8) == port.name else { return nil }
            return .devices(of: seat.room)
        }
        guard let engine = engines[port.engine.pid], !engine.servicePorts.contains(Int(port.address.port)) else {
            return nil
        }
        return engine
    }

    /// Whether any port of a client may be a participant's.
    func mayTakePart(_ client: UInt8) -> Bool { engine(of: client) != nil || !wishes.isEmpty }

    private func candidate(at address: Address) -> Candidate? {
        if engine(of: address.client) == nil { seatDevices() }
        return announce.port(at: address).flatMap(candidate)
    }

    /// Whose participant a port is to be; nil where it is left alone.
    func candidate(_ facts: SequencerHandle.PortFacts) -> Candidate? {
        guard let engine = engine(of: facts.address.client) else { return device(facts) }
        guard facts.capabilities.isSuperset(of: .participant), !facts.capabilities.contains(.noExport),
            !engine.servicePorts.contains(Int(facts.address.port))
        else { return nil }
        return Candidate(facts: facts, engine: engine, name: facts.name)
    }

    /// A port is there, and not in its room yet. `slot`: where a hub before this one remembered it. `isKnown`: it was
    /// wired by that hub.
    func register(_ candidate: Candidate, slot: Int? = nil, isKnown: Bool = false) -> Port {
        let (address, engine, name) = (candidate.facts.address, candidate.engine, candidate.name)
        // One participant may have several ports, all with the same name and the same notes
        // (Rtpmidid.docc/Participants.md).
        let hasTwin =
            !engine.isOfDevices
            && ports.values.contains {
                $0.engine.pid == engine.pid && $0.name == name
                    && ($0.standing == .participant || $0.standing == .waiting)
            }
        let isProbe = !engine.isOfDevices && Probe.isNamed(String(decoding: name, as: UTF8.self))
        let waits = !isKnown && !isProbe && (hasTwin || engine.confirmFirst)
        generation += 1
        let id = PortID(address: address, generation: generation)
        var slot = slot
        if slot == nil, !isProbe {
            slot = table.claim(
                pid: engine.pid, startTime: startTimes[engine.pid] ?? 0, engine: engine.name, address: address,
                name: name)
        }
        let standing: MemberStatus = isProbe ? .probe : waits ? .waiting : .participant
        let port = Port(id: id, candidate, standing: standing, slot: slot)
        ports[address] = port
        // Before its engine was configured, it was noted as a stranger's port at those whom it hears.
        for sender in ports.values where sender.outsiders.remove(id.address) != nil {
            noteFound(Wire(from: sender.id.member, to: id.member))
        }
        if slot == nil, !isProbe {
            tell("more than \(HeldTable.slotCount) participants: what the later ones hold is not known")
        }
        news.send(.appeared(appearance(port)))
        if waits && !engine.confirmFirst {
            loop.after(tuning.twinTimeout) { [unowned self] in
                if port.standing == .waiting { mark(id, .participant) }
            }
        }
        return port
    }

    func appearance(_ port: Port) -> Appearance {
        Appearance(
            id: port.id, engine: port.engine.name, nameBytes: port.name, name: port.text, standing: port.standing,
            room: port.engine.room,
            direction: rooms[port.engine.room]?.direction(of: port.member) ?? .neither)
    }

    /// Lets a port into its room, as what it stands for now, and begins to wire it.
    func enter(_ port: Port) {
        if port.standing == .participant {
            // The tap is connected first: what passed over a wire before that would never be seen.
            tapInto(port)
            if port.engine.isOfDevices { keepOpen(port) }
            returners.append(port.id)
        }
        let room = port.engine.room
        let choice = rooms[room]?.choice
        guard let wires = rooms[room]?.join(port.member) else { return }
        joins.add(wires)
        work()
        if rooms[room]?.choice != choice { replan(room) }
        if rooms[room]!.isLeftOut(port.id.member) {
            tell("\(port.text) is not connected in room \(room): \(Verdict.roomFull.text)")
        }
    }

    func mark(_ id: PortID, _ standing: MemberStatus) {
        guard let port = port(id), port.standing != standing, port.standing != .probe else { return }
        port.standing = standing
        // A ghost's owner may come back under its name, and no message to the ghost arrives: what sounds there has to
        // be released when the owner returns.
        if standing == .ghost { port.owed.merge(sounding(at: port)) }
        let choice = rooms[port.engine.room]?.choice
        repairs.add(rooms[port.engine.room]?.leave(id.member) ?? [])
        if standing != .participant {
            removals.add(port.hearers.filter(\.value).map { Wire(from: id.member, to: $0.key) })
            removals.add(port.sources.map { Wire(from: $0, to: id.member) })
        }
        enter(port)
        if rooms[port.engine.room]?.choice != choice { replan(port.engine.room) }
        work()
    }

    /// Participants go, several at once where a client has ended: what they held is released at those who heard them.
    /// `areThere`: their ports are there still, and what they heard is released at them too.
    func vanish(_ gone: [Port], areThere: Bool = false) {
        guard !gone.isEmpty else { return }
        if areThere { detach(gone) }
        // Messages sent before the port went are already waiting in the tap.
        hearMessages()
        // Who heard whom must be known before the ports are forgotten.
        let members = Set(gone.map(\.id.member))
        var releases: [(sender: Port, hearers: [Address])] = []
        for port in gone {
            let hearers = port.hearers.keys.filter { areThere || !members.contains($0) }.compactMap(self.port)
            releases.append((port, hearers.map(\.address) + port.outsiders))
        }
        var stayers: [MemberID: [Address]] = [:]
        for port in gone {
            if areThere {
                for source in port.sources.subtracting(members) { stayers[source, default: []].append(port.address) }
            } else {
                for message in outbox.drop(port.address) { port.owed.owe(message) }
                port.owed.merge(sounding(at: port))
            }
        }
        let choices = rooms.mapValues(\.choice)
        for port in gone {
            ports[port.address] = nil
            repairs.add(rooms[port.engine.room]?.leave(port.id.member) ?? [])
            for source in port.sources { self.port(source)?.hearers[port.id.member] = nil }
            for hearer in port.hearers.keys { self.port(hearer)?.sources.remove(port.id.member) }
        }
        for (sender, hearers) in releases {
            if let slot = sender.slot {
                let state = table.state(slot)
                table.goes(slot, sounding: sender.owed)
                release(state, of: sender.text, sender.id, at: hearers)
            }
            news.send(.vanished(sender.id))
        }
        for (sender, hearers) in stayers {
            if let port = port(sender), let slot = port.slot {
                release(table.state(slot), of: nil, port.id, at: hearers)
            }
        }
        // What sounds at one of them may sound at another port of the same participant.
        returners += ports.values.filter { port in gone.contains { $0.name == port.name } }.map(\.id)
        wiresChanged()
        for (name, choice) in choices where rooms[name]?.choice != choice { replan(name) }
        work()
    }

    /// Removes what we have made at ports that stay where they are but are not ours to patch any more.
    private func detach(_ leaving: [Port]) {
        var wires: Set<Wire> = []
        for port in leaving {
            for (hearer, isOurs) in port.hearers where isOurs { wires.insert(Wire(from: port.id.member, to: hearer)) }
            for source in port.sources where self.port(source)?.hearers[port.id.member] == true {
                wires.insert(Wire(from: source, to: port.id.member))
            }
        }
        for (index, wire) in wires.enumerated() {
            announce.unsubscribe(from: PortID(wire.from).address, to: PortID(wire.to).address)
            // Each is an event to every rtpmidid, whose queue must have room for what is released next.
            if index % tuning.wiresPerTurn == tuning.wiresPerTurn - 1 { usleep(2000) }
        }
        for port in leaving where port.isTapped { tap.unsubscribe(from: port.address, to: tapPort) }
    }

    func port(_ id: PortID) -> Port? {
        guard let port = ports[id.address], port.id == id else { return nil }
        return port
    }
    func port(_ member: MemberID) -> Port? { port(PortID(member)) }

    private func forget(outsider: Address) {
        outbox.drop(outsider)
        for port in ports.values { port.outsiders.remove(outsider) }
    }
}

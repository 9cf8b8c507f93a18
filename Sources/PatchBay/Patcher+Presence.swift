import Linux
import Rooms

/// Ports come and go.
extension Patcher {
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

    private func handle(_ announcement: Sequencer.Announcement) {
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
            if let port = ports[address], announce.port(at: address)?.name == port.name { return }
            if let port = ports[address] {
                detach(port)
                vanish([port])
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
        guard ports[address] == nil, let engine = engine(of: address.client),
            let facts = announce.port(at: address), isParticipant(facts, engine)
        else { return }
        admit(facts, engine)
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

    func isParticipant(_ facts: Sequencer.PortFacts, _ engine: EngineSpec) -> Bool {
        facts.capabilities.isSuperset(of: .participant) && !facts.capabilities.contains(.noExport)
            && !engine.servicePorts.contains(Int(facts.address.port))
    }

    /// Takes a port in. `slot`: where a hub before this one remembered it. `isKnown`: it was wired by that hub.
    @discardableResult
    func admit(_ facts: Sequencer.PortFacts, _ engine: EngineSpec, slot: Int? = nil, isKnown: Bool = false) -> Port {
        // One participant may have several ports, all with the same name and the same notes (facts section 3.2).
        let hasTwin = ports.values.contains {
            $0.engine.pid == engine.pid && $0.name == facts.name
                && ($0.standing == .participant || $0.standing == .waiting)
        }
        let isProbe = Probe.isNamed(String(decoding: facts.name, as: UTF8.self))
        let waits = !isKnown && !isProbe && (hasTwin || engine.confirmFirst)
        generation += 1
        let id = PortID(address: facts.address, generation: generation)
        var slot = slot
        if slot == nil, !isProbe {
            slot = table.take(
                pid: engine.pid, startTime: startTimes[engine.pid] ?? 0, address: facts.address, name: facts.name)
        }
        let standing: Standing = isProbe ? .probe : waits ? .waiting : .participant
        let port = Port(id: id, name: facts.name, engine: engine, standing: standing, slot: slot)
        ports[facts.address] = port
        if slot == nil, !isProbe {
            tell("more than \(HeldTable.slotCount) participants: what the later ones hold is not known")
        }
        enter(port)

        news.send(
            .appeared(
                Appearance(
                    id: id, engine: engine.name, nameBytes: port.name, name: port.text, standing: port.standing,
                    direction: rooms[engine.room]?.policy.direction(name: port.text, portIndex: engine.portIndex)
                        ?? .neither)))
        if waits && !engine.confirmFirst {
            loop.after(tuning.twinPatience) { [unowned self] in
                if port.standing == .waiting { mark(id, .participant) }
            }
        }
        return port
    }

    /// Lets a port into its room, as what it stands for now, and begins to wire it.
    private func enter(_ port: Port) {
        // The tap first: what passes a wire before it would be unknown for ever.
        if port.standing == .participant { tapInto(port) }
        let room = port.engine.room
        guard let wires = rooms[room]?.join(port.member) else { return }
        joins.add(wires)
        work()
        if rooms[room]!.isLeftOut(port.id.member) {
            tell("\(port.text) is not connected in room \(room): \(Verdict.roomFull.words)")
        }
    }

    func mark(_ id: PortID, _ standing: Standing) {
        guard let port = port(id), port.standing != standing, port.standing != .probe else { return }
        port.standing = standing
        repairs.add(rooms[port.engine.room]?.leave(id.member) ?? [])
        if standing != .participant {
            removals.add(port.hearers.filter(\.value).map { Wire(from: id.member, to: $0.key) })
            removals.add(port.sources.map { Wire(from: $0, to: id.member) })
        }
        enter(port)
        work()
    }

    /// Ports are gone, several at once where a client has ended: what they held is released at those who stay.
    func vanish(_ gone: [Port]) {
        guard !gone.isEmpty else { return }
        // Messages sent before the end are waiting here already.
        hearMessages()
        for port in gone {
            ports[port.address] = nil
            outbox.drop(port.address)
            repairs.add(rooms[port.engine.room]?.leave(port.id.member) ?? [])
        }
        for port in gone {
            for source in port.sources { self.port(source)?.hearers[port.id.member] = nil }
            let hearers = port.hearers.keys.compactMap(self.port)
            for hearer in hearers { hearer.sources.remove(port.id.member) }
            if let slot = port.slot {
                let state = table.state(slot)
                table.release(slot)
                release(state, of: port.text, port.id, at: hearers.map(\.address) + port.outsiders)
            }
            news.send(.vanished(port.id))
        }
        wiresChanged()
        work()
    }

    /// Removes what we have made at a port that stays where it is but is not ours to patch any more.
    func detach(_ port: Port) {
        for (hearer, isOurs) in port.hearers where isOurs {
            announce.unsubscribe(from: port.address, to: PortID(hearer).address)
        }
        for source in port.sources where self.port(source)?.hearers[port.id.member] == true {
            announce.unsubscribe(from: PortID(source).address, to: port.address)
        }
        if port.isTapped { tap.unsubscribe(from: port.address, to: tapPort) }
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

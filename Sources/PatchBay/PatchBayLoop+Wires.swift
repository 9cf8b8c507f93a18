import Linux
import Rooms
import Sequencer

/// Wires are made and removed, about fifty in a turn of the loop: each is an event to every rtpmidid.
extension PatchBayLoop {
    /// Does what this turn still allows, joins first, and plans the rest.
    func work() {
        while budget > 0 {
            if let wire = joins.popFirst() {
                make(wire)
            } else if let wire = removals.popFirst() {
                remove(wire)
            } else if let wire = repairs.popFirst() {
                make(wire)
            } else {
                break
            }
            budget -= 1
        }
        if joins.isEmpty { releaseAtReturners() }
        guard !isTurnPlanned, budget < tuning.wiresPerTurn else { return }
        isTurnPlanned = true
        loop.after(.zero) { [unowned self] in
            isTurnPlanned = false
            budget = tuning.wiresPerTurn
            // A port that has gone meanwhile must not be taken for the next one with its number.
            hearAnnouncements()
            work()
        }
    }

    /// Rules have changed: plans what is wanted and not there, and what is ours and not wanted.
    func replan(_ name: String) {
        guard let plan = plans[name] else { return }
        let members = ports.values.filter { $0.engine.room == name }.sorted { $0.id.generation < $1.id.generation }
        let room = Room(plan, members: members.map(\.member))
        rooms[name] = room
        let wanted = room.wantedWires
        for port in members {
            removals.add(
                port.hearers.filter(\.value).map { Wire(from: port.id.member, to: $0.key) }
                    .filter { !wanted.contains($0) })
        }
        repairs.add(wanted.filter { port($0.from)?.hearers[$0.to] == nil })
        work()
    }

    func isWanted(_ wire: Wire) -> Bool {
        guard let port = port(wire.from) else { return false }
        return rooms[port.engine.room]?.verdict(from: wire.from, to: wire.to) == .wanted
    }

    private func make(_ wire: Wire) {
        guard let from = port(wire.from), let to = port(wire.to), from.hearers[wire.to] == nil, isWanted(wire) else {
            return
        }
        switch announce.subscribe(from: from.address, to: to.address) {
        case .made:
            note(wire, isOurs: true)
            if rooms[to.engine.room]?.isController(to.text) ?? false { tellState(of: from, to: to) }
        case .existed: noteFound(wire)
        case .impossible(let code):
            // A port that has just gone will be announced as gone. Anything else is reported.
            guard announce.port(at: from.address) != nil, announce.port(at: to.address) != nil else { return }
            tell(ALSAError(code: code, call: "connecting", thing: "\(from.address) to \(to.address)").description)
        }
    }

    /// Removes a wire of ours that is not wanted any more.
    private func remove(_ wire: Wire) {
        guard let from = port(wire.from), let to = port(wire.to), from.hearers[wire.to] == true, !isWanted(wire) else {
            return
        }
        announce.unsubscribe(from: from.address, to: to.address)
        hearMessages()
        forget(wire)
        if let slot = from.slot { release(table.state(slot), of: from.text, from.id, at: [to.address]) }
    }

    func note(_ wire: Wire, isOurs: Bool) {
        guard let from = port(wire.from), let to = port(wire.to) else { return }
        from.hearers[wire.to] = isOurs
        to.sources.insert(wire.from)
        if isOurs, let sender = from.slot, let hearer = to.slot { table.setHears(hearer, from: sender, true) }
        wiresChanged()
    }

    /// A wire is there already: made by other people, or by a hub before this one that remembered it.
    func noteFound(_ wire: Wire) {
        guard let from = port(wire.from)?.slot, let to = port(wire.to)?.slot else { return note(wire, isOurs: false) }
        note(wire, isOurs: table.hears(to, from: from))
    }

    func forget(_ wire: Wire) {
        guard let from = port(wire.from), let to = port(wire.to) else { return }
        from.hearers[wire.to] = nil
        to.sources.remove(wire.from)
        if let sender = from.slot, let hearer = to.slot { table.setHears(hearer, from: sender, false) }
        wiresChanged()
    }

    func tapInto(_ port: Port) {
        guard canTap, port.ability.sends else { return }
        if case .impossible = tap.subscribe(from: port.address, to: tapPort) { return }
        port.isTapped = true
    }

    /// The kernel has announced the end of a subscription; of ours too, long after we ended or even renewed it.
    func noticeRemoval(from: Address, to: Address) {
        guard let sender = ports[from] else { return }
        if to == tapPort {
            if sender.isTapped, !announce.isSubscribed(from: from, to: to) { retap(sender) }
        } else if let hearer = ports[to] {
            let wire = Wire(from: sender.id.member, to: hearer.id.member)
            if sender.hearers[wire.to] != nil, !announce.isSubscribed(from: from, to: to) { wireWasCut(wire) }
        } else if sender.outsiders.contains(to), !announce.isSubscribed(from: from, to: to) {
            outsiderWasCut(sender, to)
        }
    }

    /// Somebody has removed our tap. Wires still carry note-offs, so nothing is released; but we have seen nothing since.
    func retap(_ port: Port) {
        hearMessages()
        if let slot = port.slot { table.changeState(slot) { $0.loseSight() } }
        port.isTapped = false
        tapInto(port)
    }

    /// A wire is gone that we have not removed. The hearer may have missed the end of what was held when it went, or
    /// before; it is made anew if it was ours and is wanted.
    func wireWasCut(_ wire: Wire) {
        guard let from = port(wire.from), let to = port(wire.to) else { return }
        let wasOurs = from.hearers[wire.to] == true
        let held = stateBeforeAndAfterHearing(from)
        forget(wire)
        if let held { release(held, of: from.text, from.id, at: [to.address]) }
        // Made again at once the first time, then with each comparison, so as not to race with whoever removes it.
        guard wasOurs, isWanted(wire), restoredLately.insert(wire).inserted else { return }
        make(wire)
        if let isOurs = from.hearers[wire.to] {
            news.send(.restored([WireInfo(from: from.id, to: to.id, isOurs: isOurs)]))
        }
    }

    func outsiderWasCut(_ port: Port, _ outsider: Address) {
        let held = stateBeforeAndAfterHearing(port)
        port.outsiders.remove(outsider)
        if let held { release(held, of: port.text, port.id, at: [outsider]) }
    }

    private func stateBeforeAndAfterHearing(_ port: Port) -> HeldState? {
        guard let slot = port.slot else { return nil }
        var held = table.state(slot)
        hearMessages()
        held.merge(table.state(slot))
        return held
    }
}

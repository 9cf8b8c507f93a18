import Linux
import Rooms
import Sequencer

/// What is known is compared with what the kernel says, so that a missed announcement does no lasting harm.
extension PatchBayLoop {
    /// How many ports' subscriptions are compared in one turn of the loop.
    private static let portsPerTurn = 8

    /// Looks at every port there is; then, over the next turns, at every subscription of participants.
    func compareAll() {
        restoredLately = []
        owners = [:]
        var found: [Address: Candidate] = [:]
        for client in announce.clients() where mayTakePart(client) {
            for facts in announce.ports(of: client) { found[facts.address] = candidate(facts) }
        }
        // Its end was missed: it is gone, or another has taken its number.
        let missed = ports.values.filter { port in
            guard let now = found[port.address] else { return true }
            return now.name != port.name || now.engine.pid != port.engine.pid
        }
        vanish(missed.filter { announce.port(at: $0.address) == nil })
        vanish(missed.filter { ports[$0.address] === $0 }, areThere: true)

        adoptPorts(found)
        for (address, now) in found.sorted(by: { $0.key.port < $1.key.port }) where ports[address] == nil {
            enter(register(now))
        }
        let isChecking = !unchecked.isEmpty
        unchecked = ports.values.map(\.id)
        if !isChecking { checkSome() }
    }

    private func checkSome() {
        for _ in 0..<Self.portsPerTurn {
            guard let id = unchecked.popLast() else { return }
            if let port = port(id) { check(port) }
        }
        loop.after(.zero) { [unowned self] in checkSome() }
    }

    /// One port's outgoing subscriptions: foreign ones are noted, ours that are missing are made anew, and what is
    /// wanted and not there, for whatever reason, is made.
    private func check(_ port: Port) {
        let actual = announce.hearers(of: port.address)
        // Its port is gone, which is about to be announced: none of its wires was cut.
        guard announce.port(at: port.address) != nil else { return }
        let id = port.id.member
        if port.standing == .participant, port.ability.sends, !actual.contains(tapPort) { retap(port) }
        var outsiders: Set<Address> = []
        for address in actual where address != tapPort {
            guard let hearer = ports[address] else {
                outsiders.insert(address)
                continue
            }
            if port.hearers[hearer.id.member] == nil { noteFound(Wire(from: id, to: hearer.id.member)) }
        }
        for gone in port.outsiders.subtracting(outsiders) { outsiderWasCut(port, gone) }
        port.outsiders = outsiders
        for hearer in port.hearers.keys where !actual.contains(PortID(hearer).address) {
            // `noticeRemoval` asks the kernel again: the wire may have been made after the list.
            noticeRemoval(from: port.address, to: PortID(hearer).address)
        }
        let wanted = Set(rooms[port.engine.room]?.wantedHearers(of: id) ?? [])
        repairs.add(wanted.filter { port.hearers[$0] == nil }.map { Wire(from: id, to: $0) })
        removals.add(port.hearers.filter { $0.value && !wanted.contains($0.key) }.map { Wire(from: id, to: $0.key) })
        work()
    }

    // MARK: What a hub before this one has left

    /// Matches remembered slots with the ports that are there. Those that are still what they were go on, with a gap in
    /// our watching; what the others held is released at those of their hearers that are still there.
    private func adoptPorts(_ found: [Address: Candidate]) {
        guard !inherited.isEmpty, !engines.isEmpty else { return }
        var candidates: [Int: Address] = [:]
        for slot in inherited {
            let old = table.facts(slot)
            guard let now = found[old.address], ports[old.address] == nil, now.name == old.name,
                now.engine.pid == old.pid, startTimes[old.pid] == old.startTime
            else { continue }
            candidates[slot] = old.address
        }
        var present = candidates
        for port in ports.values { if let slot = port.slot { present[slot] = port.address } }

        var actual: [Int: Set<Address>] = [:]
        for (slot, address) in candidates { actual[slot] = announce.hearers(of: address) }
        /// The remembered hearers of a slot that are there, with their addresses.
        func remembered(_ slot: Int) -> [(slot: Int, address: Address)] {
            table.hearers(of: slot).compactMap { hearer in present[hearer].map { (hearer, $0) } }
        }
        // It left, and another of its name has its number: its hearers are there, and none of its wires.
        let replaced = candidates.keys.filter { slot in
            let hearers = remembered(slot)
            return !hearers.isEmpty && !hearers.contains { actual[slot]!.contains($0.address) }
        }
        for slot in replaced {
            candidates[slot] = nil
            present[slot] = nil
        }

        // Their ports first and who hears whom, so that what is released below knows who else holds it.
        inherited.removeAll { candidates[$0] != nil }
        var known: [(port: Port, slot: Int)] = []
        for (slot, address) in candidates {
            table.changeState(slot) { $0.loseSight() }
            let isWired = remembered(slot).contains { actual[slot]!.contains($0.address) }
            known.append((register(found[address]!, slot: slot, isKnown: isWired), slot))
        }
        for (port, slot) in known {
            for hearer in actual[slot]!.compactMap({ ports[$0] }) {
                noteFound(Wire(from: port.id.member, to: hearer.id.member))
            }
        }
        // Wires cut while no hub ran are treated like those cut while one runs.
        for (port, slot) in known {
            for hearer in remembered(slot) where !actual[slot]!.contains(hearer.address) {
                table.setHears(hearer.slot, from: slot, false)
                release(table.state(slot), of: port.text, port.id, at: [hearer.address])
            }
        }
        // An engine that lives but was not named yet may be named later: its slots wait, and those whom they heard.
        let decided = Set(
            inherited.filter { slot in
                let old = table.facts(slot)
                return (engines[old.pid] != nil && startTimes[old.pid] == old.startTime)
                    || ProcessIdentity.startTime(of: old.pid) != old.startTime
            })
        let gone = decided.filter { slot in
            table.hearers(of: slot).allSatisfy { decided.contains($0) || !inherited.contains($0) }
        }
        for slot in gone { table.changeState(slot) { $0.loseSight() } }
        // What sounds at them, worked out before the senders' slots are freed.
        let soundings = gone.map { slot in
            var sounding = HeldState()
            for sender in table.senders(heardBy: slot) { sounding.merge(table.state(sender)) }
            return sounding
        }
        inherited.removeAll { gone.contains($0) }
        for slot in gone {
            release(table.state(slot), of: name(slot), nil, at: table.hearers(of: slot).compactMap { present[$0] })
        }
        for (slot, sounding) in zip(gone, soundings) { table.goes(slot, sounding: sounding) }
        for (port, _) in known { enter(port) }
        returners += ports.values.map(\.id)
        work()
    }

    private func name(_ slot: Int) -> String { String(decoding: table.facts(slot).name, as: UTF8.self) }
}

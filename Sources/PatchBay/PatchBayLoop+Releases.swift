import Linux
import MIDI
import Rooms
import Sequencer

/// What participants hold, and its release where they have gone.
extension PatchBayLoop {
    /// How late, in milliseconds, software may return what it was given: round trips are not known here.
    private static let echoTimeout: Int64 = 300

    /// Tells of a participant that sends back what the echo gives it; the hub then switches the echo off. What was under
    /// way at that moment comes back once more, and nobody would end it: it is released a little later.
    func watchEcho(_ message: Message, of port: Port) {
        guard port.hearers[port.id.member] != nil else { return }
        let now = Int64(SystemTime.monotonicNanoseconds / 1_000_000)
        let word = message.bytes.reduce(0) { $0 << 8 | UInt32($1) }
        if port.echoSentinel.participantSends(word, at: now, within: Self.echoTimeout) {
            news.send(.echoReturned(port.id))
            loop.after(.milliseconds(500)) { [unowned self, weak port] in
                if let port, ports[port.address] === port { releaseHeld(of: port) }
            }
        }
        port.echoSentinel.participantHears(word, at: now)
    }

    /// Ends at those who hear a participant what it is thought to hold.
    func releaseHeld(of port: Port) {
        guard let slot = port.slot else { return }
        hearMessages()
        let hearers = port.hearers.keys.compactMap(self.port).map(\.address)
        let held = table.state(slot)
        // Emptied first: otherwise it would count as a holder and hold back its own release.
        table.changeState(slot) { $0 = HeldState() }
        release(held, of: port.text, port.id, at: hearers + port.outsiders)
    }

    /// Releases what a participant held at those who heard it, and tells where that arrived. Without a
    /// name nothing is told.
    func release(_ state: HeldState, of name: String?, _ id: PortID?, at hearers: [Address]) {
        let errand = Outbox.Errand { [news] errand in
            guard let name, !errand.reached.isEmpty else { return }
            let notes = errand.delivered.count { if case .noteOff = $0 { true } else { false } }
            news.send(
                .released(
                    Released(name: name, port: id, notes: notes, hearers: hearers.filter(errand.reached.contains))))
        }
        for hearer in hearers {
            let (known, guessed) = releases(of: state, at: hearer, besides: id)
            outbox.add(known, to: hearer, errand: errand)
            outbox.add(guessed, to: hearer)
        }
        send()
    }

    /// What is known to sound there and nobody else holds, and what may have begun unseen. The latter must not cut what
    /// the hearer plays by itself on the same instrument either.
    private func releases(
        of state: HeldState, at hearer: Address, besides id: PortID? = nil
    ) -> (known: [Message], guessed: [Message]) {
        let others = held(heardAt: hearer, besides: id)
        let known = state.releases(whileHeldBy: others, unseen: false)
        let own = ports[hearer]?.slot.map(table.state)
        let all = state.releases(whileHeldBy: others + (own.map { [$0] } ?? []))
        return (known, all.filter { !known.contains($0) })
    }

    /// What the participants whom the owner of a port hears hold. Those whom a hub before this one remembered and whose
    /// engine has not been named yet are among them.
    private func held(heardAt hearer: Address, besides id: PortID? = nil) -> [HeldState] {
        var senders: [Port] = []
        var slots: [Int] = []
        if let port = ports[hearer] {
            senders = port.sources.compactMap(self.port)
            if let own = port.slot { slots = inherited.filter { table.hears(own, from: $0) } }
        } else {
            senders = ports.values.filter { $0.outsiders.contains(hearer) }
        }
        slots += senders.filter { $0.id != id }.compactMap(\.slot)
        return slots.map(table.state)
    }

    /// All that sounds at a participant because of those whom it hears.
    func sounding(at port: Port) -> HeldState {
        var sounding = HeldState()
        for slot in port.sources.compactMap({ self.port($0)?.slot }) { sounding.merge(table.state(slot)) }
        return sounding
    }

    /// At one who has come back, what sounded when it went may still sound. It is released, except for what somebody
    /// whom it hears holds now.
    func releaseAtReturners() {
        guard !returners.isEmpty else { return }
        hearMessages()
        for port in returners.compactMap(self.port) where port.standing == .participant {
            for slot in table.goneHearers(named: port.name, from: port.engine.name) {
                let (known, guessed) = releases(of: table.state(slot), at: port.address)
                outbox.add(known + guessed, to: port.address)
                table.release(slot)
            }
        }
        returners = []
        send()
    }

    func send() {
        guard !isSendingPlanned else { return }
        guard !outbox.isEmpty else { return answerReleaseWaiters() }
        hearMessages()
        let dropped = outbox.turn(now: SystemTime.monotonicNanoseconds / 1_000_000) {
            message, hearer, isUnconditional in
            // Asked again now: somebody may have struck the note while this waited.
            if !isUnconditional, held(heardAt: hearer).contains(where: { $0.holds(message) }) { return .notNeeded }
            if isOver(message, at: hearer) { return .notNeeded }
            switch tap.send(message, from: tapPort.port, to: hearer) {
            case .sent: return .sent
            case .full: return .full
            case .gone:
                // The port is gone, which is about to be announced.
                ports[hearer]?.owed.owe(message)
                return .gone
            }
        }
        for (message, hearer) in dropped { ports[hearer]?.owed.owe(message) }
        for client in Set(dropped.map(\.address.client)) {
            tell("ALSA client \(client) takes no messages: what was to be released there was dropped")
        }
        guard !outbox.isEmpty else { return answerReleaseWaiters() }
        isSendingPlanned = true
        loop.after(.milliseconds(1)) { [unowned self] in
            isSendingPlanned = false
            send()
        }
    }

    func answerReleaseWaiters() {
        guard outbox.isEmpty else { return }
        let waiters = releaseWaiters
        releaseWaiters = []
        for answer in waiters { answer() }
    }

    /// Note-offs for all that sounds in a room at every participant's port, then on all channels sustain off, all notes
    /// off, all sound off.
    func panic(_ room: String?, _ answer: @escaping @Sendable (Silenced) -> Void) {
        hearMessages()
        var count = 0
        var notes = 0
        // What sounds ends at everyone before anything else is said.
        var first: [(Address, [Message])] = []
        var second: [(Address, [Message])] = []
        for name in rooms.keys where room == nil || room == name {
            let members = ports.values.filter { $0.engine.room == name && $0.standing == .participant }
            var sounding = HeldState()
            for slot in members.compactMap(\.slot) {
                sounding.merge(table.state(slot))
                table.changeState(slot) { $0.silence() }
            }
            count += members.count
            notes += sounding.noteCount
            let offs = sounding.releases(whileHeldBy: [], unseen: false).filter {
                if case .noteOff = $0 { true } else { false }
            }
            first += members.map { ($0.address, offs) }
            second += members.map { ($0.address, HeldState.silencing) }
        }
        let silenced = Silenced(ports: count, notes: notes)
        guard !second.isEmpty else { return answer(silenced) }
        let panic = Outbox.Errand(isUnconditional: true) { _ in answer(silenced) }
        for (address, messages) in first + second { outbox.add(messages, to: address, errand: panic) }
        send()
    }

    /// What participants hold and have set; of those who do.
    func sounding() -> [PortID: ActiveNotes] {
        hearMessages()
        var all: [PortID: ActiveNotes] = [:]
        for port in ports.values where port.standing == .participant {
            let sounding = ActiveNotes(port.slot.map(table.state) ?? HeldState(), port.played.controls)
            if !sounding.isEmpty { all[port.id] = sounding }
        }
        return all
    }

    func notesOff(_ id: PortID, _ range: ClosedRange<UInt8>) {
        guard let port = port(id) else { return }
        let notes = range.compactMap { DataByte($0) }
        outbox.add(
            Channel.all.flatMap { channel in notes.map { .noteOff(channel, note: $0, velocity: 64) } },
            to: port.address)
        send()
    }
}

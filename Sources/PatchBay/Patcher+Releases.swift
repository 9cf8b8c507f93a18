import Linux
import MIDI
import Rooms

/// What participants hold, and its release where they have gone.
extension Patcher {
    /// How late, in milliseconds, software may return what it was given: round trips are not known here.
    private static let echoPatience: Int64 = 300

    /// Tells of a participant that sends back what the echo gives it; the hub then switches the echo off. What was under
    /// way at that moment comes back once more, and nobody would end it: it is released a little later.
    func watchEcho(_ message: Message, of port: Port) {
        guard port.hearers[port.id.member] != nil else { return }
        let now = Int64(SystemTime.monotonicNanoseconds / 1_000_000)
        let word = message.bytes.reduce(0) { $0 << 8 | UInt32($1) }
        if port.echoSentinel.participantSends(word, at: now, within: Self.echoPatience) {
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
        // Else it would be a holder for whose sake its own release is held back.
        table.changeState(slot) { $0 = HeldState() }
        release(held, of: port.text, port.id, at: hearers + port.outsiders)
    }

    /// Releases what a participant held at those who heard it.
    func release(_ state: HeldState, of name: String, _ id: PortID?, at hearers: [Address]) {
        var released: [Address] = []
        for hearer in hearers {
            let others = holders(heardAt: hearer).filter { $0.id != id }.compactMap(\.slot).map(table.state)
            outbox.add(state.releases(whileHeldBy: others), to: hearer)
            if !state.releases(whileHeldBy: others, unseen: false).isEmpty { released.append(hearer) }
        }
        if !released.isEmpty {
            news.send(.released(Released(name: name, port: id, notes: state.noteCount, hearers: released)))
        }
        send()
    }

    /// The participants whom the owner of a port hears.
    private func holders(heardAt hearer: Address) -> [Port] {
        if let port = ports[hearer] { return port.sources.compactMap(self.port) }
        return ports.values.filter { $0.outsiders.contains(hearer) }
    }

    func send() {
        guard !isSendingPlanned, !outbox.isEmpty else { return }
        hearMessages()
        let deaf = outbox.turn(now: SystemTime.monotonicNanoseconds / 1_000_000) { message, hearer, isPanic in
            // Asked again now: somebody may have struck the note while this waited.
            if !isPanic,
                holders(heardAt: hearer).contains(where: { $0.slot.map { table.state($0).holds(message) } ?? false })
            {
                return .notNeeded
            }
            return switch tap.send(message, from: tapPort.port, to: hearer) {
            case .sent: .sent
            case .full: .full
            case .gone: .gone
            }
        }
        for client in deaf {
            tell("ALSA client \(client) takes no messages: what was to be released there was dropped")
        }
        guard !outbox.isEmpty else { return }
        isSendingPlanned = true
        loop.after(.milliseconds(1)) { [unowned self] in
            isSendingPlanned = false
            send()
        }
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
        let panic = Outbox.Panic { answer(silenced) }
        for (address, messages) in first + second { outbox.add(messages, to: address, panic: panic) }
        send()
    }

    /// What participants hold and have set; of those who do.
    func sounding() -> [PortID: Sounding] {
        hearMessages()
        var all: [PortID: Sounding] = [:]
        for port in ports.values where port.standing == .participant {
            let sounding = Sounding(port.slot.map(table.state) ?? HeldState(), port.controls)
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

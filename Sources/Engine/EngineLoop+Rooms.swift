import EngineProtocol
import HubLink
import Linux
import MIDI
import RTPMIDI
import Rooms

/// Who hears whom, and what is released when that ends.
extension EngineLoop {
    /// Somebody has proven that they are where they say.
    func enter(_ endpoint: Endpoint) {
        let room = endpoint.port.room
        guard room.members.count < room.plan.maximum, hasPlace(endpoint.control, endpoint.name) else {
            return remove(endpoint, .full, farewell: true)
        }
        halfOpen.release(endpoint)
        endpoint.record.pointee.id = table.makeID()
        endpoint.record.pointee.since = SystemTime.unixMilliseconds
        let member = seat(endpoint)
        table.commit(endpoint.slot)
        let isRewired = follow(room) {
            $0.join(member.ruled)
        } beforeOthers: {
            tellState(over: member.incoming[...])
        }
        if !isRewired { choose(member) }
        // One of its name may be the same program, which was killed and has come anew: it is asked whether it is there.
        for other in room.members where other !== member && other.name == member.name {
            other.endpoint.streams.session.ask()
            wake(other.endpoint, by: now)
        }
        news.send(.joined(status(member)))
        tellPartner(of: member)
        if let call = endpoint.call { connected(call) }
        wake(endpoint, by: now + Self.second / 4)
    }

    /// Makes it a member of its room, with what its record says; nobody hears it yet.
    func seat(_ endpoint: Endpoint) -> Member {
        let (record, port) = (endpoint.record, endpoint.port)
        let member = Member(
            id: record.pointee.id, number: endpoint.slot, name: endpoint.name, state: table.state(endpoint.slot),
            endpoint: endpoint,
            room: port.room, portIndex: port.index)
        member.isCut = record.pointee.isCut == 1
        endpoint.member = member
        if pair != nil {
            member.log = EventWindow()
            settle(member)
        }
        port.room.members.append(member)
        return member
    }

    /// Whether its address may have one more of that name, beside those members that are others.
    func hasPlace(_ source: SocketAddress, _ name: String, beside isOther: (Endpoint) -> Bool = { _ in true }) -> Bool {
        var names: [String] = []
        for endpoint in rooms.lazy.flatMap(\.members).map(\.endpoint)
        where endpoint.address.network == source.network && isOther(endpoint) {
            names.append(endpoint.name)
        }
        return plan.admits(name, from: source, beside: names)
    }

    /// Ends a session. `farewell`: says BY.
    func remove(_ endpoint: Endpoint, _ reason: Leaving, farewell: Bool) {
        guard endpoint.port.has(endpoint) else { return }
        if farewell { perform(on: endpoint) { $0.end(perform: $1) } }
        // Ending may have removed it.
        guard endpoint.port.has(endpoint) else { return }
        endpoint.port.forget(endpoint)
        if let call = endpoint.call {
            lost(call, endpoint, reason)
        } else if reason == .bye, endpoint.member != nil || endpoint.isResuming {
            wake(by: endpoint.port.departs(endpoint, at: now))
        }
        if let gathering = endpoint.gathering { pool.release(gathering.buffer) }
        for buffer in endpoint.exclusives { pool.release(buffer) }
        endpoint.exclusives = []
        endpoint.gathering = nil
        defer { table.release(endpoint.slot) }
        guard let member = endpoint.member else {
            if endpoint.probeEnd == nil { halfOpen.release(endpoint) } else { probes.release(endpoint) }
            return
        }
        endpoint.member = nil
        var released = 0
        for wire in member.outgoing where !wire.isEcho { released = max(released, release(wire)) }
        for wire in member.outgoing { disconnect(wire) }
        for wire in member.incoming { disconnect(wire) }
        let room = member.room
        room.members.removeAll { $0 === member }
        follow(room) { $0.leave(member.memberID) }
        tellPartner(gone: member)
        news.send(.left(status(member), reason: reason, released: released))
    }

    /// Before a goodbye of ours: what somebody hears is ended there, and nothing more comes.
    func endHearing(_ endpoint: Endpoint) {
        guard let member = endpoint.member, !member.incoming.isEmpty else { return }
        let messages = member.heard.releases(whileHeldBy: [])
        for wire in member.incoming { disconnect(wire) }
        guard !messages.isEmpty, endpoint.link == nil else { return }
        send(messages[...], to: endpoint)
        // One of the two may be lost, and what says goodbye on the control port must not overtake them.
        sendGuard(to: endpoint)
        endpoint.port.data.flush()
    }

    /// A member has fallen silent, or is there again: everybody is told, and of one who has vanished nothing sounds on. Its
    /// session stays for its minute; what it lets go of later passes as ever.
    func tellSilence(of endpoint: Endpoint) {
        guard let member = endpoint.member, member.isSilent != endpoint.streams.session.isSilent else { return }
        member.isSilent = endpoint.streams.session.isSilent
        let isRewired = follow(member.room) {
            $0.join(member.ruled)
        } beforeOthers: {
            guard member.isSilent else {
                for wire in member.outgoing where !wire.isWithheld { sendState(of: member, to: wire.to.endpoint) }
                return news.send(.back(status(member)))
            }
            news.send(.silent(status(member), released: letGo(member)))
        }
        // The focus may be free to be touched now, or not any more.
        if !isRewired {
            for one in member.room.members { choose(one) }
        }
    }

    /// Ends what somebody who stays has begun at those who hear it. Gives how many messages that took.
    private func letGo(_ member: Member) -> Int {
        var released = 0
        for wire in member.outgoing { released = max(released, release(wire)) }
        if !member.state.pointee.held.isEmpty {
            let late = member.late ?? Member.LateEnds()
            late.held.merge(member.state.pointee.held)
            member.late = late
        }
        // Whoever joins late is not told a pedal that was let go of here.
        for end in member.state.pointee.held.releases(whileHeldBy: [], unseen: false) {
            member.state.pointee.controls.apply(end)
        }
        member.state.pointee.held = HeldState()
        return released
    }

    /// Whether the message is the late end of something that was ended for its sender already and that another holds
    /// now: it would cut the other's.
    func isLateEnd(_ message: Message, of member: Member) -> Bool {
        let end: Message
        switch message {
        case .noteOn(let channel, let note, _), .noteOff(let channel, let note, _):
            end = .noteOff(channel, note: note, velocity: 64)
        case .controlChange(let channel, let controller, _):
            end = .controlChange(channel, controller: controller, value: 0)
        case .pitchBend(let channel, _): end = .pitchBend(channel, .centre)
        case .polyPressure, .programChange, .channelPressure: return false
        }
        guard let late = member.late, late.held.holds(end) else { return false }
        late.held.apply(end)
        if late.held.isEmpty { member.late = nil }
        return !message.holds && member.room.members.contains { $0 !== member && $0.state.pointee.held.holds(end) }
    }

    /// Rooms whose plan has changed: who is there stays, who hears whom is worked out anew.
    func reseat(_ changed: [ServedRoom], everybody: [Member]) {
        let byArrival = everybody.sorted { $0.id < $1.id }
        for member in byArrival {
            (member.room, member.portIndex) = (member.endpoint.port.room, member.endpoint.port.index)
        }
        for room in changed {
            room.rules = ServedRoom.rules(room.plan)
            room.members = byArrival.filter { $0.room === room }
            for member in room.members + room.relayed {
                room.rules.join(member.ruled)
                if room.plan.echoes != true { forgetEcho(of: member) }
            }
        }
        for room in changed { rewire(room) }
    }

    /// Compares the wires that there are with those that the room wants.
    func rewire(_ room: ServedRoom) {
        for member in room.members { choose(member) }
        let wanted = room.rules.wantedWires
        for member in room.members + room.relayed {
            for wire in member.outgoing where !wanted.contains(wire.rule) {
                _ = release(wire)
                disconnect(wire)
            }
        }
        let before = room.members.map(\.incoming.count)
        for rule in wanted { connect(rule, in: room) }
        // Over a new wire the hearer knows as little of the sender as one who joins late.
        for (member, known) in zip(room.members, before) { tellState(over: member.incoming[known...]) }
    }

    /// Lets a change of a room's rules make its wires. Where it gives somebody else the focus, or makes another controller live,
    /// that changes wires between others, too: all are compared then, once `beforeOthers` is done. Gives whether that was so.
    @discardableResult
    func follow(
        _ room: ServedRoom, _ change: (inout Room) -> [Rooms.Wire], beforeOthers: () -> Void = {}
    ) -> Bool {
        let choice = room.rules.choice
        for wire in change(&room.rules) { connect(wire, in: room) }
        beforeOthers()
        guard room.rules.choice != choice else { return false }
        rewire(room)
        return true
    }

    func connect(_ rule: Rooms.Wire, in room: ServedRoom) {
        guard let from = room.member(rule.from), let to = room.member(rule.to), !from.isCut,
            !(from === to && from.isEchoCut), !from.outgoing.contains(where: { $0.to === to })
        else { return }
        let wire = wires.make(from: from, to: to)
        if from === to, from.echo == nil { from.echo = Member.EchoWatch() }
        from.outgoing.append(wire)
        to.incoming.append(wire)
        countLinked(wire, 1)
    }

    func disconnect(_ wire: Wire) {
        countLinked(wire, -1)
        wire.from.outgoing.removeAll { $0 == wire }
        wire.to.incoming.removeAll { $0 == wire }
        wires.end(wire)
    }

    /// Ends at the far end of a wire what the wire has begun there, unless that sounds because of another wire too. Gives
    /// how many messages that took.
    func release(_ wire: Wire) -> Int {
        let messages = wire.releases
        wire.forget()
        if wire.to.endpoint.link != nil {
            // Whoever merges by number ends what no other path carries.
            sendGone(of: wire.from, wire.from.isSilent ? .silent : .left, over: wire)
        } else {
            send(messages[...], to: wire.to.endpoint)
        }
        return messages.count
    }

    /// Ends at everyone who hears a participant what it has begun there.
    func releaseHeld(of member: Member) {
        _ = letGo(member)
        member.endpoint.streams.receiver.silence { _ in }
        if let gathering = member.endpoint.gathering.take() { pool.release(gathering.buffer) }
    }

    /// Silences a room, or all. Gives how many hearers there were and how many notes were known to sound.
    func panic(_ name: String?) -> (hearers: Int, notes: Int) {
        var (hearers, notes) = (0, 0)
        for room in rooms where name == nil || room.plan.name == name {
            var sounding = HeldState()
            for member in room.members {
                sounding.merge(member.state.pointee.held)
                member.state.pointee.held.silence()
            }
            notes += sounding.noteCount
            hearers += room.members.count
            for member in room.members {
                var heard = sounding
                heard.merge(member.heard)
                let offs = heard.releases(whileHeldBy: [], unseen: false).filter {
                    if case .noteOff = $0 { true } else { false }
                }
                for wire in member.incoming { wire.silence() }
                send((offs + HeldState.silencing)[...], to: member.endpoint)
            }
        }
        return (hearers, notes)
    }

    /// Note-offs on all channels, at leisure.
    func endNotes(_ range: ClosedRange<UInt8>, at endpoint: Endpoint) {
        // Repeated commands must not pile up.
        guard endpoint.backlog.count - endpoint.backlogSent < 4096 else { return }
        for channel in UInt8(0)..<16 {
            for note in range {
                endpoint.backlog.append(
                    .noteOff(Channel(truncating: channel), note: DataByte(truncating: note), velocity: 64))
            }
        }
        if endpoint.streams.pacing.due == nil { sendPiece(to: endpoint) }
    }

    // MARK: Telling one participant

    /// How many messages at most go into one packet that is not live: 64 octets, which every peer can take.
    static let chunk = 12

    /// Sends messages to one participant at once, in packets of a modest size.
    func send(_ messages: ArraySlice<Message>, to endpoint: Endpoint) {
        guard endpoint.member != nil, !messages.isEmpty else { return }
        if let link = endpoint.link { return sendOwn(messages, to: endpoint, link) }
        if endpoint.isPacing { flushPaced(endpoint) }
        var rest = messages
        while !rest.isEmpty {
            own.removeAll()
            for message in rest.prefix(Self.chunk) { _ = own.append(message, at: UInt32(truncatingIfNeeded: now)) }
            rest = rest.dropFirst(Self.chunk)
            sendOwn(to: endpoint)
        }
    }

    /// Who hears others anew hears them with their sounds: programs, controllers and bends. Where two set the same, the one
    /// who played last wins. The wires are those of one hearer.
    func tellState(over wires: ArraySlice<Wire>) {
        guard let endpoint = wires.first?.to.endpoint, !endpoint.isMuted else { return }
        if endpoint.link != nil {
            for wire in wires { sendState(of: wire.from, to: endpoint) }
            return
        }
        let isController = endpoint.member?.isController ?? false
        for wire in wires.sorted(by: { $0.from.playedAt < $1.from.playedAt }) where !wire.isEcho {
            func tell(_ message: Message) {
                endpoint.backlog.append(message)
                wire.follow(message)
            }
            wire.from.state.pointee.controls.tell(tell)
            // What is lit, too.
            if isController { wire.from.state.pointee.tellHeld(tell) }
        }
        guard !endpoint.backlog.isEmpty, endpoint.streams.pacing.due == nil else { return }
        endpoint.streams.pacing.due = now
        wake(endpoint, by: now)
    }

    /// After our own death the participant is missing one packet, in which everything was said that may have been lost
    /// with us: its journal brings it what it does not know.
    func remindOfRoom(_ member: Member) {
        own.removeAll()
        let time = UInt32(truncatingIfNeeded: now)
        let sender = member.endpoint.streams.sender
        func add(_ message: Message) {
            if own.append(message, at: time) { return }
            sender.pretendSent(own)
            own.removeAll()
            _ = own.append(message, at: time)
        }
        for wire in member.incoming {
            let speaker = wire.from.state
            speaker.pointee.controls.tell(add)
            // Their ends will be told again where that is needed.
            speaker.pointee.tellHeld { sender.assume($0) }
            speaker.pointee.controls.tell { sender.assume($0) }
        }
        // Notes that sound are left alone. The end of others may have been lost with the engine, so it is told.
        for wire in member.incoming {
            wire.from.state.pointee.held.tellNotes(held: false) { channel, note in
                let off = Message.noteOff(channel, note: note, velocity: 64)
                if !member.incoming.contains(where: { $0.holds(off) }) { add(off) }
            }
        }
        sender.pretendSent(own)
        own.removeAll()
        member.endpoint.record.pointee.nextSequence = sender.next.rawValue
    }
}

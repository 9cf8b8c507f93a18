import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import Rooms

/// Who hears whom, and what is released when that ends.
extension Loop {
    /// Somebody has proven that they are where they say.
    func enter(_ peer: Peer) {
        let hall = peer.port.hall
        guard hall.peers.count < hall.plan.maximum, hasPlace(peer.control, peer.name) else {
            return remove(peer, .full, farewell: true)
        }
        halfOpen.release(peer)
        peer.isMember = true
        peer.record.pointee.id = table.takeID()
        peer.record.pointee.since = SystemTime.unixMilliseconds
        table.commit(peer.place)
        hall.peers.append(peer)
        for wire in hall.room.join(peer.member) { connect(wire, in: hall) }
        tellState(of: peer.speakers, to: peer)
        news.send(.joined(status(peer)))
        wake(by: now + Self.second / 4)
    }

    /// Whether its address may have one more of that name, beside those members that are others.
    func hasPlace(_ source: SocketAddress, _ name: String, beside isOther: (Peer) -> Bool = { _ in true }) -> Bool {
        var names: [String] = []
        for peer in halls.lazy.flatMap(\.peers) where peer.address.network == source.network && isOther(peer) {
            names.append(peer.name)
        }
        return plan.takes(name, from: source, beside: names)
    }

    /// Ends a session. `farewell`: says BY.
    func remove(_ peer: Peer, _ reason: Leaving, farewell: Bool) {
        guard peer.port.has(peer) else { return }
        if farewell { perform(on: peer) { $0.end(perform: $1) } }
        // Ending may have removed it.
        guard peer.port.has(peer) else { return }
        peer.port.forget(peer)
        if reason == .bye, peer.isMember || peer.isResuming {
            wake(by: peer.port.departs(peer, at: now))
        }
        if let gathering = peer.gathering { pool.release(gathering.buffer) }
        for exclusive in peer.exclusives { pool.release(exclusive.buffer) }
        peer.exclusives = []
        peer.gathering = nil
        defer { table.release(peer.place) }
        guard peer.isMember else {
            if peer.probeEnd == nil { halfOpen.release(peer) } else { probes.release(peer) }
            return
        }
        peer.isMember = false

        var released = 0
        for hearer in peer.hearers where hearer !== peer { released = max(released, release(peer, at: hearer)) }
        for speaker in peer.speakers { speaker.hearers.removeAll { $0 === peer } }
        for hearer in peer.hearers { hearer.speakers.removeAll { $0 === peer } }
        (peer.hearers, peer.speakers) = ([], [])
        let hall = peer.port.hall
        hall.peers.removeAll { $0 === peer }
        for wire in hall.room.leave(peer.memberID) { connect(wire, in: hall) }
        news.send(.left(status(peer), reason: reason, released: released))
    }

    /// Before a goodbye of ours: what somebody hears is ended there, and nothing more comes.
    func endHearing(_ peer: Peer) {
        guard peer.isMember, !peer.speakers.isEmpty else { return }
        var heard = HeldState()
        for trial in [peer.trial, peer.echoTrial].compactMap(\.self) { heard.merge(trial.sounding) }
        for speaker in peer.speakers {
            heard.merge(speaker.record.pointee.held)
            speaker.hearers.removeAll { $0 === peer }
        }
        peer.speakers = []
        let messages = heard.releases(whileHeldBy: [])
        guard !messages.isEmpty else { return }
        send(messages[...], to: peer)
        // One of the two may be lost, and what says goodbye on the control port must not overtake them.
        sendGuard(to: peer)
        peer.port.data.flush()
    }

    /// A peer has fallen silent, or is there again: everybody is told, and of one who has vanished nothing sounds on. Its
    /// session stays for its minute; what it lets go of later passes as ever.
    func tellSilence(of peer: Peer) {
        guard peer.isMember, peer.isSilent != peer.session.isSilent else { return }
        peer.isSilent = peer.session.isSilent
        guard peer.isSilent else { return news.send(.back(status(peer))) }
        news.send(.silent(status(peer), released: letGo(peer)))
    }

    /// Ends what somebody who stays is thought to hold at those who hear it. Gives how many messages that took.
    private func letGo(_ peer: Peer) -> Int {
        var released = 0
        for hearer in peer.hearers { released = max(released, release(peer, at: hearer)) }
        peer.released.merge(peer.record.pointee.held)
        peer.hasReleased = !peer.released.isEmpty
        peer.record.pointee.held = HeldState()
        return released
    }

    /// Whether that is the late end of something that was ended for it already, and which another holds: it would cut that
    /// one's.
    func isLateEnd(_ message: Message, of peer: Peer) -> Bool {
        let end: Message
        switch message {
        case .noteOn(let channel, let note, _), .noteOff(let channel, let note, _):
            end = .noteOff(channel, note: note, velocity: 64)
        case .controlChange(let channel, let controller, _):
            end = .controlChange(channel, controller: controller, value: 0)
        case .pitchBend(let channel, _): end = .pitchBend(channel, .centre)
        case .polyPressure, .programChange, .channelPressure: return false
        }
        guard peer.released.holds(end) else { return false }
        peer.released.apply(end)
        peer.hasReleased = !peer.released.isEmpty
        return !message.holds && peer.port.hall.peers.contains { $0 !== peer && $0.record.pointee.held.holds(end) }
    }

    /// Rooms whose plan has changed: who is there stays, who hears whom is worked out anew.
    func reseat(_ changed: [Hall], everybody: [Peer]) {
        let byArrival = everybody.sorted { $0.id < $1.id }
        for hall in changed {
            hall.room = Hall.room(hall.plan)
            hall.peers = byArrival.filter { $0.port.hall === hall }
            for peer in hall.peers {
                hall.room.join(peer.member)
                if hall.plan.echoes != true { forgetEcho(of: peer) }
            }
        }
        for hall in changed { rewire(hall, releasing: true) }
    }

    /// Compares the wires that there are with those that the room wants.
    func rewire(_ hall: Hall, releasing: Bool) {
        let wanted = hall.room.wantedWires
        for speaker in hall.peers {
            for hearer in speaker.hearers where !wanted.contains(Wire(from: speaker.memberID, to: hearer.memberID)) {
                if releasing { _ = release(speaker, at: hearer) }
                speaker.hearers.removeAll { $0 === hearer }
                hearer.speakers.removeAll { $0 === speaker }
            }
        }
        let before = hall.peers.map(\.speakers)
        for wire in wanted { connect(wire, in: hall) }
        guard releasing else { return }
        // Whom somebody has not heard until now it knows as little of as one who joins late.
        for (hearer, known) in zip(hall.peers, before) where hearer.speakers.count > known.count {
            tellState(of: hearer.speakers.filter { speaker in !known.contains { $0 === speaker } }, to: hearer)
        }
    }

    func connect(_ wire: Wire, in hall: Hall) {
        guard let speaker = hall.peer(wire.from), let hearer = hall.peer(wire.to), !speaker.isCut,
            !(speaker === hearer && speaker.isEchoCut), !speaker.hearers.contains(where: { $0 === hearer })
        else { return }
        speaker.hearers.append(hearer)
        hearer.speakers.append(speaker)
    }

    /// Ends at a hearer what a speaker holds there, unless another whom it hears holds it too. Gives how many messages
    /// that took.
    func release(_ speaker: Peer, at hearer: Peer) -> Int {
        let others = hearer.speakers.lazy.filter { $0 !== speaker }.map(\.record.pointee.held)
        let messages = speaker.record.pointee.held.releases(whileHeldBy: Array(others))
        send(messages[...], to: hearer)
        return messages.count
    }

    /// Ends at everyone who hears a participant what it is thought to hold.
    func releaseHeld(of peer: Peer) {
        _ = letGo(peer)
        peer.receiver.silence { _ in }
        if let gathering = peer.gathering.take() { pool.release(gathering.buffer) }
    }

    /// Silences a room, or all. Gives how many hearers there were and how many notes were known to sound.
    func panic(_ name: String?) -> (hearers: Int, notes: Int) {
        var (hearers, notes) = (0, 0)
        for hall in halls where name == nil || hall.plan.name == name {
            var sounding = HeldState()
            for peer in hall.peers {
                sounding.merge(peer.record.pointee.held)
                peer.record.pointee.held.silence()
            }
            notes += sounding.noteCount
            hearers += hall.peers.count
            let offs = sounding.releases(whileHeldBy: [], unseen: false).filter {
                if case .noteOff = $0 { true } else { false }
            }
            for peer in hall.peers { send((offs + HeldState.silencing)[...], to: peer) }
        }
        return (hearers, notes)
    }

    /// Note-offs on all channels, at leisure.
    func endNotes(_ range: ClosedRange<UInt8>, at peer: Peer) {
        // One order after the other must not pile up.
        guard peer.backlog.count - peer.backlogSent < 4096 else { return }
        for channel in UInt8(0)..<16 {
            for note in range {
                peer.backlog.append(
                    .noteOff(Channel(truncating: channel), note: DataByte(truncating: note), velocity: 64))
            }
        }
        if peer.nextPiece == nil { sendPiece(to: peer) }
    }

    // MARK: Telling one participant

    /// How many messages at most go into one packet that is not live: 64 octets, which every peer can take.
    static let chunk = 12

    /// Sends messages to one participant at once, in packets of a modest size.
    func send(_ messages: ArraySlice<Message>, to peer: Peer) {
        guard peer.isMember, !messages.isEmpty else { return }
        if peer.hasPieces { hurry(peer) }
        var rest = messages
        while !rest.isEmpty {
            own.removeAll()
            for message in rest.prefix(Self.chunk) { _ = own.append(message, at: UInt32(truncatingIfNeeded: now)) }
            rest = rest.dropFirst(Self.chunk)
            sendOwn(to: peer)
        }
    }

    /// Who hears somebody anew hears with their sounds: programs, controllers and bends. Where two set the same, the one
    /// who played last wins.
    func tellState(of speakers: [Peer], to peer: Peer) {
        for speaker in speakers.sorted(by: { $0.playedAt < $1.playedAt }) where speaker !== peer {
            speaker.record.pointee.controls.tell { peer.backlog.append($0) }
        }
        guard !peer.backlog.isEmpty, peer.nextPiece == nil else { return }
        peer.nextPiece = now
        wake(by: now)
    }

    /// After our own death the participant is missing one packet, in which everything was said that may have been lost
    /// with us: its journal brings it what it does not know.
    func remindOfRoom(_ peer: Peer) {
        own.removeAll()
        let time = UInt32(truncatingIfNeeded: now)
        func add(_ message: Message) {
            if own.append(message, at: time) { return }
            peer.sender.pretendSent(own)
            own.removeAll()
            _ = own.append(message, at: time)
        }
        for speaker in peer.speakers {
            speaker.record.pointee.controls.tell(add)
            // Their ends will be told again where that is needed.
            speaker.record.pointee.tellHeld { peer.sender.assume($0) }
            speaker.record.pointee.controls.tell { peer.sender.assume($0) }
        }
        // Notes that sound are left as they are; what was let go may not have been heard of.
        for speaker in peer.speakers {
            speaker.record.pointee.held.tellNotes(held: false) { channel, note in
                let off = Message.noteOff(channel, note: note, velocity: 64)
                if !peer.speakers.contains(where: { $0.record.pointee.held.holds(off) }) { add(off) }
            }
        }
        peer.sender.pretendSent(own)
        own.removeAll()
        peer.record.pointee.nextSequence = peer.sender.next.rawValue
    }
}

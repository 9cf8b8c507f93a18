import EngineProtocol
import Glibc
import HubLink
import Linux
import RTPMIDI
import Rooms

/// Who comes and who goes: invitations, the clock, goodbyes.
extension EngineLoop {
    private static let invitationLetters: UInt16 = 0x494E
    /// For how long one may measure the way here.
    private static let probeTime = 30 * EngineLoop.second
    /// How long the control port may be silent: many routers forget an unused way soon after, though RFC 4787 asks for
    /// more.
    private static let controlSilence = 20 * EngineLoop.second
    /// How long after a session came up an invitation to it may be a copy of the one that began it.
    private static let copyTime = EngineLoop.second / 4

    func received(_ datagram: RawSpan, from source: SocketAddress, on path: Session.Path, of port: PortPair) {
        guard SessionPacket.isSession(datagram) else {
            if pair != nil, path == .data, Envelope.isOne(datagram) { return receivedFromPartner(datagram) }
            if path == .data { receivedMIDI(datagram, from: source, of: port) }
            return
        }
        if LinkHead.isLink(datagram) {
            return path == .data
                ? receivedLink(datagram, from: source, of: port) : receivedGreeting(datagram, from: source, of: port)
        }
        // Before anything is decoded for a stranger.
        if datagram.byteCount >= 4, datagram.uint16(at: 2) == Self.invitationLetters {
            guard gate.admits(source, at: milliseconds) else { return }
        }
        guard let packet = try? SessionPacket(decoding: datagram) else { return }
        switch (packet, path) {
        case (.invitation(let token, let ssrc, let name), .control):
            invited(packet, token, ssrc, name, from: source, of: port)
        case (.invitation(let token, let ssrc, _), .data):
            invitedOnData(packet, token, ssrc, from: source, of: port)
        case (.bye(let token, let ssrc, _), _):
            farewell(packet, token, ssrc, from: source, on: path, of: port)
        case (.accepted(let token, _, _), _), (.refused(let token, _, _), _):
            answered(packet, token, from: source, on: path, of: port)
        default:
            guard let endpoint = known(packet, from: source, on: path, of: port) else { return }
            perform(on: endpoint) { $0.receive(packet, on: path, now: now, perform: $1) }
        }
    }

    // MARK: Invitations

    private func invited(
        _ packet: SessionPacket, _ token: UInt32, _ ssrc: SSRC, _ name: String?, from source: SocketAddress,
        of port: PortPair
    ) {
        if !calls.isEmpty, isMutual(token, ssrc, from: source, of: port) { return }
        let key = PortPair.Key(source: source, ssrc: ssrc)
        if let endpoint = port.arrivingByControl[key] {
            if endpoint.streams.session.token == token {
                return perform(on: endpoint) { $0.receive(packet, on: .control, now: now, perform: $1) }
            }
            remove(endpoint, .restarted, farewell: false)
        }
        // The network may have doubled the invitation. Later it is the same program, started anew: some boards draw the
        // same numbers each time. Its old session goes on until the new one is proven.
        if let endpoint = port.byControl[key], endpoint.streams.session.token == token,
            now < endpoint.provenAt + Self.copyTime
        {
            return perform(on: endpoint) { $0.receive(packet, on: .control, now: now, perform: $1) }
        }
        let name = name.flatMap { $0.isEmpty ? nil : $0 } ?? "?"
        if let reason = Probe.isNamed(name) ? refusalOfProbe(source) : refusal(source, name, port) {
            return refuse(token, name, reason, to: source, of: port)
        }
        if halfOpen.isFull || table.isFull { giveWay(to: source) }
        guard let slot = table.reserve() else {
            return refuse(token, name, "there is no place in any room", to: source, of: port)
        }
        let session = Session.listener(
            token: token, peer: ssrc, own: table.ssrc, name: port.room.plan.displayName, now: now)
        let endpoint = newEndpoint(session, ssrc, name, control: source, data: nil, of: port, in: slot)
        port.arrives(endpoint)
        halfOpen.add(endpoint, from: source)
        perform(on: endpoint) { $0.receive(packet, on: .control, now: now, perform: $1) }
    }

    /// A session that nobody knows yet, with its record.
    func newEndpoint(
        _ session: Session, _ ssrc: SSRC, _ name: String, control: SocketAddress, data: SocketAddress?,
        of port: PortPair, in slot: Int
    ) -> Endpoint {
        let record = table.record(slot)
        record.pointee = SessionTable.Record()
        record.pointee.port = port.number
        (record.pointee.token, record.pointee.dataToken) = (session.token, session.dataToken)
        record.pointee.ssrc = ssrc.rawValue
        record.pointee.control = control
        if let data { record.pointee.data = data }
        record.pointee.origin = .random(in: 1...(.max))
        record.pointee.setName(name)
        let sender = SenderStream(ssrc: table.ssrc, next: SequenceNumber(.random(in: 0...(.max))), to: .unknown)
        record.pointee.nextSequence = sender.next.rawValue
        record.pointee.acknowledged = sender.next.advanced(by: -1).rawValue
        return Endpoint(
            ssrc: ssrc, name: name, port: port, control: control, data: data,
            streams: SessionStreams(session: session, sender: sender, receiver: ReceiverStream(waiting: waiting)),
            slot: slot, record: record)
    }

    private func invitedOnData(
        _ packet: SessionPacket, _ token: UInt32, _ ssrc: SSRC, from source: SocketAddress, of port: PortPair
    ) {
        let key = PortPair.Key(source: source, ssrc: ssrc)
        // Its two sockets may have come through a router as any two ports of one address. Twins behind one router differ in
        // their tokens or have neighbouring ports; but some programs draw another token for the data port.
        let arriving = port.arrivingByControl.values.filter {
            $0.ssrc == ssrc && $0.data == nil && $0.control.isSameHost(as: source)
        }
        let sameToken = arriving.filter { $0.streams.session.token == token }
        let endpoint =
            port.arrivingByData[key] ?? sameToken.first { $0.control.port &+ 1 == source.port } ?? sameToken.first
            ?? arriving.max { $0.streams.session.lastHeard < $1.streams.session.lastHeard } ?? port.byData[key]
        guard let endpoint else {
            return refuse(token, nil, "not invited on the control port first", to: source, on: .data, of: port)
        }
        if endpoint.data == nil {
            endpoint.data = source
            endpoint.record.pointee.data = source
            port.arrives(endpoint)
        }
        perform(on: endpoint) { $0.receive(packet, on: .data, now: now, perform: $1) }
        endpoint.record.pointee.dataToken = endpoint.streams.session.dataToken
    }

    /// Somebody who is on the way in makes room for one more.
    private func giveWay(to source: SocketAddress) {
        guard let (endpoint, _) = halfOpen.yielding(to: source) else { return }
        let words = "too many are on their way in"
        if !endpoint.isResuming { tellRefusal(of: endpoint.name, words, from: endpoint.control, of: endpoint.port) }
        remove(endpoint, .full, farewell: true)
    }

    private func refusalOfProbe(_ source: SocketAddress) -> String? {
        if !plan.admits(source) { return "its address is not let in" }
        // A newcomer from another address displaces one when it is proven.
        guard probes.isFull, let (_, isOwn) = probes.yielding(to: source), isOwn else { return nil }
        return "too many measure the way here"
    }

    private func refusal(_ source: SocketAddress, _ name: String, _ port: PortPair) -> String? {
        if !plan.admits(source) { return "its address is not let in" }
        // A program that begins anew takes its old place.
        func isOther(_ endpoint: Endpoint) -> Bool { endpoint.port !== port || endpoint.control != source }
        let room = port.room
        if room.members.count(where: { isOther($0.endpoint) }) >= room.plan.maximum {
            return "the room is full (at most \(room.plan.maximum))"
        }
        return hasPlace(source, name, beside: isOther)
            ? nil : "its address has all the places that one may have: \(plan.mostPerAddress)"
    }

    private func refuse(
        _ token: UInt32, _ name: String?, _ reason: String, to source: SocketAddress,
        on path: Session.Path = .control, of port: PortPair
    ) {
        queue(on: path, of: port, to: source) {
            SessionPacket.refused(token: token, ssrc: table.ssrc, name: nil).write(into: &$0)
        }
        tellRefusal(of: name, reason, from: source, of: port)
    }

    private func tellRefusal(of name: String?, _ reason: String, from source: SocketAddress, of port: PortPair) {
        if let name, Probe.isNamed(name) { return }
        guard let times = refusals.count(source, at: milliseconds) else { return }
        news.send(.refused(address: source.host, name: name, port: port.number, reason: reason, times: times))
    }

    // MARK: What a session wants done

    /// Lets a session act, then does what it asked for.
    func perform(on endpoint: Endpoint, _ act: (inout Session, (Session.Action) -> Void) -> Void) {
        var actions: [Session.Action] = []
        act(&endpoint.streams.session) { actions.append($0) }
        for action in actions {
            switch action {
            case .send(let packet, let path): send(packet, to: endpoint, on: path)
            case .up:
                if endpoint.member == nil { proven(endpoint) }
            case .measured:
                endpoint.record.pointee.answersClock = endpoint.streams.session.hasAnswered ? 1 : 0
                endpoint.record.pointee.clock = endpoint.streams.session.peerClock.state
                guard let member = endpoint.member else { break }
                news.send(.measured(status(member)))
                if now &- endpoint.controlHeard > Self.controlSilence { askForControl(endpoint) }
            case .feedback(let value): acknowledged(endpoint, value)
            case .refused: break
            case .ended(let reason):
                if reason == .halfOpen { tellHalfOpen(endpoint) }
                remove(endpoint, reason == .bye ? .bye : .silent, farewell: false)
            }
        }
        tellSilence(of: endpoint)
        wake(endpoint, by: endpoint.streams.session.deadline)
    }

    /// One who only measures is never a member: its clock is answered, and whatever else it sends is dropped.
    private func probe(_ endpoint: Endpoint) {
        guard endpoint.probeEnd == nil else { return }
        halfOpen.release(endpoint)
        if probes.isFull, let (last, _) = probes.yielding(to: endpoint.control) { remove(last, .full, farewell: true) }
        probes.add(endpoint, from: endpoint.control)
        endpoint.probeEnd = now + Self.probeTime
    }

    /// It is where it says. Whoever was there before is there no longer: a program that begins anew comes with another
    /// SSRC from the same ports, or with the same from one of them.
    private func proven(_ endpoint: Endpoint) {
        (endpoint.provenAt, endpoint.controlHeard) = (now, now)
        let earlier = endpoint.port.byControl.values.filter {
            let (isSameControl, isSameData) = ($0.control == endpoint.control, $0.data == endpoint.data)
            return $0.ssrc == endpoint.ssrc ? isSameControl || isSameData : isSameControl && isSameData
        }
        // Where its old session has gone on meanwhile the invitation was a late copy: a program that begins anew numbers its
        // packets anew.
        let token = endpoint.streams.session.token
        if earlier.contains(where: {
            $0.ssrc == endpoint.ssrc && $0.streams.session.token == token && $0.data == endpoint.data
                && $0.continuedAt > endpoint.invitedAt
        }) {
            return remove(endpoint, .restarted, farewell: false)
        }
        for one in earlier { remove(one, .restarted, farewell: false) }
        endpoint.port.settles(endpoint)
        giveWay(to: endpoint)
        if Probe.isNamed(endpoint.name) { probe(endpoint) } else { enter(endpoint) }
    }

    private func tellHalfOpen(_ endpoint: Endpoint) {
        // Nothing is told of one whose other session is here: it was a doubled invitation, or a goodbye that was meant.
        guard endpoint.member == nil, !endpoint.isResuming, !Probe.isNamed(endpoint.name),
            !endpoint.port.hasAnother(at: endpoint),
            let times = halfOpens.count(endpoint.control, at: milliseconds)
        else { return }
        news.send(
            .halfOpen(
                address: endpoint.control.host, name: endpoint.name, port: endpoint.port.number,
                missing: endpoint.data == nil ? .data : .clock, times: times))
    }

    private func send(_ packet: SessionPacket, to endpoint: Endpoint, on path: Session.Path) {
        // A BY would end the new session of a program that began anew.
        if case .bye = packet, endpoint.port.hasAnother(at: endpoint) { return }
        // What it hears would sound on for ever.
        if case .bye = packet { endHearing(endpoint) }
        switch path {
        case .control: queue(on: path, of: endpoint.port, to: endpoint.control) { packet.write(into: &$0) }
        case .data:
            guard let address = endpoint.data else { return }
            queue(on: path, of: endpoint.port, to: address) { packet.write(into: &$0) }
        }
    }

    private func acknowledged(_ endpoint: Endpoint, _ value: UInt32) {
        guard let number = endpoint.streams.acknowledge(value) else { return }
        endpoint.record.pointee.acknowledged = number.rawValue
        endpoint.record.pointee.journals = endpoint.streams.evidence.rawValue
    }

    // MARK: After a crash

    /// Takes up those whom a killed engine left in the table, once their port is open: they play on at once, and a
    /// challenge finds out who is no longer there.
    func resume() {
        guard !left.isEmpty else { return }
        let numbers = Set(plan.rooms.flatMap(\.ports))
        var resumed: [Member] = []
        for slot in left {
            let record = table.record(slot)
            guard numbers.contains(record.pointee.port), plan.admits(record.pointee.control) else {
                table.release(slot)
                continue
            }
            guard let port = ports[record.pointee.port] else { continue }
            let ssrc = SSRC(record.pointee.ssrc)
            let receiver =
                record.pointee.hasReceived == 1
                ? ReceiverStream(
                    resumingAfter: SequenceNumber(UInt16(truncatingIfNeeded: record.pointee.highest)), waiting: waiting)
                : ReceiverStream(waiting: waiting)
            record.pointee.state.tellHeld { receiver.assume($0) }
            record.pointee.state.controls.tell { receiver.assume($0) }
            let endpoint = Endpoint(
                ssrc: ssrc, name: record.pointee.nameText, port: port,
                control: record.pointee.control, data: record.pointee.data,
                streams: SessionStreams(
                    session: resumedSession(record.pointee, of: port),
                    sender: SenderStream(
                        ssrc: table.ssrc, next: SequenceNumber(record.pointee.nextSequence), to: .unknown,
                        checkpoint: SequenceNumber(record.pointee.acknowledged).advanced(by: 1)),
                    receiver: receiver, evidence: JournalEvidence(rawValue: record.pointee.journals) ?? .none),
                slot: slot, record: record)
            let key = PortPair.Key(source: endpoint.control, ssrc: ssrc)
            // A damaged file may name somebody twice.
            guard port.byControl[key] == nil else {
                table.release(slot)
                continue
            }
            port.settles(endpoint)
            if record.pointee.origin == 0 { record.pointee.origin = .random(in: 1...(.max)) }
            if record.pointee.isInvited == 1 { endpoint.call = resumeCall(endpoint) }
            let member = seat(endpoint)
            if record.pointee.isLinked == 1 { resumeLink(member) }
            endpoint.streams.session.isWatched = member.isWatched
            member.room.members.sort { $0.id < $1.id }
            resumed.append(member)
        }
        left.removeAll { slot in ports[table.record(slot).pointee.port] != nil || !table.isTaken(slot) }
        for room in rooms where resumed.contains(where: { $0.room === room }) {
            room.rules = ServedRoom.rules(room.plan)
            for member in room.members + room.relayed { room.rules.join(member.ruled) }
            rewire(room)
        }
        for member in resumed {
            // What each wire had begun was lost with the engine. It is taken to be what its sender holds.
            for wire in member.outgoing where resumed.contains(where: { $0 === wire.to }) {
                wire.assume(member.state.pointee.held)
            }
        }
        let held = Programs.heldPorts(.udp)
        for member in resumed {
            if isDead(member.endpoint, held) {
                remove(member.endpoint, .restarted, farewell: false)
                continue
            }
            // Whoever merges by number asks for what it misses; and for others the partner may have spoken meanwhile.
            if member.endpoint.link == nil, !member.endpoint.isMuted { remindOfRoom(member) }
            news.send(.joined(status(member)))
            perform(on: member.endpoint) { $0.wake(now: now, perform: $1) }
        }
        // Whom nobody invites any more.
        for endpoint in resumed.map(\.endpoint) where endpoint.record.pointee.isInvited == 1 && endpoint.call == nil {
            remove(endpoint, .kicked, farewell: true)
        }
    }

    private func resumedSession(_ record: SessionTable.Record, of port: PortPair) -> Session {
        let (ssrc, name) = (SSRC(record.ssrc), port.room.plan.displayName)
        let (answers, clock) = (record.answersClock == 1, ClockFilter(record.clock, at: now))
        return record.isInvited == 1
            ? .resumedInitiator(
                token: record.token, peer: ssrc, own: table.ssrc, name: name, now: now, hasAnswered: answers,
                peerClock: clock)
            : .resumedListener(
                token: record.token, dataToken: record.dataToken, peer: ssrc, own: table.ssrc, name: name, now: now,
                hasAnswered: answers, peerClock: clock)
    }

    /// It joined from this machine, and nobody has its port any more: a device of this machine dies with its engine. `held`:
    /// the UDP ports that somebody has.
    private func isDead(_ endpoint: Endpoint, _ held: Set<UInt16>) -> Bool {
        let source = endpoint.control
        return (source.isLoopback || source.host == plan.host) && !held.isEmpty && !held.contains(source.port)
    }
}

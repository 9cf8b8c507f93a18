import EngineProtocol
import Glibc
import Linux
import RTPMIDI
import Rooms

/// Who comes and who goes: invitations, the clock, goodbyes.
extension Loop {
    private static let invitationLetters: UInt16 = 0x494E
    /// For how long one may measure the way here.
    private static let probeTime = 30 * Loop.second
    /// So long does a router remember a way that is not used (RFC 4787 asks for more, many do not keep it).
    private static let controlSilence = 20 * Loop.second
    /// How long after a session came up an invitation to it may be a copy of the one that began it.
    private static let copyTime = Loop.second / 4

    func received(_ datagram: RawSpan, from source: SocketAddress, on path: Session.Path, of port: PortPair) {
        guard SessionPacket.isSession(datagram) else {
            if path == .data { receivedMIDI(datagram, from: source, of: port) }
            return
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
        default:
            guard let peer = known(packet, from: source, on: path, of: port) else { return }
            perform(on: peer) { $0.receive(packet, on: path, now: now, perform: $1) }
        }
    }

    // MARK: Invitations

    private func invited(
        _ packet: SessionPacket, _ token: UInt32, _ ssrc: SSRC, _ name: String?, from source: SocketAddress,
        of port: PortPair
    ) {
        let key = PortPair.Key(source: source, ssrc: ssrc)
        if let peer = port.arrivingByControl[key] {
            if peer.session.token == token {
                return perform(on: peer) { $0.receive(packet, on: .control, now: now, perform: $1) }
            }
            remove(peer, .restarted, farewell: false)
        }
        // The network may have doubled the invitation. Later it is the same program, started anew: some boards draw the
        // same numbers each time. Its old session goes on until the new one is proven.
        if let peer = port.byControl[key], peer.session.token == token, now < peer.provenAt + Self.copyTime {
            return perform(on: peer) { $0.receive(packet, on: .control, now: now, perform: $1) }
        }
        let name = name.flatMap { $0.isEmpty ? nil : $0 } ?? "?"
        if let reason = Probe.isNamed(name) ? refusalOfProbe(source) : refusal(source, name, port) {
            return refuse(token, name, reason, to: source, of: port)
        }
        if halfOpen.isFull || table.isFull { giveWay(to: source) }
        guard let place = table.reserve() else {
            return refuse(token, name, "there is no place in any room", to: source, of: port)
        }
        let record = table.record(place)
        record.pointee = SessionTable.Record()
        record.pointee.port = port.number
        (record.pointee.token, record.pointee.dataToken) = (token, token)
        record.pointee.ssrc = ssrc.rawValue
        record.pointee.control = source
        record.pointee.setName(name)
        let peer = Peer(
            ssrc: ssrc, name: name, port: port, control: source, data: nil,
            session: .listener(token: token, peer: ssrc, own: table.ssrc, name: port.hall.plan.displayName, now: now),
            receiver: ReceiverStream(waiting: waiting),
            sender: SenderStream(
                ssrc: table.ssrc, next: SequenceNumber(.random(in: 0...(.max))), to: .unknown),
            place: place, record: record)
        peer.adaptJournals()
        record.pointee.nextSequence = peer.sender.next.rawValue
        record.pointee.acknowledged = peer.sender.next.advanced(by: -1).rawValue
        port.arrives(peer)
        halfOpen.take(peer, from: source)
        perform(on: peer) { $0.receive(packet, on: .control, now: now, perform: $1) }
    }

    private func invitedOnData(
        _ packet: SessionPacket, _ token: UInt32, _ ssrc: SSRC, from source: SocketAddress, of port: PortPair
    ) {
        let key = PortPair.Key(source: source, ssrc: ssrc)
        // Its two sockets may have come through a router as any two ports of one address. Twins behind one router differ in
        // their tokens; but some programs draw another one for the data port.
        let arriving = port.arrivingByControl.values.filter {
            $0.ssrc == ssrc && $0.data == nil && $0.control.isSameHost(as: source)
        }
        let peer =
            port.arrivingByData[key] ?? arriving.first { $0.session.token == token }
            ?? arriving.max { $0.session.lastHeard < $1.session.lastHeard } ?? port.byData[key]
        guard let peer else {
            return refuse(token, nil, "not invited on the control port first", to: source, on: .data, of: port)
        }
        if peer.data == nil {
            peer.data = source
            peer.record.pointee.data = source
            port.arrives(peer)
        }
        perform(on: peer) { $0.receive(packet, on: .data, now: now, perform: $1) }
        peer.record.pointee.dataToken = peer.session.dataToken
    }

    /// Somebody who is on the way in makes room for one more.
    private func giveWay(to source: SocketAddress) {
        guard let (peer, _) = halfOpen.yielding(to: source) else { return }
        let words = "too many are on their way in"
        if !peer.isResuming { tellRefusal(of: peer.name, words, from: peer.control, of: peer.port) }
        remove(peer, .full, farewell: true)
    }

    private func refusalOfProbe(_ source: SocketAddress) -> String? {
        if !plan.admits(source) { return "its address is not let in" }
        // Others are given way to once they are proven.
        guard probes.isFull, let (_, isOwn) = probes.yielding(to: source), isOwn else { return nil }
        return "too many measure the way here"
    }

    private func refusal(_ source: SocketAddress, _ name: String, _ port: PortPair) -> String? {
        if !plan.admits(source) { return "its address is not let in" }
        // One who begins anew takes a place that is taken.
        func isOther(_ peer: Peer) -> Bool { peer.port !== port || peer.control != source }
        let hall = port.hall
        if hall.peers.count(where: isOther) >= hall.plan.maximum {
            return "the room is full (at most \(hall.plan.maximum))"
        }
        return hasPlace(source, name, beside: isOther)
            ? nil : "its address has all the places that one may have: \(plan.mostPerAddress)"
    }

    private func refuse(
        _ token: UInt32, _ name: String?, _ reason: String, to source: SocketAddress,
        on path: Session.Path = .control, of port: PortPair
    ) {
        let socket = path == .control ? port.control : port.data
        socket.queue(to: source) { SessionPacket.refused(token: token, ssrc: table.ssrc, name: nil).write(into: &$0) }
        tellRefusal(of: name, reason, from: source, of: port)
    }

    private func tellRefusal(of name: String?, _ reason: String, from source: SocketAddress, of port: PortPair) {
        if let name, Probe.isNamed(name) { return }
        guard let times = refusals.count(source, at: milliseconds) else { return }
        news.send(.refused(address: source.host, name: name, port: port.number, reason: reason, times: times))
    }

    // MARK: What a session wants done

    /// Lets a session act, then does what it asked for.
    func perform(on peer: Peer, _ act: (inout Session, (Session.Action) -> Void) -> Void) {
        var actions: [Session.Action] = []
        act(&peer.session) { actions.append($0) }
        for action in actions {
            switch action {
            case .send(let packet, let path): send(packet, to: peer, on: path)
            case .up:
                if !peer.isMember { proven(peer) }
            case .measured:
                peer.record.pointee.answersClock = peer.session.hasAnswered ? 1 : 0
                guard peer.isMember else { break }
                news.send(.measured(status(peer)))
                if now &- peer.controlHeard > Self.controlSilence { askForControl(peer) }
            case .feedback(let value): acknowledged(peer, value)
            case .refused: break
            case .ended(let reason):
                if reason == .halfOpen { tellHalfOpen(peer) }
                remove(peer, reason == .bye ? .bye : .silent, farewell: false)
            }
        }
        tellSilence(of: peer)
        wake(by: peer.session.deadline)
    }

    /// One who only measures is never a member: its clock is answered, and whatever else it sends is dropped.
    private func probe(_ peer: Peer) {
        guard peer.probeEnd == nil else { return }
        halfOpen.release(peer)
        if probes.isFull, let (last, _) = probes.yielding(to: peer.control) { remove(last, .full, farewell: true) }
        probes.take(peer, from: peer.control)
        peer.probeEnd = now + Self.probeTime
    }

    /// It is where it says. Whoever was there before is there no longer: a program that begins anew comes with another
    /// SSRC from the same ports, or with the same from one of them.
    private func proven(_ peer: Peer) {
        (peer.provenAt, peer.controlHeard) = (now, now)
        let earlier = peer.port.byControl.values.filter {
            let (isSameControl, isSameData) = ($0.control == peer.control, $0.data == peer.data)
            return $0.ssrc == peer.ssrc ? isSameControl || isSameData : isSameControl && isSameData
        }
        for one in earlier { remove(one, .restarted, farewell: false) }
        peer.port.settles(peer)
        if Probe.isNamed(peer.name) { probe(peer) } else { enter(peer) }
    }

    private func tellHalfOpen(_ peer: Peer) {
        // Of one who is here nothing needs to be said: a doubled invitation, or a goodbye that was meant.
        guard !peer.isMember, !peer.isResuming, !Probe.isNamed(peer.name), !peer.port.hasAnother(at: peer),
            let times = halfOpens.count(peer.control, at: milliseconds)
        else { return }
        news.send(
            .halfOpen(
                address: peer.control.host, name: peer.name, port: peer.port.number,
                missing: peer.data == nil ? .data : .clock, times: times))
    }

    private func send(_ packet: SessionPacket, to peer: Peer, on path: Session.Path) {
        // It would end the other session of one who began anew.
        if case .bye = packet, peer.port.hasAnother(at: peer) { return }
        // What it hears would sound on for ever.
        if case .bye = packet { endHearing(peer) }
        switch path {
        case .control: peer.port.control.queue(to: peer.control) { packet.write(into: &$0) }
        case .data:
            guard let address = peer.data else { return }
            peer.port.data.queue(to: address) { packet.write(into: &$0) }
        }
    }

    private func acknowledged(_ peer: Peer, _ value: UInt32) {
        guard
            let number = peer.feedback.number(
                of: value, acknowledged: peer.sender.acknowledged, sent: peer.sender.next.advanced(by: -1))
        else { return }
        peer.sender.acknowledge(number)
        peer.record.pointee.acknowledged = number.rawValue
        // Such a peer plays wrong notes from a journal (RTPMIDI.docc/Peers.md).
        if peer.feedback.isLowHalf {
            peer.record.pointee.journals = 2
            peer.adaptJournals()
        }
    }

    // MARK: After a crash

    /// Takes up those whom a killed engine left in the table, once their port is open: they play on at once, and a
    /// challenge finds out who is no longer there.
    func resume() {
        guard !left.isEmpty else { return }
        let numbers = Set(plan.rooms.flatMap(\.ports))
        var resumed: [Peer] = []
        for place in left {
            let record = table.record(place)
            guard numbers.contains(record.pointee.port), plan.admits(record.pointee.control) else {
                table.release(place)
                continue
            }
            guard let port = ports[record.pointee.port] else { continue }
            let ssrc = SSRC(record.pointee.ssrc)
            let receiver =
                record.pointee.hasReceived == 1
                ? ReceiverStream(
                    resumingAfter: SequenceNumber(UInt16(truncatingIfNeeded: record.pointee.highest)), waiting: waiting)
                : ReceiverStream(waiting: waiting)
            record.pointee.tellHeld { receiver.assume($0) }
            record.pointee.controls.tell { receiver.assume($0) }
            let peer = Peer(
                ssrc: ssrc, name: record.pointee.nameText, port: port,
                control: record.pointee.control, data: record.pointee.data,
                session: .resumedListener(
                    token: record.pointee.token, dataToken: record.pointee.dataToken, peer: ssrc, own: table.ssrc,
                    name: port.hall.plan.displayName, now: now, hasAnswered: record.pointee.answersClock == 1),
                receiver: receiver,
                sender: SenderStream(
                    ssrc: table.ssrc, next: SequenceNumber(record.pointee.nextSequence),
                    to: .unknown,
                    checkpoint: SequenceNumber(record.pointee.acknowledged).advanced(by: 1)),
                place: place, record: record)
            let key = PortPair.Key(source: peer.control, ssrc: ssrc)
            peer.adaptJournals()
            // A damaged file may name somebody twice.
            guard port.byControl[key] == nil else {
                table.release(place)
                continue
            }
            port.settles(peer)
            peer.isMember = true
            port.hall.peers.append(peer)
            port.hall.peers.sort { $0.id < $1.id }
            resumed.append(peer)
        }
        left.removeAll { place in ports[table.record(place).pointee.port] != nil || !table.isTaken(place) }
        for hall in halls where resumed.contains(where: { $0.port.hall === hall }) {
            hall.room = Hall.room(hall.plan)
            for peer in hall.peers { hall.room.join(peer.member) }
            rewire(hall, releasing: true)
        }
        for peer in resumed {
            remindOfRoom(peer)
            news.send(.joined(status(peer)))
            perform(on: peer) { $0.wake(now: now, perform: $1) }
        }
    }
}

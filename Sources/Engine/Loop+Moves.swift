import EngineProtocol
import Linux
import RTPMIDI
import Rooms

/// Whom a packet is from: those who are known; those who move, behind a router that has given them other ports; those who
/// said goodbye and go on.
extension Loop {
    /// The peer that a session packet is from. What comes from elsewhere is believed only as far as it proves itself.
    func known(
        _ packet: SessionPacket, from source: SocketAddress, on path: Session.Path, of port: PortPair
    ) -> Peer? {
        let key = PortPair.Key(source: source, ssrc: packet.ssrc)
        switch path {
        case .data:
            if let peer = port.arrivingByData[key] ?? port.byData[key] { return peer }
            heardOfStranger(packet.ssrc, packet, from: source, of: port)
            return nil
        case .control:
            let arriving = port.arrivingByControl[key]
            // One who begins anew is spoken with as soon as it has come to both ports.
            if let arriving, arriving.data != nil { return arriving }
            if let peer = port.byControl[key] {
                heardOnControl(peer)
                return peer
            }
            return arriving ?? learnControl(packet, from: source, of: port)
        }
    }

    // MARK: The data port

    /// Something came to a data port in the name of `ssrc`, from an address that nobody has. `packet` is nil for RTP.
    func heardOfStranger(_ ssrc: SSRC, _ packet: SessionPacket?, from source: SocketAddress, of port: PortPair) {
        switch packet {
        case nil, .clock: break
        default: return
        }
        if let departed = port.takeDeparted(PortPair.Key(source: source, ssrc: ssrc), at: now) {
            return takeBack(departed)
        }
        let peers = port.peers(ssrc)
        if let peer = peers.first(where: { $0.claim?.address == source }) {
            if let packet { peer.claim?.claim.receive(packet, now: now) }
            if let deadline = peer.claim?.claim.deadline { wake(by: deadline) }
            return
        }
        // Of twins it is the one that has been silent longest.
        let open = peers.filter { $0.isMember && mayMove($0) && $0.claim?.claim.yields ?? true }
        guard let peer = open.min(by: { $0.session.lastHeard < $1.session.lastHeard }), plan.admits(source),
            claims.take(from: source, at: milliseconds)
        else { return }
        let claim = Claim(now: now)
        peer.claim = (source, claim)
        port.data.queue(to: source) { claim.question(from: table.ssrc).write(into: &$0) }
        wake(by: claim.deadline)
    }

    /// The silence of one who never answers questions says nothing. (Right after a restart of ours nobody has answered yet.)
    private func mayMove(_ peer: Peer) -> Bool { peer.session.answersQuestions || !peer.session.isUp }

    /// Does what is due for somebody who may be this peer. Gives when to look again.
    func judgeClaim(on peer: Peer) -> UInt64 {
        guard let source = peer.claim?.address else { return .max }
        switch peer.claim?.claim.wake(now: now, lastHeard: peer.session.lastHeard) {
        case .askOwner:
            if let data = peer.data {
                peer.port.data.queue(to: data) { peer.session.question(now: now).write(into: &$0) }
            }
        case .move:
            peer.claim = nil
            move(peer, to: source)
        case .forget: peer.claim = nil
        case nil: break
        }
        return peer.claim?.claim.deadline ?? .max
    }

    private func move(_ peer: Peer, to source: SocketAddress) {
        let port = peer.port
        guard port.byData[PortPair.Key(source: source, ssrc: peer.ssrc)] == nil else { return }
        port.forget(peer)
        peer.data = source
        peer.isControlGuessed = true
        // The other port's packets come through the same router; where to is known when one has come.
        if !peer.control.isSameHost(as: source) {
            let guess = source.with(port: peer.control.port)
            let isFree = port.byControl[PortPair.Key(source: guess, ssrc: peer.ssrc)] == nil
            peer.control = isFree ? guess : source
        }
        settle(peer)
        peer.controlAsked = 0
        askForControl(peer)
    }

    private func settle(_ peer: Peer) {
        peer.record.pointee.control = peer.control
        if let data = peer.data { peer.record.pointee.data = data }
        peer.port.settles(peer)
    }

    // MARK: The control port

    /// An empty packet: whoever gives feedback gives it now, from where its control port is now, and its router learns the
    /// way anew. One who only plays would never send anything there.
    func askForControl(_ peer: Peer) {
        guard peer.controlAsked < 3 else { return }
        peer.controlAsked += 1
        sendGuard(to: peer)
    }

    private func heardOnControl(_ peer: Peer) {
        peer.isControlGuessed = false
        (peer.controlHeard, peer.controlAsked) = (now, 0)
    }

    /// A peer's control port has another address than before: it comes from the machine that its data port is proven to be
    /// on. What is believed there is feedback on what was really sent, or, after a move, any clock; nothing hangs on it but
    /// where feedback goes.
    private func learnControl(_ packet: SessionPacket, from source: SocketAddress, of port: PortPair) -> Peer? {
        let there = port.peers(packet.ssrc).filter { $0.data?.isSameHost(as: source) ?? false }
        guard let peer = there.first, there.count == 1 else { return nil }
        switch packet {
        case .feedback(_, let value):
            var feedback = peer.feedback
            let sent = peer.sender.next.advanced(by: -1)
            let acknowledged = peer.sender.acknowledged ?? sent.advanced(by: -256)
            guard feedback.number(of: value, acknowledged: acknowledged, sent: sent) != nil else { return nil }
        case .clock: guard peer.isControlGuessed else { return nil }
        case .invitation, .accepted, .refused, .bye, .bitRateLimit: return nil
        }
        port.forget(peer)
        peer.control = source
        heardOnControl(peer)
        settle(peer)
        return peer
    }

    // MARK: Goodbyes

    /// A goodbye with the session's token, or with none, from where the session is; elsewhere on that machine, with its
    /// token.
    func farewell(
        _ packet: SessionPacket, _ token: UInt32, _ ssrc: SSRC, from source: SocketAddress, on path: Session.Path,
        of port: PortPair
    ) {
        let key = PortPair.Key(source: source, ssrc: ssrc)
        var leaving = [
            port.arrivingByControl[key], port.byControl[key], port.arrivingByData[key], port.byData[key],
        ].compactMap(\.self)
        if leaving.isEmpty {
            if let place = port.placeOfDeparted(key, at: now) {
                return port.departsAgain(place, at: now)
            }
            leaving = port.peers(ssrc).filter {
                token != 0 && $0.session.isToken(token) && $0.data?.isSameHost(as: source) ?? false
            }
            // Of twins it is nobody's.
            guard leaving.count == 1 else { return }
        }
        for peer in leaving { perform(on: peer) { $0.receive(packet, on: path, now: now, perform: $1) } }
    }

    /// It said goodbye and goes on: perhaps somebody else said it. When it answers the clock it is in again; else it is
    /// forgotten.
    private func takeBack(_ departed: PortPair.Departed) {
        let old = departed.peer
        guard let data = old.data, !old.port.has(old), let place = table.reserve() else { return }
        let record = table.record(place)
        record.pointee = departed.record
        (record.pointee.isTaken, record.pointee.held) = (0, .init())
        let session = old.session
        let peer = Peer(
            ssrc: old.ssrc, name: old.name, port: old.port, control: old.control, data: data,
            session: .resumedListener(
                token: session.token, dataToken: session.dataToken, peer: old.ssrc, own: table.ssrc,
                name: session.name, now: now, patience: 3 * Self.second),
            receiver: old.receiver, sender: old.sender, place: place, record: record)
        (peer.feedback, peer.isResuming) = (old.feedback, true)
        peer.adaptJournals()
        old.port.arrives(peer)
        halfOpen.take(peer, from: old.control)
        perform(on: peer) { $0.wake(now: now, perform: $1) }
    }
}

import EngineProtocol
import Linux
import RTPMIDI
import Rooms

/// Whom a packet is from: those who are known; those who move, behind a router that has given them other ports; those who
/// said goodbye and go on.
extension EngineLoop {
    /// The peer that a session packet is from. What comes from elsewhere is believed only as far as it proves itself.
    func known(
        _ packet: SessionPacket, from source: SocketAddress, on path: Session.Path, of port: PortPair
    ) -> Endpoint? {
        let key = PortPair.Key(source: source, ssrc: packet.ssrc)
        switch path {
        case .data:
            if let endpoint = port.arrivingByData[key] ?? port.byData[key] { return endpoint }
            heardOfStranger(packet.ssrc, packet, from: source, of: port)
            return nil
        case .control:
            let arriving = port.arrivingByControl[key]
            // A program that begins anew: its new session counts as soon as it has come to both ports.
            if let arriving, arriving.data != nil { return arriving }
            if let endpoint = port.byControl[key] {
                heardOnControl(endpoint)
                return endpoint
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
        if let departed = port.removeDeparted(PortPair.Key(source: source, ssrc: ssrc), at: now) {
            return readmit(departed)
        }
        let endpoints = port.endpoints(ssrc)
        if let endpoint = endpoints.first(where: { $0.claim?.address == source }) {
            if let packet { endpoint.claim?.claim.receive(packet, now: now) }
            if let deadline = endpoint.claim?.claim.deadline { wake(endpoint, by: deadline) }
            return
        }
        let returning = endpoints.first { $0.former?.data == source }
        // Of twins it is the one that has been silent longest.
        let open = endpoints.filter { $0.member != nil && mayMove($0) && $0.claim?.claim.yields ?? true }
        guard
            let endpoint = returning
                ?? open.min(by: { $0.streams.session.lastHeard < $1.streams.session.lastHeard }),
            plan.admits(source),
            claims.consume(from: source, at: milliseconds)
        else { return }
        let claim = Claim(now: now, isReturn: returning != nil)
        endpoint.claim = (source, claim)
        queue(on: .data, of: port, to: source) { claim.question(from: table.ssrc).write(into: &$0) }
        wake(endpoint, by: claim.deadline)
    }

    /// The silence of one who never answers questions says nothing. (Right after a restart of ours nobody has answered yet.)
    private func mayMove(_ endpoint: Endpoint) -> Bool {
        endpoint.streams.session.answersQuestions || !endpoint.streams.session.isUp
    }

    /// Does what is due for somebody who may be this peer. Gives when to look again.
    func judgeClaim(on endpoint: Endpoint) -> UInt64 {
        guard let source = endpoint.claim?.address else { return .max }
        switch endpoint.claim?.claim.wake(now: now, lastHeard: endpoint.streams.session.lastHeard) {
        case .askOwner:
            if let data = endpoint.data {
                endpoint.due = 0
                queue(on: .data, of: endpoint.port, to: data) {
                    endpoint.streams.session.question(now: now).write(into: &$0)
                }
            }
        case .move:
            endpoint.claim = nil
            move(endpoint, to: source)
        case .forget: endpoint.claim = nil
        case nil: break
        }
        return endpoint.claim?.claim.deadline ?? .max
    }

    private func move(_ endpoint: Endpoint, to source: SocketAddress) {
        let port = endpoint.port
        guard port.byData[PortPair.Key(source: source, ssrc: endpoint.ssrc)] == nil else { return }
        port.forget(endpoint)
        let (before, left) = (endpoint.former, (control: endpoint.control, data: endpoint.data))
        endpoint.data = source
        endpoint.isControlGuessed = true
        if let before, before.data == source {
            (endpoint.control, endpoint.former) = (before.control, nil)
        } else {
            endpoint.former = before ?? left
        }
        // The other port's packets come through the same router; where to is known when one has come.
        let guess = source.with(port: endpoint.control.port)
        if !endpoint.control.isSameHost(as: source) { endpoint.control = guess }
        if port.byControl[PortPair.Key(source: endpoint.control, ssrc: endpoint.ssrc)] != nil {
            endpoint.control = source
        }
        settle(endpoint)
        endpoint.controlAsked = 0
        askForControl(endpoint)
    }

    private func settle(_ endpoint: Endpoint) {
        endpoint.record.pointee.control = endpoint.control
        if let data = endpoint.data { endpoint.record.pointee.data = data }
        endpoint.port.settles(endpoint)
    }

    // MARK: The control port

    /// An empty packet: whoever gives feedback gives it now, from where its control port is now, and its router learns the
    /// way anew. One who only plays would never send anything there.
    func askForControl(_ endpoint: Endpoint) {
        guard endpoint.controlAsked < 3 else { return }
        endpoint.controlAsked += 1
        sendGuard(to: endpoint)
    }

    private func heardOnControl(_ endpoint: Endpoint) {
        endpoint.isControlGuessed = false
        (endpoint.controlHeard, endpoint.controlAsked) = (now, 0)
    }

    /// A peer's control port has another address than before: it comes from the machine that its data port is proven to be
    /// on. What is believed there is feedback on what was really sent, or, after a move, any clock; it decides
    /// only where feedback goes.
    private func learnControl(_ packet: SessionPacket, from source: SocketAddress, of port: PortPair) -> Endpoint? {
        let there = port.endpoints(packet.ssrc).filter { $0.data?.isSameHost(as: source) ?? false }
        guard let endpoint = there.first, there.count == 1 else { return nil }
        switch packet {
        case .feedback(_, let value):
            guard endpoint.streams.isPlausible(feedback: value) else { return nil }
        case .clock: guard endpoint.isControlGuessed else { return nil }
        case .invitation, .accepted, .refused, .bye, .bitRateLimit: return nil
        }
        port.forget(endpoint)
        endpoint.control = source
        heardOnControl(endpoint)
        settle(endpoint)
        return endpoint
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
            if let slot = port.indexOfDeparted(key, at: now) {
                return port.departsAgain(slot, at: now)
            }
            leaving = port.endpoints(ssrc).filter {
                token != 0 && $0.streams.session.isToken(token) && $0.data?.isSameHost(as: source) ?? false
            }
            // With twins it is not known whose goodbye it is.
            guard leaving.count == 1 else { return }
        }
        for endpoint in leaving { perform(on: endpoint) { $0.receive(packet, on: path, now: now, perform: $1) } }
    }

    /// It said goodbye and goes on: perhaps somebody else said it. When it answers the clock it is in again; else it is
    /// forgotten.
    private func readmit(_ departed: PortPair.Departed) {
        let old = departed.endpoint
        let key = PortPair.Key(source: old.control, ssrc: old.ssrc)
        // Where it is on its way in again already, that is its next session.
        guard let data = old.data, old.port.byControl[key] == nil, old.port.arrivingByControl[key] == nil,
            let slot = table.reserve()
        else { return }
        let record = table.record(slot)
        record.pointee = departed.record
        (record.pointee.isTaken, record.pointee.state.held) = (0, .init())
        let session = old.streams.session
        let endpoint = Endpoint(
            ssrc: old.ssrc, name: old.name, port: old.port, control: old.control, data: data,
            streams: old.streams.resumed(
                in: .resumedListener(
                    token: session.token, dataToken: session.dataToken, peer: old.ssrc, own: table.ssrc,
                    name: session.name, now: now, peerClock: session.peerClock, timeout: 3 * Self.second)),
            slot: slot, record: record)
        endpoint.isResuming = true
        old.port.arrives(endpoint)
        halfOpen.add(endpoint, from: old.control)
        perform(on: endpoint) { $0.wake(now: now, perform: $1) }
    }
}

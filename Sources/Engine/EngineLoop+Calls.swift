import EngineProtocol
import Linux
import RTPMIDI
import Rooms

/// Peers that only listen: a room invites them from its first port until they are there. From then on they are
/// participants like others, whose session is an initiator's.
extension EngineLoop {
    /// Whoever stood for so long was no failure.
    private static let settledTime = 60 * EngineLoop.second
    /// How long to wait for one who is here by an invitation of its own.
    private static let hereTime = 5 * EngineLoop.second

    /// Those whom the plan names, and no others. Who stays is not disturbed.
    func followInvitees() {
        var kept: [Call] = []
        for room in plan.rooms {
            guard let port = room.ports.first else { continue }
            for invitee in room.invites ?? [] {
                func isIt(_ call: Call) -> Bool { call.port == port && call.invitee == invitee }
                if kept.contains(where: isIt) { continue }
                let call = calls.first(where: isIt) ?? Call(invitee, from: port, of: room.name, now: now)
                call.outcome.room = room.name
                kept.append(call)
            }
        }
        for call in calls where !kept.contains(where: { $0 === call }) { end(call) }
        calls = kept
        if !calls.isEmpty { wake(by: now) }
    }

    /// Nobody is invited any more, and who was hears that.
    func endCalls() {
        for call in calls { end(call) }
        calls = []
    }

    private func end(_ call: Call) {
        switch call.phase {
        case .waiting, .resolving: break
        case .inviting: perform(call) { $0.end(perform: $1) }
        case .connected(let endpoint):
            endpoint.call = nil
            remove(endpoint, isEnding ? .stopped : .kicked, farewell: true)
        }
    }

    // MARK: Inviting

    /// Does what is due. Gives when to look again.
    func attend(_ call: Call) -> UInt64 {
        switch call.phase {
        case .waiting(let until) where until <= now: call.addresses.isEmpty ? resolve(call) : invite(call)
        case .inviting(let session, _) where session.deadline <= now:
            perform(call) { $0.wake(now: now, perform: $1) }
        case .waiting, .resolving, .inviting, .connected: break
        }
        return call.deadline
    }

    private func resolve(_ call: Call) {
        let host = call.invitee.host
        if let numeric = SocketAddress(host: host, port: 0) { return resolved(call, [numeric]) }
        call.phase = .resolving
        SocketAddress.lookUp(host) { [orders] in orders.send(.resolved(host: host, $0)) }
    }

    func resolved(_ host: String, _ result: Result<[SocketAddress], ResolveError>) {
        if let partner = pair?.partner, partner.plan.host == host { partner.resolved(result) }
        for call in calls where call.invitee.host == host {
            guard case .resolving = call.phase else { continue }
            switch result {
            case .success(let addresses): resolved(call, addresses)
            case .failure(let error): failed(call, .unreachable, "its name gives no address: \(error.reason)")
            }
        }
    }

    private func resolved(_ call: Call, _ addresses: [SocketAddress]) {
        // A socket that is bound to an address of one family reaches no other.
        let own = plan.host.flatMap { SocketAddress(host: $0, port: 0) }
        call.addresses = addresses.filter { own?.isIPv4 ?? $0.isIPv4 == $0.isIPv4 }
            .map { $0.with(port: call.invitee.port) }
        invite(call)
    }

    /// At the next of its addresses.
    private func invite(_ call: Call) {
        guard let port = ports[call.port] else {
            call.phase = .waiting(until: now + Self.second)
            return
        }
        if let other = call.elsewhere, other.port.has(other) { return isHere(call, by: other) }
        guard !call.addresses.isEmpty else {
            return failed(call, .unreachable, "it has no address that can be reached from here")
        }
        let address = call.addresses.removeFirst()
        call.outcome.address = address.description
        if plan.portsElsewhere?.contains(address.port) ?? false, address.isOwn {
            return failed(call, .refused, "it is this hub itself", wait: Call.longestWait)
        }
        guard plan.admits(address) else { return failed(call, .refused, "its address is not let in") }
        if let other = port.anybody(at: address) { return isHere(call, by: other) }
        let session = Session.initiator(
            token: .random(in: 1...(.max)), own: table.ssrc, name: port.room.plan.displayName, now: now,
            judgesSilence: true)
        call.phase = .inviting(session, address)
        call.outcome.next = nil
        perform(call) { $0.wake(now: now, perform: $1) }
        wake(by: call.deadline)
    }

    /// It has invited itself, which is as good, or is invited twice; and twice it must not be here.
    func isHere(_ call: Call, by other: Endpoint?) {
        call.elsewhere = other
        if let first = other?.call?.invitee.name {
            return failed(call, .refused, "it is in the room already, as \(first)")
        }
        (call.phase, call.addresses, call.outcome.next) = (.waiting(until: now + Self.hereTime), [], nil)
        tell(call, .connected, "it has invited itself")
    }

    /// Lets the session of an invitation act, then does what it asked for.
    private func perform(_ call: Call, _ act: (inout Session, (Session.Action) -> Void) -> Void) {
        guard case .inviting(var session, let address) = call.phase else { return }
        guard let port = ports[call.port] else {
            call.phase = .waiting(until: now + Self.second)
            return
        }
        var actions: [Session.Action] = []
        act(&session) { actions.append($0) }
        call.phase = .inviting(session, address)
        for action in actions {
            switch action {
            case .send(let packet, .control): queue(on: .control, of: port, to: address) { packet.write(into: &$0) }
            case .send(let packet, .data):
                queue(on: .data, of: port, to: Self.data(address)) { packet.write(into: &$0) }
            case .ended(.refused): return failed(call, .refused, "it answered no")
            case .ended:
                guard call.addresses.isEmpty else { return invite(call) }
                let (number, next) = (address.port, address.port &+ 1)
                return failed(
                    call, .unreachable,
                    session.peer == nil
                        ? "no answer from \(address)"
                        : "it answers on port \(number), and not on \(next): is that port forwarded?")
            case .up, .measured, .feedback, .refused: break
            }
        }
        if !session.isInviting, !session.hasEnded { place(session, of: call, at: address, port) }
    }

    private static func data(_ control: SocketAddress) -> SocketAddress { control.with(port: control.port &+ 1) }

    /// It has said yes on both ports: from now on its session is like everybody's.
    private func place(_ session: Session, of call: Call, at address: SocketAddress, _ port: PortPair) {
        guard let ssrc = session.peer else { return }
        if let other = port.anybody(at: address) ?? preferred(to: session, of: port.room) {
            perform(call) { $0.end(perform: $1) }
            return isHere(call, by: other)
        }
        guard let slot = table.reserve() else {
            perform(call) { $0.end(perform: $1) }
            return failed(call, .refused, "there is no place in any room")
        }
        let endpoint = newEndpoint(
            session, ssrc, call.invitee.name, control: address, data: Self.data(address), of: port, in: slot)
        endpoint.record.pointee.isInvited = 1
        endpoint.call = call
        call.phase = .connected(endpoint)
        port.arrives(endpoint)
        perform(on: endpoint) { _, _ in }
    }

    // MARK: What comes

    /// The answer to an invitation of ours.
    func answered(
        _ packet: SessionPacket, _ token: UInt32, from source: SocketAddress, on path: Session.Path, of port: PortPair
    ) {
        let call = calls.first { call in
            guard let (session, address) = call.invited, session.token == token, call.port == port.number else {
                return false
            }
            return source == (path == .control ? address : Self.data(address))
        }
        guard let call else { return }
        perform(call) { $0.receive(packet, on: path, now: now, perform: $1) }
        wake(by: call.deadline)
    }

    /// Somebody invites itself whom the port invites. Gives whether it is to be left without an answer: of two hubs that
    /// invite each other at once the one with the higher SSRC has its way, and the other gives way; and a hub is not its own
    /// guest.
    func isMutual(_ token: UInt32, _ ssrc: SSRC, from source: SocketAddress, of port: PortPair) -> Bool {
        if ssrc == table.ssrc, let call = calls.first(where: { $0.invited?.session.token == token }) {
            failed(call, .refused, "it is this hub itself", wait: Call.longestWait)
            return true
        }
        let call = calls.first { $0.port == port.number && $0.invited?.address == source }
        guard let call else { return false }
        if table.ssrc.rawValue > ssrc.rawValue { return true }
        perform(call) { $0.end(perform: $1) }
        isHere(call, by: nil)
        return false
    }

    // MARK: What became of it

    /// It is in the room.
    func connected(_ call: Call) {
        call.outcome.next = nil
        tell(call, .connected, nil)
    }

    /// Whose session it is that a killed engine has left.
    func resumeCall(_ endpoint: Endpoint) -> Call? {
        let call = calls.first { call in
            guard case .waiting = call.phase else { return false }
            return call.port == endpoint.port.number && call.invitee.name == endpoint.name
        }
        guard let call else { return nil }
        call.phase = .connected(endpoint)
        call.outcome.address = endpoint.control.description
        connected(call)
        return call
    }

    /// Its session has ended.
    func lost(_ call: Call, _ endpoint: Endpoint, _ reason: Leaving) {
        guard case .connected(let connected) = call.phase, connected === endpoint else { return }
        let wasIn = endpoint.provenAt > 0
        if wasIn, now &- endpoint.provenAt >= Self.settledTime { call.outcome.failures = 0 }
        switch reason {
        case .bye: failed(call, .refused, "it said goodbye")
        case .silent:
            failed(
                call, .unreachable,
                wasIn ? "there is no sign of it any more" : "it accepts invitations, and answers nothing more")
        case .full: failed(call, .refused, "the room has no place for it")
        case .kicked: failed(call, .refused, "it was sent away from here", wait: Call.longestWait)
        case .restarted: call.phase = .waiting(until: now)
        case .stopped, .portClosed: call.phase = .waiting(until: now + Self.second)
        }
        wake(by: call.deadline)
    }

    private func failed(
        _ call: Call, _ state: EngineStatus.Call.State, _ reason: String, wait: UInt64? = nil
    ) {
        call.addresses = []
        call.outcome.failures += 1
        let wait = wait ?? EngineStatus.Call.ticks(after: call.outcome.failures)
        // Hubs that were cut off together do not come together.
        let until = now + wait + .random(in: 0...wait / 8)
        call.phase = .waiting(until: until)
        call.outcome.next = SystemTime.unixMilliseconds + Int64((until - now) / 10)
        tell(call, state, reason)
        wake(by: until)
    }

    private func tell(_ call: Call, _ state: EngineStatus.Call.State, _ reason: String?) {
        guard call.outcome.state != state || call.outcome.reason != reason else { return }
        (call.outcome.state, call.outcome.reason) = (state, reason)
        call.outcome.since = SystemTime.unixMilliseconds
        news.send(.call(call.outcome))
    }
}

import EngineProtocol
import Linux
import PatchBay
import Rooms
import Rtpmidid
import Store
import Supervisor

/// Whom the room invites: what was made of it in the daemon is told by `status`, and put right by what it tells.
extension RtpmididEngine {
    private static let refusal = "it answered no"
    private static let settledTime: Int64 = 60_000

    /// Those whom the plan names, and no others. They are invited from the room's first port.
    func followInvitees() {
        let wanted = room.ports.first == port ? room.invites ?? [] : []
        for call in calls where !wanted.contains(call.invitee) { dismiss(call) }
        calls = wanted.map { invitee in
            let call =
                calls.first { $0.invitee == invitee }
                ?? RtpmididCall(invitee, of: room.name, at: Timestamp.now.milliseconds)
            call.outcome.room = room.name
            return call
        }
        tracker.ownNames = Set(calls.map { RawText($0.invitee.name) })
        attendCalls()
    }

    /// The daemon has ended, and with it all that it had.
    func loseCalls() {
        for call in calls { call.phase = .waiting(until: .now) }
        removedNodes = []
    }

    /// Does what is due; every second.
    func attendCalls() {
        guard run.isReady, process.service.pid != nil, !isLeaving else { return }
        for call in calls {
            switch call.phase {
            case .waiting(let until) where until <= .now:
                // That of one that is adopted comes with its first answer.
                guard let version else { continue }
                if let words = version.refusalToInvite {
                    failed(call, .refused, words)
                    continue
                }
                resolve(call)
            case .creating(let since) where since.duration(to: .now) > callPatience:
                failed(call, .unreachable, "rtpmidid does not tell of its session")
            case .inviting(_, let since) where since.duration(to: .now) > .seconds(1): requestStatus()
            case .waiting, .resolving, .creating, .inviting, .naming, .joining, .connected: break
            }
        }
    }

    private func resolve(_ call: RtpmididCall) {
        let (host, names) = (call.invitee.host, context.names)
        call.phase = .resolving
        SocketAddress.lookUp(host) { names.send((host, $0)) }
    }

    func resolved(_ host: String, _ result: Result<[SocketAddress], ResolveError>) {
        for call in calls where call.invitee.host == host {
            guard case .resolving = call.phase else { continue }
            switch result {
            case .success(let addresses) where !addresses.isEmpty:
                create(call, at: addresses[call.outcome.failures % addresses.count])
            case .success: failed(call, .unreachable, "its name gives no address")
            case .failure(let error): failed(call, .unreachable, "its name gives no address: \(error.reason)")
            }
        }
    }

    private func create(_ call: RtpmididCall, at address: SocketAddress) {
        // One after the other, since `status` tells their numbers alone.
        guard !calls.contains(where: \.isCreating) else {
            call.phase = .waiting(until: .now.advanced(by: .milliseconds(500)))
            return
        }
        (call.phase, call.isRefused, call.isHalfOpen) = (.creating(since: .now), false, false)
        (call.peerName, call.localPort, call.goodbye, call.lostSince) = (nil, nil, nil, nil)
        call.outcome.next = nil
        call.outcome.address = address.with(port: call.invitee.port).description
        let request = ControlRequest.createClient(
            name: room.displayName, host: address.host, port: call.invitee.port)
        process.control.ask(request.bytes, timeout: .seconds(5)) { [weak self, weak call] answer in
            guard let self, let call, call.isCreating else { return }
            if case .success(let bytes) = answer, case .refused(let text) = ControlReply(bytes) {
                return failed(call, .unreachable, "rtpmidid says: \(text)")
            }
            requestStatus()
        }
    }

    // MARK: What the daemon tells

    /// What `status` tells of sessions that go out.
    func note(_ status: StatusReply) {
        guard version?.invites ?? false else { return }
        for call in calls { note(status, of: call) }
        let loose = status.loosePorts.compactMap(\.alsaID)
        removedNodes.formIntersection(status.clients.map(\.id) + status.clients.compactMap(\.alsaID) + loose)
        let own = calls.flatMap(\.nodes)
        for client in status.clients where !own.contains(client.id) && !removedNodes.contains(client.id) {
            let call = calls.first { call in
                if case .creating = call.phase { true } else { client.portName == call.portName && call.nodes.isEmpty }
            }
            guard let call else {
                // Of a hub before this one, or of an answer that never came.
                remove([client.alsaID, client.id].compactMap(\.self))
                continue
            }
            if let alsa = client.alsaID, client.session.state == .connected {
                isConnected(call, client, alsa)
            } else {
                call.phase = .inviting(client: client.id, since: .now)
                if call.isRefused { failed(call, .refused, Self.refusal) }
            }
        }
        for port in status.loosePorts {
            // One that is connected in this moment is loose in this answer.
            guard let id = port.alsaID, !calls.flatMap(\.nodes).contains(id), !removedNodes.contains(id) else {
                continue
            }
            if calls.contains(where: { $0.portName == port.portName && !$0.isNaming }) { remove([id]) }
        }
    }

    /// Somebody has answered no. The log does not say who: where several are being invited, none is told as refused.
    func isRefused() {
        let open = calls.filter {
            switch $0.phase {
            case .creating, .inviting: true
            case .waiting, .resolving, .naming, .joining, .connected: false
            }
        }
        guard open.count == 1 else { return }
        open[0].isRefused = true
        if !open[0].isCreating { failed(open[0], .refused, Self.refusal) }
    }

    /// The log tells of a goodbye before the session's state shows it.
    func hasSaidGoodbye(_ name: RawText) {
        for call in calls where call.peerName == name {
            call.goodbye = .now
            requestStatus()
        }
    }

    private func note(_ status: StatusReply, of call: RtpmididCall) {
        guard let id = call.client else { return }
        let client = status.clients.first { $0.id == id }
        let isConnected = client?.session.state == .connected
        let isSame = isConnected && client?.session.localPort == (call.localPort ?? client?.session.localPort)
        switch call.phase {
        case .inviting(_, let since):
            if isConnected, let client { return name(call, client) }
            if client?.session.state == .controlOnly { call.isHalfOpen = true }
            if client == nil || since.duration(to: .now) > callPatience {
                failed(call, .unreachable, call.silence)
            }
        case .naming(_, let port):
            guard isSame, let client else { return lost(call) }
            guard let port, let alsa = status.loosePorts.first(where: { $0.port == port })?.alsaID else { return }
            call.phase = .joining(client: id, alsa: alsa)
            join(call, client, [.connect(id, to: alsa), .connect(alsa, to: id)])
        case .joining, .connected:
            if !isSame { lost(call) }
        case .waiting, .resolving, .creating: break
        }
    }

    /// The log is read as fast as the store follows: what it says of a goodbye is waited for a little.
    private func lost(_ call: RtpmididCall) {
        readLog()
        let since = call.lostSince ?? .now
        call.lostSince = since
        if call.goodbye == nil, let tail, tail.awaitsCommit || tail.lag > 0, since.duration(to: .now) < .seconds(1) {
            context.loop.after(.milliseconds(20)) { [weak self] in self?.requestStatus() }
            return
        }
        if let goodbye = call.goodbye, goodbye.duration(to: .now) < callPatience {
            failed(call, .refused, "it said goodbye")
        } else {
            failed(call, .unreachable, "there is no sign of it any more", .lost("was lost: it did not answer for 10 s"))
        }
    }

    private func name(_ call: RtpmididCall, _ client: StatusReply.Client) {
        call.phase = .naming(client: client.id, port: nil)
        (call.peerName, call.localPort) = (client.session.name, client.session.localPort)
        process.control.ask(ControlRequest.createPort(name: call.invitee.name).bytes, timeout: .seconds(5)) {
            [weak self, weak call] answer in
            guard let self, let call, case .naming = call.phase else { return }
            guard case .success(let bytes) = answer, case .alsaPeer(_, let port) = ControlReply(bytes) else {
                return failed(call, .unreachable, "rtpmidid makes no port for it")
            }
            call.phase = .naming(client: client.id, port: port)
            requestStatus()
        }
    }

    /// One request after the other.
    private func join(_ call: RtpmididCall, _ client: StatusReply.Client, _ requests: [ControlRequest]) {
        guard case .joining(client.id, let alsa) = call.phase else { return }
        guard let request = requests.first else {
            isConnected(call, client, alsa)
            return requestStatus()
        }
        process.control.ask(request.bytes, timeout: .seconds(5)) { [weak self, weak call] answer in
            guard let self, let call else { return }
            guard case .success = answer else {
                return failed(call, .unreachable, "rtpmidid does not connect its port")
            }
            join(call, client, Array(requests.dropFirst()))
        }
    }

    private func isConnected(_ call: RtpmididCall, _ client: StatusReply.Client, _ alsa: Int) {
        call.phase = .connected(client: client.id, alsa: alsa)
        (call.peerName, call.localPort) = (client.session.name, client.session.localPort)
        call.outcome.next = nil
        tell(call, .connected, nil)
    }

    private func attendee(of call: RtpmididCall) -> RtpmididAttendee? {
        guard case .connected(_, let alsa) = call.phase else { return nil }
        return attendance.all.first { $0.node?.alsaID == alsa }
    }

    /// It is invited no more. What sounds at it is ended first, while it can still be sent something.
    private func dismiss(_ call: RtpmididCall) {
        let nodes = call.nodes
        guard let one = attendee(of: call) else { return remove(nodes) }
        one.end = .left("was sent away")
        bay.send(.mark(one.id, .ghost))
        bay.afterReleases { [weak self] in self?.remove(nodes) }
    }

    /// Removing the session says goodbye; removing the port is what the patch bay releases by what it held.
    private func remove(_ nodes: [Int]) {
        removedNodes.formUnion(nodes)
        for id in nodes {
            process.control.ask(ControlRequest.remove(id).bytes, timeout: .seconds(5)) { [weak self] answer in
                // It is found, and removed, again.
                if case .failure = answer { self?.removedNodes.remove(id) }
            }
        }
    }

    private func failed(
        _ call: RtpmididCall, _ state: EngineStatus.Call.State, _ reason: String, _ end: VisitEnd? = nil
    ) {
        attendee(of: call)?.end = end
        remove(call.nodes)
        let now = Timestamp.now.milliseconds
        if call.outcome.state == .connected, now - call.outcome.since > Self.settledTime { call.outcome.failures = 0 }
        call.outcome.failures += 1
        let wait = EngineStatus.Call.wait(after: call.outcome.failures)
        call.phase = .waiting(until: .now.advanced(by: wait))
        call.outcome.next = now + wait.components.seconds * 1000
        tell(call, state, reason)
    }

    private func tell(_ call: RtpmididCall, _ state: EngineStatus.Call.State, _ reason: String?) {
        guard call.outcome.state != state || call.outcome.reason != reason else { return }
        (call.outcome.state, call.outcome.reason) = (state, reason)
        call.outcome.since = Timestamp.now.milliseconds
        context.note(call.outcome, engine: name, at: .now)
    }
}

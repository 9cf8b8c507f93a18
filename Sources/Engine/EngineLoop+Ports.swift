import EngineProtocol
import Glibc
import HubLink
import Linux
import RTPMIDI
import Rooms

/// What is served: ports opened and closed, rooms made and changed.
extension EngineLoop {
    /// Changes to a plan. Who is on a port that stays keeps the session, whatever becomes of its room; ports that go are
    /// closed, with BY.
    func serve(_ new: EnginePlan) {
        let hostChanged = plan.host != new.host
        plan = new
        let numbers = Set(new.rooms.flatMap(\.ports))
        for port in ports.values where hostChanged || !numbers.contains(port.number) { close(port) }
        closed = closed.filter { numbers.contains($0.key) }
        waitingSockets.reserveCapacity(2 * numbers.count)
        let old = rooms
        var changed: [ServedRoom] = []
        rooms = new.rooms.map { plan in
            let known = old.first { $0.plan.name == plan.name }
            if let known, known.plan == plan { return known }
            let room = known ?? ServedRoom(plan)
            room.plan = plan
            changed.append(room)
            return room
        }
        for room in rooms {
            for (index, number) in room.plan.ports.enumerated() {
                if let port = ports[number] { (port.room, port.index) = (room, index) }
            }
        }
        reseat(changed, everybody: old.flatMap(\.members))
        for room in rooms {
            for (index, number) in room.plan.ports.enumerated() where ports[number] == nil { open(number, room, index) }
        }
        for endpoint in rooms.flatMap(\.members).map(\.endpoint) where !plan.admits(endpoint.address) {
            remove(endpoint, .kicked, farewell: true)
        }
        followInvitees()
        followPair()
        if let pair, pair.isComplete { for room in changed { counterparts(in: room) } }
        resume()
        if !closed.isEmpty { wake(by: now + Self.second) }
    }

    private func open(_ number: UInt16, _ room: ServedRoom, _ index: Int) {
        do throws(Errno) {
            let port = try PortPair(number: number, host: plan.host, room: room, index: index)
            port.registrations = [
                try eventLoop.watch(port.control.number, .read) { [unowned self, unowned port] _ in
                    receive(on: .control, of: port)
                },
                try eventLoop.watch(port.data.number, .read) { [unowned self, unowned port] _ in
                    receive(on: .data, of: port)
                },
            ]
            ports[number] = port
            closed[number] = nil
            news.send(.listening(port: number))
        } catch {
            let reason =
                error.code == EADDRINUSE
                ? "UDP port \(number) or \(number + 1) is taken by another program" : "\(error)"
            if closed.updateValue(reason, forKey: number) != reason {
                news.send(.cannotListen(port: number, reason: reason))
            }
        }
    }

    func retryPorts() {
        for room in rooms {
            for (index, number) in room.plan.ports.enumerated() where closed[number] != nil {
                open(number, room, index)
            }
        }
        resume()
    }

    private func close(_ port: PortPair) {
        for endpoint in port.endpoints { remove(endpoint, .portClosed, farewell: true) }
        for socket in [port.control, port.data] {
            socket.flush()
            waitingSockets.removeAll { $0 === socket }
        }
        for registration in port.registrations { eventLoop.unwatch(registration) }
        ports[port.number] = nil
    }

    /// How everything is, for the control socket.
    func status() -> EngineStatus {
        var all: [EngineStatus.Port] = []
        for room in rooms {
            for number in room.plan.ports {
                all.append(
                    EngineStatus.Port(
                        port: number, room: room.plan.name, listening: ports[number] != nil, reason: closed[number]))
            }
        }
        var status = EngineStatus(
            version: version, pid: getpid(), ports: all, participants: rooms.flatMap(\.members).map(status),
            sent: ports.values.reduce(0) { $0 + $1.control.sent + $1.data.sent },
            unsent: ports.values.reduce(0) { $0 + $1.control.unsent + $1.data.unsent },
            knows: EnginePlan.Ability.allCases.map(\.rawValue), calls: calls.map(\.outcome))
        status.failover = failoverStatus
        return status
    }

    /// A word in the log about losses, at most every five seconds.
    func report(_ member: Member) {
        let endpoint = member.endpoint
        guard endpoint.counts.lost != endpoint.told.lost || endpoint.counts.limited != endpoint.told.limited,
            now >= endpoint.toldAt + 5 * Self.second
        else { return }
        endpoint.told = endpoint.counts
        endpoint.toldAt = now
        news.send(.losses(status(member)))
    }

    func status(_ member: Member) -> EngineStatus.Participant {
        let endpoint = member.endpoint
        return EngineStatus.Participant(
            id: member.id, name: member.name, room: member.room.plan.name, port: endpoint.port.number,
            address: endpoint.address.description, ssrc: endpoint.ssrc.rawValue, since: endpoint.record.pointee.since,
            rtt: roundTrip(endpoint.streams.session.clock), counts: endpoint.counts,
            silentFor: Int64((now &- min(now, endpoint.streams.session.lastHeard)) / 10), isSilent: member.isSilent,
            loops: member.isCut, messages: member.messages,
            mayHaveLeftNotes: endpoint.streams.receiver.mayHaveLeftNotes ? true : nil, link: endpoint.link.map(status),
            isInvited: endpoint.record.pointee.isInvited == 1 ? true : nil)
    }

    private func status(_ link: EndpointLink) -> EngineStatus.Link {
        guard let report = link.report else { return EngineStatus.Link(hubs: 1) }
        func milliseconds(_ ticks: UInt16) -> Double { Double(ticks) / 10 }
        return EngineStatus.Link(
            hubs: Int(report.hubs), byBoth: Int(report.byBoth), byThisOnly: Int(report.byThisOnly),
            byOthersOnly: Int(report.byOthersOnly), asked: Int(report.asked), repaired: Int(report.repaired),
            lost: Int(report.lost), skewMedian: milliseconds(report.skewMedian), skewP99: milliseconds(report.skewP99),
            laterWithoutThis: milliseconds(report.laterWithoutThis))
    }

    /// nil where nothing has been measured yet.
    func roundTrip(_ clock: ClockEstimate) -> EngineStatus.RoundTrip? {
        guard clock.count > 0 else { return nil }
        func milliseconds(_ ticks: UInt32) -> Double { Double(ticks) / 10 }
        return EngineStatus.RoundTrip(
            last: milliseconds(clock.last), average: milliseconds(clock.average), min: milliseconds(clock.minimum),
            max: milliseconds(clock.maximum), p95: milliseconds(clock.p95), jitter: milliseconds(clock.jitter),
            samples: clock.totals.count)
    }
}

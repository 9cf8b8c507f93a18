import Client
package import EngineProtocol
import Linux
import Rooms
import Store

/// Peers that only listen and that the hub invites: by its configuration, or because somebody has said so.
extension Hub {
    /// Whom a room is to invite.
    func invitees(of room: Configuration.Room) -> [Invitee] {
        known(to: room).filter { invitee in
            !sentAway.contains { $0.isSame(as: .init(room: room.name, invitee: invitee)) }
        }
    }

    /// The same with those who have been sent away.
    private func known(to room: Configuration.Room) -> [Invitee] {
        let configured = context.configuration.invitees(of: room)
        let kept = kept.connections.filter { one in
            one.room == room.name
                && context.configuration.refusal(of: one.invitee, in: room, beside: configured) == nil
        }
        return configured + kept.map(\.invitee)
    }

    func connect(
        _ host: Initiator.Host, _ name: String?, to room: String, _ author: Author, _ reply: @escaping Reply
    ) {
        guard let room = context.configuration.rooms.first(where: { $0.name == room }) else { return }
        if let text = name.flatMap(Invitee.wrongName) { return reply(.invalid("name: \(text).")) }
        let present = known(to: room)
        let invitee = Invitee(host, name: name, beside: present)
        if let known = present.first(where: { $0.to == invitee.to && (name == nil || $0.name == name) }) {
            return letIn(known, room.name, author, reply)
        }
        invite(invitee, announced: nil, to: room, beside: present, author, reply)
    }

    /// `announced`: as it is told to, where it is announced on the local network.
    func invite(
        _ invitee: Invitee, announced: String?, to room: Configuration.Room, beside present: [Invitee],
        _ author: Author,
        _ reply: @escaping Reply
    ) {
        if let text = context.configuration.refusal(of: invitee, in: room, beside: present) {
            return reply(.conflict("It cannot be invited: \(text)."))
        }
        if let text = carrier.refusalToInvite { return reply(.conflict("\(text).")) }
        let told = kept.connections.count { !$0.isDiscovered }
        if context.configuration.connect.count + told >= Configuration.mostConnections {
            return reply(.conflict("The hub invites \(Configuration.mostConnections) already: take one out first."))
        }
        var next = kept
        // What stood in the way of it before, as another port of the configuration may, is over.
        next.connections.removeAll { $0.room == room.name && $0.invitee.name == invitee.name }
        next.connections.append(.init(room: room.name, invitee: invitee, announced: announced))
        keep(next, reply) {
            let text = "\(invitee.name) (\(invitee.to)) is invited to room \(room.name)"
            context.note(.connect, room: room.name, address: author.address, "\(text), by \(author)")
            return "\(text)."
        }
    }

    /// `name`: as the others see it, or HOST:PORT as it was given.
    func disconnect(_ name: String, from room: String, _ author: Author, _ reply: @escaping Reply) {
        func isMeant(_ one: Invitee) -> Bool { one.name == name || one.to == name }
        func isMeant(_ one: KeptConnections.One) -> Bool {
            one.room == room && (isMeant(one.invitee) || one.announced == name)
        }
        var next = kept
        next.connections.removeAll(where: isMeant)
        guard next != kept else {
            let configured = context.configuration.rooms.first { $0.name == room }
                .flatMap { context.configuration.invitees(of: $0).first(where: isMeant) }
            return reply(
                configured.map {
                    .conflict("\($0.name) stands in the configuration: take it out of `connect` there, and reload.")
                } ?? .notFound("Room \(room) invites nobody called \(name)."))
        }
        let discovered = kept.connections.filter { isMeant($0) && $0.isDiscovered }
        keep(next, reply) {
            for one in discovered { discovery.decline(one.announced ?? "") }
            let text = "\(name) is no longer invited to room \(room)"
            context.note(.disconnect, room: room, address: author.address, "\(text), by \(author)")
            return "\(text)."
        }
    }

    /// It is invited already, or no longer because it was sent away.
    private func letIn(_ invitee: Invitee, _ room: String, _ author: Author, _ reply: @escaping Reply) {
        guard let index = sentAway.firstIndex(where: { $0.isSame(as: .init(room: room, invitee: invitee)) }) else {
            return reply(.done("Room \(room) invites \(invitee.to) already."))
        }
        sentAway.remove(at: index)
        let text = "\(invitee.name) (\(invitee.to)) is invited to room \(room) again"
        context.note(.connect, room: room, address: author.address, "\(text), by \(author)")
        applyPlan { failure in
            reply(failure.map { .unavailable("The engine does not follow yet: \($0)") } ?? .done("\(text)."))
        }
    }

    /// Whom the room has invited is sent away for good: it would be the hub itself that brings it back. It is invited again
    /// when somebody says so, after a reload, and by the next hub. False where the participant is none of those.
    func sendAway(_ view: Snapshot.Participant, _ author: Author, _ reply: @escaping Reply) -> Bool {
        guard view.invited == true, let room = plan.rooms.first(where: { $0.name == view.room }),
            let invitee = room.invites?.first(where: { $0.name == view.name })
        else { return false }
        sentAway.append(.init(room: room.name, invitee: invitee))
        let text = "\(ShownName.shown(view.name)) was sent away, and is not invited again until somebody asks for it"
        context.note(
            .kick, severity: .warning, room: view.room, engine: view.engine, participant: view.name,
            address: author.address, "\(text), by \(author)")
        applyPlan { failure in
            reply(failure.map { .unavailable("The engine does not follow yet: \($0)") } ?? .done("\(text)."))
        }
        return true
    }

    func keep(_ next: KeptConnections, _ reply: @escaping Reply, _ told: () -> String) {
        do throws(Errno) { try next.write(to: context.state.connections) } catch {
            return reply(.unavailable("It cannot be kept: \(error)."))
        }
        kept = next
        sentAway.removeAll { one in
            !context.configuration.rooms.contains { $0.name == one.room && known(to: $0).contains(one.invitee) }
        }
        let text = told()
        applyPlan { failure in
            reply(.kept(text, failure))
        }
    }

    // MARK: Showing

    /// All of them, with how it is with each.
    var connectionViews: [Snapshot.Connection] {
        let calls = carrier.calls
        let served = plan.rooms.flatMap { room in
            let configured =
                context.configuration.rooms.first { $0.name == room.name }
                .map(context.configuration.invitees) ?? []
            return (room.invites ?? []).map { invitee in
                let call = calls.first { $0.room == room.name && $0.name == invitee.name && $0.to == invitee.to }
                var view = Snapshot.Connection(room.name, invitee, call, isConfigured: configured.contains(invitee))
                view.discovered =
                    kept.connections.first { $0.room == room.name && $0.invitee == invitee }?.discovered
                return view
            }
        }
        return served
            + (kept.connections + sentAway.filter { !isKept($0) }).compactMap { one in
                guard
                    !served.contains(where: {
                        $0.room == one.room && $0.name == one.invitee.name && $0.to == one.invitee.to
                    })
                else { return nil }
                var view = Snapshot.Connection(
                    one.room, one.invitee, nil, isConfigured: !isKept(one))
                (view.state, view.reason) = (.refused, hindrance(to: one))
                return view
            }
    }

    private func isKept(_ one: KeptConnections.One) -> Bool { kept.connections.contains { $0.isSame(as: one) } }

    /// Why somebody is not even invited, in words that follow the name.
    private func hindrance(to one: KeptConnections.One) -> String {
        if sentAway.contains(where: { $0.isSame(as: one) }) {
            return "it was sent away: `midihub connect \(one.invitee.to)` invites it again"
        }
        let room = context.configuration.rooms.first { $0.name == one.room }
        return room.flatMap {
            context.configuration.refusal(of: one.invitee, in: $0, beside: context.configuration.invitees(of: $0))
        } ?? "there is no such room any more"
    }
}

extension Snapshot {
    /// A peer whom a room invites.
    package struct Connection: Codable, Equatable, Sendable {
        package var room: String
        /// What the others see it as.
        package var name: String
        package var state = EngineStatus.Call.State.inviting
        /// Why it is not connected, in words that follow its name.
        package var reason: String?
        /// When it came into this state; absent where nothing is known yet.
        package var since: Int64?
        /// Attempts without success in a row, and when the next one is.
        package var failures = 0
        package var next: Int64?
        /// It stands in the configuration, and is taken out there.
        package var configured: Bool
        /// `discover` has let it in: true, or absent.
        package var discovered: Bool?
        /// `HOST:PORT`, and what that means; with the token only.
        package var to: String?
        package var address: String?

        package var withoutAddress: Connection {
            var copy = self
            (copy.to, copy.address) = (nil, nil)
            return copy
        }

        init(_ room: String, _ invitee: Invitee, _ call: EngineStatus.Call?, isConfigured: Bool) {
            (self.room, name, to, configured) = (room, invitee.name, invitee.to, isConfigured)
            guard let call else { return }
            (state, reason, since, failures, next) = (call.state, call.reason, call.since, call.failures, call.next)
            address = call.address
        }
    }
}

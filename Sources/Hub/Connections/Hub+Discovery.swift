import Client
import Linux
import Rooms
import Store

/// What is announced on the local network: offered, or let in.
extension Hub {
    private func surroundings(_ participants: [Snapshot.Participant]) -> Surroundings {
        Surroundings(
            network.sessions, context.configuration, own: SocketAddress.own(), plan: plan, kept: kept,
            calls: carrier.calls, participants: participants)
    }

    /// Has a room invite what is announced by that name, wherever it is from time to time.
    func letIn(
        _ announced: String, _ name: String?, to room: String, _ author: Author, _ reply: @escaping Reply
    ) {
        guard let room = context.configuration.rooms.first(where: { $0.name == room }) else { return }
        if let text = name.flatMap(Invitee.wrongName) { return reply(.invalid("name: \(text).")) }
        guard let session = surroundings(carrier.participants).sessions.first(where: { $0.name == announced }) else {
            let name = ShownName.shown(announced)
            return reply(.notFound("Nobody else is announced on the hub's local network as \"\(name)\"."))
        }
        if let index = kept.connections.firstIndex(where: { $0.room == room.name && $0.announced == announced }) {
            // From now on because somebody has said so.
            var next = kept
            next.connections[index].discovered = nil
            return keep(next, reply) { "Room \(room.name) invites \(next.connections[index].invitee.name) already." }
        }
        let present = invitees(of: room)
        let invitee = Invitee(session, name: name, beside: present)
        if let one = present.first(where: { other in session.addresses.contains { "\($0)" == other.to } }) {
            return reply(.done("Room \(room.name) invites \(one.name) already."))
        }
        invite(invitee, announced: announced, to: room, beside: present, author, reply)
    }

    /// Every second: who has come and gone.
    func followAnnouncements(now: ContinuousClock.Instant) {
        let hasRules = !(context.configuration.discover ?? []).isEmpty
        guard !isStopping, hasRules || kept.connections.contains(where: { $0.announced != nil }) else { return }
        let next = discovery.follow(
            kept, surroundings(carrier.participants), context.configuration, now: now)
        guard next != kept else { return }
        let (old, new) = (kept.connections, next.connections)
        let nobody: Reply = { _ in }
        keep(next, nobody) {
            for one in new where one.isDiscovered && !old.contains(where: { $0.announced == one.announced }) {
                context.note(
                    .connect, room: one.room, address: one.invitee.to,
                    "\(one.invitee.name) was found on the local network and is invited to room \(one.room)")
            }
            for one in old where one.isDiscovered && !new.contains(where: { $0.announced == one.announced }) {
                context.note(
                    .disconnect, room: one.room, address: one.invitee.to,
                    "\(one.invitee.name), which was found on the local network, is no longer invited to room \(one.room)"
                )
            }
            return ""
        }
    }

    // MARK: Showing

    /// Of those that came first.
    private static let mostOffers = 64

    func offerViews(beside participants: [Snapshot.Participant]) -> [Snapshot.Offer] {
        guard !network.sessions.isEmpty else { return [] }
        return surroundings(participants).offers.prefix(Self.mostOffers).map(Snapshot.Offer.init)
            .sorted { $0.name < $1.name }
    }
}

extension Snapshot {
    /// Somebody who is announced on the local network and could be let in.
    package struct Offer: Codable, Equatable, Sendable {
        /// As it is announced; no two have the same.
        package var name: String
        /// The room's name, where it is one of another MIDI Hub that says so.
        package var room: String?
        /// `HOST:PORT`; with the token only.
        package var to: String?

        package var withoutAddress: Offer {
            var copy = self
            copy.to = nil
            return copy
        }

        init(_ session: AnnouncedSession) {
            (name, room) = (session.name, session.room)
            to = session.addresses.first?.description
        }
    }
}

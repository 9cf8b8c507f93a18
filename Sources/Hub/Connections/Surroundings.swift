import Client
import EngineProtocol
import Linux
import Rooms

/// What is announced on the local network, held against the hub: who is somebody else, and not in a room already.
struct Surroundings {
    /// Of everything that is announced the hub's own is left out, and what it may not or cannot reach. A session that is
    /// known by several names is there once. Those first that came first.
    let sessions: [AnnouncedSession]
    private let kept: KeptConnections
    private let connections: [EngineStatus.Call]
    /// Where those are who are here or invited.
    private let taken: Set<SocketAddress>
    /// The names of those who have come by themselves, by the address without a port.
    private let guests: [SocketAddress: Set<String>]
    /// What the hub's rooms are announced as themselves.
    private let ownNames: [String: String]

    /// - Parameters:
    ///   - own: the addresses of this machine.
    ///   - invites: whom the rooms invite by the plan.
    init(
        _ announced: [AnnouncedSession], _ configuration: Configuration, own: Set<SocketAddress>, plan: EnginePlan,
        kept: KeptConnections, calls: [EngineStatus.Call], participants: [Snapshot.Participant]
    ) {
        let bound = configuration.address.flatMap { SocketAddress(host: $0, port: 0) }
        var known: Set<SocketAddress> = []
        var ownNames: [String: String] = [:]
        sessions = announced.compactMap { session in
            if session.addresses.contains(where: { configuration.isItself($0, own: own) }) {
                let room = configuration.rooms.first { $0.ports.contains(session.port) }
                ownNames[room?.name ?? ""] = session.name
                return nil
            }
            let addresses = session.addresses.filter { one in
                plan.admits(one) && bound?.isIPv4 ?? one.isIPv4 == one.isIPv4
            }
            guard !addresses.isEmpty, known.isDisjoint(with: addresses) else { return nil }
            known.formUnion(addresses)
            return AnnouncedSession(
                name: session.name, room: session.room, port: session.port, addresses: addresses)
        }
        (self.kept, self.ownNames) = (kept, ownNames)
        // An engine may still tell of one that is no longer invited.
        connections = calls.filter { call in
            plan.rooms.contains { room in
                room.name == call.room
                    && (room.invites ?? []).contains { $0.name == call.name && $0.to == call.to }
            }
        }
        let invited = plan.rooms.flatMap { $0.invites ?? [] }.map(\.to) + connections.compactMap(\.address)
        let addresses = participants.compactMap(\.address)
        taken = Set((invited + addresses).compactMap(Self.address))
        guests = participants.reduce(into: [:]) { guests, one in
            guard let text = one.address, one.invited == nil,
                let address = Self.address(text) ?? SocketAddress(host: text, port: 0)
            else { return }
            guests[address.with(port: 0), default: []].insert(Self.name(one.name))
        }
    }

    private static func address(_ text: String) -> SocketAddress? {
        Initiator.Host(text).flatMap { SocketAddress(host: $0.name, port: $0.port) }
    }

    /// Avahi puts a number behind a name that somebody else has, of which its bearer may know nothing.
    private static func name(_ text: String) -> String {
        guard let mark = text.lastIndex(of: "#"), UInt(text[mark...].dropFirst()) != nil,
            text[..<mark].last == " "
        else { return text }
        return String(text[..<mark].dropLast())
    }

    /// Who is in no room, and whom no room invites.
    var offers: [AnnouncedSession] {
        sessions.filter { session in
            !hasCome(session) && !session.addresses.contains(where: taken.contains)
                && !kept.connections.contains { $0.announced == session.name }
        }
    }

    /// By itself, from one of its addresses and under its name: rtpmidid invites from any port.
    func hasCome(_ session: AnnouncedSession) -> Bool {
        session.addresses.contains { guests[$0.with(port: 0)]?.contains(Self.name(session.name)) ?? false }
    }

    /// Of two hubs that have let each other in the one whose room has the higher name is to give way, as both of them see
    /// it. A hub on rtpmidid does not say that it is one.
    func givesWay(_ room: String, to session: AnnouncedSession) -> Bool {
        ownNames[room].map { $0 > session.name } ?? true
    }

    func isConnected(_ one: KeptConnections.One) -> Bool {
        connections.contains {
            $0.room == one.room && $0.name == one.invitee.name && $0.to == one.invitee.to && $0.state == .connected
        }
    }
}

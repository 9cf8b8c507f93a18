import Client
import Linux
import Rooms

/// Who is let in unasked, over time.
struct Discovery {
    /// Since when each is announced.
    private var since: [String: ContinuousClock.Instant] = [:]
    /// Since when those who are of interest are not announced.
    private var missing: [String: ContinuousClock.Instant] = [:]
    /// Since when those who were let in have also come by themselves.
    private var twice: [String: ContinuousClock.Instant] = [:]
    /// Whom people have sent away again: until they return, or the hub does.
    private(set) var declined: Set<String> = []

    /// One that comes and goes is not let in.
    static let settling = Duration.seconds(3)
    /// Whoever is not announced for so long is gone: Avahi may have been started anew.
    static let patience = Duration.seconds(30)
    /// How long the other one of two hubs has to give way. Whoever does not is none.
    static let courtesy = Duration.seconds(10)

    mutating func decline(_ announced: String) { declined.insert(announced) }

    /// Whom the rooms are to invite from now on: those who were told to, at the addresses that they have now, and those who
    /// are let in unasked.
    mutating func follow(
        _ kept: KeptConnections, _ surroundings: Surroundings, _ configuration: Configuration,
        now: ContinuousClock.Instant
    ) -> KeptConnections {
        let here = Dictionary(surroundings.sessions.map { ($0.name, $0) }) { first, _ in first }
        remember(Set(here.keys), besides: kept, now)
        var next = kept
        for index in next.connections.indices {
            let one = next.connections[index]
            guard let session = one.announced.flatMap({ here[$0] }), !surroundings.isConnected(one),
                !session.addresses.contains(where: { $0.host == one.invitee.host && $0.port == one.invitee.port })
            else { continue }
            next.connections[index].invitee.host = session.addresses[0].host
            next.connections[index].invitee.port = session.addresses[0].port
        }
        next.connections.removeAll { one in
            guard one.isDiscovered, let name = one.announced else { return false }
            let session = here[name] ?? AnnouncedSession(name: name, room: nil, port: 0, addresses: [])
            let since = surroundings.hasCome(session) ? twice[name] ?? now : nil
            twice[name] = since
            if configuration.room(letting: session)?.name != one.room { return true }
            if let since {
                return surroundings.givesWay(one.room, to: session) || since.duration(to: now) >= Self.courtesy
            }
            return isGone(name, now) && !surroundings.isConnected(one)
        }
        for session in surroundings.offers where !declined.contains(session.name) {
            guard next.connections.count(where: \.isDiscovered) < KeptConnections.mostDiscovered else { break }
            guard let since = since[session.name], since.duration(to: now) >= Self.settling,
                let room = configuration.room(letting: session)
            else { continue }
            let others =
                configuration.invitees(of: room)
                + next.connections.filter { $0.room == room.name }.map(\.invitee)
            let invitee = Invitee(session, name: nil, beside: others)
            guard configuration.refusal(of: invitee, in: room, beside: others) == nil else { continue }
            next.connections.append(
                .init(room: room.name, invitee: invitee, announced: session.name, discovered: true))
        }
        return next
    }

    private mutating func remember(
        _ here: Set<String>, besides kept: KeptConnections, _ now: ContinuousClock.Instant
    ) {
        since = since.filter { here.contains($0.key) }
        for name in here where since[name] == nil { since[name] = now }
        let ofInterest = declined.union(kept.connections.compactMap(\.announced))
        twice = twice.filter { name, _ in kept.connections.contains { $0.isDiscovered && $0.announced == name } }
        missing = missing.filter { ofInterest.contains($0.key) && !here.contains($0.key) }
        for name in ofInterest.subtracting(here) where missing[name] == nil { missing[name] = now }
        declined = declined.filter { !isGone($0, now) }
    }

    private func isGone(_ name: String, _ now: ContinuousClock.Instant) -> Bool {
        missing[name].map { $0.duration(to: now) >= Self.patience } ?? false
    }
}

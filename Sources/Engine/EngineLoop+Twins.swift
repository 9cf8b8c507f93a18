import EngineProtocol
import RTPMIDI
import Rooms

/// A hub has several addresses, and two hubs may invite each other at different ones. By two sessions between the same two
/// rooms whatever is played would go round and round, so there is one: where each has invited the other that of the hub with
/// the higher SSRC, else the older one.
extension EngineLoop {
    /// The session that makes one that an invitation of ours has begun needless.
    func preferred(to session: Session, of room: ServedRoom) -> Endpoint? {
        guard let ssrc = session.peer, let other = endpoint(with: ssrc, called: session.peerName, in: room) else {
            return nil
        }
        return other.call != nil || ssrc.rawValue > table.ssrc.rawValue ? other : nil
    }

    /// Whoever has invited itself and is proven now may be one whom the room has invited elsewhere.
    func giveWay(to endpoint: Endpoint) {
        guard endpoint.call == nil, endpoint.ssrc.rawValue > table.ssrc.rawValue,
            let other = self.endpoint(
                with: endpoint.ssrc, called: endpoint.name, in: endpoint.port.room, besides: endpoint),
            let call = other.call.take()
        else { return }
        remove(other, .restarted, farewell: true)
        isHere(call, by: endpoint)
    }

    /// One who leads to that room of another hub. Older versions cannot be told by their SSRC.
    private func endpoint(
        with ssrc: SSRC, called name: String?, in room: ServedRoom, besides one: Endpoint? = nil
    ) -> Endpoint? {
        guard ssrc.isOfHub, let name else { return nil }
        return room.plan.ports.lazy.compactMap { self.ports[$0] }.flatMap(\.endpoints).first {
            $0 !== one && $0.ssrc == ssrc
                && ($0.record.pointee.isInvited == 1 ? $0.streams.session.peerName : $0.name) == name
        }
    }
}

extension SSRC {
    /// One by which hubs know each other: its lower 12 bits follow from the others, which is so with one of 4096 of other
    /// programs by chance. Some boards of one make all have the same.
    static func ofHub(_ random: UInt32) -> SSRC {
        let upper = random & 0xFFFF_F000
        return SSRC(upper | ((upper &* 2_654_435_769) >> 20))
    }

    var isOfHub: Bool { self == .ofHub(rawValue) }
}

package import Linux

/// Who a connection is counted for. This machine and the command line have places of their own, which others cannot take.
package enum Caller: Hashable, Sendable {
    /// Over the hub's own unix socket.
    case commandLine
    /// Over loopback, and not on behalf of another address.
    case machine
    /// An IPv4 address, or an IPv6 network of 64 bits.
    case network(SocketAddress)

    package init(_ client: SocketAddress?, viaSocket: Bool) {
        guard let client, !viaSocket else {
            self = .commandLine
            return
        }
        self = client.isLoopback ? .machine : .network(client.network)
    }

    /// Both draw on the same places.
    package func competes(with other: Caller) -> Bool {
        switch (self, other) {
        case (.commandLine, .commandLine), (.machine, .machine), (.network, .network): true
        case (.commandLine, _), (.machine, _), (.network, _): false
        }
    }
}

extension Request {
    /// Who asks: behind a proxy on this machine, the address that it gives (the last one: the client may have made up
    /// those before). nil over the unix socket.
    package var client: SocketAddress? {
        guard let peer, let address = SocketAddress(host: peer.host, port: 0) else { return nil }
        guard address.isLoopback, let forwarded = headers.values(of: "X-Forwarded-For").last?.split(separator: ",").last
        else { return address }
        return SocketAddress(host: String(forwarded.drop { $0 == " " }.prefix { $0 != " " }), port: 0) ?? address
    }
}

/// One that holds a place.
package struct Holder: Sendable {
    /// In the order they came.
    package var id: UInt64
    package var caller: Caller
    /// nil while it is being served, in the future where it has just come.
    package var idleSince: ContinuousClock.Instant?

    package init(id: UInt64, caller: Caller, idleSince: ContinuousClock.Instant?) {
        (self.id, self.caller, self.idleSince) = (id, caller, idleSince)
    }

    private func isIdle(at now: ContinuousClock.Instant) -> Bool { idleSince.map { $0 <= now } ?? false }

    /// So many places are not too many for one caller: a browser opens six connections to a page.
    package static let handful = 8

    /// Which of `holders`, who have all the places, loses its place to a newcomer: one of the caller with the most, an idle
    /// one first. Losing an idle connection does no harm, so an idle place may go to a caller with as many; one that is
    /// being served goes only to a caller with fewer.
    package static func toDismiss(
        among holders: [Holder], for newcomer: Caller, at now: ContinuousClock.Instant
    ) -> UInt64? {
        var counts = [newcomer: 1]
        for holder in holders { counts[holder.caller, default: 0] += 1 }
        func count(_ caller: Caller) -> Int { counts[caller, default: 0] }
        let own = max(count(newcomer), handful)
        let idle = holders.filter { $0.isIdle(at: now) && max(count($0.caller), handful) >= own }
        let busy = holders.filter { count($0.caller) > own }
        let chosen =
            idle.min {
                let (one, other) = (count($0.caller), count($1.caller))
                return one != other ? one > other : ($0.idleSince ?? now, $0.id) < ($1.idleSince ?? now, $1.id)
            }
            ?? busy.min {
                let (one, other) = (count($0.caller), count($1.caller))
                return one != other ? one > other : $0.id < $1.id
            }
        return chosen?.id
    }
}

import HubLink
package import Linux

/// Hubs that are known only after the beginning.
extension HubGroup {
    /// Of one who began with no hub: it was not known yet which ones are meant.
    package func start(on hosts: [Initiator.Host]) throws(Errno) {
        precondition(hubs.isEmpty, "it is on hubs already")
        try add(hosts)
        start()
    }

    /// The partner of the one hub that was named.
    func stand(on partner: LinkPacket.Greeting.Place) {
        let address = SocketAddress(high: partner.high, low: partner.low, port: partner.port)
        guard (1..<UInt16.max).contains(partner.port), !isLeaving,
            (try? add([Initiator.Host(name: address.host, port: partner.port)])) != nil
        else { return }
        hubs[1].start()
    }

    /// A hub asks whether its partner is heard, or that one is.
    func heard(_ witness: LinkPacket.Witness, from hub: Int) {
        switch witness.step {
        case .question:
            asking = (hub, witness.token)
            for other in hubs.indices where other != hub && hubs[other].isLinked {
                hubs[other].sendLink(.witness(.init(.knock, token: witness.token)))
            }
        case .here:
            guard let asking, asking.token == witness.token, asking.hub != hub else { return }
            hubs[asking.hub].sendLink(.witness(.init(.answer, token: witness.token)))
        case .knock, .answer: break
        }
    }
}

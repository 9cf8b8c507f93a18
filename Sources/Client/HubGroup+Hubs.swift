import HubLink
package import Linux
import RTPMIDI
import Rooms

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

    /// A hub tells how somebody's instruments are set. To a controller it tells the lights of who has the focus there from
    /// now on. Where another hub has told them before, it may have told this one's old holder's since: they are told again.
    func heard(_ part: LinkPacket.StatePart, _ datagram: RawSpan, from hub: Int) {
        let isAgain =
            part.isStruck && darkened.remove(hub) != nil && speakers[part.origin]?.reader.isCarried ?? false
        let known = speakers[part.origin]?.state ?? SpeakerState()
        listen(to: part.origin, by: hub) { $0.receive(part, in: datagram, by: hub, known: known, at: now, emit: $1) }
        guard isAgain, let speaker = speakers[part.origin] else { return }
        SpeakerState().tell(differenceTo: speaker.state, strikes: true) { makeUp($0, by: hub) }
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

extension StatusReply {
    /// The router's nodes as the reply lists them.
    struct RawNode {
        enum Kind { case network, client, alsa, listener, other }
        var id: Int
        var kind: Kind
        var name: RawText?
        var port: Int?
        var sendsTo: [Int]
        var sent: Int?
        var received: Int?
        var session: Session?
        /// Sessions that a listener lists.
        var listed: [Session]
    }

    /// Pairs network nodes with ALSA nodes, and groups the pairs by session.
    mutating func group(_ nodes: [RawNode]) {
        let alsa = nodes.filter { $0.kind == .alsa }
        var paired: Set<Int> = []
        for network in nodes.sorted(by: { $0.id < $1.id }) where network.kind == .network || network.kind == .client {
            guard var session = network.session else { continue }
            // There may be added routes. The partner is a node that sends back: one of equal name first, else the oldest.
            let partners = alsa.filter { network.sendsTo.contains($0.id) && $0.sendsTo.contains(network.id) }
            let partner = partners.first { $0.name == network.name } ?? partners.min { $0.id < $1.id }
            if network.kind == .client {
                clients.append(
                    Client(id: network.id, session: session, alsaID: partner?.id, portName: partner?.name))
                // Whatever it calls itself, it is known by the name that was given to it here.
                guard let name = partner?.name else { continue }
                session.name = name
            }
            guard let partner, paired.insert(partner.id).inserted else {
                otherSessions.append(session)
                continue
            }
            let node = Node(
                networkID: network.id, alsaID: partner.id, port: partner.port, portName: partner.name,
                packetsIn: network.sent, packetsOut: network.received)
            // Two nodes of one session show the same peer to the last field; the port guards against equal SSRCs, which
            // rtpmidid draws from 16 bits.
            let same = participants.firstIndex {
                session.ssrc != nil && $0.session.ssrc == session.ssrc && $0.session.name == session.name
                    && $0.session.port == session.port
            }
            if let same {
                participants[same].nodes.append(node)
            } else {
                participants.append(Participant(session: session, nodes: [node]))
            }
        }
        loosePorts = alsa.filter { !paired.contains($0.id) }.map {
            Node(alsaID: $0.id, port: $0.port, portName: $0.name)
        }
        for session in nodes.flatMap(\.listed) {
            let isKnown =
                names.contains(session.name)
                && (participants.map(\.session) + otherSessions).contains {
                    $0.ssrc == session.ssrc && $0.name == session.name && $0.port == session.port
                }
            if !isKnown { otherSessions.append(session) }
        }
    }
}

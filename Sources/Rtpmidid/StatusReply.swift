/// What a `status` reply says, of any version, as plain values. Nothing in it can be relied on to be there: an older
/// daemon leaves fields out, a newer one adds some, and names come from strangers.
package struct StatusReply: Equatable, Sendable {
    package internal(set) var version: RtpmididVersion?
    package internal(set) var versionText: String?
    package internal(set) var listener: Listener?
    /// One entry a session, however many ALSA ports it has. In the order of their first port.
    package internal(set) var participants: [Participant] = []
    /// Sessions without a port: invited on the control port only, or removed from the router.
    package internal(set) var otherSessions: [Session] = []
    /// ALSA ports that no session feeds: what `router.remove` of a network peer leaves, or somebody else's.
    package internal(set) var loosePorts: [Node] = []
    /// Sessions that go out, with a port or without.
    package internal(set) var clients: [Client] = []
    /// Before 23.12 a reply says nothing about who is connected.
    package internal(set) var listsParticipants = false

    package struct Listener: Hashable, Sendable {
        /// For `ControlRequest.remove`: says BYE to everyone and closes the ports.
        package internal(set) var id: Int?
        package internal(set) var name: RawText?
        package internal(set) var controlPort: UInt16?
        package internal(set) var midiPort: UInt16?
    }

    package struct Participant: Equatable, Sendable {
        package internal(set) var session: Session
        /// At least one; more are duplicates that carry the same MIDI, of which only the first is to be patched.
        package internal(set) var nodes: [Node]
    }

    /// A session that the daemon has invited to.
    package struct Client: Equatable, Sendable {
        package internal(set) var id: Int
        package internal(set) var session: Session
        /// Of its ALSA port, where it is connected with one.
        package internal(set) var alsaID: Int?
        package internal(set) var portName: RawText?
    }

    /// A pair of router nodes: where MIDI goes between the network and an ALSA port.
    package struct Node: Hashable, Sendable {
        package internal(set) var networkID: Int?
        package internal(set) var alsaID: Int?
        /// ALSA port number; 23.12 does not tell it.
        package internal(set) var port: Int?
        /// The name it was made with: not the session's where another participant has taken that over since.
        package internal(set) var portName: RawText?
        /// Packets from the network, and towards it, since it joined.
        package internal(set) var packetsIn: Int?
        package internal(set) var packetsOut: Int?
    }

    package struct Session: Equatable, Sendable {
        package internal(set) var name: RawText
        /// The participant's SSRC.
        package internal(set) var ssrc: UInt32?
        /// Numeric, or a host name where the daemon resolved it. IPv4 without the `::ffff:` in front.
        package internal(set) var address: String?
        /// The participant's control port.
        package internal(set) var port: UInt16?
        /// The daemon's own. A session that it has begun anew by itself has another one.
        package internal(set) var localPort: UInt16?
        package internal(set) var state: State
        package internal(set) var latency: Latency?
        /// Local, acknowledged and remote sequence number: they move with the traffic.
        package internal(set) var sequence: [Int?]

        package var key: SessionKey { SessionKey(name: name, ssrc: ssrc) }
        /// It has finished a clock exchange: what we send to it comes to it, and it answers.
        package var hasMeasured: Bool { latency.map { $0.last > 0 } ?? false }
    }

    package enum State: Hashable, Sendable { case none, controlOnly, midiOnly, connected, untold }

    /// Full round trips in microseconds.
    package struct Latency: Hashable, Sendable {
        package internal(set) var last: Int
        package internal(set) var average: Int
        package internal(set) var deviation: Int
    }

    /// Sessions with a newer one at the same address and port, each with the newest: two programs cannot share a port, so
    /// the older session's program has been restarted.
    package var successions: [(older: Participant, newer: Participant)] {
        struct Endpoint: Hashable { let address: String, port: UInt16 }
        func endpoint(_ one: Participant) -> Endpoint? {
            guard let address = one.session.address, let port = one.session.port, port > 0 else { return nil }
            return Endpoint(address: address, port: port)
        }
        // The list has them in the order in which they came.
        var newest: [Endpoint: Participant] = [:]
        for one in participants { if let endpoint = endpoint(one) { newest[endpoint] = one } }
        return participants.compactMap { one in
            guard let newer = endpoint(one).flatMap({ newest[$0] }), newer != one else { return nil }
            return (one, newer)
        }
    }

    /// Every name that can stand in the log.
    package var names: [RawText] {
        participants.map(\.session.name) + otherSessions.map(\.name) + clients.map(\.session.name)
    }
}

/// What tells participants apart: the name they chose and their SSRC, which is nil where only the log can tell and did not.
package struct SessionKey: Hashable, Sendable {
    package let name: RawText
    package let ssrc: UInt32?

    package init(name: RawText, ssrc: UInt32?) {
        self.name = name
        self.ssrc = ssrc
    }
}

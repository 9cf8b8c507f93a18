/// How a version writes its log lines.
package enum LogFormat: Sendable {
    /// 21.07: `ESC[0;37m[2026-11-20T23:51:41Z] [file.cpp:12]ESC[0m message`
    case timed
    /// 21.11, 23.10: `[file.cpp:12] message`
    case plain
    /// 23.12: ` [file.cpp:12] message`
    case blank
    /// 24.12, 26.01: `[INFO ] file.cpp:12      | messageESC[0m`, other levels with a colour in front.
    case levelled
}

/// One of the two UDP ports of a session.
package enum SessionChannel: Hashable, Sendable { case control, midi }

/// What one line of rtpmidid's log says. A fact is a claim: participants choose their names, and a newline in a name
/// forges lines. `JoinTracker` and `LatencyCorrelator` decide what to believe.
package enum LogFact: Equatable, Sendable {
    /// An address that is `null` in the line is nil here: that port could not be opened, whatever else is said.
    /// Versions before 24.12 tell one port; the other is the next one.
    case listening(control: UInt16?, midi: UInt16?, name: RawText)
    case waitingForConnections
    case controlReady(path: RawText)
    case controlFailed(RawText)
    /// A UDP port could not be opened.
    case bindFailed(RawText)
    case noSequencer(RawText)

    case invitation(Invitation)
    /// "This peer is already connected": the next invitation makes one more ALSA port for somebody who has one.
    case alreadyConnected
    case alsaPortMade(name: RawText, port: Int)
    /// Up to 23.10 a join is told without its ALSA port.
    case joinedWithoutPort(name: RawText)
    case peerAdded(id: Int, kind: PeerKind)
    case peerRemoved(id: Int)
    /// Router node `from` sends to `to`.
    case connected(from: Int, to: Int)
    /// Up to 23.10.
    case oldPortRemoved(port: Int)
    /// A BYE came on one channel; `last` if nothing of the session remains connected.
    case byeReceived(name: RawText, channel: SessionChannel, last: Bool)
    /// The daemon gave up on a participant and said goodbye to it.
    case goodbyesSent(name: RawText)
    case ckTimeout
    /// A clock sync ended: the full round trip in microseconds, in steps of 100.
    case latency(name: RawText, microseconds: Int, role: LatencyRole)

    case avahiProblem(RawText)
    case stopping
    case fin
    /// The daemon or its C++ runtime says why it ends. Worth showing only if the process did end.
    case fatal(RawText)
    case error(RawText)
    case warning(RawText)

    /// Understood, and of no interest.
    case noise
    /// A whole record whose end the daemon cut off at its limit of about 1 kB, because of a long name.
    case cut
    /// The lines since an invitation are exactly as long as a record that the daemon cut: they may all be that
    /// participant's name. Comes beside the fact of the line that ends there.
    case cutSuspected
    /// A well-formed record that this hub does not know.
    case unknown(RawText)
    /// Not a record: a fragment of one with a newline in it, a line too long, rubbish.
    case malformed(RawText)

    package struct Invitation: Hashable, Sendable {
        package let name: RawText
        package let initiator: UInt32
        package let ssrc: UInt32
        package let channel: SessionChannel

        package init(name: RawText, initiator: UInt32, ssrc: UInt32, channel: SessionChannel) {
            self.name = name
            self.initiator = initiator
            self.ssrc = ssrc
            self.channel = channel
        }
    }

    package enum PeerKind: Hashable, Sendable {
        case alsa, network, listener, other
        /// 23.12 does not tell.
        case untold
    }

    /// `server`: the daemon was invited and timed CK1 to CK2. `client`: it is the initiator and timed CK0 to CK1.
    package enum LatencyRole: Hashable, Sendable { case server, client }
}

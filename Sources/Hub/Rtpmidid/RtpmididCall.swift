import EngineProtocol
import Linux
import Rooms
import Rtpmidid

/// Somebody whom a room on rtpmidid invites. The session is a node of the daemon's router that goes out by itself; its ALSA
/// port is made when it is connected and goes when it is lost, so that a port means presence as with everybody else.
final class RtpmididCall {
    let invitee: Invitee
    var phase = Phase.waiting(until: .now)
    /// It has answered no, before the number of its session was known.
    var isRefused = false
    /// It has answered on its control port, and not yet on the next.
    var isHalfOpen = false
    /// What it calls itself.
    var peerName: RawText?
    /// The daemon's port of its session. Where the peer was silent, the daemon itself begins anew, with another.
    var localPort: UInt16?
    /// When the log told that it says goodbye.
    var goodbye: ContinuousClock.Instant?
    /// When its session was first seen to be over.
    var lostSince: ContinuousClock.Instant?
    /// As it is told.
    var outcome: EngineStatus.Call

    enum Phase {
        case waiting(until: ContinuousClock.Instant)
        case resolving
        /// The daemon was told to make its session, whose number `status` tells.
        case creating(since: ContinuousClock.Instant)
        case inviting(client: Int, since: ContinuousClock.Instant)
        /// It is connected, and its port was asked for; `port` once that is there.
        case naming(client: Int, port: Int?)
        /// The daemon was told to connect the two.
        case joining(client: Int, alsa: Int)
        case connected(client: Int, alsa: Int)
    }

    init(_ invitee: Invitee, of room: String, at now: Int64) {
        self.invitee = invitee
        outcome = .init(room: room, name: invitee.name, to: invitee.to, state: .inviting, since: now)
    }

    /// The router's nodes that are its own.
    var nodes: [Int] {
        switch phase {
        case .waiting, .resolving, .creating: []
        case .inviting(let client, _), .naming(let client, _): [client]
        case .joining(let client, let alsa), .connected(let client, let alsa): [alsa, client]
        }
    }

    /// Why it is not connected though it has not answered no.
    var silence: String {
        isHalfOpen
            ? "it answers on port \(invitee.port), and not on \(invitee.port + 1): is that port forwarded?"
            : "no answer from \(outcome.address ?? invitee.to)"
    }
    var isCreating: Bool { if case .creating = phase { true } else { false } }
    var isNaming: Bool { if case .naming = phase { true } else { false } }
    var client: Int? { nodes.last }
    var portName: RawText { RawText(invitee.name).alsaPortName }
}

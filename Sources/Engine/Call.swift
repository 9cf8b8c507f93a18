import EngineProtocol
import Linux
import RTPMIDI
import Rooms

/// Somebody whom a room invites: from the plan that names it to the plan that does not.
final class Call {
    let invitee: Invitee
    /// It is invited from there, so it is in that port's room.
    let port: UInt16
    var phase: Phase
    /// Of those that its host's name means the ones that were not tried since it was looked up.
    var addresses: [SocketAddress] = []
    /// By which other session it is here.
    weak var elsewhere: Endpoint?
    /// As it is told.
    var outcome: EngineStatus.Call

    enum Phase {
        /// Until it is invited, or invited again.
        case waiting(until: UInt64)
        case resolving
        /// The address is that of its control port.
        case inviting(Session, SocketAddress)
        case connected(Endpoint)
    }

    init(_ invitee: Invitee, from port: UInt16, of room: String, now: UInt64) {
        (self.invitee, self.port, phase) = (invitee, port, .waiting(until: now))
        outcome = EngineStatus.Call(
            room: room, name: invitee.name, to: invitee.to, state: .inviting, since: SystemTime.unixMilliseconds)
    }

    /// When something is due.
    var deadline: UInt64 {
        switch phase {
        case .waiting(let until): until
        case .inviting(let session, _): session.deadline
        case .resolving, .connected: .max
        }
    }

    /// Where it is being invited.
    var invited: (session: Session, address: SocketAddress)? {
        if case .inviting(let session, let address) = phase { (session, address) } else { nil }
    }

    static let longestWait = 60 * EngineLoop.second
}

extension EngineStatus.Call {
    /// `wait` in ticks.
    static func ticks(after failures: Int) -> UInt64 {
        UInt64(wait(after: failures).components.seconds) * EngineLoop.second
    }
}

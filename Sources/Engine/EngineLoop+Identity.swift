import HubLink
import RTPMIDI

/// What instruments are called on the computers that they are plugged into: a room passes that on to all who are linked, and
/// keeps it for those who come later, also when the instrument is away.
extension EngineLoop {
    func received(_ identity: LinkIdentity, of origin: Origin, from member: Member) {
        member.room.learn(identity, of: origin)
        for hearer in member.room.members where hearer !== member {
            sendLink(.identity(origin, identity), to: hearer.endpoint)
        }
    }

    /// Three times, since packets get lost; on the control port, behind the answer that begins the link.
    func tellIdentities(to member: Member) {
        for _ in 0..<3 {
            for (origin, identity) in member.room.identities {
                sendLink(.identity(origin, identity), to: member.endpoint, on: .control)
            }
        }
    }
}

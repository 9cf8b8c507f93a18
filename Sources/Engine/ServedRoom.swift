import EngineProtocol
import HubLink
import Rooms

/// A room that is served, with those who are in it.
final class ServedRoom {
    var plan: RoomPlan
    /// Who hears whom.
    var rules: Room
    /// In the order of their arrival.
    var members: [Member] = []
    /// What the instruments of those are called who are or were in it, the oldest first.
    private(set) var identities: [(origin: Origin, identity: LinkIdentity)] = []
    private static let mostIdentities = 32

    init(_ plan: RoomPlan) {
        self.plan = plan
        rules = Self.rules(plan)
    }

    static func rules(_ plan: RoomPlan) -> Room {
        Room(
            policy: plan.policy, blocks: Set(plan.blocks), echoes: plan.echoes ?? false, meshLimit: plan.maximum)
    }

    /// An instrument that comes again, with another origin, is the same.
    func learn(_ identity: LinkIdentity, of origin: Origin) {
        identities.removeAll { $0.origin == origin || $0.identity == identity }
        identities.append((origin, identity))
        if identities.count > Self.mostIdentities { identities.removeFirst() }
    }

    func member(_ id: MemberID) -> Member? { members.first { $0.memberID == id } }
}

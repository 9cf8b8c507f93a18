import EngineProtocol
import Rooms

/// A room that is served, with those who are in it.
final class ServedRoom {
    var plan: RoomPlan
    /// Who hears whom.
    var rules: Room
    /// In the order of their arrival.
    var members: [Member] = []

    init(_ plan: RoomPlan) {
        self.plan = plan
        rules = Self.rules(plan)
    }

    static func rules(_ plan: RoomPlan) -> Room {
        Room(
            policy: plan.policy, blocks: Set(plan.blocks), echoes: plan.echoes ?? false, meshLimit: plan.maximum)
    }

    func member(_ id: MemberID) -> Member? { members.first { $0.memberID == id } }
}

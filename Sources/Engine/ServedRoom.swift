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
    /// Those who are in this room of the other hub alone, in a pair.
    var relayed: [Member] = []
    /// The values that count of the inputs that pick up, by name.
    private var values: [String: InputValues] = [:]
    /// What the instruments of those are called who are or were in it, the oldest first.
    private(set) var identities: [(origin: Origin, identity: LinkIdentity)] = []
    private static let mostIdentities = 32

    init(_ plan: RoomPlan) {
        self.plan = plan
        rules = Self.rules(plan)
    }

    /// What counts of the input that a member belongs to; nil where it is no controller of one that picks up.
    func values(of member: String) -> InputValues? {
        guard let input = plan.inputs?.first(where: { $0.of.contains(member) }), input.picksUp ?? false else {
            return nil
        }
        let known = values[input.name] ?? InputValues()
        values[input.name] = known
        return known
    }

    static func rules(_ plan: RoomPlan) -> Room { Room(plan, meshLimit: plan.maximum) }
    /// An instrument that comes again, with another origin, is the same.
    func learn(_ identity: LinkIdentity, of origin: Origin) {
        identities.removeAll { $0.origin == origin || $0.identity == identity }
        identities.append((origin, identity))
        if identities.count > Self.mostIdentities { identities.removeFirst() }
    }

    func member(_ id: MemberID) -> Member? {
        members.first { $0.memberID == id } ?? relayed.first { $0.memberID == id }
    }
}

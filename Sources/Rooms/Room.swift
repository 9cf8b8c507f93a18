/// One participant of a room for as long as it is there. Whoever adds it chooses the number, which is never reused: a
/// participant who leaves and returns is another member.
package struct MemberID: Hashable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// A participant as the rules see it.
package struct Member: Hashable, Sendable {
    package let id: MemberID
    package let name: String
    /// Which of the room's ports it came in by, from 0.
    package let portIndex: Int
    /// What it can do at all, whatever its name says: a keyboard that takes nothing only sends.
    package let ability: Direction
    package var standing: MemberStatus
    /// It answers no more. Others of its name or its input go before it: it may have been killed and have come anew.
    package let isSilent: Bool

    package init(
        id: MemberID, name: String, portIndex: Int, ability: Direction = .both, standing: MemberStatus = .participant,
        isSilent: Bool = false
    ) {
        self.isSilent = isSilent
        self.id = id
        self.name = name
        self.portIndex = portIndex
        self.ability = ability
        self.standing = standing
    }
}

/// Whether a member is to be wired.
package enum MemberStatus: Hashable, Sendable {
    case participant
    /// It may be a duplicate of another, which is not known yet.
    case waiting
    /// A duplicate: another member carries the same MIDI.
    case duplicate
    /// Left over from a participant who is gone.
    case ghost
    /// Only measures the way here; neither shown nor wired.
    case probe
}

/// One direction from one participant to another.
package struct Wire: Hashable, Sendable {
    package let from: MemberID
    package let to: MemberID
    package init(from: MemberID, to: MemberID) {
        self.from = from
        self.to = to
    }
}

/// Forbids wires by name within a room. nil stands for everybody: `Block(from: "Drums", to: nil)` mutes Drums.
package struct Block: Codable, Hashable, Sendable {
    package let from: String?
    package let to: String?
    package init(from: String?, to: String?) {
        self.from = from
        self.to = to
    }

}

extension Set<Block> {
    fileprivate func cover(_ sender: String, _ hearer: String) -> Bool {
        !isEmpty
            && (contains(Block(from: sender, to: hearer)) || contains(Block(from: sender, to: nil))
                || contains(Block(from: nil, to: hearer)) || contains(Block(from: nil, to: nil)))
    }
}

/// Whether there is to be a wire, and if not, why.
package enum Verdict: Hashable, Sendable {
    case wanted
    case itself
    case elsewhere
    case notWired(MemberStatus)
    case roomFull
    case receivesOnly
    case sendsOnly
    case playsNothing
    case takesNothing
    case namedNeither
    case wrongPort
    case blocked
    /// The hearer is a controller, and the sender has not the focus.
    case unfocused
    /// Another controller of the same input is live.
    case notLive

    /// The reason for people; the wire itself is told by who shows it.
    package var text: String {
        switch self {
        case .wanted: "connected"
        case .itself: "nobody hears themselves"
        case .elsewhere: "not in the same room"
        case .notWired(.participant): "not connected"
        case .notWired(.waiting): "may be a duplicate, being checked"
        case .notWired(.duplicate): "a duplicate of another connection"
        case .notWired(.ghost): "gone without saying so"
        case .notWired(.probe): "only measures the way"
        case .roomFull: "the room is full: at most \(Room.meshLimit) participants can hear each other"
        case .receivesOnly: "the sender's name says that it only receives"
        case .sendsOnly: "the hearer's name says that it only sends"
        case .playsNothing: "the sender is a device that plays nothing"
        case .takesNothing: "the hearer is a device that takes nothing"
        case .namedNeither: "in a named room a name must end in In, Rec, Out or Sen"
        case .wrongPort: "in a pair room the first port only takes in, the second only gives out"
        case .blocked: "blocked"
        case .unfocused: "only who has the focus feeds back to a controller"
        case .notLive: "another controller of the same input is live"
        }
    }
}

/// One room: its policy, its blocks and its members in the order of their arrival.
package struct Room: Sendable {
    /// How many may both send to and hear each other; later ones are left out. Every rtpmidid gets an event for each wire
    /// that is made, so that a full mesh costs the cube of its size.
    package static let meshLimit = 64

    /// The name by which the echo is shown, and blocked.
    package static let echoName = "Echo"

    package let policy: Policy
    package let blocks: Set<Block>
    /// Who both sends and hears also hears itself.
    package let echoes: Bool
    let controllers: Set<String>
    private let focus: Focus?
    private let inputs: [Input]
    private let meshLimit: Int
    private var entries: [Entry] = []
    private var indices: [MemberID: Int] = [:]
    /// Who has the focus, of those who are here.
    private var holder: MemberID?

    private struct Entry: Sendable {
        var member: Member
        let direction: Direction
        var isFull: Bool
        let isController: Bool
        /// Another controller of its input is live.
        var isIdle = false
    }

    /// `meshLimit`: an engine that needs no ALSA ports has room for more.
    package init(_ plan: RoomPlan, members: [Member] = [], meshLimit: Int = Room.meshLimit) {
        (policy, blocks, echoes) = (plan.policy, Set(plan.blocks), plan.echoes ?? false)
        (focus, controllers) = (plan.focus, plan.controllers)
        inputs = (plan.inputs ?? []).filter { $0.firstOnly ?? false }
        self.meshLimit = meshLimit
        for member in members { join(member) }
    }

    package init(
        policy: Policy, members: [Member] = [], blocks: Set<Block> = [], echoes: Bool = false,
        meshLimit: Int = Room.meshLimit
    ) {
        self.init(
            RoomPlan(name: "", policy: policy, blocks: Array(blocks), echoes: echoes), members: members,
            meshLimit: meshLimit)
    }

    package var members: [Member] { entries.map(\.member) }

    /// What somebody does, or would do, in this room.
    package func direction(of member: Member) -> Direction {
        policy.direction(name: member.name, portIndex: member.portIndex).limited(to: member.ability)
    }

    /// Another number whenever one who comes or goes has changed the wires between others: who has the focus, or which
    /// controller is live. All wires are to be compared then.
    package private(set) var choice = 0

    /// Adds a member and returns the wires that are wanted between it and those already there. A member known by its id is
    /// replaced, keeping its place.
    @discardableResult
    package mutating func join(_ member: Member) -> [Wire] {
        let direction = direction(of: member)
        let index = indices[member.id] ?? entries.endIndex
        if index == entries.endIndex {
            entries.append(entry(member, direction))
            indices[member.id] = index
        } else {
            entries[index] = entry(member, direction)
        }
        entries[index].isFull = inMesh(entries[index]) && meshSize > meshLimit
        choose()
        let joining = entries[index]
        var wires: [Wire] = []
        if verdict(joining, joining) == .wanted { wires.append(Wire(from: member.id, to: member.id)) }
        for entry in entries where entry.member.id != member.id {
            if verdict(joining, entry) == .wanted { wires.append(Wire(from: member.id, to: entry.member.id)) }
            if verdict(entry, joining) == .wanted { wires.append(Wire(from: entry.member.id, to: member.id)) }
        }
        return wires
    }

    /// Removes a member, and returns the wires of those for whom there is room in the mesh now.
    @discardableResult
    package mutating func leave(_ id: MemberID) -> [Wire] {
        guard let index = indices.removeValue(forKey: id) else { return [] }
        entries.remove(at: index)
        for later in entries[index...].indices { indices[entries[later].member.id] = later }
        choose()
        guard meshSize < meshLimit, let next = entries.first(where: \.isFull) else { return [] }
        return join(next.member)
    }

    private func entry(_ member: Member, _ direction: Direction) -> Entry {
        Entry(member: member, direction: direction, isFull: false, isController: controllers.contains(member.name))
    }

    /// Finds who has the focus and which controllers are live, among those who are here.
    private mutating func choose() {
        guard focus != nil || !inputs.isEmpty else { return }
        let before = (holder, entries.map(\.isIdle))
        defer { if before != (holder, entries.map(\.isIdle)) { choice += 1 } }
        /// Of these names in their order; who is silent comes after all others.
        func first(_ names: [String]) -> Int? {
            for isSilent in [false, true] {
                for name in names {
                    let index = entries.firstIndex {
                        $0.member.name == name && $0.member.standing == .participant && $0.member.isSilent == isSilent
                    }
                    if let index { return index }
                }
            }
            return nil
        }
        holder = (focus?.holder).flatMap { first([$0.member]) }.flatMap {
            entries[$0].isController ? nil : entries[$0].member.id
        }
        for index in entries.indices { entries[index].isIdle = false }
        for input in inputs {
            guard let live = first(input.order) else { continue }
            for index in entries.indices where index != live && input.of.contains(entries[index].member.name) {
                entries[index].isIdle = true
            }
        }
    }

    /// Who has the focus; nil also where who had it is not here.
    package var focusHolder: MemberID? { holder }

    /// Whether the next one who plays is to have the focus: nobody has it, or only somebody who answers no more.
    package var awaitsTouch: Bool {
        guard focus?.byTouch ?? false else { return false }
        return holder.flatMap { indices[$0] }.map { entries[$0].member.isSilent } ?? true
    }

    /// Whether a member of that name is a controller, to which only who has the focus feeds back.
    package func isController(_ name: String) -> Bool { controllers.contains(name) }

    /// Whether another controller of its input is live.
    package func isIdle(_ id: MemberID) -> Bool { indices[id].map { entries[$0].isIdle } ?? false }

    /// Who of an input is heard; nil where nobody of it is here, or all of them are heard.
    package func live(of input: String) -> Member? {
        guard let input = inputs.first(where: { $0.name == input }) else { return nil }
        return entries.first {
            !$0.isIdle && $0.member.standing == .participant && input.of.contains($0.member.name)
        }?.member
    }

    /// Why a member of that name cannot have the focus; nil where one can.
    package func refusal(ofFocusTo name: String) -> FocusRefusal? {
        guard !controllers.isEmpty else { return .noController }
        let named = entries.filter { $0.member.name == name && $0.member.standing == .participant }
        guard let sender = named.first else { return .notHere }
        guard !sender.isController else { return .isController }
        var verdicts = entries.filter { $0.isController }.map { verdict(sender, $0, needsFocus: false) }
        for controller in controllers where !entries.contains(where: { $0.member.name == controller }) {
            verdicts.append(noWay(sender, nil) ?? (blocks.cover(name, controller) ? .blocked : .wanted))
        }
        return verdicts.contains(.wanted) ? nil : verdicts.first.map { .unheard($0) }
    }

    /// Why a wire is wanted or not.
    package func verdict(from: MemberID, to: MemberID) -> Verdict {
        guard let sender = indices[from], let hearer = indices[to] else { return .elsewhere }
        return verdict(entries[sender], entries[hearer])
    }

    /// All wires that the room wants.
    package var wantedWires: Set<Wire> {
        var wires: Set<Wire> = []
        for sender in entries where sender.direction.sends {
            for hearer in entries where verdict(sender, hearer) == .wanted {
                wires.insert(Wire(from: sender.member.id, to: hearer.member.id))
            }
        }
        return wires
    }

    /// Those who are to hear a member.
    package func wantedHearers(of id: MemberID) -> [MemberID] {
        guard let index = indices[id] else { return [] }
        let sender = entries[index]
        return entries.filter { verdict(sender, $0) == .wanted }.map(\.member.id)
    }

    /// Whether a member was left out because the mesh was full when it came.
    package func isLeftOut(_ id: MemberID) -> Bool { indices[id].map { entries[$0].isFull } ?? false }

    private func inMesh(_ entry: Entry) -> Bool { entry.direction == .both && entry.member.standing == .participant }

    private var meshSize: Int { entries.count { inMesh($0) && !$0.isFull } }

    /// Why nothing goes from one to the other by the policy; a hearer who is not here would hear. nil: it does.
    private func noWay(_ sender: Entry, _ hearer: Entry?) -> Verdict? {
        let receives = hearer?.direction ?? .receives
        if sender.direction.sends && receives.receives { return nil }
        if !sender.member.ability.sends { return .playsNothing }
        if let hearer, !hearer.member.ability.receives { return .takesNothing }
        if policy == .pair { return .wrongPort }
        if sender.direction == .neither || receives == .neither { return .namedNeither }
        return sender.direction.sends ? .sendsOnly : .receivesOnly
    }

    private func verdict(_ sender: Entry, _ hearer: Entry, needsFocus: Bool = true) -> Verdict {
        if sender.member.id == hearer.member.id, !echoes { return .itself }
        for entry in [sender, hearer] where entry.member.standing != .participant {
            return .notWired(entry.member.standing)
        }
        if sender.isFull || hearer.isFull { return .roomFull }
        if let no = noWay(sender, hearer) { return no }
        if sender.member.id == hearer.member.id {
            return blocks.cover(sender.member.name, Self.echoName) || blocks.cover(Self.echoName, hearer.member.name)
                ? .blocked : .wanted
        }
        if blocks.cover(sender.member.name, hearer.member.name) { return .blocked }
        if sender.isIdle { return .notLive }
        if needsFocus, hearer.isController, sender.member.id != holder { return .unfocused }
        return .wanted
    }
}

/// All wires that a room wants whose members came in this order.
package func wantedWires(policy: Policy, members: [Member], blocks: Set<Block>) -> Set<Wire> {
    Room(policy: policy, members: members, blocks: blocks).wantedWires
}

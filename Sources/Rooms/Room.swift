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

    package init(
        id: MemberID, name: String, portIndex: Int, ability: Direction = .both, standing: MemberStatus = .participant
    ) {
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
    private let meshLimit: Int
    private var entries: [Entry] = []
    private var indices: [MemberID: Int] = [:]

    private struct Entry: Sendable {
        var member: Member
        let direction: Direction
        var isFull: Bool
    }

    /// `meshLimit`: an engine that needs no ALSA ports has room for more.
    package init(
        policy: Policy, members: [Member] = [], blocks: Set<Block> = [], echoes: Bool = false,
        meshLimit: Int = Room.meshLimit
    ) {
        self.policy = policy
        self.blocks = blocks
        self.echoes = echoes
        self.meshLimit = meshLimit
        for member in members { join(member) }
    }

    package var members: [Member] { entries.map(\.member) }

    /// What somebody does, or would do, in this room.
    package func direction(of member: Member) -> Direction {
        policy.direction(name: member.name, portIndex: member.portIndex).limited(to: member.ability)
    }

    /// Adds a member and returns the wires that are wanted between it and those already there. A member known by its id is
    /// replaced, keeping its place.
    @discardableResult
    package mutating func join(_ member: Member) -> [Wire] {
        let direction = direction(of: member)
        let index = indices[member.id] ?? entries.endIndex
        if index == entries.endIndex {
            entries.append(Entry(member: member, direction: direction, isFull: false))
            indices[member.id] = index
        } else {
            entries[index] = Entry(member: member, direction: direction, isFull: false)
        }
        entries[index].isFull = inMesh(entries[index]) && meshSize > meshLimit
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
        guard meshSize < meshLimit, let next = entries.first(where: \.isFull) else { return [] }
        return join(next.member)
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

    private func verdict(_ sender: Entry, _ hearer: Entry) -> Verdict {
        if sender.member.id == hearer.member.id, !echoes { return .itself }
        for entry in [sender, hearer] where entry.member.standing != .participant {
            return .notWired(entry.member.standing)
        }
        if sender.isFull || hearer.isFull { return .roomFull }
        if !sender.direction.sends || !hearer.direction.receives {
            if !sender.member.ability.sends { return .playsNothing }
            if !hearer.member.ability.receives { return .takesNothing }
            if policy == .pair { return .wrongPort }
            if sender.direction == .neither || hearer.direction == .neither { return .namedNeither }
            return sender.direction.sends ? .sendsOnly : .receivesOnly
        }
        if sender.member.id == hearer.member.id {
            return blocks.cover(sender.member.name, Self.echoName) || blocks.cover(Self.echoName, hearer.member.name)
                ? .blocked : .wanted
        }
        if blocks.cover(sender.member.name, hearer.member.name) { return .blocked }
        return .wanted
    }
}

/// All wires that a room wants whose members came in this order.
package func wantedWires(policy: Policy, members: [Member], blocks: Set<Block>) -> Set<Wire> {
    Room(policy: policy, members: members, blocks: blocks).wantedWires
}

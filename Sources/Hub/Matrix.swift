import Rooms

/// Who hears whom in each room, and for each pair that does not, why. Worked out again only when something of it changes.
struct Matrix {
    struct Seat: Equatable {
        var id: Int64
        var name: String
        var room: String
        var port: UInt16
        var standing: Standing
        /// Cut for sending back what it hears.
        var loops: Bool

        init(_ one: Snapshot.Participant, loops: Bool) {
            (id, name, room, port) = (one.id, one.name, one.room, one.port)
            standing =
                switch one.state {
                case .present, .silent: .participant
                case .ghost: .ghost
                case .duplicate: .duplicate
                }
            self.loops = loops
        }
    }
    struct Pair: Hashable {
        let from: Int64
        let to: Int64
    }
    struct Inputs: Equatable {
        var rooms: [Configuration.Room]
        var blocks: [String: Set<Block>]
        /// In the order of their coming.
        var seats: [Seat]
        /// The wires that there are; nil where they are as the rooms want them.
        var actual: Set<Pair>?
    }

    private var inputs: Inputs?
    private(set) var wires: [Snapshot.Wire] = []
    private(set) var cells: [Snapshot.Wire] = []

    mutating func update(_ inputs: Inputs) {
        guard inputs != self.inputs else { return }
        self.inputs = inputs
        (wires, cells) = ([], [])
        for described in inputs.rooms { add(described, inputs) }
    }

    private mutating func add(_ described: Configuration.Room, _ inputs: Inputs) {
        let seats = inputs.seats.filter { $0.room == described.name }
        let limit = inputs.actual == nil ? described.maximum : Room.meshLimit
        let members = seats.map { seat in
            Member(
                id: MemberID(UInt64(seat.id)), name: seat.name,
                portIndex: described.ports.firstIndex(of: seat.port) ?? 0, standing: seat.standing)
        }
        let room = Room(
            policy: described.policy, members: members, blocks: inputs.blocks[described.name] ?? [], meshLimit: limit)
        for from in seats {
            for to in seats where to.id != from.id {
                var verdict = room.verdict(from: MemberID(UInt64(from.id)), to: MemberID(UInt64(to.id)))
                var reason: String?
                if let actual = inputs.actual {
                    if actual.contains(Pair(from: from.id, to: to.id)) {
                        verdict = .wanted
                    } else if verdict == .wanted {
                        reason = "not connected yet"
                    }
                } else if from.loops, verdict == .wanted {
                    reason = "cut: feedback loop"
                }
                if verdict != .wanted { reason = verdict.words }
                let wire = Snapshot.Wire(
                    room: described.name, from: from.id, to: to.id, fromName: from.name, toName: to.name, reason: reason
                )
                if reason == nil { wires.append(wire) } else { cells.append(wire) }
            }
        }
    }
}

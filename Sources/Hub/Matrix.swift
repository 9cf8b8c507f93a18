package import Rooms

/// Who hears whom in each room, and for each pair that does not, why. Worked out again only when something of it changes.
package struct Matrix {
    package struct Seat: Equatable, Sendable {
        let id: Int64
        let name: String
        let room: String
        let port: UInt16
        let standing: MemberStatus
        let isSilent: Bool
        /// What a device of this machine can do at all.
        let ability: Direction
        /// Muted because it sends back what it hears.
        let loops: Bool
        /// The hub's own echo. Wires to and from it stand for the wires of participants to themselves.
        let isEcho: Bool

        package init(_ one: Snapshot.Participant, loops: Bool) {
            (id, name, room, port) = (one.id, one.name, one.room, one.port)
            (isEcho, isSilent) = (one.echo ?? false, one.state == .silent)
            standing =
                switch one.state {
                case .present, .silent: .participant
                case .ghost: .ghost
                case .duplicate: .duplicate
                }
            ability = one.device == nil ? .both : Direction(sends: one.sends, receives: one.receives)
            self.loops = loops
        }
    }
    package struct Pair: Hashable, Sendable {
        let from: Int64
        let to: Int64
        package init(from: Int64, to: Int64) { (self.from, self.to) = (from, to) }
    }
    package struct Inputs: Equatable, Sendable {
        var rooms: [RoomPlan]
        /// In the order of their coming.
        var seats: [Seat]
        /// The wires that there are; nil where they are as the rooms want them.
        var actual: Set<Pair>?

        package init(
            rooms: [RoomPlan], seats: [Seat], actual: Set<Pair>?
        ) {
            (self.rooms, self.seats, self.actual) = (rooms, seats, actual)
        }
    }

    private var inputs: Inputs?
    package private(set) var wires: [Snapshot.Wire] = []
    /// Every pair of each room, in the order of their numbers: those that are no wires have a reason.
    package private(set) var pairs: [Snapshot.Wire] = []

    package init() {}

    package mutating func update(_ inputs: Inputs) {
        guard inputs != self.inputs else { return }
        self.inputs = inputs
        (wires, pairs) = ([], [])
        for described in inputs.rooms { add(described, inputs) }
        pairs.sort { ($0.from, $0.to) < ($1.from, $1.to) }
    }

    private mutating func add(_ described: RoomPlan, _ inputs: Inputs) {
        let seats = inputs.seats.filter { $0.room == described.name }
        let room = described.room(of: seats, meshLimit: inputs.actual == nil ? described.maximum : Room.meshLimit)
        for from in seats {
            for to in seats where to.id != from.id {
                let (sender, hearer) = (from.isEcho ? to : from, to.isEcho ? from : to)
                var verdict = room.verdict(from: MemberID(UInt64(sender.id)), to: MemberID(UInt64(hearer.id)))
                var reason: String?
                if let actual = inputs.actual {
                    if actual.contains(Pair(from: sender.id, to: hearer.id)) {
                        verdict = .wanted
                    } else if verdict == .wanted {
                        reason = "not connected yet"
                    }
                } else if sender.loops, verdict == .wanted {
                    reason = "muted: feedback loop"
                }
                if verdict != .wanted { reason = verdict.text }
                let wire = Snapshot.Wire(
                    room: described.name, from: from.id, to: to.id, fromName: from.name, toName: to.name, reason: reason
                )
                if reason == nil { wires.append(wire) }
                pairs.append(wire)
            }
        }
    }
}

extension RoomPlan {
    /// The room with those who are shown in it.
    func room(of seats: [Matrix.Seat], meshLimit: Int = Room.meshLimit) -> Room {
        let members = seats.filter { !$0.isEcho }.map { seat in
            Member(
                id: MemberID(UInt64(seat.id)), name: seat.name, portIndex: ports.firstIndex(of: seat.port) ?? 0,
                ability: seat.ability, standing: seat.standing, isSilent: seat.isSilent)
        }
        return Room(self, members: members, meshLimit: meshLimit)
    }
}

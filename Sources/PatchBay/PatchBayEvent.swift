package import Devices
package import Rooms
package import Sequencer

/// What the patch bay tells the hub.
package enum PatchBayEvent: Sendable {
    /// Told again when the room or the direction of one who stays has changed.
    case appeared(Appearance)
    case vanished(PortID)
    /// The devices of this machine that rooms want, also those that are away; told before one of them appears.
    case seats([DeviceSeats.Seat])
    /// All wires there are between participants, whenever that has changed.
    case wires([WireInfo])
    case released(Released)
    /// Somebody removed wires of ours; they have been made anew.
    case restored([WireInfo])
    /// A participant sends back what the echo gives it.
    case echoReturned(PortID)
    /// A participant has played where nobody has the focus, and could have it. At most once a second for a room.
    case touched(PortID)
    /// Something is wrong, in words for people.
    case problem(String)
    /// Why the patch bay cannot hear what participants play; nil when a listener has begun.
    case listening(String?)
    /// Messages heard from each port since the last such news, which comes at most ten times a second.
    case activity([PortID: Int])
    /// What participants hold and have set, without those who do neither; the answer to `sounding`.
    case sounding([PortID: ActiveNotes])
}

/// A participant's port that is there.
package struct Appearance: Hashable, Sendable {
    package let id: PortID
    /// The `EngineSpec.name`.
    package let engine: String
    /// The port's name as ALSA has it: at most 63 bytes, maybe cut within a character, any byte but 0.
    package let nameBytes: [UInt8]
    /// The same for people, with U+FFFD where the bytes are no UTF-8. This is the name that rules and blocks see.
    package let name: String
    /// `.waiting` where a mark is awaited before it is wired.
    package let standing: MemberStatus
    package let room: String
    package let direction: Direction

    package init(
        id: PortID, engine: String, nameBytes: [UInt8], name: String, standing: MemberStatus, room: String,
        direction: Direction
    ) {
        self.id = id
        self.engine = engine
        self.nameBytes = nameBytes
        self.name = name
        self.standing = standing
        self.room = room
        self.direction = direction
    }
}

package struct WireInfo: Hashable, Sendable {
    package let from: PortID
    package let to: PortID
    /// Made by us; those made by other people are left alone.
    package let isOurs: Bool
    package init(from: PortID, to: PortID, isOurs: Bool) {
        self.from = from
        self.to = to
        self.isOurs = isOurs
    }
}

/// What somebody held has been released at those who heard it.
package struct Released: Hashable, Sendable {
    package let name: String
    /// nil for a participant who left while no hub was running.
    package let port: PortID?
    /// Notes known to have been held, of those that were released.
    package let notes: Int
    /// Where any of it was released.
    package let hearers: [Address]
    package init(name: String, port: PortID?, notes: Int, hearers: [Address]) {
        self.name = name
        self.port = port
        self.notes = notes
        self.hearers = hearers
    }
}

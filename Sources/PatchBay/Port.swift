import Rooms
import Sequencer

/// A port of the sequencer that is to be a participant's: whose it is, and its name in the room.
struct Candidate {
    let facts: SequencerHandle.PortFacts
    let engine: EngineSpec
    let name: [UInt8]
}

/// A participant's port that is there, and its wires. Lives on the patch bay's thread.
final class Port {
    let id: PortID
    /// Whose it is, and its name in the room.
    let name: [UInt8]
    /// The name as rules and people see it.
    let text: String
    var engine: EngineSpec
    /// What the port itself can do.
    let ability: Direction
    var standing: MemberStatus
    /// Its place in the table of held notes; nil where that is full.
    let slot: Int?
    /// Its messages come to our tap too.
    var isTapped = false

    /// The participants that hear this one, and whether by a wire of ours.
    var hearers: [MemberID: Bool] = [:]
    /// The participants whom this one hears.
    var sources: Set<MemberID> = []
    /// Ports of other programs that somebody has subscribed to this one.
    var outsiders: Set<Address> = []

    /// Watches what the echo gives it, while it does.
    var echoSentinel = LoopSentinel()

    /// Messages heard since activity was last told.
    var messages = 0
    /// What was to be released at it and could not be.
    var owed = HeldState()
    /// What it has set and holds, as far as we have heard.
    var played = SpeakerState()

    init(id: PortID, _ candidate: Candidate, standing: MemberStatus, slot: Int?) {
        self.id = id
        name = candidate.name
        text = String(decoding: name, as: UTF8.self)
        engine = candidate.engine
        ability = candidate.facts.capabilities.ability
        self.standing = standing
        self.slot = slot
    }

    var address: Address { id.address }
    var member: Member {
        Member(id: id.member, name: text, portIndex: engine.portIndex, ability: ability, standing: standing)
    }
}

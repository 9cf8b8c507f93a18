import EngineProtocol
import HubLink
import Linux
import RTPMIDI
import Rooms

/// What people choose for the rooms of two hubs that are a pair: blocks, focus, live controllers, pairings, and the note that
/// was played to be an order. It lies in the plan. A hub hands it over with that, the partner tells of what was chosen there,
/// and the greater stamp counts. What has come from the partner is told to the hub until a plan of the hub has it: a hub that
/// was away, or has not heard of it yet, undoes nothing.
extension EngineLoop {
    /// The hub's plan, with what is newer here.
    func completed(_ new: EnginePlan) -> EnginePlan {
        var new = new
        guard new.failover != nil else {
            (unknownRooms, isNoteUnknown) = ([], false)
            return new
        }
        unknownRooms = new.take(plan.choices)
        isNoteUnknown = new.failover?.take(plan.failover?.learned) ?? false
        return new
    }

    /// What the partner is to know of.
    var settings: PartnerLine.Settings {
        PartnerLine.Settings(digest: plan.failover?.digest, rooms: plan.choices, learned: plan.failover?.learned)
    }

    /// Where that has changed.
    func tellSettings(_ pair: Pair) {
        let settings = settings
        guard pair.settings != settings else { return }
        pair.settings = settings
        pair.partner.send(PartnerLine(settings))
    }

    /// The partner has told what is so there. It is obeyed as if it had been ordered here.
    func learned(_ settings: PartnerLine.Settings, of pair: Pair) {
        pair.partnersSettings = settings
        guard settings.version == PartnerLine.Settings.version else { return }
        var new = plan
        let rooms = new.take(settings.rooms)
        let isNoteNew = new.failover?.take(settings.learned) ?? false
        guard !rooms.isEmpty || isNoteNew else { return }
        unknownRooms.formUnion(rooms)
        if isNoteNew { isNoteUnknown = true }
        serve(new)
        tellPair()
    }

    /// Whether both hubs have the same; nil where that is not known.
    func isAlike(_ pair: Pair) -> Bool? {
        guard let theirs = pair.partnersSettings, let digest = theirs.digest, let own = plan.failover?.digest else {
            return nil
        }
        let common = plan.rooms.filter { pair.hello?.rooms.contains($0.name) ?? false }
        return digest == own && theirs.learned?.stamp == plan.failover?.learned?.stamp
            && common.allSatisfy { $0.stamp == theirs.rooms[$0.name]?.stamp }
    }

    /// Who is the same as one at the partner because a person has said so.
    func pairedByHand(
        _ theirs: [PartnerLine.Member], in room: ServedRoom, _ pair: Pair
    ) -> [(Member, PartnerLine.Member)] {
        guard let pairings = room.plan.pairings else { return [] }
        let (own, theirs) = (room.members.filter { $0.endpoint.link == nil }, theirs.filter { !$0.isLinked })
        let places = Pairing.places(
            of: pairings, atMain: pair.role.isMain,
            here: own.map { .init(name: $0.name, host: $0.endpoint.address.host, ssrc: $0.endpoint.ssrc.rawValue) },
            there: theirs.map { .init(name: $0.name, host: $0.host, ssrc: $0.ssrc) })
        return places.map { (own[$0.here], theirs[$0.there]) }
    }

    // MARK: Orders

    /// The partner does it, too: of those who stand on both it may be the one that speaks.
    func passOn(_ order: EngineControl.Request) { pair?.partner.send(PartnerLine(order)) }

    /// Somebody has ordered it at the partner. Only what makes sound end is obeyed.
    func obeyPartner(_ order: EngineControl.Request, _ pair: Pair) {
        switch order.do {
        case .panic: _ = silence(order.room, all: order.all ?? false)
        case .release, .notesOff:
            guard let id = order.id, let command = order.member, let one = pair.members[id] else { return }
            let here = rooms.lazy.flatMap { $0.members + $0.relayed }
            guard let member = here.first(where: { $0.counterpart?.id == id || $0.origin.rawValue == one.origin })
            else { return }
            perform(command, on: member)
        case .status, .kick, .unmute, .activity, .sounding, .reload, .stop, .switch, .learn, .drill: break
        }
    }

    /// Silences a room, nil all; `all`: also notes that are not known to sound. Gives how many hearers there were and how many
    /// notes were known to sound.
    func silence(_ name: String?, all: Bool) -> (hearers: Int, notes: Int) {
        let counts = panic(name)
        guard all else { return counts }
        for room in rooms where name == nil || room.plan.name == name {
            for member in room.members { endNotes(0...127, at: member.endpoint) }
        }
        return counts
    }
}

extension FailoverPlan {
    /// Takes a note that was learned later; whether it was.
    fileprivate mutating func take(_ other: LearnedNote?) -> Bool {
        guard let other, other.stamp.isNewer(than: learned?.stamp) else { return false }
        learned = other
        return true
    }
}

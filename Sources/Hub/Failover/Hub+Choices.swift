import EngineProtocol
import Rooms
import Store

/// What people choose for the rooms while they are served. Of two hubs that are a pair both have the same: what is chosen
/// here gets a stamp and goes with the plan, what was chosen at the other hub the engines tell (`EngineLoop+Choices.swift`).
extension Hub {
    /// Somebody has chosen something for a room at this hub.
    func hasChosen(in room: String) {
        choices.stamps[room] = newStamp(after: choices.stamps[room])
        recordChoices()
    }

    func newStamp(after earlier: Stamp?) -> Stamp {
        Stamp(
            after: earlier, epoch: failoverWatch.status?.epoch ?? 0, spoke: failoverWatch.isSpeaking ?? true,
            author: author)
    }

    func recordChoices() { context.recorder.add(.setting(key: Choices.key, value: choices.recorded)) }

    /// What a hub of before the stamps has left counts as chosen once.
    func stampWhatIsKept() {
        let rooms = Set(blocks.filter { !$0.value.isEmpty }.keys).union(claims.roomNames)
        for room in rooms where choices.stamps[room] == nil { hasChosen(in: room) }
    }

    // MARK: What was chosen at the other hub

    /// Does it here, too, as the engines have done already.
    func adoptChoices() {
        let before = choices
        for status in carrier.pairs.map(\.status) {
            for (room, told) in status.choices ?? [:] { adopt(told, in: room) }
            if let note = status.learned, note.stamp.isNewer(than: choices.learned?.stamp) {
                choices.learned = note
                context.note(.pairOrder, "\(note.note.sentence) It was learned at the other hub")
            }
        }
        guard choices != before else { return }
        recordClaims()
        recordChoices()
        applyPlan { _ in }
    }

    private func adopt(_ told: RoomChoices, in name: String) {
        guard let room = context.configuration.rooms.first(where: { $0.name == name }), let stamp = told.stamp,
            stamp.isNewer(than: choices.stamps[name])
        else { return }
        choices.stamps[name] = stamp
        choices.pairings[name] = told.pairings
        let there = "at the other hub"
        let (before, after) = (blocks[name] ?? [], Set(told.blocks))
        for block in before.symmetricDifference(after) {
            let isBlocked = after.contains(block)
            keep(block, in: name, isBlocked: isBlocked)
            context.note(
                isBlocked ? .block : .unblock, room: name, "\(Self.sentence(block, in: name, isBlocked)), \(there)")
        }
        let holder = told.focus?.member
        if room.focus != nil, claims.holder(in: name) != holder {
            claims.give(holder, in: name)
            let text = holder.map { "\(ShownName.shown($0)) has the focus in room \(name)" }
            context.note(
                .focus, room: name, participant: holder,
                "\(text ?? "Nobody has the focus in room \(name) any more"), \(there)")
        }
        for input in room.inputs {
            let chosen = told.inputs?[input.name]?.member
            guard claims.chosen(of: input.name, in: name) != chosen else { continue }
            claims.choose(chosen, of: input.name, in: name)
            let text = chosen.map { "\(ShownName.shown($0)) is live" } ?? "The first controller that is here is live"
            context.note(
                .input, room: name, participant: chosen, "\(text) in input \(input.name) of room \(name), \(there)")
        }
    }
}

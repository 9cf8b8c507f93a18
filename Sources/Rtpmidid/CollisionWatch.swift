/// Notices rtpmidid participants that evict each other for ever: after a timeout they re-invite with initiator id 0, the
/// hub takes two of them for one, and each steals the other's place every 10 s (24.12 and 26.01; in the field whenever
/// a hub with two or more rtpmidid participants was restarted).
struct CollisionWatch: Sendable {
    /// The last re-invitations with initiator id 0 over a living session, newest last, repetitions left out.
    private var turns: [(name: RawText, ssrc: UInt32)] = []
    private var returns = 0
    private var named: Set<RawText> = []

    /// How often somebody who was evicted must have come back.
    static let returnsNeeded = 2
    private static let memory = 8

    /// A re-invitation; returns the names the first time they are seen to collide.
    mutating func note(_ invitation: LogFact.Invitation) -> [RawText]? {
        guard invitation.initiator == 0 else { return nil }
        let turn = (name: invitation.name, ssrc: invitation.ssrc)
        guard let last = turns.last else {
            turns.append(turn)
            return nil
        }
        // Control and MIDI port are both invited, so each turn is logged twice.
        if last.name == turn.name && last.ssrc == turn.ssrc { return nil }
        // A new ssrc alone may be one participant that reconnects. One that comes back after another was evicted by it.
        let comesBack =
            last.name == turn.name
            ? turns.contains { $0.name == turn.name && $0.ssrc == turn.ssrc } : turns.contains { $0.name == turn.name }
        if comesBack { returns += 1 }
        turns.append(turn)
        if turns.count > Self.memory { turns.removeFirst() }
        guard returns >= Self.returnsNeeded else { return nil }
        let names = Set(turns.map(\.name))
        guard !names.isSubset(of: named) else { return nil }
        named = names
        return names.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }

    /// Everybody is gone: whatever collides from now on is told again.
    mutating func reset() { self = CollisionWatch() }
}

extension JoinTracker {
    /// What to tell people about a collision.
    package static let collisionCure = """
        rtpmidid participants take each other's place again and again, because they come back with the same empty \
        session number after a timeout. The hub cannot end this: at each of these participants, disconnect and reconnect \
        the ALSA connection to the hub, or restart rtpmidid there.
        """
}

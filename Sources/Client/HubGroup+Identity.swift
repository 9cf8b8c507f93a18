package import HubLink

/// What instruments are called on the computers that they are plugged into.
extension HubGroup {
    struct Identities {
        /// Of the instrument that is plugged in here.
        var own: LinkIdentity?
        /// When it is said next, and how often that was done since somebody may not know it.
        var due: UInt64?
        var said = 0
        /// What the rooms have told, the oldest first.
        var told: [(origin: Origin, identity: LinkIdentity)] = []
    }
    /// After each other; some may get lost, and a hub that began anew knows nothing.
    private static let pauses: [UInt64] = [2_000, 8_000, 20_000, 70_000]
    private static let pause: UInt64 = 300_000
    private static let mostTold = 64

    /// Tells the rooms what the instrument is called that is plugged in here; nil: it is away, and what was told stays.
    package func identify(_ identity: LinkIdentity?) {
        guard identities.own != identity else { return }
        identities.own = identity
        sayIdentitySoon()
        plan()
    }

    /// Instruments that the rooms know of, and whether each is there.
    package var instruments: [(identity: LinkIdentity, isHere: Bool)] {
        identities.told.map { ($0.identity, speakers[$0.origin]?.reader.isCarried ?? false) }
    }

    func sayIdentitySoon() { (identities.due, identities.said) = (identities.own == nil ? nil : now, 0) }

    func sayIdentity(_ now: UInt64) {
        guard let due = identities.due, due <= now, let identity = identities.own else { return }
        let said = identities.said
        (identities.said, identities.due) = (
            said + 1, now + (said < Self.pauses.count ? Self.pauses[said] : Self.pause)
        )
        for hub in hubs where hub.isLinked { hub.sendLink(.identity(origin, identity)) }
    }

    func heard(_ identity: LinkIdentity, of origin: Origin) {
        if identities.told.contains(where: { $0 == (origin, identity) }) { return }
        identities.told.removeAll { $0.origin == origin || $0.identity == identity }
        identities.told.append((origin, identity))
        if identities.told.count > Self.mostTold { identities.told.removeFirst() }
        onInstrument()
    }
}

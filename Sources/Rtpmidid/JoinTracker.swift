/// Who is there according to one engine's log: which invitation led to which ALSA port and router ids, and who left how.
/// One tracker per engine process. Its table is made of claims: ALSA says whether a port exists, `settle` corrects the
/// rest by a `status` reply. Bounded, whatever the log says.
package struct JoinTracker: Sendable {
    /// One ALSA port, or up to 23.10 one join that was told without port.
    package struct Membership: Hashable, Sendable {
        package internal(set) var name: RawText
        /// Nil if no invitation is known to have led to it.
        package internal(set) var initiator: UInt32?
        package internal(set) var ssrc: UInt32?
        /// ALSA port number.
        package internal(set) var port: Int?
        /// Router ids. For `ControlRequest.remove` take them from a reply: these are claims.
        package internal(set) var alsaID: Int?
        package internal(set) var networkID: Int?
        /// Where the line that told it begins.
        package internal(set) var offset: UInt64
        package internal(set) var trust: Trust
        /// The network peer was removed: the port stays, and is mute.
        package internal(set) var isDead = false
        /// How it left, according to a log that is doubted: holds only if ALSA says that the port is gone.
        package internal(set) var claimedLeaving: Leaving?
        var byes: Set<SessionChannel> = []
    }

    package enum Trust: Hashable, Sendable {
        /// By the log, and nothing speaks against it.
        case claimed
        /// By a part of the log that is doubted.
        case doubtful
        /// By a status reply.
        case confirmed
    }

    package enum Leaving: Hashable, Sendable {
        case bye
        /// BYE came on one of the two ports only, the rest timed out.
        case halfBye
        /// No BYE: timed out, or removed by `router.remove`.
        case lost
    }

    package enum Event: Equatable, Sendable {
        /// `isDuplicate`: the same session has a port already; only one of them is to be patched.
        case joined(Membership, isDuplicate: Bool)
        /// By the log: a doubt that comes later may take it back, and only ALSA says that a port is gone.
        case left(Membership, Leaving)
        case died(Membership)
        /// The listener was removed: the daemon hears nobody any more.
        case listenerGone
        /// Told once for the same names, with `collisionCure`.
        case collision(names: [RawText])
        /// The log is doubted from now on.
        case doubted(Suspicion)
    }

    package static let limit = 512
    static let pendingLimit = 64

    package internal(set) var joins: [Membership] = []
    /// Invited on the control port, and not yet on the MIDI port. Oldest first.
    package private(set) var halfOpen: [LogFact.Invitation] = []
    package internal(set) var suspicion: Suspicion?
    package private(set) var listenerID: Int?

    /// The lines of a join that the daemon writes in one go: the next facts must belong to it.
    private enum Chain {
        case idle
        case portMade(at: UInt64)
        case alsaAdded(at: UInt64)
        case unnamed(left: Int)
    }
    private var chain = Chain.idle
    /// The names of ports that the hub itself has the daemon make.
    package var ownNames: Set<RawText> = []
    private var lastInvitation: (LogFact.Invitation, opensPort: Bool)?
    private var isReinvited = false
    /// Removals right behind a BYE belong to it, as long as they are of one session.
    private var lastBye: (name: RawText, isLast: Bool, session: SessionKey?)?
    private var collisions = CollisionWatch()
    /// ALSA says that they are gone; the log has yet to say how.
    private var vanished: [Membership] = []
    /// Removed lately, to be restored where a doubt reaches back to the line that removed them.
    var removed: [(join: Membership, offset: UInt64)] = []

    package init(suspicion: Suspicion? = nil) { self.suspicion = suspicion }

    /// Everyone in the table, each session once.
    package var present: [SessionKey] { Array(Set(joins.map { SessionKey(name: $0.name, ssrc: $0.ssrc) })) }

    /// Who has the port. Where the log names several, the one that is not doubted, then the latest.
    package func join(port: Int) -> Membership? {
        joins.last { $0.port == port && $0.trust != .doubtful } ?? joins.last { $0.port == port }
    }
    package func join(id: Int) -> Membership? { joins.first { $0.alsaID == id || $0.networkID == id } }

    /// Joins that share a session with an earlier one, by the log.
    package var duplicates: [Membership] {
        joins.enumerated().filter { index, join in joins[..<index].contains { $0.isSameSession(as: join) } }.map(
            \.element)
    }

    /// Takes the next fact, in the order of the log. `range` is its line in the stream.
    package mutating func note(_ fact: LogFact, at range: Range<UInt64>) -> [Event] {
        forgetRemoved(before: range.lowerBound)
        switch fact {
        case .noise, .unknown, .warning, .error, .peerRemoved, .oldPortRemoved, .byeReceived: break
        default: lastBye = nil
        }
        switch fact {
        case .noise, .unknown, .warning, .error, .avahiProblem, .latency, .waitingForConnections, .controlReady,
            .controlFailed, .bindFailed, .noSequencer, .listening, .stopping, .fin, .fatal, .connected, .ckTimeout,
            .goodbyesSent:
            return []
        case .malformed, .cutSuspected:
            endChain()
            return doubt(at: range.lowerBound)
        case .cut:
            // A record that a very long name has filled, possibly the one with the ALSA port.
            chain = .unnamed(left: 2)
            lastInvitation = nil
            return []
        case .alreadyConnected:
            isReinvited = true
            return []
        case .invitation(let invitation): return note(invitation)
        case .alsaPortMade(let name, let port): return portMade(name, port, at: range.lowerBound)
        case .joinedWithoutPort(let name): return joinedWithoutPort(name, at: range.lowerBound)
        case .peerAdded(let id, let kind): return peerAdded(id, kind, at: range.lowerBound)
        case .peerRemoved(let id): return peerRemoved(id, at: range.lowerBound)
        case .oldPortRemoved(let port): return oldPortRemoved(port, at: range.lowerBound)
        case .byeReceived(let name, let channel, let last):
            lastBye = (name, last, nil)
            for index in joins.indices where joins[index].name == name { joins[index].byes.insert(channel) }
            return []
        }
    }

    /// ALSA says that a port is gone: whoever had it is gone too. Returns who, and what the log claimed about it while it
    /// was doubted. If the log says only later how they left, `left` tells.
    package mutating func portVanished(_ port: Int) -> (join: Membership, claimed: Leaving?)? {
        guard let index = joins.firstIndex(where: { $0.port == port }) else { return nil }
        let join = joins.remove(at: index)
        vanished.append(join)
        if vanished.count > Self.pendingLimit { vanished.removeFirst() }
        return (join, join.claimedLeaving)
    }

    // MARK: Joining

    private mutating func note(_ invitation: LogFact.Invitation) -> [Event] {
        defer { isReinvited = false }
        endChain()
        lastInvitation = (invitation, opensPort: isReinvited || invitation.channel == .midi)
        halfOpen.removeAll { $0.isSameSession(as: invitation) }
        if invitation.channel == .control && !isReinvited {
            halfOpen.append(invitation)
            if halfOpen.count > Self.pendingLimit { halfOpen.removeFirst() }
        }
        guard isReinvited, let names = collisions.note(invitation) else { return [] }
        return [.collision(names: names)]
    }

    private mutating func portMade(_ name: RawText, _ port: Int, at offset: UInt64) -> [Event] {
        endChain()
        var events: [Event] = []
        let invitation = lastInvitation.flatMap { $0.opensPort && $0.0.name == name ? $0.0 : nil }
        lastInvitation = nil
        // A status reply may have told of this very session before the line was read. Then it has no initiator yet.
        let isOwn = invitation == nil && ownNames.contains(name)
        if invitation != nil || isOwn {
            joins.removeAll {
                $0.port == port && $0.trust == .confirmed && $0.initiator == nil && $0.name == name
                    && (isOwn || $0.ssrc == invitation?.ssrc)
            }
        }
        // Whoever is said to have the port already stays in the table until ALSA or a status reply decides.
        if invitation == nil && !isOwn || joins.contains(where: { $0.port == port }) {
            events = doubt(at: offset)
        }
        let join = Membership(
            name: name, initiator: invitation?.initiator, ssrc: invitation?.ssrc, port: port, offset: offset,
            trust: trust(at: offset))
        let isDuplicate = joins.contains { $0.isSameSession(as: join) }
        events += add(join)
        chain = .portMade(at: offset)
        return events + [.joined(join, isDuplicate: isDuplicate)]
    }

    private mutating func joinedWithoutPort(_ name: RawText, at offset: UInt64) -> [Event] {
        let invitation = lastInvitation.flatMap { $0.opensPort && $0.0.name == name ? $0.0 : nil }
        lastInvitation = nil
        var events = invitation == nil ? doubt(at: offset) : []
        let join = Membership(
            name: name, initiator: invitation?.initiator, ssrc: invitation?.ssrc, offset: offset,
            trust: trust(at: offset))
        events += add(join)
        return events + [.joined(join, isDuplicate: false)]
    }

    private mutating func add(_ join: Membership) -> [Event] {
        joins.append(join)
        guard joins.count > Self.limit else { return [] }
        // More than ALSA has ports: some of them are forged.
        joins.remove(at: joins.firstIndex { $0.trust == .doubtful } ?? 0)
        return doubt(at: join.offset)
    }

    private mutating func peerAdded(_ id: Int, _ kind: LogFact.PeerKind, at offset: UInt64) -> [Event] {
        let isKnown = joins.contains { $0.alsaID == id || $0.networkID == id }
        switch (chain, kind) {
        case (.portMade(let line), .alsa), (.portMade(let line), .untold):
            // ALSA or a reply may already have taken it out of the table.
            if let index = joins.lastIndex(where: { $0.offset == line }) { joins[index].alsaID = id }
            chain = .alsaAdded(at: line)
        case (.alsaAdded(let line), .network), (.alsaAdded(let line), .untold):
            if let index = joins.lastIndex(where: { $0.offset == line }) { joins[index].networkID = id }
            chain = .idle
        case (.unnamed(let left), _):
            chain = left > 1 ? .unnamed(left: left - 1) : .idle
        case (_, .listener):
            chain = .idle
            if listenerID == nil { listenerID = id }
        case (.idle, .untold) where listenerID == nil:
            listenerID = id
        case (_, .other):
            chain = .idle
        case (.idle, .untold), (.idle, .alsa), (.idle, .network), (.portMade, .network), (.alsaAdded, .alsa):
            chain = .idle
            return doubt(at: offset)
        }
        return isKnown ? doubt(at: offset) : []
    }

    // MARK: Leaving

    private mutating func peerRemoved(_ id: Int, at offset: UInt64) -> [Event] {
        endChain()
        if id == listenerID {
            if isDoubted(offset) { return [] }
            listenerID = nil
            return [.listenerGone]
        }
        if let index = joins.firstIndex(where: { $0.alsaID == id }) { return remove(index, at: offset) }
        if let index = vanished.firstIndex(where: { $0.alsaID == id }) {
            let join = vanished.remove(at: index)
            let leaving = leaving(of: join)
            return isDoubted(offset) ? [] : [.left(join, leaving)]
        }
        // The network peer goes second when a participant leaves; alone, its port stays behind.
        guard let index = joins.firstIndex(where: { $0.networkID == id }), !isDoubted(offset) else { return [] }
        joins[index].isDead = true
        return [.died(joins[index])]
    }

    private mutating func oldPortRemoved(_ port: Int, at offset: UInt64) -> [Event] {
        // The join was logged without its port: the name of the BYE just before is the only way to know whose it was.
        guard let bye = lastBye, let index = joins.firstIndex(where: { $0.name == bye.name }) else { return [] }
        joins[index].port = port
        return remove(index, at: offset)
    }

    private mutating func remove(_ index: Int, at offset: UInt64) -> [Event] {
        let join = joins[index]
        let leaving = leaving(of: join)
        if isDoubted(offset) {
            joins[index].claimedLeaving = leaving
            return []
        }
        joins.remove(at: index)
        removed.append((join, offset))
        if joins.isEmpty { collisions.reset() }
        return [.left(join, leaving)]
    }

    /// How the log says that somebody left whose port is removed now.
    private mutating func leaving(of join: Membership) -> Leaving {
        let session = SessionKey(name: join.name, ssrc: join.ssrc)
        guard let bye = lastBye, bye.isLast, bye.name == join.name, bye.session == nil || bye.session == session else {
            return join.byes.isEmpty ? .lost : .halfBye
        }
        lastBye?.session = session
        // So that BYE was not from the others of that name.
        for index in joins.indices where joins[index].name == join.name && joins[index].ssrc != join.ssrc {
            joins[index].byes = []
        }
        return .bye
    }

    mutating func adoptListener(_ id: Int) { listenerID = id }

    private mutating func endChain() { chain = .idle }
}

extension JoinTracker.Membership {
    /// The same session by what the invitations said. A join without invitation is no duplicate.
    package func isSameSession(as other: JoinTracker.Membership) -> Bool {
        ssrc != nil && ssrc == other.ssrc && initiator == other.initiator && name == other.name
    }
}

extension LogFact.Invitation {
    fileprivate func isSameSession(as other: LogFact.Invitation) -> Bool {
        ssrc == other.ssrc && initiator == other.initiator && name == other.name
    }
}

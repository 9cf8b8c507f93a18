import EngineProtocol
import Rooms
import Store

/// The other hub of a pair: the engines see to it, the hub tells people and takes their orders.
extension Hub {
    func failoverPlan(_ rooms: [RoomPlan]) -> FailoverPlan? {
        guard var failover = context.configuration.failover else { return nil }
        if isTakingOver { failover.settings.whenUnsure = .take }
        return FailoverPlan(
            failover, rooms: rooms, learned: choices.learned, isMuted: isMuted, name: context.configuration.name)
    }

    func recordMuted() { context.recorder.add(.setting(key: RestoredState.mutedKey, value: isMuted ? "1" : nil)) }

    // MARK: What happens

    /// An engine has told how it is with the other hub. `moment`: when it was so.
    func lookAtPair(at moment: Timestamp = .now) {
        guard let failover = context.configuration.failover else {
            failoverWatch = FailoverWatch()
            return
        }
        defer { adoptChoices() }
        for news in failoverWatch.see(carrier.pairs.map(\.status), at: moment.milliseconds) {
            let address = failover.address
            switch news {
            case .joined:
                if isTakingOver {
                    isTakingOver = false
                    applyPlan { _ in }
                }
                let does = failoverWatch.isSpeaking.map { $0 ? "speaks" : "stands by" } ?? "waits for who speaks"
                context.note(
                    .pairJoined, at: TimeRange(moment), address: address, "The other hub is there; this one \(does)")
            case .lost:
                let why = failoverWatch.status?.trouble.map { ": \($0)" } ?? ""
                context.note(
                    .pairLost, severity: .warning, at: TimeRange(moment), address: address,
                    "The other hub is away: there is no redundancy\(why)")
            case .switched(let speaks, let reason):
                let why = reason.map { ": \($0.text)" } ?? ""
                context.note(
                    .pairSwitched, severity: reason?.isWanted ?? false ? .info : .warning, at: TimeRange(moment),
                    address: address,
                    speaks ? "This hub speaks from now on\(why)" : "The other hub speaks from now on\(why)")
            }
        }
        takeDrills()
        context.changed()
    }

    /// Every second.
    func attendPair() {
        guard let failover = context.configuration.failover, !isStopping else { return }
        let now = Timestamp.now.milliseconds
        if failoverWatch.disarm(at: now) { publishSoon() }
        guard failoverWatch.returns(failover, at: now) else { return }
        failoverWatch.ordered(at: now)
        carrier.switchHubs(because: .returned) { [weak self] failure in
            let text =
                failure.map { "This hub cannot give back to the main one: \($0)" }
                ?? "This hub gives back to the main one, which has been well for \(failover.settings.after) s"
            self?.context.note(.pairOrder, severity: failure == nil ? .info : .warning, text)
        }
    }

    // MARK: Orders

    func obey(_ order: FailoverOrder, force: Bool, _ author: Author, _ reply: @escaping Reply) {
        guard let failover = context.configuration.failover else {
            return reply(.noPartner)
        }
        switch order {
        case .switch: switchHubs(failover, force, author, reply)
        case .mute, .unmute: setMuted(order == .mute, force, author, reply)
        case .learn: learn(author, reply)
        }
    }

    func switchHubs(
        _ failover: ConfigurationFailover, _ force: Bool, _ author: Author, _ reply: @escaping (CommandReply) -> Void
    ) {
        let now = Timestamp.now.milliseconds
        let decision = failoverWatch.order(failover.settings, force: force, at: now)
        publishSoon()
        guard decision == .go else { return refuse(decision, "the hubs are switched", reply) }
        let gives = failoverWatch.isSpeaking ?? true
        let text = gives ? "The other hub is to speak" : "This hub is to speak"
        if force, failover.settings.whenUnsure == .wait, !failoverWatch.isUp, failoverWatch.isSpeaking == false {
            return takeOver(author, reply)
        }
        carrier.switchHubs(because: nil) { [weak self] failure in
            guard let self else { return }
            if let failure { return reply(.conflict("Not switched: \(failure).")) }
            failoverWatch.ordered(at: now)
            context.note(.pairOrder, address: author.address, "\(text)\(force ? ", forced" : ""), by \(author)")
            reply(.done("\(text)."))
        }
    }

    /// What is not done, or not yet. `then`: what the second order does.
    func refuse(_ decision: FailoverWatch.Decision, _ then: String, _ reply: (CommandReply) -> Void) {
        switch decision {
        case .refused(let reasons): reply(Self.refusal(reasons))
        case .armed(let until):
            let seconds = ConfigurationFailover.Settings.confirmation
            var text = CommandReply.accepted("Once more within \(seconds) s, and \(then).")
            text.armedUntil = until
            reply(text)
        case .go: break
        }
    }

    /// Of a partner that has fallen silent a person decides that it does not speak.
    private func takeOver(_ author: Author, _ reply: @escaping (CommandReply) -> Void) {
        isTakingOver = true
        let text = "This hub is to speak, though nobody can say whether the other one lives"
        context.note(.pairOrder, severity: .warning, address: author.address, "\(text), by \(author)")
        applyPlan { reply($0.map { .unavailable("The engine does not follow yet: \($0)") } ?? .done("\(text).")) }
    }

    private static func refusal(_ reasons: [String]) -> CommandReply {
        .conflict("Not done: \(reasons.joined(separator: "; ")). Force goes over that.")
    }

    private func setMuted(_ wanted: Bool, _ force: Bool, _ author: Author, _ reply: @escaping Reply) {
        let text =
            wanted ? "This hub is muted for maintenance: the other one speaks" : "This hub may speak again"
        guard wanted != isMuted else { return reply(.done("\(text): it was so before.")) }
        if wanted, !force, failoverWatch.isSpeaking != false {
            let reasons = failoverWatch.obstacles(at: Timestamp.now.milliseconds)
            if !reasons.isEmpty { return reply(Self.refusal(reasons)) }
        }
        isMuted = wanted
        recordMuted()
        context.note(.pairOrder, address: author.address, "\(text)\(force ? ", forced" : ""), by \(author)")
        applyPlan { [unowned self] in
            reply(.kept("\(text).", $0 ?? carrier.shortcoming))
        }
    }

    // MARK: Showing

    func failoverView(_ participants: [Snapshot.Participant]) -> Snapshot.Failover? {
        guard let failover = context.configuration.failover else { return nil }
        let reports = carrier.pairs
        let onBoth = reports.reduce(into: Set<Int64>()) { $0.formUnion($1.onBoth) }
        let ambiguous = reports.reduce(into: Set<Int64>()) { $0.formUnion($1.ambiguous) }
        let here = participants.filter { ($0.state == .present || $0.state == .silent) && $0.echo == nil }
        let members =
            here.map {
                Snapshot.Failover.Member(
                    name: $0.name, room: $0.room, on: onBoth.contains($0.id) ? .both : .this, id: $0.id,
                    ambiguous: ambiguous.contains($0.id) ? true : nil)
            }
            + failoverWatch.elsewhere.map {
                .init(name: $0.name, room: $0.room, on: .partner, id: Int64(clamping: $0.id))
            }
        return Snapshot.Failover(
            failover, failoverWatch, isMuted: isMuted, members: members, learned: choices.learned, drills: drills,
            at: Timestamp.now.milliseconds)
    }
}

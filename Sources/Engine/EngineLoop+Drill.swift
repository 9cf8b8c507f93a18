import EngineProtocol
import HubLink
import Linux
import Rooms

/// Drills of two hubs that are a pair: something is done to one of them, and both note by number what came and what was sent
/// to whom. The engine that leads asks the other one for its notes at the end, and tells it what comes of both.
extension EngineLoop {
    /// How often is looked whether something has come about.
    private static let look: UInt64 = 100
    /// How long the partner may take to answer, and a switch, a silence, and a process that is made anew.
    private static let answer: UInt64 = 20_000
    private static let change: UInt64 = 30_000
    private static let restart: UInt64 = 200_000
    /// What hearers that merge by themselves tell once a second of what came a second ago.
    private static let reports: UInt64 = 22_000
    /// For so long what came of it is told.
    private static let memory: UInt64 = 600_000
    /// Of the line of a record. A longer one would end the connection.
    private static let longestRecord = 900_000

    /// An order. Gives why not.
    func beginDrill(_ plan: DrillPlan) -> String? {
        guard let pair else { return pairTrouble.map { "there is no pair: \($0)" } ?? "this hub has no partner" }
        guard pair.isUp else { return "the partner is not there" }
        guard pair.hello?.drills ?? false else { return "the other hub is of a version that knows no drills" }
        guard pair.drill == nil else { return "a drill is on" }
        guard isSettled(pair) else { return "which hub speaks is just being found out" }
        if pair.role.isHeldBack || pair.role.partner?.isHeldBack ?? false {
            return "a hub is held back for maintenance"
        }
        // Whoever is killed can tell nothing.
        if plan.kind == .kill, isMeant(plan, pair) {
            pair.partner.send(PartnerLine(DrillLine(.lead, plan)))
        } else {
            lead(plan, pair)
        }
        return nil
    }

    private func isMeant(_ plan: DrillPlan, _ pair: Pair) -> Bool { plan.isMain == pair.partner.plan.isMain }

    /// One speaks, the other one stands by, and both know it.
    private func isSettled(_ pair: Pair) -> Bool {
        guard pair.isUp, let partner = pair.role.partner else { return false }
        return (pair.role.phase, partner.phase) == (.active, .standby)
            || (pair.role.phase, partner.phase) == (.standby, .active)
    }

    private func lead(_ plan: DrillPlan, _ pair: Pair) {
        begin(drill(plan, .asking, due: now + Self.answer, pair), pair)
        pair.partner.send(PartnerLine(DrillLine(.begin, plan)))
    }

    private func drill(_ plan: DrillPlan, _ step: Drill.Step, due: UInt64, _ pair: Pair) -> Drill {
        let origins = Set(rooms.flatMap(\.relayed).map(\.origin.rawValue))
        return Drill(
            plan, step, spoke: pair.role.speaks, due: due,
            elsewhere: pair.members.values.filter { origins.contains($0.origin) })
    }

    private func begin(_ drill: Drill, _ pair: Pair) {
        pair.drill = drill
        pair.drillReport = nil
        beginNotes()
        tellPair()
        wakePair(by: now + Self.look)
    }

    /// From now on it is noted who is sent what.
    private func beginNotes() {
        for member in rooms.flatMap({ $0.members + $0.relayed }) { member.drilled = DrillNotes(member) }
    }

    /// The partner has told something of a drill.
    func heard(_ line: DrillLine, _ pair: Pair) {
        switch line.step {
        case .lead:
            guard let plan = line.plan, let why = beginDrill(plan) else { return }
            tell(DrillReport(plan, ended: SystemTime.unixMilliseconds, trouble: why, hearers: []), pair)
        case .begin:
            guard let plan = line.plan, pair.drill == nil else { return }
            let drill = drill(plan, .following, due: 0, pair)
            drill.due = now + drill.silence + 4 * drill.pause + Self.restart + Self.change
            begin(drill, pair)
            pair.partner.send(PartnerLine(DrillLine(.began)))
        case .began:
            guard let drill = pair.drill, case .asking = drill.step else { return }
            // What the partner notes begins later than what is noted here.
            beginNotes()
            (drill.step, drill.due) = (.before, now + drill.pause)
        case .hang: if let drill = pair.drill, drill.plan.kind == .mute { hang(drill, pair) }
        case .die: if pair.drill?.plan.kind == .kill { news.send(.killed) }
        case .end:
            var answer = DrillLine(.record)
            if pair.drill != nil { answer.record = record() }
            if PartnerLine(answer).bytes.count > Self.longestRecord { answer.record = nil }
            pair.partner.send(PartnerLine(answer))
            endDrill(pair)
        case .record:
            guard let drill = pair.drill, case .closing = drill.step else { return }
            drill.theirs = line.record
            conclude(pair, drill, nil)
        case .report:
            guard let report = line.report else { return }
            pair.drillReport = (report, now)
            endDrill(pair)
        }
    }

    // MARK: What is done

    /// Says nothing to anybody for a while.
    private func hang(_ drill: Drill, _ pair: Pair) {
        drill.silentUntil = now + drill.silence
        flush()
        (isSilenced, pair.partner.isSilent) = (true, true)
        for member in rooms.flatMap({ $0.members + $0.relayed }) { member.drilled?.wasSilent = true }
        change(pair) { $0.hang(at: now) }
        wakePair(by: now + drill.silence)
    }

    /// Speaks again with everybody, and asks the partner who speaks to those on both.
    func endSilence() {
        guard let pair, isSilenced else { return }
        pair.drill?.silentUntil = nil
        (isSilenced, pair.partner.isSilent) = (false, false)
        change(pair) { $0.goOn(at: now) }
        sendBeat(pair)
        pair.pulseDue = now
        wakePair(by: now)
    }

    /// Does what is due. Gives when to look again.
    func attendDrill(_ pair: Pair) -> UInt64 {
        guard let drill = pair.drill else { return .max }
        if let end = drill.silentUntil, end <= now { endSilence() }
        let isLate = drill.due <= now
        switch drill.step {
        case .following: if isLate { endDrill(pair) }
        case .asking: if isLate { conclude(pair, drill, "the other hub does not answer") }
        case .before: if isLate { act(drill, pair) }
        case .acting: lookForEnd(drill, pair, isLate)
        case .between: if isLate { turnBack(drill, pair) }
        case .returning:
            if isSettled(pair), pair.role.speaks == drill.spoke {
                goOn(drill)
            } else if isLate {
                conclude(pair, drill, "the hubs were not switched back")
            }
        case .after:
            guard isLate else { break }
            (drill.step, drill.due) = (.closing, now + Self.answer)
            pair.partner.send(PartnerLine(DrillLine(.end)))
        case .closing: if isLate { conclude(pair, drill, "the other hub does not answer") }
        }
        return pair.drill == nil ? .max : now + Self.look
    }

    private func act(_ drill: Drill, _ pair: Pair) {
        drill.step = .acting
        switch drill.plan.kind {
        case .handover:
            drill.due = now + Self.change
            if let why = switchHubs(.drill) { conclude(pair, drill, why) }
        case .mute:
            drill.due = now + drill.silence + Self.change
            if isMeant(drill.plan, pair) {
                hang(drill, pair)
            } else {
                pair.partner.send(PartnerLine(DrillLine(.hang)))
                drill.partnerSilentUntil = now + drill.silence
            }
        case .kill:
            drill.due = now + Self.restart
            pair.partner.send(PartnerLine(DrillLine(.die)))
        }
    }

    private func lookForEnd(_ drill: Drill, _ pair: Pair, _ isLate: Bool) {
        let hasChanged = pair.role.speaks != drill.spoke
        let victimSpoke = isMeant(drill.plan, pair) == drill.spoke
        switch drill.plan.kind {
        case .handover:
            if isSettled(pair), hasChanged {
                (drill.step, drill.due) = (.between, now + drill.pause)
                return
            }
            if isLate { conclude(pair, drill, "the other hub did not begin to speak") }
        case .mute:
            guard drill.silentUntil == nil, drill.partnerSilentUntil <= now else { return }
            if isSettled(pair), hasChanged == victimSpoke { return goOn(drill) }
            if isLate { conclude(pair, drill, Self.complaint(victimSpoke)) }
        case .kill:
            if drill.hasLostPartner, isSettled(pair), hasChanged == victimSpoke { return goOn(drill) }
            if isLate {
                let isBack = isSettled(pair)
                conclude(
                    pair, drill,
                    !drill.hasLostPartner
                        ? "no engine was killed"
                        : isBack ? Self.complaint(victimSpoke) : "the engine that was killed has not come back")
            }
        }
    }

    private static func complaint(_ victimSpoke: Bool) -> String {
        victimSpoke
            ? "nobody has taken over" : "another hub speaks than before, though nothing was done to that which spoke"
    }

    /// What was done is over.
    private func goOn(_ drill: Drill) {
        let tells = rooms.lazy.flatMap(\.members).contains { $0.endpoint.link != nil }
        (drill.step, drill.due) = (.after, now + max(drill.pause, tells ? Self.reports : 0))
    }

    private func turnBack(_ drill: Drill, _ pair: Pair) {
        (drill.step, drill.due) = (.returning, now + Self.change)
        if let why = switchHubs(.drill) { conclude(pair, drill, why) }
    }

    // MARK: What comes of it

    private func record() -> DrillRecord {
        var record = DrillRecord()
        for member in rooms.flatMap({ $0.members + $0.relayed }) {
            guard let notes = member.drilled else { continue }
            record.speakers.append(notes.speaker(member))
            if !member.isRelayed { record.hearers.append(notes.hearer(member)) }
        }
        return record
    }

    private func conclude(_ pair: Pair, _ drill: Drill, _ trouble: String?) {
        endSilence()
        let wasKilled = drill.plan.kind == .kill && drill.hasLostPartner
        var report = DrillReport(
            drill.plan, ended: SystemTime.unixMilliseconds, trouble: trouble,
            hearers: DrillReport.hearers(record(), drill.theirs, wasKilled: wasKilled))
        if drill.theirs == nil {
            for one in drill.elsewhere {
                var hearer = DrillReport.Hearer(name: one.name, room: one.room, kind: .single)
                hearer.remark = "it stands on the other hub alone, which has not told of it"
                report.hearers.append(hearer)
            }
        }
        if isSettled(pair) { report.speaks = .init(isMain: pair.role.speaks == pair.partner.plan.isMain) }
        pair.drillReport = (report, now)
        tell(report, pair)
        endDrill(pair)
    }

    private func tell(_ report: DrillReport, _ pair: Pair) {
        var line = DrillLine(.report)
        line.report = report
        pair.partner.send(PartnerLine(line))
    }

    /// Nothing is noted any more.
    func endDrill(_ pair: Pair) {
        endSilence()
        pair.drill = nil
        for member in rooms.flatMap({ $0.members + $0.relayed }) { member.drilled = nil }
        tellPair()
    }

    /// The connection with the partner has ended.
    func drillLostPartner(_ pair: Pair) {
        guard let drill = pair.drill else { return }
        endSilence()
        drill.hasLostPartner = true
        if drill.plan.kind == .kill, case .acting = drill.step { return }
        if drill.leads { conclude(pair, drill, "the other hub has gone") } else { endDrill(pair) }
    }

    /// Whether a drill is on, and for a while what came of the last one.
    func tellDrill(_ pair: Pair, in status: inout EngineStatus.Failover) {
        status.drilling = pair.drill?.plan
        if let (report, at) = pair.drillReport, now &- at < Self.memory { status.drill = report }
    }

    // MARK: Noting

    /// A list of a member's messages has gone out to everybody who hears it.
    func noteSent(of member: Member) {
        guard let notes = member.drilled else { return }
        var (toPaired, toSingle) = (false, false)
        func reach(_ wire: Wire, _ body: (DrillNotes, Bool) -> Void) {
            let hearer = wire.to
            guard hearer.endpoint.link == nil, let its = hearer.drilled else { return }
            body(its, !isSilenced && !hearer.endpoint.isMuted && hearer.endpoint.data != nil && !wire.isWithheld)
        }
        for wire in member.outgoing {
            reach(wire) { hearer, isReached in
                guard isReached else { return }
                if hearer.kind == .paired { toPaired = true } else { toSingle = true }
            }
        }
        for wire in member.outgoing {
            reach(wire) { hearer, isReached in
                if !isReached, hearer.kind == .paired ? toPaired : toSingle { hearer.isUneven = true }
            }
        }
        notes.sent(toPaired: toPaired, toSingle: toSingle, at: now)
    }

    /// The hubs change: what sounds at those who hear both, or this one, is to go on sounding.
    func noteHeld(_ pair: Pair) {
        guard pair.drill != nil else { return }
        for member in rooms.flatMap(\.members) {
            guard let notes = member.drilled, member.endpoint.link == nil else { continue }
            var count = 0
            member.heard.tellNotes(held: true) { _, _ in count += 1 }
            notes.held = max(notes.held, count)
        }
    }
}

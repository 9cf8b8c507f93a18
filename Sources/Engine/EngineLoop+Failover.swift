import EngineProtocol
import HubLink
import Linux
import MIDI
import RTPMIDI
import Rooms

/// Which of two hubs speaks to those who stand on both and cannot merge what they hear. The other one hears all the same,
/// sends them nothing, and lets what they play wait; when the first one is gone it goes on at the event where that stopped.
extension EngineLoop {
    /// Ticks from one beat to the next, and how many of them make a silence: with real-time priority, and without.
    private static let beatTime: UInt64 = 50
    /// How often a hub looks whose cable is pulled.
    private static let cableTime: UInt64 = 1_000
    private static let silence: (realTime: UInt64, ordinary: UInt64) = (400, 1_500)

    // MARK: The pair

    /// Follows the plan: makes a pair, changes what may change, or ends it.
    func followPair() {
        let wanted = plan.failover
        followTrigger()
        if let pair, let wanted, wanted.isSamePair(as: pair.partner.plan) {
            tellSettings(pair)
            pair.role.silence = silence(wanted)
            pair.role.takesWhenUnsure = !(wanted.waitsWhenUnsure ?? false)
            hold(back: wanted.isHeldBack ?? false)
            return
        }
        endPair(nil)
        let first = plan.rooms.compactMap(\.ports.first)
        guard let wanted, !first.isEmpty else { return }
        let hello = PartnerLine.Hello(
            version: version, instance: .random(in: 0...(.max)), isMain: wanted.isMain, ports: wanted.ports,
            rooms: plan.rooms.map(\.name), name: wanted.name)
        do {
            let partner = try Partner(
                wanted, hello: hello, ports: first, host: plan.host, loop: eventLoop, orders: orders
            ) { [unowned self] in heard($1, of: $0) }
            var role = HubRole(
                isMain: wanted.isMain, silence: silence(wanted), takesWhenUnsure: !(wanted.waitsWhenUnsure ?? false),
                now: now)
            _ = role.holdBack(wanted.isHeldBack ?? false, at: now)
            pair = Pair(partner, role, since: SystemTime.unixMilliseconds, now: now)
            pairTrouble = nil
        } catch {
            pairTrouble = "\(error)"
            news.send(.problem("there is no pair: \(error)"))
        }
        for member in rooms.flatMap(\.members) {
            if member.log == nil { member.log = EventWindow() }
            settle(member)
        }
        wakePair(by: now)
    }

    private func silence(_ plan: FailoverPlan) -> UInt64 {
        plan.silence.map { UInt64(max(1, $0)) * 10 } ?? (isRealTime ? Self.silence.realTime : Self.silence.ordinary)
    }

    /// From now on this hub is alone, and knows of no other.
    func endPair(_ farewell: PartnerLine?) {
        guard let pair else { return }
        if pair.drill != nil { endDrill(pair) }
        pair.partner.close(farewell)
        for port in ports.values { port.data.onlyTo = nil }
        for member in rooms.flatMap(\.relayed) { endRelay(member) }
        self.pair = nil
        for member in rooms.flatMap(\.members) {
            member.counterpart = nil
            settle(member)
        }
    }

    private func heard(_ event: Partner.Event, of partner: Partner) {
        // It may speak before the pair is made of it.
        guard let pair, pair.partner === partner else { return }
        readClock()
        switch event {
        case .connected(let hello):
            connectedToPartner(pair, hello)
            tellPair()
        case .line(let line): heardOfPartner(pair, line)
        case .ending: takeWaiting()
        case .ended(let reason):
            pair.trouble = reason.map { "the connection has ended: \($0)" }
            // A reason of the network says nothing of the partner.
            if reason == nil { change(pair) { $0.partnerEnded(pair.isStopping ? .stopped : .ended, at: now) } }
            drillLostPartner(pair)
            lostPartner(pair)
            tellPair()
        case .refused: change(pair) { $0.foundNoPartner(at: now) }
        case .trouble(let what):
            if pair.trouble != what { news.send(.problem("the partner \(pair.partner.plan.host): \(what)")) }
            pair.trouble = what
        }
        flush()
    }

    /// What the partner sent before it ceased to speak may wait at a socket still.
    func takeWaiting() {
        for port in ports.values {
            for _ in 0..<16
            where port.data.receive({ received($0, from: $1, on: .data, of: port) }) == DatagramSocket.batchSize {}
        }
    }

    /// Nothing comes from the partner any more. Those who are there alone are kept for a moment.
    private func lostPartner(_ pair: Pair) {
        pair.leftAt = now
        for member in rooms.flatMap({ $0.members + $0.relayed }) {
            _ = member.numbered?.reader.lose(NumberedInput.partnersPath)
        }
        pair.inputsDue = now
        wakePair(by: now)
    }

    var failoverStatus: EngineStatus.Failover? {
        guard let pair else { return nil }
        let role = pair.role
        var status = EngineStatus.Failover(
            phase: role.phase, epoch: role.epoch, since: pair.since, reason: pair.reason,
            limit: Double(role.silence) / 10, isConnected: pair.partner.isConnected, isLinked: role.isLinked)
        status.isHeldBack = role.isHeldBack ? true : nil
        status.isPartnerHeldBack = role.partner?.isHeldBack ?? false ? true : nil
        (status.partnerPhase, status.partnerVersion) = (role.partner?.phase, pair.hello?.version)
        status.isAlike = isAlike(pair)
        status.partnerName = pair.hello?.name
        tellDrill(pair, in: &status)
        status.roundTrip = pair.roundTrip.map { Double($0) / 10 }
        status.silentFor = pair.beat.map { Double(now &- $0.at) / 10 }
        status.trouble = pair.trouble
        status.paired = rooms.flatMap(\.members).filter { $0.counterpart != nil }.map(\.id)
        let origins = Set(rooms.flatMap(\.relayed).map(\.origin.rawValue))
        status.elsewhere = pair.members.values.filter { origins.contains($0.origin) }.sorted { $0.id < $1.id }
        let ambiguous = rooms.flatMap(\.members).filter(\.isAmbiguous).map(\.id)
        status.ambiguous = ambiguous.isEmpty ? nil : ambiguous
        status.choices = unknownRooms.isEmpty ? nil : plan.choices.filter { unknownRooms.contains($0.key) }
        status.learned = isNoteUnknown ? plan.failover?.learned : nil
        return status
    }

    // MARK: Time

    /// The loop has woken: if it slept for long others may speak by now.
    func noticeSleep(_ pair: Pair) {
        defer { pair.lastTurn = now }
        guard now &- pair.lastTurn > pair.role.silence / 2, pair.partner.isConnected else { return }
        change(pair) { $0.slept(at: now) }
    }

    /// Something came after a silence of everybody: this hub may have been cut off, and the partner speak.
    func noticeReturn(_ pair: Pair) {
        defer { pair.lastHeard = now }
        guard now &- pair.lastHeard > pair.role.silence else { return }
        change(pair) { $0.returned(at: now) }
    }

    /// Does what is due. Gives when to look again.
    func attend(_ pair: Pair) -> UInt64 {
        if let due = pair.unpluggedDue {
            if due <= now { lookForCable(pair) }
        } else if pair.role.isLinked, now &- pair.role.lastHeard > 2 * Self.beatTime, pair.partner.isUnplugged {
            unplugged(pair)
        }
        let handover = attendHandover(pair)
        if pair.role.due <= now {
            // While others are asked it may be heard again in a moment.
            func counts(_ role: HubRole) -> Bool { role.isLinked || role.phase == .asking }
            let wasThere = counts(pair.role)
            let count = witnesses.count
            change(pair) { $0.wake(at: now, witnesses: count, isUnplugged: pair.unpluggedDue != nil) }
            if wasThere, !counts(pair.role) { lostPartner(pair) }
        }
        if pair.partner.isConnected, pair.beatDue <= now { sendBeat(pair) }
        let beat = pair.partner.isConnected ? pair.beatDue : .max
        return min(
            pair.role.due, beat, handover, pair.unpluggedDue ?? .max, attendPartner(pair), attendDrill(pair))
    }

    /// This hub's cable is pulled: what would be sent is old when it is plugged in again, and the partner has sent it then.
    private func unplugged(_ pair: Pair) {
        let own = SocketAddress.own()
        for port in ports.values { port.data.onlyTo = own }
        pair.unpluggedDue = now + Self.cableTime
    }

    /// If the cable is plugged in again nothing leaves before the partner has said who speaks.
    private func lookForCable(_ pair: Pair) {
        guard !pair.partner.isUnplugged else { return unplugged(pair) }
        pair.unpluggedDue = nil
        change(pair) { $0.returned(at: now) }
        for port in ports.values { port.data.onlyTo = nil }
    }

    /// Whoever stands on both hubs and can be asked.
    private var witnesses: [Member] {
        rooms.flatMap(\.members).filter { $0.endpoint.link != nil && $0.counterpart != nil }
    }

    /// A player asks whether this hub is there, or says that the partner is.
    func heard(_ witness: LinkPacket.Witness, from member: Member) {
        switch witness.step {
        case .knock: sendLink(.witness(.init(.here, token: witness.token)), to: member.endpoint)
        case .answer:
            guard let pair, pair.question == witness.token, member.counterpart != nil else { return }
            change(pair) { $0.witnessed(at: now) }
        case .question, .here: break
        }
    }

    func sendBeat(_ pair: Pair) {
        pair.beatDue = now + Self.beatTime
        let beat = LinkBeat(
            sent: UInt32(truncatingIfNeeded: now), echo: pair.beat?.sent ?? 0,
            held: UInt16(clamping: pair.beat.map { now &- $0.at } ?? 0), word: pair.role.word)
        pair.partner.sendDatagram {
            LinkPacket.beat(beat).write(from: table.ssrc, count: pair.session.nextCount(), into: &$0)
        }
    }

    func received(_ beat: LinkBeat, _ pair: Pair) {
        // One that was overtaken says what was so before.
        if let newest = pair.beat, Int32(bitPattern: beat.sent &- newest.sent) <= 0 { return }
        if pair.unpluggedDue != nil { lookForCable(pair) }
        let wasUp = pair.isUp
        pair.beat = (beat.sent, now)
        pair.leftAt = nil
        if let trip = beat.roundTrip(at: UInt32(truncatingIfNeeded: now)) { pair.roundTrip = trip }
        let asked = beat.echo == 0 ? 0 : now &- UInt64(UInt32(truncatingIfNeeded: now) &- beat.echo)
        change(pair) { $0.heard(beat.word, asked: asked, at: now) }
        if !wasUp {
            pair.pulseDue = now
            // Those who are there alone may have been let go of.
            if pair.isComplete { for room in rooms { counterparts(in: room) } }
        }
        wakePair(by: min(pair.role.due, pair.pulseDue))
    }

    // MARK: Who speaks

    /// Lets the role act, then does what it wants done.
    func change(_ pair: Pair, _ act: (inout HubRole) -> [HubRole.Action]) {
        let (before, partnerBefore) = (pair.role.word, pair.role.partner)
        defer { if pair.role.phase == .standby, before.phase != .standby { leaveToPartner() } }
        let actions = act(&pair.role)
        for action in actions {
            switch action {
            case .speak(let reason):
                changed(reason, pair)
                speak(isSudden: reason == .ended || reason == .silent)
            case .mute(let reason):
                changed(reason, pair)
                // So far everybody has been sent everything.
                for member in rooms.flatMap({ $0.members + $0.relayed }) { member.sentLast = member.lastEvent }
            case .stand(let reason): changed(reason, pair)
            case .askPartner: break
            case .askWitnesses:
                let token = UInt32.random(in: 0...(.max))
                pair.question = token
                for member in witnesses { sendLink(.witness(.init(.question, token: token)), to: member.endpoint) }
            }
        }
        wakePair(by: pair.role.due)
        let hasChanged = pair.role.word != before
        if hasChanged || pair.role.partner != partnerBefore {
            for member in rooms.flatMap(\.members) { settle(member) }
        }
        guard hasChanged else { return }
        noteHeld(pair)
        pair.partner.send(PartnerLine(pair.role.word))
        sendBeat(pair)
        tellPair()
    }

    /// What whoever stands on both may have missed of this hub the partner has seen to.
    private func leaveToPartner() {
        for member in rooms.flatMap(\.members) where member.isForeignOnBoth {
            member.endpoint.streams.sender.forgetChanges()
        }
    }

    func tellPair() { if let failoverStatus { news.send(.pair(failoverStatus)) } }

    private func changed(_ reason: HubRole.Reason, _ pair: Pair) {
        (pair.since, pair.reason, pair.changedAt) = (SystemTime.unixMilliseconds, reason, now)
    }

    /// From now on this hub speaks: to those on both from the event on that they were sent last. What the partner told of as
    /// it died it may not have sent any more: values and ends of that are sent again, but no beginning of a note.
    private func speak(isSudden: Bool) {
        let all = rooms.flatMap(\.members)
        let muted = all.filter { $0.endpoint.isMuted }
        for member in muted { member.endpoint.isMuted = false }
        for speaker in rooms.flatMap({ $0.members + $0.relayed }) where isSudden {
            speaker.drilled?.told = speaker.sentLast
            speaker.drilled?.doubtful = speaker.doubtful
        }
        for speaker in all {
            if isSudden, let first = speaker.doubtful, let last = speaker.sentLast {
                send(first, through: last, of: speaker, isAgain: true) { message, _ in message.strikes }
            }
            speaker.doubtful = nil
            guard speaker.waiting == nil, let sent = speaker.sentLast else { continue }
            let log = speaker.log
            send(sent.advanced(by: 1), through: speaker.lastEvent, of: speaker) { message, number in
                let at = log?.times(number).at ?? 0
                return message.strikes && now &- min(now, at) > OriginReader.struckLate
            }
        }
        // While nobody knew who speaks whoever came was told nothing, and whom an engine before this one has left.
        for member in muted where member.counterpart == nil {
            if member.endpoint.provenAt == 0 { remindOfRoom(member) } else { tellState(over: member.incoming[...]) }
        }
    }

    /// Sends events of one speaker to those who stand on both hubs, but for some.
    private func send(
        _ first: EventNumber, through last: EventNumber, of speaker: Member, isAgain: Bool = false,
        except isOut: (Message, EventNumber) -> Bool
    ) {
        guard let log = speaker.log else { return }
        let wires = speaker.outgoing.filter { $0.to.isForeignOnBoth && !$0.isWithheld }
        var number = first
        if last.distance(from: number) >= EventWindow.capacity {
            number = last.advanced(by: 1 - EventWindow.capacity)
        }
        own.removeAll()
        func leave() {
            guard !own.isEmpty else { return }
            for wire in wires { sendOwn(to: wire.to.endpoint) }
            own.removeAll()
        }
        while last.distance(from: number) >= 0 {
            defer { number = number.advanced(by: 1) }
            guard log.has(number), let message = log.message(number), !isOut(message, number) else { continue }
            speaker.drilled?.sentLater(number, came: log.times(number).at, isAgain: isAgain, at: now)
            if !own.append(message, at: UInt32(truncatingIfNeeded: now)) {
                leave()
                _ = own.append(message, at: UInt32(truncatingIfNeeded: now))
            }
        }
        leave()
    }
}

extension FailoverPlan {
    /// Only what may change while the two are a pair is different.
    fileprivate func isSamePair(as other: FailoverPlan) -> Bool {
        (host, port, secret, isMain, ports) == (other.host, other.port, other.secret, other.isMain, other.ports)
    }
}

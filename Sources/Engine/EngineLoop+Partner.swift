import EngineProtocol
import HubLink
import Linux
import MIDI
import RTPMIDI
import Rooms

/// What goes between the two hubs of a pair: who is where, and everybody's events, under their numbers.
extension EngineLoop {
    /// How long those who stand at the partner alone are kept when it is away.
    static let partnerMemory = 2 * EngineLoop.second
    private static let pulseTime: UInt64 = 2_000
    /// How long the partner may take to say whether somebody is there, too.
    private static let answerTime: UInt64 = 1_000

    // MARK: Who is where

    /// The partner is told of a member: that it is here, or how it is now. Until it has answered nobody hears one who came
    /// just now, and nothing is sent to them: the partner may do both.
    func tellPartner(of member: Member) {
        guard let pair else { return }
        pair.partner.send(PartnerLine(here: line(member)))
        if member.endpoint.link == nil, pair.partner.isConnected, member.counterpart == nil {
            pair.unanswered[member.id] = now + Self.answerTime
            wakePair(by: now + Self.answerTime)
        }
        if pair.isComplete { counterparts(in: member.room) } else { settle(member) }
    }

    func tellPartner(gone member: Member) {
        guard let pair else { return }
        pair.partner.send(PartnerLine(gone: member.id))
        pair.unanswered[member.id] = nil
        if pair.inputs[member.origin.rawValue] === member { pair.inputs[member.origin.rawValue] = nil }
        if pair.isComplete { counterparts(in: member.room) }
    }

    func line(_ member: Member) -> PartnerLine.Member {
        let endpoint = member.endpoint
        return PartnerLine.Member(
            id: member.id, name: member.name, room: member.room.plan.name, portIndex: member.portIndex,
            host: endpoint.address.host, ssrc: endpoint.ssrc.rawValue, origin: member.origin.rawValue,
            number: member.lastEvent.rawValue, isLinked: endpoint.link != nil, since: endpoint.record.pointee.since)
    }

    /// Where the partner has a room, for those who can stand on both.
    func partner(of room: ServedRoom) -> LinkPacket.Greeting.Place? {
        guard let pair, let port = pair.hello?.ports[room.plan.name], let host = pair.partner.connection?.host,
            let address = SocketAddress(host: host, port: port)
        else { return nil }
        return LinkPacket.Greeting.Place(high: address.high, low: address.low, port: port)
    }

    func connectedToPartner(_ pair: Pair, _ hello: PartnerLine.Hello) {
        (pair.hello, pair.trouble, pair.isComplete) = (hello, nil, false)
        (pair.settings, pair.partnersSettings) = (nil, nil)
        (pair.members, pair.leftAt, pair.isStopping) = ([:], nil, false)
        pair.session = LinkSession(now: now)
        (pair.beat, pair.beatDue, pair.pulseDue) = (nil, now, now)
        for member in rooms.flatMap(\.members) { pair.partner.send(PartnerLine(here: line(member))) }
        pair.partner.send(PartnerLine(.all))
        tellSettings(pair)
        pair.partner.send(PartnerLine(pair.role.word))
        sendBeat(pair)
        wakePair(by: now)
    }

    func heardOfPartner(_ pair: Pair, _ line: PartnerLine) {
        switch line.kind {
        case .here:
            guard let member = line.member else { return }
            pair.members[member.id] = member
            pair.partner.send(PartnerLine(known: member.id))
            guard pair.isComplete else { return }
            if let room = rooms.first(where: { $0.plan.name == member.room }) { counterparts(in: room) }
        case .gone:
            guard let member = line.id.flatMap({ pair.members.removeValue(forKey: $0) }),
                let room = rooms.first(where: { $0.plan.name == member.room })
            else { return }
            counterparts(in: room)
        case .known:
            if let id = line.id { answered(id, pair) }
        case .all:
            pair.isComplete = true
            for room in rooms { counterparts(in: room) }
        case .word: if let word = line.word { change(pair) { $0.learned(word, at: now) } }
        case .speak:
            takeWaiting()
            change(pair) { $0.take(line.reason ?? .order, after: line.epoch ?? 0, at: now) }
        case .settings: learned(line.settings ?? PartnerLine.Settings(digest: line.digest), of: pair)
        case .order: if let order = line.order { obeyPartner(order, pair) }
        case .yield: handOver(line.reason ?? .order)
        case .drill: if let drill = line.drill { heard(drill, pair) }
        case .stopping: pair.isStopping = true
        case .hello, .superfluous: break
        }
    }

    /// Finds who of a room stands on both hubs, and who at the partner alone.
    func counterparts(in room: ServedRoom) {
        guard let pair else { return }
        let theirs = pair.members.values.filter { $0.room == room.plan.name }.sorted { $0.id < $1.id }
        var claimed: Set<UInt32> = []
        var pairs: [ObjectIdentifier: PartnerLine.Member] = [:]
        for (own, one) in pairedByHand(theirs, in: room, pair) { pairs[ObjectIdentifier(own)] = one }
        let byHand = Set(pairs.values.map(\.id))
        let foreign = room.members.filter { $0.endpoint.link == nil && pairs[ObjectIdentifier($0)] == nil }
        for member in room.members { member.isAmbiguous = false }
        for one in theirs where !byHand.contains(one.id) {
            if one.isLinked {
                if let own = room.members.first(where: { $0.endpoint.link != nil && $0.origin.rawValue == one.origin })
                {
                    pairs[ObjectIdentifier(own)] = one
                }
                continue
            }
            func isAlike(_ own: Member) -> Bool { own.name == one.name && own.endpoint.address.host == one.host }
            var alike = foreign.filter(isAlike)
            let twins = theirs.filter {
                !$0.isLinked && $0.name == one.name && $0.host == one.host && !byHand.contains($0.id)
            }
            // Several behind one router differ in their SSRC, where a program has the same for both hubs.
            if alike.count > 1 || twins.count > 1 {
                for own in alike { own.isAmbiguous = true }
                alike = alike.filter { $0.endpoint.ssrc.rawValue == one.ssrc }
                guard twins.count(where: { $0.ssrc == one.ssrc }) == 1 else { continue }
            }
            if alike.count == 1 { pairs[ObjectIdentifier(alike[0])] = one }
        }
        for member in room.members {
            let counterpart = pairs[ObjectIdentifier(member)]
            if let counterpart {
                claimed.insert(counterpart.origin)
                member.isAmbiguous = false
            }
            member.counterpart = counterpart
            settle(member)
        }
        relay(theirs.filter { !claimed.contains($0.origin) }, in: room)
    }

    /// Those who stand at the partner alone are heard here by way of it.
    private func relay(_ theirs: [PartnerLine.Member], in room: ServedRoom) {
        guard let pair else { return }
        for member in room.relayed where !theirs.contains(where: { $0.origin == member.origin.rawValue }) {
            endRelay(member)
        }
        for one in theirs where !room.relayed.contains(where: { $0.origin.rawValue == one.origin }) {
            guard let port = ports.values.first(where: { $0.room === room }), let slot = table.reserve() else { return }
            let session = Session.listener(
                token: 0, peer: SSRC(one.ssrc), own: table.ssrc, name: room.plan.displayName, now: now)
            let nowhere = SocketAddress(high: 0, low: 0, port: 0)
            let endpoint = newEndpoint(
                session, SSRC(one.ssrc), one.name, control: nowhere, data: nil, of: port, in: slot)
            endpoint.record.pointee.id = table.makeID()
            endpoint.record.pointee.origin = one.origin
            let member = Member(
                id: endpoint.record.pointee.id, number: slot, name: one.name, state: table.state(slot),
                endpoint: endpoint, room: room, portIndex: one.portIndex)
            (member.isRelayed, endpoint.member) = (true, member)
            pair.relays.append(endpoint)
            number(member, OriginReader(member.origin))
            room.relayed.append(member)
            pair.inputs[one.origin] = member
            follow(room) { $0.join(member.ruled) }
            heardOf(EventNumber(one.number), of: member)
        }
    }

    func endRelay(_ member: Member) {
        guard let pair else { return }
        if pair.inputs[member.origin.rawValue] === member { pair.inputs[member.origin.rawValue] = nil }
        for wire in member.outgoing {
            _ = release(wire)
            disconnect(wire)
        }
        let room = member.room
        room.relayed.removeAll { $0 === member }
        follow(room) { $0.leave(member.memberID) }
        let endpoint = member.endpoint
        endpoint.member = nil
        table.release(endpoint.slot)
        pair.relays.removeAll { $0 === endpoint }
    }

    // MARK: Events

    /// A datagram in an envelope came to a data port.
    func receivedFromPartner(_ datagram: RawSpan) {
        guard let pair else { return }
        pair.partner.open(datagram) { content in
            guard let head = try? LinkHead(decoding: content), let packet = try? LinkPacket(decoding: content, head)
            else { return }
            pair.session.heard(head, at: now)
            received(packet, content, pair)
        }
    }

    private func received(_ packet: LinkPacket, _ content: RawSpan, _ pair: Pair) {
        switch packet {
        case .beat(let beat): received(beat, pair)
        case .events(let list):
            guard let member = pair.inputs[list.origin.rawValue] else { return }
            feed(member, upTo: list.last) {
                $0.receive(list, in: content, by: NumberedInput.partnersPath, at: now, emit: $1)
            }
        case .pulse(let pulse):
            for index in 0..<pulse.count {
                let (origin, last) = pulse.entry(index, in: content)
                if let member = pair.inputs[origin.rawValue] { heardOf(last, of: member) }
            }
        case .state(let part):
            guard let member = pair.inputs[part.origin.rawValue] else { return }
            let known = member.state.pointee
            feed(member, upTo: part.number) {
                $0.receive(part, in: content, by: NumberedInput.partnersPath, known: known, at: now, emit: $1)
            }
            jumpTo(member.numbered?.reader.next, member)
        case .want(let origin, let wanted): answerPartner(wanted, of: origin, pair)
        case .gone, .hello, .welcome, .report, .identity, .witness: break
        }
    }

    /// The partner knows of a member's events up to a number, and has sent them to whomever it speaks to.
    private func heardOf(_ last: EventNumber, of member: Member) {
        feed(member, upTo: last) { $0.receive(last: last, by: NumberedInput.partnersPath, at: now, emit: $1) }
    }

    /// As long as the partner speaks, what it knows of it has sent.
    private func noteSent(_ last: EventNumber, of member: Member) {
        guard let role = pair?.role, !role.speaks, role.partner?.speaks ?? false else { return }
        guard member.sentLast.map({ last.distance(from: $0) > 0 }) ?? true else { return }
        member.doubtful = member.sentLast?.advanced(by: 1)
        member.sentLast = last
    }

    private func feed(
        _ member: Member, upTo last: EventNumber,
        _ body: (inout OriginReader, (Emission, RawSpan, EventNumber?) -> Void) -> Void
    ) {
        noteSent(last, of: member)
        guard let input = member.numbered else { return }
        let time = milliseconds
        body(&input.reader) { emission, bytes, number in
            member.waiting?.told(emission, at: now)
            pass(emission, of: bytes, Self.time(of: emission), number, from: member, time)
        }
        forward(from: member)
        sendNumbered(of: member)
        guard let due = input.reader.deadline else { return }
        // Of those who play here by numbers the session itself asks.
        guard let pair, member.endpoint.link == nil else { return wake(member.endpoint, by: due) }
        pair.inputsDue = min(pair.inputsDue, due)
        wakePair(by: due)
    }

    /// The partner has said whether somebody who came just now is there, too, or did not say it in time.
    private func answered(_ id: UInt64, _ pair: Pair) {
        guard pair.unanswered.removeValue(forKey: id) != nil else { return }
        if let member = rooms.lazy.flatMap(\.members).first(where: { $0.id == id }) { settle(member) }
    }

    /// What a member has played goes to the partner before anybody else is sent it. Of those that the partner has brought
    /// it is told that they were sent.
    func sendToPartner(_ member: Member) {
        guard let pair, let first = member.untold.take(), pair.isUp, member.waiting == nil else { return }
        guard !member.isRelayed, let log = member.log else {
            return pair.partner.sendDatagram {
                LinkSession.writePulse(
                    0, [(member.origin, member.lastEvent)], isComplete: false, from: table.ssrc,
                    count: pair.session.nextCount(),
                    into: &$0)
            }
        }
        write(from: first, of: member, log) { sendWritten(to: pair) }
    }

    private func sendWritten(to pair: Pair) {
        pair.partner.sendDatagram { events.write(from: table.ssrc, count: pair.session.nextCount(), into: &$0) }
    }

    private func answerPartner(_ wanted: LinkPacket.Wanted, of origin: Origin, _ pair: Pair) {
        guard let member = rooms.lazy.flatMap(\.members).first(where: { $0.origin == origin }) else { return }
        if let log = member.log, writeAnswer(wanted, of: origin, log, send: { sendWritten(to: pair) }) { return }
        StateParts.write(
            member.state.pointee, of: origin, at: member.lastEvent, isFinal: false, isStruck: false, from: table.ssrc,
            count: { pair.session.nextCount() }, send: { pair.partner.sendDatagram($0) })
    }

    /// Everybody's newest numbers, since the last events before a silence may have got lost.
    private func sendNumbers(_ pair: Pair) {
        var all = rooms.flatMap { $0.members + $0.relayed }.filter { $0.waiting == nil }.map {
            ($0.origin, $0.lastEvent)
        }
        while !all.isEmpty {
            let some = Array(all.prefix(LinkPacket.Pulse.longest))
            all.removeFirst(some.count)
            pair.partner.sendDatagram {
                LinkSession.writePulse(
                    UInt16(Self.pulseTime / 10), some, isComplete: false, from: table.ssrc,
                    count: pair.session.nextCount(), into: &$0)
            }
        }
    }

    /// Does what is due of what the partner brings. Gives when to look again.
    func attendPartner(_ pair: Pair) -> UInt64 {
        var next = UInt64.max
        if pair.isUp {
            if pair.pulseDue <= now {
                pair.pulseDue = now + Self.pulseTime
                sendNumbers(pair)
            }
            next = pair.pulseDue
        }
        if pair.inputsDue <= now {
            pair.inputsDue = .max
            for member in pair.inputs.values {
                let due = attendInput(member, pair)
                pair.inputsDue = min(pair.inputsDue, due)
            }
        }
        next = min(next, pair.inputsDue)
        for (id, end) in pair.unanswered {
            if end <= now { answered(id, pair) } else { next = min(next, end) }
        }
        if let left = pair.leftAt {
            if left + Self.partnerMemory <= now {
                pair.leftAt = nil
                for member in rooms.flatMap(\.relayed) { endRelay(member) }
                forgetCounterparts(pair)
            } else {
                next = min(next, left + Self.partnerMemory)
            }
        }
        return next
    }

    /// The partner has been away for long: nobody stands on both any more. Where this hub does not speak it may be asked later.
    private func forgetCounterparts(_ pair: Pair) {
        guard !pair.partner.isConnected, pair.role.speaks else { return }
        (pair.members, pair.isComplete) = ([:], false)
        for member in rooms.flatMap(\.members) where member.counterpart != nil {
            member.counterpart = nil
            settle(member)
        }
    }

    private func attendInput(_ member: Member, _ pair: Pair) -> UInt64 {
        guard member.endpoint.link == nil else { return .max }
        return attendInput(of: member, roundTrip: UInt64(pair.roundTrip ?? 50)) { packet in
            pair.partner.sendDatagram { packet.write(from: table.ssrc, count: pair.session.nextCount(), into: &$0) }
        }
    }
}

extension WaitingInput {
    /// The other hub has told of it. System exclusive messages are not waited for.
    fileprivate mutating func told(_ emission: Emission, at now: UInt64) {
        if let event = Event(emission) { told(event, at: now) }
    }
}

extension WaitingInput.Event {
    init?(_ emission: Emission) {
        switch emission {
        case .message(let message, _, _): self = .message(message)
        case .system(let message, _) where message.isForOthers: self = .system(message)
        case .system, .sysEx, .sysExLost: return nil
        }
    }
}

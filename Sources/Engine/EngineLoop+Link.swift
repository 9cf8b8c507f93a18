import EngineProtocol
import HubLink
import Linux
import MIDI
import RTPMIDI
import Rooms

/// Endpoints that are our own programs: numbered events in place of RTP-MIDI. What is held, and what is released, is the
/// room's affair as with everybody else.
extension EngineLoop {
    /// After so much silence the newest events of a member are said again.
    private static let repetition: UInt64 = 100

    // MARK: Greetings

    /// Something of a link came to a control port: a question for it, which only one who is a member gets an answer to.
    func receivedGreeting(_ datagram: RawSpan, from source: SocketAddress, of port: PortPair) {
        guard let head = try? LinkHead(decoding: datagram), head.kind == .hello,
            let endpoint = port.byControl[PortPair.Key(source: source, ssrc: head.ssrc)], let member = endpoint.member,
            case .hello(let greeting) = try? LinkPacket(decoding: datagram, head),
            greeting.version == LinkPacket.version, greeting.wants.contains(.numbered),
            endpoint.link?.questions.consume(at: milliseconds) ?? true
        else { return }
        let isNew = endpoint.link == nil
        if isNew { link(member) }
        endpoint.link?.session.agreed(pulse: greeting.pulse)
        endpoint.link?.session.heard(head, at: now)
        heard(endpoint)
        let answer = LinkPacket.Greeting(
            wants: .numbered, pulse: greeting.pulse, instance: table.clockEpoch, partner: partner(of: member.room))
        sendLink(.welcome(answer), to: endpoint, on: .control)
        // With each answer: an earlier one may have been lost, without which nothing of a link is understood.
        tellIdentities(to: member)
        if isNew { tellPartner(of: member) }
        if isNew { for wire in member.incoming { sendState(of: wire.from, to: endpoint) } }
        if let link = endpoint.link { wake(endpoint, by: link.session.pulseDue) }
    }

    /// From now on it gives and takes numbered events.
    private func link(_ member: Member) {
        let endpoint = member.endpoint
        dropPaced(endpoint)
        // What it has played so far had numbers of ours.
        for wire in member.outgoing { sendGone(of: member, .left, over: wire) }
        endpoint.record.pointee.isLinked = 1
        (endpoint.record.pointee.origin, endpoint.record.pointee.number) = (endpoint.ssrc.rawValue, 0)
        endpoint.record.pointee.ownNumber = 0
        endpoint.link = EndpointLink(now: now)
        number(member, OriginReader(member.origin))
        for wire in member.outgoing where wire.to !== member && wire.to.endpoint.link != nil {
            sendState(of: member, to: wire.to.endpoint)
        }
        for wire in member.incoming {
            // It ends by itself what RTP-MIDI has told it.
            wire.forget()
            countLinked(wire, 1)
        }
    }

    /// Goes on with a link that an engine before this one had.
    func resumeLink(_ member: Member) {
        member.endpoint.link = EndpointLink(now: now)
        number(member, OriginReader(member.origin, next: member.lastEvent.advanced(by: 1)))
        settle(member)
    }

    /// From now on its events come with numbers.
    func number(_ member: Member, _ reader: OriginReader) {
        member.numbered = NumberedInput(reader)
        member.log = reader.window
    }

    /// A wire begins or ends at one who hears by link.
    func countLinked(_ wire: Wire, _ change: Int) {
        let (from, to) = (wire.from, wire.to)
        guard to.endpoint.link != nil else { return }
        from.linkedHearers += change
        if from.linkedHearers > 0, from.log == nil { from.log = EventWindow() }
        if from.linkedHearers == 0, from.numbered == nil, pair == nil {
            (from.log, from.unsent, from.repeatDue) = (nil, nil, nil)
        }
    }

    // MARK: What comes

    func receivedLink(_ datagram: RawSpan, from source: SocketAddress, of port: PortPair) {
        guard datagram.byteCount >= LinkHead.byteCount else { return }
        let ssrc = SSRC(datagram.uint32(at: 4))
        guard let endpoint = port.byData[PortPair.Key(source: source, ssrc: ssrc)] else {
            return heardOfStranger(ssrc, nil, from: source, of: port)
        }
        guard endpoint.member != nil, endpoint.link != nil, mayPlay(datagram, of: endpoint) else { return }
        playLink(datagram, of: endpoint)
    }

    func playLink(_ datagram: RawSpan, of endpoint: Endpoint) {
        guard let member = endpoint.member, let link = endpoint.link, let input = member.numbered else { return }
        let packet: LinkPacket
        do throws(PacketError) {
            let head = try LinkHead(decoding: datagram)
            packet = try LinkPacket(decoding: datagram, head)
            link.session.heard(head, at: now)
        } catch {
            endpoint.counts.unreadable? += 1
            return
        }
        heard(endpoint)
        endpoint.counts.received += 1
        endpoint.counts.lost = link.session.lost
        let time = milliseconds
        func pass(_ emission: Emission, _ bytes: RawSpan, _ number: EventNumber?) {
            if isForHubs(emission, of: member) {
                // Under its number there has to be something.
                if let number { member.log?.setNothing(of: number) }
                keep(emission, of: bytes, 0, number, from: member)
            } else {
                self.pass(emission, of: bytes, Self.time(of: emission), number, from: member, time)
            }
            if number == nil { endpoint.counts.repaired += 1 }
        }
        let origin = input.reader.origin
        switch packet {
        case .events(let list):
            guard list.origin == origin else { return refuse(endpoint) }
            input.reader.receive(list, in: datagram, by: NumberedInput.ownPath, at: now, emit: pass)
        case .pulse(let pulse):
            link.session.heard(pulse)
            for index in 0..<pulse.count {
                let (told, last) = pulse.entry(index, in: datagram)
                guard told == origin else { continue }
                input.reader.receive(last: last, by: NumberedInput.ownPath, at: now, emit: pass)
            }
        case .state(let part):
            guard part.origin == origin else { return refuse(endpoint) }
            input.reader.receive(
                part, in: datagram, by: NumberedInput.ownPath, known: member.state.pointee, at: now, emit: pass)
            jumpTo(input.reader.next, member)
        case .want(let wantedOrigin, let wanted):
            guard link.questions.consume(at: milliseconds) else { return }
            answer(wanted, of: wantedOrigin, to: member)
        case .gone(let gone, _, _):
            if gone == origin, member.holdsAnything { releaseHeld(of: member) }
        case .report(let report): link.report = report
        case .witness(let witness): heard(witness, from: member)
        case .identity(let named, let identity):
            guard named == origin else { return refuse(endpoint) }
            if link.names.consume(at: milliseconds) { received(identity, of: origin, from: member) }
        case .hello, .welcome, .beat: refuse(endpoint)
        }
        forward(from: member)
        sendNumbered(of: member)
        if let due = input.reader.deadline { wake(endpoint, by: due) }
    }

    /// Of an origin that is not its own, or of no use here: no effect, no answer.
    private func refuse(_ endpoint: Endpoint) { endpoint.counts.unreadable? += 1 }

    static func time(of emission: Emission) -> UInt32 {
        switch emission {
        case .message(_, let time, _), .system(_, let time), .sysEx(_, _, let time): time
        case .sysExLost: 0
        }
    }

    /// After a state: numbers that nobody will see are behind it.
    func jumpTo(_ next: EventNumber?, _ member: Member) {
        guard let next, next.distance(from: member.lastEvent) > 1 else { return }
        member.endpoint.record.pointee.number = next.advanced(by: -1).rawValue
        for wire in member.outgoing where wire.to.endpoint.link != nil && !wire.isWithheld {
            sendState(of: member, to: wire.to.endpoint, isFinal: true)
        }
    }

    // MARK: What goes out

    /// Sends what was kept to everyone who hears the member by link.
    func sendNumbered(of member: Member) {
        sendToPartner(member)
        guard let first = member.unsent.take(), member.linkedHearers > 0, let log = member.log else { return }
        let before = delivered
        write(from: first, of: member, log) { sendWritten(of: member) }
        member.endpoint.allowance.charge(delivered - before, at: deliveryCost)
        member.repeatDue = now + Self.repetition
        wake(member.endpoint, by: now + Self.repetition)
    }

    /// Writes a member's events from one on, and has each packet sent.
    func write(from first: EventNumber, of member: Member, _ log: EventWindow, send: () -> Void) {
        let last = member.lastEvent
        var next = first
        while last.distance(from: next) >= 0 {
            guard log.has(next) else {
                next = next.advanced(by: 1)
                continue
            }
            next = events.write(member.origin, next, through: last, of: log, at: now).advanced(by: 1)
            send()
        }
    }

    private func sendWritten(of member: Member) {
        for wire in member.outgoing where !wire.isWithheld {
            wire.hearer._withUnsafeGuaranteedRef {
                $0.reachedBy._withUnsafeGuaranteedRef { hearer in
                    guard let link = hearer.link else { return }
                    sendWritten(to: hearer, link)
                    link.session.sentEvent(at: now)
                    delivered += 1
                    wake(hearer, by: link.session.pulseDue)
                }
            }
        }
    }

    private func sendWritten(to hearer: Endpoint, _ link: EndpointLink) {
        guard let address = hearer.data else { return }
        queue(on: .data, of: hearer.port, to: address) {
            events.write(from: table.ssrc, count: link.session.nextCount(), into: &$0)
        }
    }

    /// The newest events once more, when nothing has come behind them.
    func repeatNumbered(of member: Member) {
        guard let due = member.repeatDue, due <= now else { return }
        member.repeatDue = nil
        guard let log = member.log, events.writeRepeat(member.origin, through: member.lastEvent, of: log, at: now)
        else {
            return
        }
        sendWritten(of: member)
    }

    /// Sends events that are for one participant alone.
    func sendOwn(_ messages: ArraySlice<Message>, to endpoint: Endpoint, _ link: EndpointLink) {
        let record = endpoint.record
        let first = EventNumber(record.pointee.ownNumber).advanced(by: 1)
        for message in messages {
            record.pointee.ownNumber &+= 1
            link.own.put(
                EventNumber(record.pointee.ownNumber), time: UInt32(truncatingIfNeeded: now), ChannelCommand(message),
                at: now)
        }
        let last = EventNumber(record.pointee.ownNumber)
        var next = first
        while last.distance(from: next) >= 0 {
            next = events.write(Origin(table.ssrc.rawValue), next, through: last, of: link.own, at: now).advanced(by: 1)
            sendWritten(to: endpoint, link)
        }
        link.session.sentEvent(at: now)
        wake(endpoint, by: link.session.pulseDue)
    }

    // MARK: Answers and pulses

    private func answer(_ wanted: LinkPacket.Wanted, of origin: Origin, to member: Member) {
        let endpoint = member.endpoint
        guard let link = endpoint.link else { return }
        if origin.rawValue == table.ssrc.rawValue {
            if !writeAnswer(wanted, of: origin, link.own, send: { sendWritten(to: endpoint, link) }) {
                let number = EventNumber(endpoint.record.pointee.ownNumber)
                sendState(SpeakerState(), of: origin, at: number, to: endpoint)
            }
            return
        }
        guard let wire = member.incoming.first(where: { $0.from.origin == origin }) else {
            return sendLink(.gone(origin, EventNumber(0), .left), to: endpoint)
        }
        // While it is tried whether it sends back what it hears, it hears nothing.
        guard !wire.isWithheld else { return }
        guard let log = wire.from.log,
            writeAnswer(wanted, of: origin, log, send: { sendWritten(to: endpoint, link) })
        else {
            return sendState(of: wire.from, to: endpoint)
        }
    }

    /// Writes the events that are wanted, and has each packet sent. False where they are not there any more, or a state is
    /// wanted.
    func writeAnswer(_ wanted: LinkPacket.Wanted, of origin: Origin, _ log: EventWindow, send: () -> Void) -> Bool {
        guard case .events(var first, let last) = wanted else { return false }
        var isAnswered = false
        while last.distance(from: first) >= 0, let taken = events.writeAnswer(origin, first, through: last, of: log) {
            send()
            isAnswered = true
            first = taken.advanced(by: 1)
        }
        return isAnswered
    }

    /// Tells of one who is heard: all that is held and set there, up to its newest number.
    func sendState(of speaker: Member, to endpoint: Endpoint, isFinal: Bool = false) {
        sendState(speaker.state.pointee, of: speaker.origin, at: speaker.lastEvent, isFinal: isFinal, to: endpoint)
    }

    private func sendState(
        _ state: SpeakerState, of origin: Origin, at number: EventNumber, isFinal: Bool = false, to endpoint: Endpoint
    ) {
        guard let link = endpoint.link, let address = endpoint.data else { return }
        let isStruck = endpoint.member?.isController ?? false
        // Nobody would ask again for lights: a second copy, since packets get lost.
        for _ in 0..<(isStruck ? 2 : 1) {
            StateParts.write(
                state, of: origin, at: number, isFinal: isFinal, isStruck: isStruck, from: table.ssrc,
                count: { link.session.nextCount() },
                send: { queue(on: .data, of: endpoint.port, to: address, $0) })
        }
    }

    /// One who is heard by link is not to be heard over this wire any more: three times, since packets get lost.
    func sendGone(of member: Member, _ why: LinkPacket.Departure, over wire: Wire) {
        let hearer = wire.to.endpoint
        guard hearer.link != nil else { return }
        for _ in 0..<3 { sendLink(.gone(member.origin, member.lastEvent, why), to: hearer) }
    }

    func sendLink(_ packet: LinkPacket, to endpoint: Endpoint, on path: Session.Path = .data) {
        guard let link = endpoint.link, let address = path == .control ? endpoint.control : endpoint.data else {
            return
        }
        let count = link.session.nextCount()
        queue(on: path, of: endpoint.port, to: address) { packet.write(from: table.ssrc, count: count, into: &$0) }
    }

    /// Does what is due for a member that is reached by link. Gives when to look again.
    func attendLink(_ member: Member, _ link: EndpointLink) -> UInt64 {
        let due = attendInput(of: member, roundTrip: UInt64(member.endpoint.streams.session.clock.average)) {
            sendLink($0, to: member.endpoint)
        }
        if link.session.pulseDue <= now { sendPulse(to: member, link) }
        return min(due, link.session.pulseDue)
    }

    /// Does what is due of what a member plays under numbers: `ask` sends a question to whoever brings it. Gives when to look
    /// again.
    func attendInput(of member: Member, roundTrip: UInt64, ask: (LinkPacket) -> Void) -> UInt64 {
        guard let input = member.numbered, let due = input.reader.deadline else { return .max }
        guard due <= now else { return due }
        let time = milliseconds
        var question: LinkPacket.Wanted?
        input.reader.wake(
            at: now, known: member.state.pointee, roundTrip: { _ in roundTrip }, ask: { question = $1 },
            emit: { pass($0, of: $1, Self.time(of: $0), $2, from: member, time) })
        if let question {
            ask(.want(input.reader.origin, question))
        } else {
            jumpTo(input.reader.next, member)
        }
        forward(from: member)
        sendNumbered(of: member)
        return input.reader.deadline ?? .max
    }

    private func sendPulse(to member: Member, _ link: EndpointLink) {
        guard let address = member.endpoint.data else { return }
        let heard = member.incoming.filter { !$0.isWithheld }
        let next = link.session.pulse(at: now, isHolding: heard.contains { $0.from.holdsAnything })
        var told = [(Origin(table.ssrc.rawValue), EventNumber(member.endpoint.record.pointee.ownNumber))]
        for wire in heard { told.append((wire.from.origin, wire.from.lastEvent)) }
        queue(on: .data, of: member.endpoint.port, to: address) {
            LinkSession.writePulse(
                next, told, isComplete: heard.count == member.incoming.count, from: table.ssrc,
                count: link.session.nextCount(), into: &$0)
        }
    }
}

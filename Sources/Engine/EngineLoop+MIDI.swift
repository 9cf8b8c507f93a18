import EngineProtocol
import HubLink
import Linux
import MIDI
import RTPMIDI
import Rooms

/// The path of a packet: in by one participant's stream, out by a stream of its own to everyone who hears it. Nothing
/// here allocates, locks or logs.
extension EngineLoop {
    /// How many deliveries of waiting packets are made, in about a millisecond, before others' new packets are looked for.
    private static let deferredTurn = 256

    func receivedMIDI(_ packet: RawSpan, from source: SocketAddress, of port: PortPair) {
        guard let header = try? RTPHeader(decoding: packet) else {
            guard packet.byteCount >= RTPHeader.byteCount else { return }
            port.byData[PortPair.Key(source: source, ssrc: SSRC(packet.uint32(at: 8)))]?.counts.unreadable? += 1
            return
        }
        guard let endpoint = port.byData[PortPair.Key(source: source, ssrc: header.ssrc)] else {
            return heardOfStranger(header.ssrc, nil, from: source, of: port)
        }
        guard endpoint.member != nil, mayPlay(packet, of: endpoint) else { return }
        play(packet, header, of: endpoint)
    }

    /// Whether a packet is within its sender's limits and may be played at once; it is deferred where it has to wait.
    func mayPlay(_ packet: RawSpan, of endpoint: Endpoint) -> Bool {
        let time = milliseconds
        guard endpoint.allowance.admits(packet.byteCount, at: time) else {
            endpoint.counts.limited += 1
            return false
        }
        // In their order: behind those that wait already.
        guard endpoint.deferred > 0 || endpoint.allowance.isHeavy(at: time) else { return true }
        if deferred.append(packet, of: endpoint) {
            planDeferred()
        } else {
            endpoint.counts.limited += 1
        }
        return false
    }

    /// Some of what waits until the packets of others have gone, which come before the rest again.
    func playDeferred() {
        delivered = 0
        while delivered < Self.deferredTurn, !deferred.isEmpty {
            deferred.popFirst { packet, endpoint in
                guard endpoint.member != nil else { return }
                guard endpoint.allowance.hasTime(at: milliseconds) else {
                    endpoint.counts.limited += 1
                    return
                }
                if LinkHead.isLink(packet) { return playLink(packet, of: endpoint) }
                guard let header = try? RTPHeader(decoding: packet) else { return }
                play(packet, header, of: endpoint)
            }
        }
        if !deferred.isEmpty { planDeferred() }
    }

    /// What a packet says, and what its journal mends.
    private func play(_ packet: RawSpan, _ header: RTPHeader, of endpoint: Endpoint) {
        guard let member = endpoint.member else { return }
        let time = milliseconds
        heard(endpoint)
        let reception: Reception
        do throws(PacketError) {
            reception = try endpoint.streams.receiver.receive(packet, header, at: now) { emission, packet in
                if isForHubs(emission, of: member) || isWaited(for: emission, of: member) { return }
                pass(emission, of: packet, header.timestamp, nil, from: member, time)
            }
        } catch {
            endpoint.counts.unreadable? += 1
            return
        }
        forward(from: member)
        sendNumbered(of: member)
        if let due = endpoint.streams.receiver.segmentsDue { wake(endpoint, by: due) }
        count(reception, of: endpoint)
    }

    /// Something came of a member: if it was silent, it is there again.
    func heard(_ endpoint: Endpoint) {
        endpoint.streams.session.heard(now: now)
        guard let member = endpoint.member, member.isSilent else { return }
        endpoint.due = 0
        tellSilence(of: endpoint)
    }

    private func count(_ reception: Reception, of endpoint: Endpoint) {
        endpoint.counts.received += 1
        endpoint.counts.lost += UInt64(reception.lost)
        endpoint.counts.repaired += UInt64(reception.repaired)
        switch reception.verdict {
        case .late where reception.wasMissing: endpoint.counts.overtaken? += 1
        case .late: endpoint.counts.dropped += 1
        case .played where reception.lost < 4: endpoint.continuedAt = now
        case .played, .first, .restarted, .doubtful: break
        }
        if let highest = endpoint.streams.receiver.highest {
            endpoint.record.pointee.highest = highest
            endpoint.record.pointee.hasReceived = 1
        }
        if endpoint.streams.learnEvidence() {
            endpoint.record.pointee.journals = endpoint.streams.evidence.rawValue
            // It may not know yet that we do.
            endpoint.streams.sender.showJournal(at: now)
            wake(endpoint, by: now)
        }
        if reception.repaired > 0 { sendFeedback(to: endpoint) }
    }

    /// One thing that a packet said, or that its journal repaired.
    /// - Parameters:
    ///   - start: the time of its packet's beginning, by its sender's clock.
    ///   - number: of an event that its sender has numbered.
    func pass(
        _ emission: Emission, of packet: RawSpan, _ start: UInt32, _ number: EventNumber?, from member: Member,
        _ milliseconds: Milliseconds
    ) {
        if case .message(let message, _, _) = emission, let value = ignored(message, of: member) {
            // Who numbers by itself has given it a number, under which there has to be something.
            guard let number else { return }
            member.log?.setValue(of: number, value)
            member.drilled?.skip(number, isOne: true)
            return keep(emission, of: packet, start, number, from: member)
        }
        keep(emission, of: packet, start, number, from: member)
        switch emission {
        case .message(let message, let time, _):
            let word = ChannelCommand(message).word
            member.messages += 1
            if case .noteOn = message { member.notes += 1 }
            member.playedAt = now
            if member.late != nil, isLateEnd(message, of: member) {
                member.drilled?.skip(member.numbered == nil ? member.lastEvent : number, isOne: true)
                return
            }
            member.state.pointee.follow(message)
            if message.holds { watch(member.endpoint) }
            if member.mayTouch, message.isTouch {
                (member.mayTouch, member.hasTouched) = (false, true)
                wake(member.endpoint, by: now)
            }
            watchLoop(message, word, of: member, milliseconds)
            if member.room.plan.echoes ?? false { watchEcho(message, word, of: member, milliseconds) }
            for wire in member.outgoing where !wire.isWithheld { wire.follow(message) }
            let at = self.time(time, start)
            if !list.append(message, at: at) {
                forward(from: member)
                _ = list.append(message, at: at)
            }
            member.drilled?.listed(member.numbered == nil ? member.lastEvent : number, at: now)
            listIsRealTime = false
        case .system(let message, let time):
            guard message.isForOthers else { return }
            let at = self.time(time, start)
            if !list.append(message, at: at) {
                forward(from: member)
                _ = list.append(message, at: at)
            }
            _ = systemList.append(message, at: at)
            member.drilled?.listed(member.numbered == nil ? member.lastEvent : number, at: now)
            if !message.isRealTime { listIsRealTime = false }
        case .sysEx(let part, let octets, let time):
            member.drilled?.skip(member.numbered == nil ? member.lastEvent : number, isOne: member.numbered != nil)
            // Behind what came before it in the packet.
            forward(from: member)
            packet.extracting(octets).withUnsafeBytes {
                gather(part, $0, self.time(time, start), from: member.endpoint)
            }
        case .sysExLost:
            member.drilled?.skip(member.numbered == nil ? member.lastEvent : number, isOne: true)
            if let gathering = member.endpoint.gathering.take() { pool.release(gathering.buffer) }
        }
    }

    /// If it vanishes, that is known soon.
    func watch(_ endpoint: Endpoint) {
        guard !endpoint.streams.session.isWatched else { return }
        endpoint.streams.session.isWatched = true
        endpoint.due = 0
    }

    /// When something is to be played, on our clock: now, and as much later as it stands behind its packet's beginning;
    /// some peers send what lies a few hundredths of a second ahead, or a phrase at a time. More than a second is taken for
    /// a second: what is released meanwhile must not sound again later.
    func time(_ time: UInt32, _ start: UInt32) -> UInt32 {
        let ahead = Int32(bitPattern: time &- start)
        return UInt32(truncatingIfNeeded: now) &+ UInt32(min(max(0, ahead), Int32(Self.second)))
    }

    /// Gives up packets that a peer's segments have waited for too long.
    func giveUpSegments(of member: Member) {
        let (time, receiver) = (milliseconds, member.endpoint.streams.receiver)
        receiver.giveUpSegments(at: now) { emission, packet in
            if isForHubs(emission, of: member) || isWaited(for: emission, of: member) { return }
            pass(emission, of: packet, receiver.newestTime, nil, from: member, time)
        }
        forward(from: member)
        sendNumbered(of: member)
    }

    /// Sends the list to everyone who hears this participant.
    func forward(from member: Member) {
        guard !list.isEmpty else { return }
        // First of all: what the partner knows of it does not say again when this hub dies.
        if pair != nil { sendToPartner(member) }
        let count = send(list, or: systemList, over: member.outgoing)
        if member.drilled != nil { noteSent(of: member) }
        delivered += count
        member.endpoint.allowance.charge(count, at: deliveryCost)
        list.removeAll()
        systemList.removeAll()
        listIsRealTime = true
    }

    /// Sends a list over some wires, and its second form over those that are withheld. Gives the number of datagrams. The
    /// lists are lent once for all hearers: each look at what belongs to the loop is checked while the program runs.
    private func send(
        _ list: borrowing CommandList, or systemList: borrowing CommandList, over wires: [Wire]
    ) -> Int {
        let (now, isRealTime) = (now, listIsRealTime)
        var (count, due) = (0, UInt64.max)
        for wire in wires {
            let isWithheld = wire.isWithheld
            if isWithheld, systemList.isEmpty { continue }
            wire.hearer._withUnsafeGuaranteedRef {
                $0.reachedBy._withUnsafeGuaranteedRef { hearer in
                    // It is sent the events themselves (see `sendNumbered`).
                    if hearer.link != nil || hearer.isMuted { return }
                    if !isRealTime, hearer.isPacing { flushPaced(hearer) }
                    guard let address = hearer.data else { return }
                    let sender = hearer.streams.sender
                    queue(in: hearer.socket, to: address) {
                        if isWithheld {
                            sender.write(systemList, at: now, into: &$0)
                        } else {
                            sender.write(list, at: now, into: &$0)
                        }
                    }
                    hearer.record.pointee.nextSequence = sender.next.rawValue
                    let guardDue = sender.guardDue ?? .max
                    hearer.due = min(hearer.due, guardDue)
                    due = min(due, guardDue)
                    count += 1
                }
            }
        }
        wake(by: due)
        return count
    }

    /// Sends `own` to one participant.
    func sendOwn(to endpoint: Endpoint) {
        guard !endpoint.isMuted, let address = endpoint.data else { return }
        queue(in: endpoint.socket, to: address) { endpoint.streams.sender.write(own, at: now, into: &$0) }
        sent(to: endpoint)
    }

    /// A packet whose journal mends what was lost before it, and which says ends again to those who do not use the journal.
    func sendGuard(to endpoint: Endpoint) {
        guard !endpoint.isMuted, let address = endpoint.data else { return }
        queue(in: endpoint.socket, to: address) {
            endpoint.streams.sender.writeGuard(with: &own, at: now, into: &$0) { end in
                guard let member = endpoint.member else { return false }
                if member.incoming.contains(where: { $0.holds(end) }) { return true }
                // Software that sends back what it hears sends this back too.
                member.sentinel.participantHears(ChannelCommand(end).word, at: milliseconds)
                member.echo?.sentinel.participantHears(ChannelCommand(end).word, at: milliseconds)
                return false
            }
        }
        sent(to: endpoint)
    }

    private func sent(to endpoint: Endpoint) {
        endpoint.record.pointee.nextSequence = endpoint.streams.sender.next.rawValue
        if let due = endpoint.streams.sender.guardDue { wake(endpoint, by: due) }
    }

    /// Receiver feedback where it is due.
    func sendFeedback(to endpoint: Endpoint) {
        guard let packet = endpoint.streams.nextFeedback(at: now) else { return }
        queue(on: .control, of: endpoint.port, to: endpoint.control) { packet.write(into: &$0) }
    }
}

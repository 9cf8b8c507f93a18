import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import Rooms

/// The path of a packet: in by one participant's stream, out by a stream of its own to everyone who hears it. Nothing
/// here allocates, locks or logs.
extension Loop {
    /// So many deliveries, a millisecond or so, before it is looked again whether others have played.
    private static let deferredTurn = 256

    func receivedMIDI(_ packet: RawSpan, from source: SocketAddress, of port: PortPair) {
        guard let header = try? RTPHeader(decoding: packet) else {
            guard packet.byteCount >= RTPHeader.byteCount else { return }
            port.byData[PortPair.Key(source: source, ssrc: SSRC(packet.uint32(at: 8)))]?.counts.unreadable? += 1
            return
        }
        guard let peer = port.byData[PortPair.Key(source: source, ssrc: header.ssrc)] else {
            return heardOfStranger(header.ssrc, nil, from: source, of: port)
        }
        guard peer.isMember else { return }
        let time = milliseconds
        guard peer.allowance.takes(packet.byteCount, at: time) else {
            peer.counts.limited += 1
            return
        }
        // In their order: behind those that wait already.
        guard peer.deferred > 0 || peer.allowance.isHeavy(at: time) else { return play(packet, header, of: peer) }
        if deferred.append(packet, of: peer) {
            planDeferred()
        } else {
            peer.counts.limited += 1
        }
    }

    /// Some of what waits until the packets of others have gone, which come before the rest again.
    func playDeferred() {
        delivered = 0
        while delivered < Self.deferredTurn, !deferred.isEmpty {
            deferred.takeFirst { packet, peer in
                guard peer.isMember, let header = try? RTPHeader(decoding: packet) else { return }
                guard peer.allowance.hasTime(at: milliseconds) else {
                    peer.counts.limited += 1
                    return
                }
                play(packet, header, of: peer)
            }
        }
        if !deferred.isEmpty { planDeferred() }
    }

    /// What a packet says, and what its journal mends.
    private func play(_ packet: RawSpan, _ header: RTPHeader, of peer: Peer) {
        let time = milliseconds
        peer.session.heard(now: now)
        if peer.isSilent { tellSilence(of: peer) }
        let reception: Reception
        do throws(WireError) {
            reception = try peer.receiver.receive(packet, header, at: now) { emission, packet in
                pass(emission, of: packet, header.timestamp, from: peer, time)
            }
        } catch {
            peer.counts.unreadable? += 1
            return
        }
        forward(from: peer)
        if let due = peer.receiver.segmentsDue { wake(by: due) }
        count(reception, of: peer)
    }

    private func count(_ reception: Reception, of peer: Peer) {
        peer.counts.received += 1
        peer.counts.lost += UInt64(reception.lost)
        peer.counts.repaired += UInt64(reception.repaired)
        if reception.verdict == .late { peer.counts.dropped += 1 }
        if let highest = peer.receiver.highest {
            peer.record.pointee.highest = highest
            peer.record.pointee.hasReceived = 1
        }
        if peer.record.pointee.journals != 1, peer.receiver.hasSentJournals, !peer.feedback.isLowHalf {
            peer.record.pointee.journals = 1
            peer.adaptJournals()
            // It may not know yet that we do.
            peer.sender.showJournal(at: now)
            wake(by: now)
        }
        if reception.repaired > 0 { sendFeedback(to: peer) }
    }

    /// One thing that a packet said, or that its journal repaired.
    private func pass(
        _ emission: Emission, of packet: RawSpan, _ start: UInt32, from peer: Peer, _ milliseconds: Milliseconds
    ) {
        switch emission {
        case .message(let message, let time, _):
            let word = ChannelCommand(message).word
            peer.messages += 1
            if case .noteOn = message { peer.notes += 1 }
            peer.playedAt = now
            if peer.hasReleased, isLateEnd(message, of: peer) { return }
            peer.record.pointee.follow(message)
            watchLoop(message, word, of: peer, milliseconds)
            if peer.port.hall.plan.echoes ?? false { watchEcho(message, word, of: peer, milliseconds) }
            let at = self.time(time, start)
            if !list.append(message, at: at) {
                forward(from: peer)
                _ = list.append(message, at: at)
            }
            listIsRealTime = false
        case .system(let message, let time):
            guard message.isForOthers else { return }
            let at = self.time(time, start)
            if !list.append(message, at: at) {
                forward(from: peer)
                _ = list.append(message, at: at)
            }
            _ = systemList.append(message, at: at)
            if !message.isRealTime { listIsRealTime = false }
        case .sysEx(let part, let octets, let time):
            // Behind what came before it in the packet.
            forward(from: peer)
            packet.extracting(octets).withUnsafeBytes { gather(part, $0, self.time(time, start), from: peer) }
        case .sysExLost:
            if let gathering = peer.gathering.take() { pool.release(gathering.buffer) }
        }
    }

    /// When something is to be played, on our clock: now, and as much later as it stands behind its packet's beginning;
    /// some peers send what lies a few hundredths of a second ahead, or a phrase at a time. More than a second is taken for
    /// a second: what is released meanwhile must not sound again later.
    private func time(_ time: UInt32, _ start: UInt32) -> UInt32 {
        let ahead = Int32(bitPattern: time &- start)
        return UInt32(truncatingIfNeeded: now) &+ UInt32(min(max(0, ahead), Int32(Self.second)))
    }

    /// Gives up what a peer's segments have waited for in vain.
    func giveUpSegments(of peer: Peer) {
        let time = milliseconds
        peer.receiver.giveUpSegments(at: now) { emission, packet in
            pass(emission, of: packet, peer.receiver.newestTime, from: peer, time)
        }
        forward(from: peer)
    }

    /// Sends the list to everyone who hears this participant.
    func forward(from peer: Peer) {
        guard !list.isEmpty else { return }
        let before = delivered
        for hearer in peer.hearers {
            let isDeaf = hearer.isDeaf(to: peer)
            if isDeaf, systemList.isEmpty { continue }
            if hearer.hasPieces, !listIsRealTime { hurry(hearer) }
            guard let address = hearer.data else { continue }
            hearer.port.data.queue(to: address) {
                if isDeaf {
                    hearer.sender.write(systemList, at: now, into: &$0)
                } else {
                    hearer.sender.write(list, at: now, into: &$0)
                }
            }
            delivered += 1
            sent(to: hearer)
        }
        peer.allowance.charge(delivered - before, at: deliveryCost)
        list.removeAll()
        systemList.removeAll()
        listIsRealTime = true
    }

    /// Sends `own` to one participant.
    func sendOwn(to peer: Peer) {
        guard let address = peer.data else { return }
        peer.port.data.queue(to: address) { peer.sender.write(own, at: now, into: &$0) }
        sent(to: peer)
    }

    /// A packet whose journal mends what was lost before it, and which says ends again to those who do not use the journal.
    func sendGuard(to peer: Peer) {
        guard let address = peer.data else { return }
        peer.port.data.queue(to: address) {
            peer.sender.writeGuard(with: &own, at: now, into: &$0) { end in
                if peer.speakers.contains(where: { $0.record.pointee.held.holds(end) }) { return true }
                // Software that sends back what it hears sends this back too.
                peer.sentinel.participantHears(ChannelCommand(end).word, at: milliseconds)
                peer.echoSentinel.participantHears(ChannelCommand(end).word, at: milliseconds)
                return false
            }
        }
        sent(to: peer)
    }

    private func sent(to peer: Peer) {
        peer.record.pointee.nextSequence = peer.sender.next.rawValue
        if let due = peer.sender.guardDue { wake(by: due) }
    }

    /// Receiver feedback where it is due; and a word in the log about losses, at most every five seconds.
    func report(_ peer: Peer) {
        sendFeedback(to: peer)
        guard peer.counts.lost != peer.told.lost || peer.counts.limited != peer.told.limited,
            now >= peer.toldAt + 5 * Self.second
        else { return }
        peer.told = peer.counts
        peer.toldAt = now
        news.send(.losses(status(peer)))
    }

    private func sendFeedback(to peer: Peer) {
        guard let number = peer.receiver.takeFeedback(at: now) else { return }
        peer.port.control.queue(to: peer.control) {
            SessionPacket.feedback(ssrc: table.ssrc, value: Feedback.value(number)).write(into: &$0)
        }
    }
}

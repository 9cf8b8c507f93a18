import Linux
import MIDI
import RTPMIDI
import Rooms

/// Participants whose software sends back what it hears, and how that is proven: nothing of the channels is sent to a
/// suspect for a moment (`LoopSentinel`), and what is owed to it is told afterwards. Clock and system exclusive go on.
extension Loop {
    /// A channel message of a participant, of which its hearers have not been told yet.
    func watchLoop(_ message: Message, _ word: UInt32, of peer: Peer, _ now: Milliseconds) {
        for hearer in peer.hearers where hearer !== peer {
            if hearer.trial == nil {
                hearer.sentinel.participantHears(word, at: now)
            } else {
                hearer.sentinel.withholds(word, at: now)
                hearer.trial?.set.apply(message)
            }
        }
        if peer.trial != nil {
            _ = peer.sentinel.returns(word, at: now)
            wakeForTrial(peer.sentinel.trialEnd)
        } else if peer.sentinel.participantSends(word, at: now), !peer.isCut {
            peer.trial = Peer.Trial(peer.speakers.filter { $0 !== peer })
            peer.sentinel.beginTrial(at: now)
            wakeForTrial(peer.sentinel.trialEnd)
        }
    }

    /// The same of a room's echo. Whoever plays the same again and again is no loop: what software returns comes back
    /// within a round trip and the moment that it needs.
    func watchEcho(_ message: Message, _ word: UInt32, of peer: Peer, _ now: Milliseconds) {
        guard !peer.isEchoCut else { return }
        if let trial = peer.echoTrial {
            if peer.echoSentinel.returns(word, at: now) || !message.holds { trial.returned.apply(message) }
            peer.echoSentinel.withholds(word, at: now)
            trial.set.apply(message)
            return wakeForTrial(peer.echoSentinel.trialEnd)
        }
        let within = Milliseconds(peer.session.clock.maximum / 10) + 50
        guard peer.echoSentinel.participantSends(word, at: now, within: within) else {
            return peer.echoSentinel.participantHears(word, at: now)
        }
        let trial = Peer.Trial([peer])
        peer.echoTrial = trial
        // The message in hand is the first that is withheld.
        trial.set.apply(message)
        if message.holds { trial.returned.apply(message) }
        peer.echoSentinel.beginTrial(at: now)
        wakeForTrial(peer.echoSentinel.trialEnd)
    }

    /// Ends those that are over. Gives when the next one will be.
    func endTrials(of peer: Peer) -> UInt64? {
        var next: UInt64?
        func isOver(_ end: Milliseconds?) -> Bool {
            guard let end else { return false }
            if end <= milliseconds { return true }
            next = min(next ?? .max, now + UInt64(end - milliseconds) * 10)
            return false
        }
        if isOver(peer.sentinel.trialEnd) { endTrial(of: peer) }
        if isOver(peer.echoSentinel.trialEnd) { endEchoTrial(of: peer) }
        return next
    }

    private func wakeForTrial(_ end: Milliseconds?) {
        if let end { wake(by: now + UInt64(max(0, end - milliseconds)) * 10) }
    }

    private func endTrial(of peer: Peer) {
        guard let trial = peer.trial else { return }
        peer.trial = nil
        let verdict = peer.sentinel.judge(at: milliseconds)
        tellOwed(trial, to: peer, from: peer.speakers.filter { $0 !== peer })
        if verdict == .loop { cut(peer) }
    }

    private func endEchoTrial(of peer: Peer) {
        guard let trial = peer.echoTrial else { return }
        peer.echoTrial = nil
        let verdict = peer.echoSentinel.judge(at: milliseconds, silenceIsProof: true)
        if verdict == .loop { cutEcho(peer) }
        if verdict != .innocent {
            for off in trial.returned.releases(whileHeldBy: []) where peer.record.pointee.held.holds(off) {
                peer.record.pointee.follow(off)
                _ = list.append(off, at: UInt32(truncatingIfNeeded: now))
            }
            forward(from: peer)
        }
        tellOwed(trial, to: peer, from: verdict == .loop ? [] : [peer])
    }

    /// What has ended since then, what was set, and what has begun and still sounds.
    private func tellOwed(_ trial: Peer.Trial, to peer: Peer, from speakers: [Peer]) {
        var messages = trial.sounding.releases(whileHeldBy: peer.speakers.map(\.record.pointee.held))
        // Told again, what nobody has changed would begin to go round anew.
        trial.set.tell { if !trial.before.contains($0) { messages.append($0) } }
        for speaker in speakers {
            speaker.record.pointee.tellHeld { on in
                guard case .noteOn(let channel, let note, _) = on else { return }
                if !trial.sounding.holds(.noteOff(channel, note: note, velocity: 64)) { messages.append(on) }
            }
        }
        send(messages[...], to: peer)
    }

    /// A feedback loop: nobody hears this participant any more until somebody lifts that, or it comes anew.
    private func cut(_ peer: Peer) {
        guard !peer.isCut else { return }
        peer.isCut = true
        for hearer in peer.hearers {
            _ = release(peer, at: hearer)
            hearer.speakers.removeAll { $0 === peer }
        }
        peer.hearers = []
        news.send(.loop(status(peer)))
    }

    /// Somebody says that it is none.
    func endCut(_ peer: Peer) {
        guard peer.isCut else { return }
        peer.isCut = false
        peer.sentinel = LoopSentinel()
        let hall = peer.port.hall
        for hearer in hall.room.wantedHearers(of: peer.memberID) {
            connect(Wire(from: peer.memberID, to: hearer), in: hall)
        }
        for hearer in peer.hearers { tellState(of: [peer], to: hearer) }
    }

    /// There is no echo any more, for anybody.
    func forgetEcho(of peer: Peer) {
        if let trial = peer.echoTrial { tellOwed(trial, to: peer, from: []) }
        (peer.echoTrial, peer.isEchoCut, peer.echoSentinel) = (nil, false, LoopSentinel(threshold: 12))
    }

    /// The echo comes back from this participant: it is not given to it any more until it is switched on anew.
    private func cutEcho(_ peer: Peer) {
        guard !peer.isEchoCut else { return }
        peer.isEchoCut = true
        peer.hearers.removeAll { $0 === peer }
        peer.speakers.removeAll { $0 === peer }
        news.send(.echoReturned(status(peer)))
    }
}

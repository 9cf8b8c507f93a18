import Linux
import MIDI
import RTPMIDI
import Rooms

/// Participants whose software sends back what it hears, and how that is proven: nothing of the channels is sent to a
/// suspect for a moment (`LoopSentinel`), and what is owed to it is told afterwards. Clock and system exclusive go on.
extension EngineLoop {
    /// A channel message of a participant, of which its hearers have not been told yet.
    func watchLoop(_ message: Message, _ word: UInt32, of member: Member, _ now: Milliseconds) {
        for wire in member.outgoing where !wire.isEcho {
            wire.hearer._withUnsafeGuaranteedRef { hearer in
                if hearer.trial == nil {
                    hearer.sentinel.participantHears(word, at: now)
                } else {
                    hearer.sentinel.withholds(word, at: now)
                    hearer.trial?.set.apply(message)
                }
            }
        }
        if member.trial != nil {
            _ = member.sentinel.returns(word, at: now)
            wakeForTrial(of: member, member.sentinel.trialEnd)
        } else if member.sentinel.participantSends(word, at: now), !member.isCut {
            for one in member.room.members where one === member || one.trial == nil && one.sentinel.isReturning {
                one.trial = Member.Trial(one.incoming.lazy.filter { !$0.isEcho }.map(\.from))
                one.sentinel.beginTrial(at: now)
                wakeForTrial(of: one, one.sentinel.trialEnd)
            }
        }
    }

    /// The same for a room's echo. A person who plays the same again and again is no loop: software returns a message
    /// within a round trip and the moment that it needs.
    func watchEcho(_ message: Message, _ word: UInt32, of member: Member, _ now: Milliseconds) {
        guard !member.isEchoCut, let echo = member.echo else { return }
        if let trial = member.echoTrial {
            if echo.sentinel.returns(word, at: now) || !message.holds { trial.returned.apply(message) }
            echo.sentinel.withholds(word, at: now)
            trial.set.apply(message)
            return wakeForTrial(of: member, echo.sentinel.trialEnd)
        }
        let within = Milliseconds(member.endpoint.streams.session.clock.maximum / 10) + 50
        guard echo.sentinel.participantSends(word, at: now, within: within) else {
            return echo.sentinel.participantHears(word, at: now)
        }
        // What came before it in its packet is still sent.
        forward(from: member)
        let trial = Member.Trial(CollectionOfOne(member))
        member.echoTrial = trial
        // The message in hand is the first that is withheld.
        trial.set.apply(message)
        if message.holds { trial.returned.apply(message) }
        echo.sentinel.beginTrial(at: now)
        wakeForTrial(of: member, echo.sentinel.trialEnd)
    }

    /// Ends trials that are over. Returns when the next one will be.
    func endTrials(of member: Member) -> UInt64? {
        var next: UInt64?
        func isOver(_ end: Milliseconds?) -> Bool {
            guard let end else { return false }
            if end <= milliseconds { return true }
            next = min(next ?? .max, now + UInt64(end - milliseconds) * 10)
            return false
        }
        if isOver(member.sentinel.trialEnd) { endTrial(of: member) }
        if isOver(member.echo?.sentinel.trialEnd) { endEchoTrial(of: member) }
        return next
    }

    private func wakeForTrial(of member: Member, _ end: Milliseconds?) {
        if let end { wake(member.endpoint, by: now + UInt64(max(0, end - milliseconds)) * 10) }
    }

    private func endTrial(of member: Member) {
        guard let trial = member.trial, let since = member.sentinel.trialSince else { return }
        member.trial = nil
        let verdict = member.sentinel.judge(at: milliseconds)
        tellOwed(trial, over: member.incoming.filter { !$0.isEcho }, to: member)
        guard verdict == .loop else { return }
        cut(member)
        for other in member.room.members where other !== member {
            if other.sentinel.trialSince == since { endTrial(of: other) }
            if other.sentinel.isOtherEnd(at: milliseconds) { cut(other) }
        }
    }

    private func endEchoTrial(of member: Member) {
        guard let trial = member.echoTrial, let echo = member.echo else { return }
        member.echoTrial = nil
        let verdict = echo.sentinel.judge(at: milliseconds, silenceIsProof: true)
        if verdict == .loop { cutEcho(member) }
        if verdict != .innocent {
            for off in trial.returned.releases(whileHeldBy: []) where member.state.pointee.held.holds(off) {
                member.state.pointee.follow(off)
                for wire in member.outgoing where !wire.isWithheld { wire.follow(off) }
                _ = list.append(off, at: UInt32(truncatingIfNeeded: now))
            }
            forward(from: member)
        }
        tellOwed(trial, over: member.incoming.filter(\.isEcho), to: member)
    }

    /// What has ended since then, what was set, and what has begun and still sounds.
    private func tellOwed(_ trial: Member.Trial, over wires: [Wire], to member: Member) {
        if member.endpoint.link != nil {
            for wire in wires { sendState(of: wire.from, to: member.endpoint, isFinal: true) }
            return
        }
        let holding = member.incoming.map(\.from.state.pointee.held)
        var before = trial.held
        for wire in wires { wire.add(to: &before) }
        var messages = before.releases(whileHeldBy: holding)
        // Only what has changed: anything else would begin to go round again.
        trial.set.tell { if !trial.before.contains($0) { messages.append($0) } }
        for wire in wires {
            wire.from.state.pointee.tellHeld { on in
                guard case .noteOn(let channel, let note, _) = on else { return }
                if !before.holds(.noteOff(channel, note: note, velocity: 64)) { messages.append(on) }
            }
            wire.assume(wire.from.state.pointee.held)
        }
        send(messages[...], to: member.endpoint)
    }

    /// A feedback loop: nobody hears this participant any more until somebody lifts that, or it comes anew.
    private func cut(_ member: Member) {
        guard !member.isCut else { return }
        markCut(member, true)
        for wire in member.outgoing {
            _ = release(wire)
            disconnect(wire)
        }
        news.send(.loop(status(member)))
    }

    /// A person has said that it is no loop.
    func endCut(_ member: Member) {
        guard member.isCut else { return }
        markCut(member, false)
        member.sentinel = LoopSentinel()
        let room = member.room
        for hearer in room.rules.wantedHearers(of: member.memberID) {
            connect(Rooms.Wire(from: member.memberID, to: hearer), in: room)
        }
        for wire in member.outgoing { tellState(over: [wire]) }
    }

    /// It outlives the engine.
    private func markCut(_ member: Member, _ isCut: Bool) {
        member.isCut = isCut
        member.endpoint.record.pointee.isCut = isCut ? 1 : 0
    }

    /// There is no echo any more, for anybody: the wire itself goes when the room is wired anew.
    func forgetEcho(of member: Member) {
        if let trial = member.echoTrial { tellOwed(trial, over: [], to: member) }
        (member.echoTrial, member.isEchoCut, member.echo) = (nil, false, nil)
    }

    /// The echo comes back from this participant: it is not given to it any more until it is switched on anew.
    private func cutEcho(_ member: Member) {
        guard !member.isEchoCut else { return }
        member.isEchoCut = true
        for wire in member.outgoing where wire.isEcho { disconnect(wire) }
        news.send(.echoReturned(status(member)))
    }
}

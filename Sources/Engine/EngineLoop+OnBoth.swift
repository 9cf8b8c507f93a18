import EngineProtocol
import HubLink
import MIDI
import RTPMIDI
import Rooms

/// Those who stand on both hubs of a pair: while the partner speaks for one of them, what it plays waits here.
extension EngineLoop {
    /// Brings a member to where it has to be: heard by its own session, or by way of the partner while that speaks for it.
    func settle(_ member: Member) {
        if let pair, let counterpart = member.counterpart, member.endpoint.link != nil {
            pair.inputs[counterpart.origin] = member
        }
        let waits = pair.map { isWaiting(member, $0) } ?? false
        if waits, !member.endpoint.isMuted { dropPaced(member.endpoint) }
        member.endpoint.isMuted = waits
        guard waits else { return goOn(member) }
        if member.waiting == nil { member.waiting = WaitingInput(member.state.pointee) }
        guard let counterpart = member.counterpart, pair?.role.partner?.speaks ?? false else { return }
        follow(counterpart, member)
    }

    /// Whether the partner speaks for it, or may do so.
    private func isWaiting(_ member: Member, _ pair: Pair) -> Bool {
        guard member.endpoint.link == nil else { return false }
        if pair.role.phase == .starting || pair.unanswered[member.id] != nil { return true }
        return !pair.role.speaks && (member.counterpart != nil || pair.partner.isConnected && !pair.isComplete)
    }

    /// What it plays comes from the partner, under the partner's numbers.
    private func follow(_ counterpart: PartnerLine.Member, _ member: Member) {
        let (record, origin) = (member.endpoint.record, counterpart.origin)
        guard let pair, member.numbered == nil || member.origin.rawValue != origin else { return }
        let isSame = record.pointee.origin == origin
        if !isSame {
            for wire in member.outgoing { sendGone(of: member, .left, over: wire) }
            if pair.inputs[record.pointee.origin] === member { pair.inputs[record.pointee.origin] = nil }
            (record.pointee.origin, record.pointee.number) = (origin, 0)
            pair.partner.send(PartnerLine(here: line(member)))
        }
        number(member, OriginReader(Origin(origin), next: isSame ? member.lastEvent.advanced(by: 1) : nil))
        pair.inputs[origin] = member
        member.numbered?.reader.receive(
            last: EventNumber(counterpart.number), by: NumberedInput.partnersPath, at: now, emit: { _, _, _ in })
        pair.inputsDue = now
        wakePair(by: now)
    }

    /// What it plays counts again as it comes, from what the partner has told of last.
    private func goOn(_ member: Member) {
        guard var waiting = member.waiting.take() else { return }
        if let last = member.numbered?.reader.last {
            member.endpoint.record.pointee.number = last.rawValue
            if let log = member.log, log.has(last) {
                let times = log.times(last)
                member.clockShift = times.played &- UInt32(truncatingIfNeeded: times.at)
            }
        }
        if member.endpoint.link == nil { member.numbered = nil }
        let (time, nothing) = (milliseconds, [UInt8]())
        func pass(_ emission: Emission) {
            self.pass(emission, of: nothing.span.bytes, 0, nil, from: member, time)
        }
        member.drilled?.came = now - min(now, waiting.waits(at: now))
        waiting.end(at: now) {
            switch $0 {
            case .message(let message): pass(.message(message, time: 0, isRepair: false))
            case .system(let message): pass(.system(message, time: 0))
            }
        }
        member.state.pointee.tell(differenceTo: waiting.state, strikes: false) {
            pass(.message($0, time: 0, isRepair: true))
        }
        member.behind = waiting.isBehind ? waiting : nil
        forward(from: member)
        member.drilled?.came = nil
        member.drilled?.waited(waiting)
        sendNumbered(of: member)
        member.endpoint.streams.session.isWatched = member.isWatched
    }

    /// Whether the partner is to tell of what a member has played, or has told of it already.
    func isWaited(for emission: Emission, of member: Member) -> Bool {
        if member.waiting != nil {
            if let event = WaitingInput.Event(emission) { member.waiting?.played(event, at: now) }
            return true
        }
        guard member.behind != nil, let event = WaitingInput.Event(emission) else { return false }
        let wasTold = member.behind?.wasTold(event, at: now) ?? false
        if !(member.behind?.isBehind ?? false) { member.behind = nil }
        return wasTold
    }
}

extension Member {
    /// It stands on both hubs and cannot merge what they send: one of them speaks to it.
    var isForeignOnBoth: Bool { counterpart != nil && endpoint.link == nil }
}

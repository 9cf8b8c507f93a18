import Linux
import PatchBay
import Rooms
import Rtpmidid
import Sequencer
import Store
import Supervisor

/// Who is there. A participant is there as long as its ALSA port is; the log and `status` say who it is, and are believed
/// only as far as ALSA bears them out.
extension RtpmididEngine {
    /// How long is waited for the log to tell why somebody left, which it does just before or after the port goes.
    private static let leavingTimeout: Duration = .milliseconds(500)

    func appeared(_ appearance: Appearance) {
        if let known = attendance[appearance.id] {
            // Its room or direction has changed. The visit stays the same.
            known.direction = appearance.direction
            attendance.moved(known, to: appearance.room)
            context.changed()
            return
        }
        let name = RawText(appearance.nameBytes)
        let join = tracker.join(port: Int(appearance.id.address.port)).flatMap {
            $0.name.alsaPortName == name ? $0 : nil
        }
        let isProbe = appearance.standing == .probe
        let continued = isProbe ? nil : removeOpenVisit(name, ssrc: join?.ssrc)
        let visit =
            continued
            ?? Visit(
                id: isProbe ? 0 : context.makeVisitID(), room: room.name, engine: self.name, port: port,
                name: (join?.name ?? name).description, ssrc: join?.ssrc, joined: TimeRange(.now))
        let one = RtpmididAttendee(appearance, visit: visit)
        if let join, join.ssrc != nil { one.key = SessionKey(name: join.name, ssrc: join.ssrc) }
        attendance.add(one, as: one.id)
        if continued != nil {
            // Unconfirmed round trips do not count where the log was doubted.
            attendance.resumed(one, trusts: tracker.suspicion == nil)
            attendance.moved(one, to: appearance.room)
        } else if one.isShown {
            attendance.joined(one)
        }
        if one.standing == .waiting { decideByLog(one) }
        requestStatus()
        context.changed()
    }

    func vanished(_ id: PortID) {
        guard let one = attendance.remove(id) else { return }
        let claimed = tracker.portVanished(one.port)?.claimed
        context.changed()
        guard one.isRecorded else { return }
        leaving.append((one, claimed, TimeRange(.now)))
        // The engine is saying goodbye: everybody leaves because of that, which `hasEnded` records.
        guard !isLeaving else { return }
        readLog()
        context.loop.after(Self.leavingTimeout) { [weak self] in self?.closeLeft(one) }
    }

    /// Records the end of a visit, with what the log has told of it by now.
    private func closeLeft(_ one: RtpmididAttendee) {
        guard let index = leaving.firstIndex(where: { $0.one === one }) else { return }
        let (_, claimed, when) = leaving.remove(at: index)
        let said = leavings.removeValue(forKey: one.port)?.how ?? claimed
        let end: VisitEnd =
            switch (one.standing, said) {
            case (.ghost, _): .lost("vanished without saying so")
            case (_, .lost?): .lost("was lost: no sign of it for 60 s")
            case (_, .bye?), (_, .halfBye?), (_, nil): .left("left")
            }
        attendance.ended(one, one.end ?? end, at: when)
    }

    /// The engine's process has ended, so nobody is connected any more. The patch bay tells the same later, port by port.
    func everyoneIsGone(reason: String, byUs: Bool) {
        // Participants whose ports went just before left for the same reason, unless the log has told another. Where we
        // dismissed them the log's reason does not count, as it is the same as for lost ones.
        for (one, _, when) in leaving where byUs || leavings[one.port] == nil {
            attendance.ended(one, .left("left: \(reason)"), at: when)
        }
        leaving.removeAll { one, _, _ in byUs || leavings[one.port] == nil }
        attendance.everyoneHasLeft(because: reason)
        leavings = [:]
    }

    // MARK: Visits over a hub's death

    private func removeOpenVisit(_ name: RawText, ssrc: UInt32?) -> Visit? {
        func isSameName(_ visit: Visit) -> Bool { RawText(visit.name).alsaPortName.description == name.description }
        return attendance.removeOpenVisit(
            where: { ssrc != nil && $0.ssrc == ssrc && isSameName($0) },
            { ($0.ssrc == nil || ssrc == nil) && isSameName($0) })
    }

    func rerecord() {
        attendance.rerecord()
        recordOffset()
    }

    // MARK: What the log tells

    /// `isLive`: the line was written while this hub followed the log.
    func handle(_ event: JoinTracker.Event, isLive: Bool) {
        switch event {
        case .joined(let join, let isDuplicate):
            for one in attendance.all where matches(one, join) { decideByLog(one) }
            // Somebody who is here invites again: its program was started anew and does not know what it held before.
            if isDuplicate, isLive, join.trust != .doubtful {
                let first = tracker.joins.first { $0.isSameSession(as: join) }
                let one = attendance.all.first { $0.port == first?.port && $0.standing == .participant }
                if let one { bay.send(.release(one.id)) }
            }
        case .left(let join, let how):
            if let port = join.port { leavings[port] = (how, .now) }
        case .died, .listenerGone: requestStatus()
        case .collision(let names):
            guard !names.contains(where: { Probe.isNamed($0.description) }) else { break }
            let list = names.map(\.description).joined(separator: " and ")
            context.note(
                .collision, severity: .warning, room: room.name, engine: name,
                "\(list) keep evicting each other: \(JoinTracker.collisionCure)")
        case .doubted:
            context.note(
                .logDoubted, severity: .warning, room: room.name, engine: name,
                "The log of \(name) holds lines that a participant's name may have forged: nothing of it is believed for now"
            )
            requestStatus()
        }
    }

    private func matches(_ one: RtpmididAttendee, _ join: JoinTracker.Membership) -> Bool {
        if let port = join.port { return port == one.port && join.name.alsaPortName == one.alsaName }
        return join.name.alsaPortName == one.alsaName
    }

    /// Decides about a port that waits, where a log line that is not doubted tells whose it is.
    private func decideByLog(_ one: RtpmididAttendee) {
        guard one.standing == .waiting else { return }
        guard let join = tracker.joins.first(where: { matches(one, $0) }), join.trust != .doubtful else { return }
        if join.port == nil {
            judge(one, .participant)
        } else if join.ssrc != nil {
            let isDuplicate = tracker.duplicates.contains { $0.port == join.port }
            judge(one, isDuplicate ? .duplicate : .participant)
        }
    }

    /// `evictor`: the participant who has taken its place.
    func judge(_ one: RtpmididAttendee, _ standing: MemberStatus, evictor: RawText? = nil) {
        guard one.standing != standing, one.standing != .probe else { return }
        (one.standing, one.evictor) = (standing, evictor)
        bay.send(.mark(one.id, standing))
        switch standing {
        case .participant where !one.isRecorded: attendance.joined(one)
        case .duplicate:
            context.note(
                .duplicate, severity: .warning, visit: one.visit,
                evictor.map { "\($0) has taken the place of \(one.visit.name), whose port is not connected any more" }
                    ?? "\(one.visit.name) invited again while connected; its further port is not connected")
        case .participant, .ghost, .waiting, .probe: break
        }
        context.changed()
    }

    // MARK: What the daemon answers

    /// Asks `status`. Only one question is under way; calls meanwhile lead to one more question after it.
    func requestStatus() {
        guard process.service.pid != nil, run.isReady || process.service.isAdopted else { return }
        guard !statusUnderWay else {
            statusWanted = true
            return
        }
        statusUnderWay = true
        let question: ControlRequest = statusUnanswerableUntil > .now ? .help : .status
        statusWanted = false
        let asked = logLength
        process.control.ask(question.bytes, timeout: .seconds(5)) { [weak self] answer in
            guard let self else { return }
            statusUnderWay = false
            handle(answer, to: question, during: asked..<max(asked, logLength))
            if statusWanted { context.loop.after(.milliseconds(50)) { [weak self] in self?.requestStatus() } }
        }
    }

    private var logLength: UInt64 { UInt64(max(0, tail.map { $0.position.offset + $0.lag } ?? 0)) }

    /// `during`: how long the log was when the question was put and when the answer came.
    private func handle(
        _ answer: Result<[UInt8], ControlSocket.Failure>, to question: ControlRequest, during: Range<UInt64>
    ) {
        switch answer {
        case .failure(.silent) where question == .status:
            // rtpmidid cannot answer `status` while a participant's name is no UTF-8. Whether that is so, or it hangs, is
            // seen by asking `help`. `status` is tried again after a while, when the participant may have left.
            statusUnanswerableUntil = .now.advanced(by: .seconds(30))
            requestStatus()
        case .failure: judgeWithoutStatus()
        case .success(let bytes):
            process.showLife()
            switch ControlReply(bytes) {
            case .status(let status): handle(status, during: during)
            case .help, .done, .alsaPeer, .refused, .closing, .unreadable: judgeWithoutStatus()
            }
        }
    }

    private func handle(_ status: StatusReply, during: Range<UInt64>) {
        if let known = status.version, known != version {
            version = known
            bay.enginesChanged()
        }
        guard status.listsParticipants else { return judgeWithoutStatus() }
        let samples = book.note(status, suspicion: tracker.suspicion, during: during, now: .now)
        note(status)
        for event in tracker.settle(with: status, during: during) { handle(event, isLive: true) }
        var byPort: [Int: RtpmididAttendee] = [:]
        for one in attendance.all { byPort[one.port] = one }
        for participant in status.participants {
            identify(participant, among: byPort)
        }
        endReplaced(status, among: byPort)
        record(samples)
        // Open visits that nobody in the reply can continue have ended.
        if !attendance.present.isEmpty || status.participants.isEmpty {
            let listed = status.participants.map { $0.session.name.description }
            if !attendance.openVisits.contains(where: { listed.contains($0.name) }) { attendance.abandonOpenVisits() }
        }
        context.changed()
    }

    /// Finds the ports of one session: the first is the participant's, the others are duplicates.
    private func identify(_ participant: StatusReply.Participant, among byPort: [Int: RtpmididAttendee]) {
        let session = participant.session
        var ports: [RtpmididAttendee] = []
        for node in participant.nodes {
            guard let port = node.port, let one = byPort[port] else { continue }
            if one.alsaName == session.name.alsaPortName {
                one.node = node
                one.key = session.key
                one.isInvited = node.networkID.map { id in calls.contains { $0.nodes.contains(id) } } ?? false
                ports.append(one)
            } else if one.alsaName == node.portName?.alsaPortName, one.standing != .ghost {
                // Its participant was evicted. The port carries the MIDI of the one who took its place.
                judge(one, .duplicate, evictor: session.name)
            }
        }
        guard
            let first = ports.first(where: { $0.standing == .participant }) ?? ports.first(where: {
                $0.standing != .ghost
            })
                ?? ports.first
        else { return }
        // It may have been a duplicate: one that was evicted and has come back.
        if first.standing != .ghost { judge(first, .participant) }
        for other in ports where other !== first && other.standing != .ghost { judge(other, .duplicate) }
        for one in ports {
            let name = session.name.description
            one.relay = context.relays["\(session.address ?? ""):\(session.port ?? 0)"] ?? one.relay
            let address = one.relay?.address ?? session.address
            guard one.visit.name != name || one.visit.ssrc != session.ssrc || one.visit.address != address else {
                continue
            }
            (one.visit.name, one.visit.ssrc, one.visit.address) = (name, session.ssrc, address)
            if one.standing == .participant { context.recorder.add(.visit(one.visit)) }
        }
    }

    private func judgeWithoutStatus() {
        let keys = attendance.all.filter { $0.standing == .participant }.map { one in
            one.key ?? SessionKey(name: tracker.join(port: one.port)?.name ?? one.alsaName, ssrc: nil)
        }
        record(book.noteNoStatus(present: keys, suspicion: tracker.suspicion, now: .now))
    }

    // MARK: Latency

    /// The visits that a log line with that name may be about.
    func candidates(_ name: RawText) -> [Visit] {
        let cut = name.alsaPortName
        let here = attendance.all.filter { $0.standing == .participant && ($0.key?.name == name || $0.alsaName == cut) }
        if !here.isEmpty { return here.map(\.visit) }
        return attendance.openVisits.filter { RawText($0.name).alsaPortName.description == cut.description }
    }

    /// Records the round trip of a log line as unconfirmed, in the transaction that moves the log's offset past the line.
    func recordSample(_ name: RawText, _ microseconds: Int, _ range: Range<UInt64>) {
        let visits = candidates(name)
        // Where two have that name the line may mean either; `status` tells their round trips apart.
        guard visits.count == 1, let visit = visits.first else { return }
        let when = isLive(range) ? TimeRange(.now) : context.whileAway(visit)
        context.recorder.add(
            .latency(LatencySample(visit: visit.id, at: when, roundTrip: Int64(microseconds), trust: .unconfirmed)))
        recorded[range.lowerBound] = (visit.id, when)
        if recorded.count > 8192 { recorded = recorded.filter { $0.key + (1 << 20) > range.lowerBound } }
    }

    private func record(_ samples: [LatencyCorrelator.Sample]) {
        for sample in samples {
            let one = attendance.all.first {
                $0.key == sample.key || ($0.key == nil && $0.alsaName == sample.key.name.alsaPortName)
            }
            switch sample.source {
            case .log:
                guard let offset = sample.offset, let row = recorded.removeValue(forKey: offset) else { continue }
                context.recorder.add(.trust(visit: row.visit, from: row.at.earliest, to: row.at.latest, .confirmed))
                if let one { attendance.confirmed(one, sample.microseconds, at: row.at.latest) }
            case .status:
                guard let one, one.standing == .participant else { continue }
                attendance.measured(one, sample.microseconds)
            }
            one?.lastSign = .now
        }
    }

    /// MIDI was heard from a port: so many messages.
    func heard(_ id: PortID, _ messages: Int) {
        guard let one = attendance[id] else { return }
        (one.lastSign, one.lastPlayed) = (.now, .now)
        if one.standing == .participant { context.played(one.visit.id, messages) }
    }
}

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
    /// The log's word on why somebody left comes just before or after ALSA's word that it did.
    private static let leavingTimeout: Duration = .milliseconds(500)

    func appeared(_ appearance: Appearance) {
        if let known = present[appearance.id] {
            // The room or its rules have changed; it stays the same visit.
            known.direction = appearance.direction
            move(known, to: appearance.room)
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
        let one = RtpmididAttendance(appearance, visit: visit)
        if let join, join.ssrc != nil { one.key = SessionKey(name: join.name, ssrc: join.ssrc) }
        present[one.id] = one
        if continued != nil {
            one.isAnnounced = true
            move(one, to: appearance.room)
            // Of what was never judged, none counts where the log was doubted.
            if tracker.suspicion == nil, let earlier = context.earlierRoundTrips[visit.id] {
                one.roundTrips = RoundTrips(earlier)
            }
        } else if one.isShown {
            announce(one)
        }
        if one.standing == .waiting { decideByLog(one) }
        requestStatus()
        context.changed()
    }

    private func move(_ one: RtpmididAttendance, to room: String) {
        guard one.visit.room != room else { return }
        one.visit.room = room
        if one.isAnnounced { context.recorder.add(.visit(one.visit)) }
    }

    private func announce(_ one: RtpmididAttendance) {
        one.isAnnounced = true
        context.recorder.add(.visit(one.visit))
        context.note(.joined, visit: one.visit, "\(one.visit.name) joined room \(room.name)")
    }

    func vanished(_ id: PortID) {
        guard let one = present.removeValue(forKey: id) else { return }
        let claimed = tracker.portVanished(one.port)?.claimed
        context.changed()
        guard one.isAnnounced else { return }
        leaving.append((one, claimed, TimeRange(.now)))
        // Who was let go before a goodbye left for the engine's reason, which its end tells.
        guard !isLeaving else { return }
        readLog()
        context.loop.after(Self.leavingTimeout) { [weak self] in self?.closeLeft(one) }
    }

    /// Why somebody left is known by now.
    private func closeLeft(_ one: RtpmididAttendance) {
        guard let index = leaving.firstIndex(where: { $0.one === one }) else { return }
        let (_, claimed, when) = leaving.remove(at: index)
        let said = leavings.removeValue(forKey: one.port)?.how ?? claimed
        let words: (kind: EventKind, text: String) =
            switch (one.standing, said) {
            case _ where one.isReplaced: (.left, "began anew on the same port")
            case (.ghost, _): (.lost, "vanished without saying so")
            case (_, .lost?): (.lost, "was lost: no sign of it for 60 s")
            case (_, .bye?), (_, .halfBye?), (_, nil): (.left, "left")
            }
        close(one.visit, when, words)
    }

    /// The engine's process has ended: nobody is connected any more. The patch bay says the same port by port, later.
    func everyoneIsGone(reason: String, byUs: Bool) {
        // Those whose ports went a moment before went for the same reason, unless the log has said another. Of those whom
        // we dismissed, the log says the same as of lost ones.
        for (one, _, when) in leaving where byUs || leavings[one.port] == nil {
            close(one.visit, when, (.left, "left: \(reason)"))
        }
        leaving.removeAll { one, _, _ in byUs || leavings[one.port] == nil }
        for one in present.values where one.isAnnounced {
            close(one.visit, TimeRange(.now), (.left, "left: \(reason)"))
        }
        present = [:]
        leavings = [:]
        context.changed()
    }

    private func close(_ visit: Visit, _ when: TimeRange, _ words: (kind: EventKind, text: String)) {
        var visit = visit
        (visit.left, visit.reason) = (when, words.text)
        context.recorder.add(.visit(visit))
        context.note(
            words.kind, severity: words.kind == .lost ? .warning : .info, at: when, visit: visit,
            "\(visit.name) \(words.text) (room \(visit.room))")
    }

    // MARK: Visits over a hub's death

    private func removeOpenVisit(_ name: RawText, ssrc: UInt32?) -> Visit? {
        let same = openVisits.indices.filter {
            RawText(openVisits[$0].name).alsaPortName.description == name.description
        }
        let index =
            same.first { ssrc != nil && openVisits[$0].ssrc == ssrc }
            ?? same.first { openVisits[$0].ssrc == nil || ssrc == nil }
        return index.map { openVisits.remove(at: $0) }
    }

    /// Visits that nobody has continued ended while no hub was looking.
    func abandonOpenVisits(reason: String) {
        for visit in openVisits {
            let when = TimeRange(earliest: max(context.lastAlive, visit.joined.earliest), latest: .now)
            close(visit, when, (.left, reason))
        }
        openVisits = []
    }

    /// The store works again: what is still true is said to it anew.
    func rerecord() {
        for one in present.values where one.isAnnounced { context.recorder.add(.visit(one.visit)) }
        recordOffset()
    }

    // MARK: The log's word

    /// `isLive`: the line was read as it was written.
    func handle(_ event: JoinTracker.Event, isLive: Bool) {
        switch event {
        case .joined(let join, let isDuplicate):
            for one in present.values where matches(one, join) { decideByLog(one) }
            // An invitation to a session that is up: its program has been started anew, and forgotten what it held.
            if isDuplicate, isLive, join.trust != .doubtful {
                let first = tracker.joins.first { $0.isSameSession(as: join) }
                let one = present.values.first { $0.port == first?.port && $0.standing == .participant }
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

    private func matches(_ one: RtpmididAttendance, _ join: JoinTracker.Membership) -> Bool {
        if let port = join.port { return port == one.port && join.name.alsaPortName == one.alsaName }
        return join.name.alsaPortName == one.alsaName
    }

    /// A port that waits is wired where an undoubted log line tells whose it is.
    private func decideByLog(_ one: RtpmididAttendance) {
        guard one.standing == .waiting else { return }
        guard let join = tracker.joins.first(where: { matches(one, $0) }), join.trust != .doubtful else { return }
        if join.port == nil {
            judge(one, .participant)
        } else if join.ssrc != nil {
            let isDuplicate = tracker.duplicates.contains { $0.port == join.port }
            judge(one, isDuplicate ? .duplicate : .participant)
        }
    }

    /// `evictor`: who feeds its port now.
    func judge(_ one: RtpmididAttendance, _ standing: MemberStatus, evictor: RawText? = nil) {
        guard one.standing != standing, one.standing != .probe else { return }
        (one.standing, one.evictor) = (standing, evictor)
        bay.send(.mark(one.id, standing))
        switch standing {
        case .participant where !one.isAnnounced: announce(one)
        case .duplicate:
            context.note(
                .duplicate, severity: .warning, visit: one.visit,
                evictor.map { "\($0) has taken the place of \(one.visit.name), whose port is not connected any more" }
                    ?? "\(one.visit.name) invited again while connected; its further port is not connected")
        case .participant, .ghost, .waiting, .probe: break
        }
        context.changed()
    }

    // MARK: The daemon's word

    /// Asks `status`, once at a time; wishes meanwhile make one more.
    func requestStatus() {
        guard process.service.pid != nil, isReady || process.service.isAdopted else { return }
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
            // A name that is no UTF-8 makes `status` unanswerable while it is here; `help` tells that from a hung daemon.
            // Every now and then it is tried again, in case the name has left.
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
        tracker.settle(with: status, during: during)
        var byPort: [Int: RtpmididAttendance] = [:]
        for one in present.values { byPort[one.port] = one }
        for participant in status.participants {
            identify(participant, among: byPort)
        }
        endReplaced(status, among: byPort)
        record(samples)
        // Whoever was here when the hub ended has been found by now, or has left.
        if !openVisits.isEmpty, !present.isEmpty || status.participants.isEmpty {
            let listed = status.participants.map { $0.session.name.description }
            if !openVisits.contains(where: { listed.contains($0.name) }) {
                abandonOpenVisits(reason: "left while the hub was away")
            }
        }
        context.changed()
    }

    /// One session with its ports: the first is the participant, the others are its duplicates.
    private func identify(_ participant: StatusReply.Participant, among byPort: [Int: RtpmididAttendance]) {
        let session = participant.session
        var ports: [RtpmididAttendance] = []
        for node in participant.nodes {
            guard let port = node.port, let one = byPort[port] else { continue }
            if one.alsaName == session.name.alsaPortName {
                one.node = node
                one.key = session.key
                ports.append(one)
            } else if one.alsaName == node.portName?.alsaPortName, one.standing != .ghost {
                // Its participant was evicted: the port carries the same MIDI as those of whoever did it.
                judge(one, .duplicate, evictor: session.name)
            }
        }
        guard
            let first = ports.first(where: { $0.standing == .participant }) ?? ports.first(where: {
                $0.standing != .ghost
            })
                ?? ports.first
        else { return }
        // Also one that was evicted and has come back.
        if first.standing != .ghost { judge(first, .participant) }
        for other in ports where other !== first && other.standing != .ghost { judge(other, .duplicate) }
        for one in ports {
            let name = session.name.description
            let address = session.address
            guard one.visit.name != name || one.visit.ssrc != session.ssrc || one.visit.address != address else {
                continue
            }
            (one.visit.name, one.visit.ssrc, one.visit.address) = (name, session.ssrc, address)
            if one.standing == .participant { context.recorder.add(.visit(one.visit)) }
        }
    }

    private func judgeWithoutStatus() {
        let keys = present.values.filter { $0.standing == .participant }.map { one in
            one.key ?? SessionKey(name: tracker.join(port: one.port)?.name ?? one.alsaName, ssrc: nil)
        }
        record(book.noteNoStatus(present: keys, suspicion: tracker.suspicion, now: .now))
    }

    // MARK: Latency

    /// Whom a line of that name may be about.
    func candidates(_ name: RawText) -> [Visit] {
        let cut = name.alsaPortName
        let here = present.values.filter { $0.standing == .participant && ($0.key?.name == name || $0.alsaName == cut) }
        if !here.isEmpty { return here.map(\.visit) }
        return openVisits.filter { RawText($0.name).alsaPortName.description == cut.description }
    }

    /// Puts a log line's figure on record, not yet believed, in the transaction that moves the log's offset past it.
    func recordSample(_ name: RawText, _ microseconds: Int, _ range: Range<UInt64>) {
        let visits = candidates(name)
        // Of two with that name the line may mean either: `status` will tell their figures apart.
        guard visits.count == 1, let visit = visits.first else { return }
        let when =
            isLive(range)
            ? TimeRange(.now) : TimeRange(earliest: max(context.lastAlive, visit.joined.earliest), latest: .now)
        context.recorder.add(
            .latency(LatencySample(visit: visit.id, at: when, roundTrip: Int64(microseconds), trust: .unconfirmed)))
        recorded[range.lowerBound] = (visit.id, when)
        if recorded.count > 8192 { recorded = recorded.filter { $0.key + (1 << 20) > range.lowerBound } }
    }

    private func record(_ samples: [LatencyCorrelator.Sample]) {
        for sample in samples {
            let one = present.values.first {
                $0.key == sample.key || ($0.key == nil && $0.alsaName == sample.key.name.alsaPortName)
            }
            switch sample.source {
            case .log:
                guard let offset = sample.offset, let row = recorded.removeValue(forKey: offset) else { continue }
                context.recorder.add(.trust(visit: row.visit, from: row.at.earliest, to: row.at.latest, .confirmed))
                one?.roundTrips.add(sample.microseconds, at: row.at.latest)
            case .status:
                guard let one, one.standing == .participant else { continue }
                context.recorder.add(
                    .latency(
                        LatencySample(
                            visit: one.visit.id, at: TimeRange(.now), roundTrip: Int64(sample.microseconds),
                            trust: .confirmed)))
                one.roundTrips.add(sample.microseconds, at: .now)
            }
            one?.lastSign = .now
        }
        if !samples.isEmpty { context.changed() }
    }

    /// MIDI was heard from a port: so many messages.
    func heard(_ id: PortID, _ messages: Int) {
        guard let one = present[id] else { return }
        (one.lastSign, one.lastPlayed) = (.now, .now)
        if one.standing == .participant { context.played(one.visit.id, messages) }
    }
}

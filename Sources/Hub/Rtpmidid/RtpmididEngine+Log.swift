import Linux
import Rooms
import Rtpmidid
import Store
import Supervisor

extension RtpmididEngine {
    /// How much of the log before the committed offset is read again after an adoption, to know who has which port.
    private static let replayed: Int64 = 8 << 20
    /// How long a latency line waits for its participant's port: it can be read before ALSA has announced the port.
    private static let attributionTimeout: Duration = .seconds(1)

    func logOpened(_ tail: Tail) {
        reader = LogReader(at: UInt64(tail.position.offset), format: version?.logFormat)
    }

    /// After an adoption, reads again what the log told the hub before this one.
    func resume(with offset: TailOffset?) {
        guard let tail else { return }
        let end = tail.position.offset
        runStart = process.record?.logStart ?? 0
        let start = max(0, min(runStart, end), end - Self.replayed)
        var earlier = LogReader(at: UInt64(start))
        var rest: [UInt8] = []
        try? tail.replay(from: start) { bytes in
            rest += bytes
            let used = earlier.read(rest) { fact, range in _ = tracker.note(fact, at: range) }
            rest.removeFirst(used)
        }
        if tracker.suspicion == nil {
            // The log was never doubted, so samples that the last hub had no time to confirm are confirmed now.
            for visit in attendance.openVisits {
                context.recorder.add(
                    .trust(visit: visit.id, from: visit.joined.earliest, to: .now, .confirmed))
            }
        }
        readLog()
    }

    /// One chunk of the log: facts to tracker, book and engine. Returns how much of it is done with.
    func consume(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int {
        if UInt64(offset) < reader.offset {
            // Somebody has truncated the log. All of it is of this run now, and known offsets mean nothing any more.
            (runStart, waitedFor, attributionWait, recorded) = (0, 0, nil, [:])
        }
        if reader.offset != UInt64(offset) { reader = LogReader(at: UInt64(offset), format: reader.format) }
        let before = reader
        var facts: [(LogFact, Range<UInt64>)] = []
        var used = reader.read(bytes) { fact, range in
            if fact != .noise { facts.append((fact, range)) }
        }
        if used > 0 { process.showLife() }
        for (fact, range) in facts {
            if case .latency = fact, !canAttribute(fact, range) {
                // The rest is read later, with the line that waits.
                used = Int(range.lowerBound - before.offset)
                reader = before
                _ = reader.read(UnsafeRawBufferPointer(rebasing: bytes[..<used])) { _, _ in }
                scheduleReading()
                break
            }
            handle(fact, at: range)
        }
        return used
    }

    private func scheduleReading() {
        guard !isReadingScheduled else { return }
        isReadingScheduled = true
        context.loop.after(.milliseconds(20)) { [weak self] in
            self?.isReadingScheduled = false
            self?.readLog()
        }
    }

    /// Whether the line need not wait for its participant's port: it is known, or has been waited for long enough.
    private func canAttribute(_ fact: LogFact, _ range: Range<UInt64>) -> Bool {
        guard case .latency(let name, _, .server) = fact, isLive(range), bay.isOpen else { return true }
        if !candidates(name).isEmpty || range.lowerBound < waitedFor || Probe.isNamed(name.description) { return true }
        let now = ContinuousClock.now
        guard let waiting = attributionWait, waiting.offset == range.lowerBound else {
            attributionWait = (range.lowerBound, now)
            return false
        }
        if waiting.since.duration(to: now) < Self.attributionTimeout { return false }
        (attributionWait, waitedFor) = (nil, range.upperBound)
        return true
    }

    /// The line was written while this hub followed the log, so its time is now. The time of others is known as a range.
    func isLive(_ range: Range<UInt64>) -> Bool { range.lowerBound >= UInt64(tail?.followedFrom ?? 0) }

    private func handle(_ fact: LogFact, at range: Range<UInt64>) {
        let isOfThisRun = range.lowerBound >= UInt64(runStart)
        switch fact {
        case .listening(let control, let midi, _) where isOfThisRun:
            guard control == port, midi == port + 1 else {
                fail(
                    "it could not open UDP ports \(port) and \(port + 1)" + (run.lastWords.last.map { ": \($0)" } ?? "")
                )
                break
            }
            // 24.12 and later say when they have begun to wait; until then the control socket may be missing.
            if version.map({ $0 < .v23_12 }) ?? false { becomeReady() } else { hasListened = true }
        case .waitingForConnections where isOfThisRun && hasListened: becomeReady()
        case .bindFailed(let text) where isOfThisRun, .noSequencer(let text) where isOfThisRun,
            .fatal(let text) where isOfThisRun, .controlFailed(let text) where isOfThisRun,
            .error(let text) where isOfThisRun:
            run.lastWords = (run.lastWords + [text.description]).suffix(5)
        case .avahiProblem(let text) where isOfThisRun && !hasAvahiProblem:
            hasAvahiProblem = true
            context.note(
                .notAnnounced, severity: .warning, room: room.name, engine: name,
                "Port \(port) is not announced on the local network: \(text.description). Players can type its address."
            )
        case .ckTimeout where isOfThisRun: requestStatus()
        case .warning(let text) where isOfThisRun && text.description.hasPrefix("Invitation Rejected (NO)"):
            isRefused()
        case .byeReceived(let name, _, _) where isOfThisRun: hasSaidGoodbye(name)
        case .unknown: unknownLines += 1
        case .malformed, .cutSuspected: disbelievedLines += 1
        case .latency(let name, let microseconds, .server):
            recordSample(name, microseconds, range)
        default: break
        }
        guard isOfThisRun else { return }
        book.note(fact, at: range, heard: isLive(range) ? .now : nil)
        for event in tracker.note(fact, at: range) { handle(event, isLive: isLive(range)) }
    }
}

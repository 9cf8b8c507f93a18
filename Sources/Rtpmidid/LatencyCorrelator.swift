/// Decides which latencies to believe, and notices who has stopped to sync clocks.
///
/// A log line has a name and nothing else, so it is a claim until a `status` reply shows the same figure for the only
/// participant of that name. Where names are equal, or the log is doubted, the reply itself is the sample. Whatever may
/// be a sign of life counts as one: taking a living participant for silent would remove it.
package struct LatencyCorrelator: Sendable {
    package struct Sample: Hashable, Sendable {
        package let key: SessionKey
        /// The full round trip.
        package let microseconds: Int
        package let source: Source
        /// When the line was read, or the reply came; nil for a line that was written while nobody read.
        package let heard: ContinuousClock.Instant?
        /// The line's place in the log.
        package let offset: UInt64?
    }

    package enum Source: Hashable, Sendable { case log, status }

    package enum Silence: Hashable, Sendable {
        case fresh
        /// No clock sync for longer than this initiator waits between two, or where that is not known, than any does.
        case silent(since: ContinuousClock.Instant)
        /// No clock sync for longer than the daemon's own timeout: it will never be removed.
        case ghostSuspect(since: ContinuousClock.Instant)
    }

    /// rtpmidid syncs every 25 s, Apple's every 10 s.
    package static let silentAfter = Duration.seconds(35)
    /// The daemon removes after 60 s.
    package static let ghostAfter = Duration.seconds(65)
    static let mostPending = 64
    static let mostNames = 1_024

    private struct Pending {
        let microseconds: Int
        let range: Range<UInt64>
        let heard: ContinuousClock.Instant?
    }

    private struct Known {
        var figures: StatusReply.Latency?
        /// Replies in a row whose figure no log line had.
        var mismatches = 0
        /// May be later than the real one: figures also change when the daemon forgets old ones.
        private var lastSync: ContinuousClock.Instant
        /// When a line about it was read last, the pause before it, and how many such pauses there were in a row.
        private var lastLine: ContinuousClock.Instant?
        private var pause = Duration.zero
        private var pauses = 0

        init(figures: StatusReply.Latency? = nil, lastSync: ContinuousClock.Instant) {
            (self.figures, self.lastSync) = (figures, lastSync)
        }

        mutating func synced(at instant: ContinuousClock.Instant) { lastSync = max(lastSync, instant) }

        /// A line that can be about nobody else was read.
        mutating func synced(byLineAt instant: ContinuousClock.Instant) {
            synced(at: instant)
            guard let before = lastLine else {
                lastLine = instant
                return
            }
            let latest = before.duration(to: instant)
            guard latest > .zero else { return }
            lastLine = instant
            if latest < pause * 1.25, latest > pause * 0.75 { pauses += 1 } else { (pause, pauses) = (latest, 1) }
        }

        /// All initiators begin faster than they go on, with seven syncs at most: a fast pace must have lasted.
        private var isSteady: Bool { pauses >= (pause < .seconds(5) ? 12 : 3) }

        var lastSign: ContinuousClock.Instant { isSteady ? lastLine ?? lastSync : lastSync }
        /// Where its pace is known, two missed syncs mean silence.
        var silentAfter: Duration {
            isSteady ? min(LatencyCorrelator.silentAfter, pause * 2 + .seconds(4)) : LatencyCorrelator.silentAfter
        }
    }

    private var pending: [RawText: [Pending]] = [:]
    private var known: [SessionKey: Known] = [:]
    /// Up to where in the log each present name's lines have been decided.
    private var decided: [RawText: UInt64] = [:]

    /// Who was invited since the last reply, by name: who came and went between two replies was of the same name too.
    private var strangers: [RawText: (ssrcs: Set<UInt32>, offset: UInt64)] = [:]

    package init() {}

    /// To be called with every fact from the log; it uses only invitations and the latencies of those who were invited.
    package mutating func note(_ fact: LogFact, at range: Range<UInt64>, heard: ContinuousClock.Instant?) {
        switch fact {
        case .latency(let name, let microseconds, .server) where microseconds >= 0:
            let line = Pending(microseconds: microseconds, range: range, heard: heard)
            if pending[name] == nil && pending.count >= Self.mostNames { pending = [:] }
            pending[name, default: []].append(line)
            if pending[name, default: []].count > Self.mostPending { pending[name, default: []].removeFirst() }
            let keys = known.keys.filter { $0.name == name }
            if keys.count == 1 { sawSync(of: keys[0], in: [line]) }
        case .invitation(let invitation):
            // Lines with that name read so far are not about this participant, and later ones may not be about the other.
            guard known[SessionKey(name: invitation.name, ssrc: invitation.ssrc)] == nil else { return }
            pending[invitation.name] = nil
            if strangers[invitation.name] == nil && strangers.count >= Self.mostNames { strangers = [:] }
            let ssrcs = strangers[invitation.name]?.ssrcs ?? []
            strangers[invitation.name] = (Set([invitation.ssrc] + ssrcs.prefix(Self.mostPending)), range.lowerBound)
        default:
            break
        }
    }

    /// Takes a status reply, before `JoinTracker.settle` does, and returns what can be believed now. `log` is the same
    /// as there: how long the log was when the request was written, and when the reply came.
    package mutating func note(
        _ status: StatusReply, suspicion: Suspicion?, during log: Range<UInt64>, now: ContinuousClock.Instant
    ) -> [Sample] {
        guard status.listsParticipants else { return [] }
        let sessions = status.participants.map(\.session)
        var names: [RawText: Int] = [:]
        var keys: [SessionKey: Int] = [:]
        for session in sessions {
            names[session.name, default: 0] += 1
            keys[session.key, default: 0] += 1
        }
        // A participant is here whose name can forge lines, now and later.
        let isForgeable = status.names.contains(where: \.splitsLines)
        var samples: [Sample] = []
        var resolved: Set<RawText> = []
        // Two of the same name and SSRC cannot be told apart; they show as two, without latency.
        for session in sessions where keys[session.key] == 1 {
            let lines = pending[session.name] ?? []
            let isAlone =
                names[session.name] == 1 && strangers[session.name]?.ssrcs.contains { $0 != session.ssrc } != true
            if isAlone && !isForgeable && !isDoubted(lines, session.name, suspicion) {
                samples += decide(session, by: lines, now: now)
            } else {
                samples += decideByStatus(session, signs: lines, now: now)
                resolved.insert(session.name)
            }
        }
        for name in resolved {
            pending[name] = nil
            decided[name] = log.upperBound
        }
        // Lines about somebody who is not in the reply are dropped, unless the reply is older than the lines.
        pending = pending.filter { name, lines in
            names[name] != nil || lines.contains { $0.range.lowerBound >= log.lowerBound }
        }
        strangers = strangers.filter { $0.value.offset >= log.lowerBound }
        decided = decided.filter { names[$0.key] != nil }
        known = known.filter { keys[$0.key] != nil }
        return samples
    }

    /// No status can be had: an old version, or a name in it that is no UTF-8. Lines of a name that only one of those
    /// present has are believed unless the log is doubted.
    package mutating func noteNoStatus(
        present: [SessionKey], suspicion: Suspicion?, now: ContinuousClock.Instant
    ) -> [Sample] {
        let keys = Set(present)
        var samples: [Sample] = []
        for key in keys {
            if known[key] == nil { known[key] = Known(lastSync: now) }
            let lines = pending[key.name] ?? []
            let isUnique =
                !keys.contains { $0.name == key.name && $0 != key }
                && strangers[key.name]?.ssrcs.contains { $0 != key.ssrc } != true
            guard isUnique, !isDoubted(lines, key.name, suspicion) else { continue }
            samples += lines.map { sample($0, key) }
            sawSync(of: key, in: lines)
            decided[key.name] = lines.last?.range.upperBound ?? decided[key.name]
        }
        pending = [:]
        strangers = [:]
        known = known.filter { keys.contains($0.key) }
        decided = decided.filter { name, _ in keys.contains { $0.name == name } }
        return samples.sorted { ($0.offset ?? 0) < ($1.offset ?? 0) }
    }

    /// Nil for somebody that neither a reply nor the caller has told of.
    package func silence(of key: SessionKey, now: ContinuousClock.Instant) -> Silence? {
        guard let known = known[key] else { return nil }
        let age = known.lastSign.duration(to: now)
        if age > Self.ghostAfter { return .ghostSuspect(since: known.lastSign) }
        return age > known.silentAfter ? .silent(since: known.lastSign) : .fresh
    }

    private mutating func sawSync(of key: SessionKey, in lines: [Pending]) {
        if let heard = lines.compactMap(\.heard).max() { known[key]?.synced(byLineAt: heard) }
    }

    // MARK: Deciding

    /// Whether anything between what was decided last and the newest of these lines is doubted.
    private func isDoubted(_ lines: [Pending], _ name: RawText, _ suspicion: Suspicion?) -> Bool {
        guard let suspicion, let first = lines.first, let last = lines.last else { return suspicion?.isOpen ?? false }
        let from = min(decided[name] ?? first.range.lowerBound, first.range.lowerBound)
        return suspicion.overlaps(from..<last.range.upperBound)
    }

    private mutating func decide(
        _ session: StatusReply.Session, by lines: [Pending], now: ContinuousClock.Instant
    ) -> [Sample] {
        let key = session.key
        var state = known[key] ?? Known(figures: session.latency, lastSync: now)
        let isChanged = known[key] != nil && session.latency != nil && session.latency != state.figures
        state.figures = session.latency
        if isChanged { state.synced(at: now) }
        if let heard = lines.compactMap(\.heard).max() { state.synced(byLineAt: heard) }
        defer { known[key] = state }
        // No figure to compare with, as in replies of some older versions.
        guard session.latency != nil else {
            pending[key.name] = nil
            return lines.map { sample($0, key) }
        }
        // The reply and the log race: a line behind the match is younger than the reply and waits for the next one.
        if let last = session.latency?.last, let match = lines.lastIndex(where: { abs($0.microseconds - last) <= 50 }) {
            state.mismatches = 0
            pending[key.name] = Array(lines[(match + 1)...])
            decided[key.name] = lines[match].range.upperBound
            return lines[...match].map { sample($0, key) }
        }
        guard isChanged || !lines.isEmpty else { return [] }
        // One mismatch may be that race. After two, the log does not show what the daemon knows.
        state.mismatches = min(state.mismatches + 1, 2)
        guard state.mismatches == 2 else { return [] }
        pending[key.name] = nil
        return isChanged ? [sample(session, now)] : []
    }

    private mutating func decideByStatus(
        _ session: StatusReply.Session, signs: [Pending], now: ContinuousClock.Instant
    ) -> [Sample] {
        var state = known[session.key] ?? Known(figures: session.latency, lastSync: now)
        let isChanged = known[session.key] != nil && session.latency != nil && session.latency != state.figures
        if isChanged { state.synced(at: now) }
        // Two syncs with equal figures look like a single one in the replies, so a log line with that figure counts as
        // a sign of life.
        for sign in signs {
            guard let last = session.latency?.last, let heard = sign.heard, abs(sign.microseconds - last) <= 50 else {
                continue
            }
            state.synced(at: heard)
        }
        state.figures = session.latency
        state.mismatches = 0
        known[session.key] = state
        return isChanged ? [sample(session, now)] : []
    }

    private func sample(_ line: Pending, _ key: SessionKey) -> Sample {
        Sample(
            key: key, microseconds: line.microseconds, source: .log, heard: line.heard, offset: line.range.lowerBound)
    }

    private func sample(_ session: StatusReply.Session, _ now: ContinuousClock.Instant) -> Sample {
        Sample(
            key: session.key, microseconds: session.latency?.last ?? 0, source: .status, heard: now, offset: nil)
    }
}

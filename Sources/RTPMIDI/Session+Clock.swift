/// Our side of the clock exchanges of one session (RTPMIDI.docc/Sessions.md): which times we have sent and wait to see
/// again, when to ask next, and how many questions we answer.
struct ClockExchange: BitwiseCopyable, Sendable {
    /// Added to every time that we send: random, above the 32 bits that peers use.
    private let salt: UInt64
    /// Ask more often at the start.
    private let isEager: Bool
    /// The last few times that we sent in CK0 and in CK1; 0 is none.
    private var asked = [4 of UInt64](repeating: 0)
    private var answered = [4 of UInt64](repeating: 0)
    /// Questions sent, since the last answer and in all, and when the last one was.
    private(set) var unanswered = 0
    private(set) var questions = 0
    private(set) var answeredQuestions = 0
    private(set) var lastQuestion: UInt64 = 0
    /// The next question is due at once.
    var isDue = false
    /// Answers in all, and in the second that began at `second`.
    private var answers = 0
    private var answersInSecond = 0
    private var second: UInt64 = 0
    /// Answers with times that we never sent: somebody may be guessing.
    private var wrongEchoes = 0
    private var isProven = false

    init(salt: UInt16, isEager: Bool) {
        self.salt = UInt64(salt) << 32
        self.isEager = isEager
    }

    /// Our time as a peer gets to see it. Not 0, since the caller's clock has run for a while.
    func stamp(_ now: UInt64) -> UInt64 { now &+ salt }

    mutating func ask(_ now: UInt64) -> UInt64 {
        let time = stamp(now)
        asked[questions % 4] = time
        questions += 1
        unanswered += 1
        lastQuestion = now
        isDue = false
        return time
    }

    /// When to ask next: the first times with 0.5, 1 and 1.5 s between, then every 10 s. An unanswered question is
    /// repeated after 1.5 s, but not for ever, since many initiators never answer.
    func nextQuestion(repetitions: Int) -> UInt64 {
        if isDue { return 0 }
        let interval: UInt64
        if isEager, questions < Session.Timing.eagerQuestions {
            interval = questions == 1 ? 5_000 : questions == 2 ? 10_000 : 15_000
        } else {
            interval = (1...repetitions).contains(unanswered) ? 15_000 : 100_000
        }
        return lastQuestion &+ interval
    }

    /// The round trip if `t1` is one that we asked with and `now` is in the ten seconds after. Each counts once.
    mutating func matchEcho(ofQuestion t1: UInt64, now: UInt64) -> UInt64? {
        let index = (0..<4).first { t1 != 0 && asked[$0] == t1 }
        guard isRight(index) else { return nil }
        asked[index!] = 0  // `isRight` has refused nil
        unanswered = 0
        answeredQuestions += 1
        return roundTrip(since: t1, now)
    }

    /// The same for `t2` and the times that we answered with.
    mutating func matchEcho(ofAnswer t2: UInt64, now: UInt64) -> UInt64? {
        let index = (0..<4).first { t2 != 0 && answered[$0] == t2 }
        guard isRight(index) else { return nil }
        answered[index!] = 0  // `isRight` has refused nil
        return roundTrip(since: t2, now)
    }

    /// One guess in 65,536 is right, so before the return path is proven only 64 wrong ones are allowed. Honest peers'
    /// late and doubled answers are wrong too, but never so many.
    private mutating func isRight(_ index: Int?) -> Bool {
        if !isProven { wrongEchoes += index == nil ? 1 : 0 }
        guard index != nil, isProven || wrongEchoes < 64 else { return false }
        isProven = true
        return true
    }

    private func roundTrip(since time: UInt64, _ now: UInt64) -> UInt64? {
        let roundTrip = stamp(now) &- time
        return roundTrip <= ClockEstimate.longestRoundTrip ? roundTrip : nil
    }

    /// The time to answer a question with; nil when there were 20 in this second. (node-rtpmidi and old raveloxmidi ask
    /// again upon CK2, and so would whoever wants to use us against somebody.)
    mutating func answer(_ now: UInt64) -> UInt64? {
        if now &- second >= 10_000 { (second, answersInSecond) = (now, 0) }
        guard answersInSecond < 20 else { return nil }
        let time = stamp(now)
        answered[answers % 4] = time
        answersInSecond += 1
        answers &+= 1
        return time
    }

    /// Whether we answered with this time, and it was not echoed yet.
    func hasAnswered(with t2: UInt64) -> Bool { t2 != 0 && (0..<4).contains { answered[$0] == t2 } }
}

extension Session {
    /// In ticks; RTPMIDI.docc/Sessions.md and Peers.md have the reasons.
    enum Timing {
        static let invitation: UInt64 = 10_000
        static let invitations = 12
        /// From the invitation on control to that on data.
        static let dataInvitation: UInt64 = 50_000
        /// From the invitation on data to a complete clock exchange. raveloxmidi asks every 10 s only, and its way here
        /// and back may take two.
        static let proof: UInt64 = 120_000
        static let listenerSilence: UInt64 = 600_000
        static let initiatorSilence: UInt64 = 300_000
        /// As initiator: so many unanswered questions in a row, and silence otherwise, mean that the peer is lost.
        static let initiatorQuestions = 5
        /// As initiator: so many questions before the pace slows down. The last goes out 12 s after the first:
        /// jackrtpmidid counts ticks of 1.5 s until then, four without an answer end the session, and only CK2 is one.
        static let eagerQuestions = 10
        /// As listener: so many quick repetitions of a question.
        static let listenerQuestions = 3
        /// A peer that answers questions and holds something is asked after so much silence; one that has missed a
        /// question again after so much, then faster, since questions and answers get lost; and one that is silent,
        /// ever after so much.
        static let watchedSilence: UInt64 = 15_000
        static let firstRepetition: UInt64 = 10_000
        static let repetition: UInt64 = 2_000
        static let silentRepetition: UInt64 = 25_000
        /// So many questions in a row, and the time for an answer after the last, make a peer silent: 5 s in all.
        static let silentQuestions = 12
        static let answer: UInt64 = 5_000
    }

    // MARK: Time

    /// When `wake` is to be called next. It may lie in the past: at once.
    package var deadline: UInt64 {
        switch state {
        case .invitingControl, .invitingData: since &+ UInt64(invitations) * Timing.invitation
        case .invited: since &+ Timing.dataInvitation
        case .proving, .up: min(nextQuestion, nextSilence, death)
        case .ended: .max
        }
    }

    private var nextQuestion: UInt64 {
        let next = exchange.nextQuestion(
            repetitions: role == .initiator ? Timing.initiatorQuestions : Timing.listenerQuestions)
        guard isListenedFor else { return next }
        switch missed {
        case 0: break
        case 1: return exchange.lastQuestion &+ Timing.firstRepetition
        case ..<Timing.silentQuestions: return exchange.lastQuestion &+ Timing.repetition
        default: return exchange.lastQuestion &+ Timing.silentRepetition
        }
        return isWatched ? min(next, lastHeard &+ Timing.watchedSilence) : next
    }

    /// When the questions that were missed make the peer silent.
    private var nextSilence: UInt64 {
        guard isListenedFor, !isSilent, missed >= Timing.silentQuestions else { return .max }
        return exchange.lastQuestion &+ Timing.answer
    }

    /// Many initiators never answer questions: their silence means nothing before the long limit.
    private var isListenedFor: Bool { judgesSilence && hasAnswered }

    /// When the peer is given up unless something comes.
    private var death: UInt64 {
        switch role {
        case .listener: state == .up ? lastHeard &+ Timing.listenerSilence : since &+ timeout
        case .initiator:
            exchange.unanswered < Timing.initiatorQuestions ? .max : lastHeard &+ Timing.initiatorSilence
        }
    }

    /// Does what is due at `now`; earlier than `deadline` that is nothing.
    package mutating func wake(now: UInt64, perform: (Action) -> Void) {
        guard now >= deadline else { return }
        switch state {
        case .invitingControl, .invitingData:
            if invitations == Timing.invitations { return end(.unanswered, perform) }
            // Counted anew from now: after a pause of ours the invitations must not go out in a burst.
            since = now &- UInt64(invitations) * Timing.invitation
            invite(now, perform)
        case .invited:
            end(.halfOpen, perform)
        case .proving, .up:
            if now >= death { return end(state == .up || role == .initiator ? .silent : .halfOpen, perform) }
            if now >= nextSilence { isSilent = true }
            if now >= nextQuestion { askTime(now, perform) }
        case .ended:
            break
        }
    }

    // MARK: Clock exchange

    mutating func askTime(_ now: UInt64, _ perform: (Action) -> Void) {
        missed += 1
        perform(.send(.clock(ssrc: own, count: 0, t1: exchange.ask(now), t2: 0, t3: 0), on: .data))
    }

    /// Answers go where the question came from: some peers exchange clocks on the control port.
    mutating func receiveClock(
        _ count: UInt8, _ t1: UInt64, _ t2: UInt64, _ t3: UInt64, on path: Path, now: UInt64,
        perform: (Action) -> Void
    ) {
        switch count {
        case 0:
            guard let time = exchange.answer(now) else { return }
            perform(.send(.clock(ssrc: own, count: 1, t1: t1, t2: time, t3: 0), on: path))
        case 1 where exchange.hasAnswered(with: t2):
            // A Java library means CK2, and counts 1.
            completeByEcho(t1, t2, t3, now, perform)
        case 1:
            guard let roundTrip = exchange.matchEcho(ofQuestion: t1, now: now) else { return }
            hasAnswered = true
            perform(.send(.clock(ssrc: own, count: 2, t1: t1, t2: t2, t3: exchange.stamp(now)), on: path))
            // The peer's clock is assumed to have been read in the middle of our round trip.
            complete(roundTrip, offset: t2 &- t1 &- roundTrip / 2, within: roundTrip, now, perform)
        case 2:
            completeByEcho(t1, t2, t3, now, perform)
        default:
            break
        }
    }

    /// The end of an exchange that the peer began. Never answered: see `ClockExchange.answer`.
    private mutating func completeByEcho(
        _ t1: UInt64, _ t2: UInt64, _ t3: UInt64, _ now: UInt64, _ perform: (Action) -> Void
    ) {
        guard let roundTrip = exchange.matchEcho(ofAnswer: t2, now: now) else { return }
        let theirs = t3 &- t1
        guard theirs <= ClockEstimate.longestRoundTrip else { return prove(now, perform) }
        complete(roundTrip, offset: t1 &+ theirs / 2 &- t2, within: theirs, now, perform)
    }

    /// `offset` is known from times between which `trip` passed.
    private mutating func complete(
        _ roundTrip: UInt64, offset: UInt64, within trip: UInt64, _ now: UInt64, _ perform: (Action) -> Void
    ) {
        // Without the salt that we add to the times we send.
        let offset = Int64(bitPattern: offset &+ exchange.stamp(0))
        clock.add(roundTrip: roundTrip)
        peerClock.add(roundTrip: trip, offset: offset, at: now)
        prove(now, perform)
        perform(.measured(UInt32(truncatingIfNeeded: roundTrip)))
    }

    private mutating func prove(_ now: UInt64, _ perform: (Action) -> Void) {
        guard state == .proving else { return }
        state = .up
        since = now
        perform(.up)
    }

    /// How often we asked for the time, and how many of these questions were answered.
    package var questions: (asked: Int, answered: Int) { (exchange.questions, exchange.answeredQuestions) }

    /// A question out of turn, for the address that the peer has: whether anything still comes from there (see `Claim`).
    package func question(now: UInt64) -> SessionPacket {
        .clock(ssrc: own, count: 0, t1: exchange.stamp(now), t2: 0, t3: 0)
    }

    /// Whether the peer has ever answered a question of ours: many initiators never do.
    package var answersQuestions: Bool { exchange.answeredQuestions > 0 }
}

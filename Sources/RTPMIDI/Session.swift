//  Module RTPMIDI: AppleMIDI sessions and the RTP payload for MIDI (RFC 6295), as values. Start here, then RTPHeader.
//
//  What it is: packets in, values out, and back; what each side of a conversation does next. What it refuses to be: a
//  socket, a clock, a log, a router. Nothing on the packet path allocates.

/// The conversation with one peer (Apple's network driver protocol): invitation, clock exchange, farewell. It serves
/// both sides, knows neither sockets nor addresses, and is told the time: ticks of 100 µs of one's own monotonic clock,
/// whose low 32 bits are the RTP timestamp.
///
/// A listener's session begins with the invitation on the control port, which is then given to `receive` like every
/// later packet of that peer. Whoever owns the session finds it by source address and SSRC, sends what it asks to send,
/// and calls `wake` when `deadline` has come.
///
/// ```
/// initiator  invitingControl ─OK─▶ invitingData ─OK─▶ proving ─CK1─▶ up
/// listener   invited ─────────IN on data─▶ proving ─CK1 or CK2─▶ up
/// ```
package struct Session: Sendable {
    package enum Path: Sendable { case control, data }
    package enum Role: Sendable { case listener, initiator }

    package enum Action: Sendable {
        case send(SessionPacket, on: Path)
        /// The return path is proven: MIDI, guard packets and feedback may flow. Happens once in a session.
        case up
        /// A clock exchange is complete: the round trip in ticks.
        case measured(UInt32)
        /// The peer's receiver feedback as it stands in the packet; `Feedback` reads it.
        case feedback(UInt32)
        /// The peer answered NO, with the name it gave, if any. `ended` follows.
        case refused(String?)
        /// Nothing more will be asked for; what the peer holds is to be released.
        case ended(Reason)
    }

    package enum Reason: String, Hashable, Sendable {
        /// The peer said BY.
        case bye
        /// It answered NO.
        case refused
        /// Twelve invitations to one of its ports had no answer.
        case unanswered
        /// It never came to the data port, or never completed a clock exchange.
        case halfOpen
        /// Nothing was heard of it for too long.
        case silent
    }

    enum State { case invitingControl, invitingData, invited, proving, up, ended }

    package let role: Role
    /// Whether a peer that used to answer and answers nothing any more is told to be silent.
    let judgesSilence: Bool
    package let token: UInt32
    /// What the peer drew for its invitation on the data port: with most the same.
    package private(set) var dataToken: UInt32
    package let own: SSRC
    package let name: String
    /// The peer's SSRC, as on the data port, and its name; an initiator learns them from the answers.
    package internal(set) var peer: SSRC?
    package internal(set) var peerName: String?
    /// What a peer calls itself on the control port where that is another SSRC than on the data port: pymidi has two.
    private var peerOnControl: SSRC?
    /// When the last packet of the peer came, or the session began.
    package internal(set) var lastHeard: UInt64 {
        didSet {
            // Some peers answer for a while and then never again. Whether this one still does only an answer can show, so
            // it is asked at once.
            if isSilent { (hasAnswered, exchange.isDue) = (false, true) }
            (missed, isSilent) = (0, false)
        }
    }
    /// Questions for the time that were sent since then.
    var missed = 0
    /// A peer that used to answer has not answered the last questions, and nothing else came.
    package internal(set) var isSilent = false
    /// It has answered a question before, so its silence means something.
    package internal(set) var hasAnswered = false
    /// Set by the session's owner: the peer holds something, which has to be released soon if it has vanished.
    package var isWatched = false
    package internal(set) var clock = ClockEstimate()
    /// What its clock says: where in ours its timestamps lie.
    package internal(set) var peerClock = ClockFilter()

    var state: State
    /// When the state was entered, and how often its invitation was sent.
    var since: UInt64
    var invitations = 0
    let timeout: UInt64
    var exchange: ClockExchange

    // MARK: Beginnings

    /// For an invitation that is to be answered with OK. Give it to `receive` next. `salt` makes the times that we send
    /// unguessable, even for one who has seen those of another session.
    package static func listener(
        token: UInt32, peer: SSRC, own: SSRC, name: String, now: UInt64, salt: UInt16 = .random(in: .min ... .max)
    ) -> Session {
        Session(.listener, .invited, token, peer, own, name, now, salt)
    }

    /// The first `wake`, due at once, sends the first invitation. The token is random. `judgesSilence`: its owner wants to
    /// know soon that a peer has vanished, as one does that has to release what the peer holds.
    package static func initiator(
        token: UInt32, own: SSRC, name: String, now: UInt64, judgesSilence: Bool = false,
        salt: UInt16 = .random(in: .min ... .max)
    ) -> Session {
        Session(.initiator, .invitingControl, token, nil, own, name, now, salt, judgesSilence: judgesSilence)
    }

    /// The same as `resumedListener` for a session of an initiator that judges silence.
    package static func resumedInitiator(
        token: UInt32, peer: SSRC, own: SSRC, name: String, now: UInt64, hasAnswered: Bool = false,
        peerClock: ClockFilter = ClockFilter(), salt: UInt16 = .random(in: .min ... .max)
    ) -> Session {
        var session = Session(.initiator, .proving, token, peer, own, name, now, salt, judgesSilence: true)
        session.exchange.isDue = true
        session.hasAnswered = hasAnswered
        session.peerClock = peerClock
        return session
    }

    /// For a session that was up, after a restart of ours or a goodbye that nobody meant: the first `wake`, due at once,
    /// sends a CK0, and it is up again when a clock exchange is complete. `peerClock` is what was known of the peer's.
    package static func resumedListener(
        token: UInt32, dataToken: UInt32, peer: SSRC, own: SSRC, name: String, now: UInt64, hasAnswered: Bool = false,
        peerClock: ClockFilter = ClockFilter(), timeout: UInt64 = Timing.listenerSilence,
        salt: UInt16 = .random(in: .min ... .max)
    ) -> Session {
        var session = Session(.listener, .proving, token, peer, own, name, now, salt, timeout: timeout)
        session.dataToken = dataToken
        session.exchange.isDue = true
        session.hasAnswered = hasAnswered
        session.peerClock = peerClock
        return session
    }

    private init(
        _ role: Role, _ state: State, _ token: UInt32, _ peer: SSRC?, _ own: SSRC, _ name: String, _ now: UInt64,
        _ salt: UInt16, timeout: UInt64 = Timing.proof, judgesSilence: Bool? = nil
    ) {
        (self.role, self.state, self.token, self.peer, self.own, self.name) = (role, state, token, peer, own, name)
        self.judgesSilence = judgesSilence ?? (role == .listener)
        dataToken = token
        (lastHeard, since, self.timeout) = (now, now, timeout)
        exchange = ClockExchange(salt: salt, isEager: role == .initiator)
    }

    /// Asks the peer for the time as soon as it is woken, whatever the pace.
    package mutating func ask() { exchange.isDue = true }

    package var isUp: Bool { state == .up }
    package var hasEnded: Bool { state == .ended }
    /// An invitation of ours waits for its answer, on one of the peer's ports.
    package var isInviting: Bool { openInvitation != nil }

    // MARK: Packets

    /// What came from the peer's address. Packets that do not belong to this session change nothing: another SSRC,
    /// another token (a peer that begins anew is its owner's affair), answers to questions that were not asked. On the data
    /// port another token is welcome, since some programs draw one for each port.
    package mutating func receive(
        _ packet: SessionPacket, on path: Path, now: UInt64, perform: (Action) -> Void
    ) {
        guard state != .ended else { return }
        switch packet {
        case .invitation(let token, let ssrc, let name):
            guard role == .listener, path == .data || token == self.token, ssrc == peer else { return }
            receiveInvitation(token, name, on: path, now: now, perform: perform)
        case .accepted(let token, let ssrc, let name):
            guard role == .initiator, token == self.token else { return }
            receiveAcceptance(ssrc, name, on: path, now: now, perform: perform)
        case .refused(let token, _, let name):
            // Only as an answer to an open invitation: PipeWire also says NO to a repeated one that it accepted.
            guard token == self.token, path == openInvitation else { return }
            perform(.refused(name))
            end(.refused, perform)
        case .bye(let token, let ssrc, _):
            // macOS, rtpMIDI and Arduino send the token 0: the SSRC and the source address are all there is to go by. Any
            // other token is that of another session.
            guard isPeer(ssrc), token == 0 || isToken(token) else { return }
            end(.bye, perform)
        case .clock(let ssrc, let count, let t1, let t2, let t3):
            guard isPeer(ssrc) else { return }
            lastHeard = now
            receiveClock(count, t1, t2, t3, on: path, now: now, perform: perform)
        case .feedback(let ssrc, let value):
            guard isPeer(ssrc) else { return }
            lastHeard = now
            if state == .up { perform(.feedback(value)) }
        case .bitRateLimit(let ssrc, _):
            // Not obeyed, as by all known programs, but but it shows that the peer is alive.
            guard isPeer(ssrc) else { return }
            lastHeard = now
        }
    }

    private func isPeer(_ ssrc: SSRC) -> Bool { ssrc == peer || ssrc == peerOnControl }

    package func isToken(_ token: UInt32) -> Bool { token == self.token || token == dataToken }

    /// RTP came from the peer.
    package mutating func heard(now: UInt64) { lastHeard = now }

    /// Says BY on both ports: Arduino looks at control only, rtpmidid wants both. It is never acknowledged, so whoever can
    /// wait calls again, two or three times within a second. The session has ended then; no action says so.
    package mutating func end(perform: (Action) -> Void) {
        state = .ended
        perform(.send(.bye(token: token, ssrc: own, name: nil), on: .control))
        perform(.send(.bye(token: dataToken, ssrc: own, name: nil), on: .data))
    }

    mutating func end(_ reason: Reason, _ perform: (Action) -> Void) {
        switch reason {
        case .bye, .refused: state = .ended
        case .unanswered, .halfOpen, .silent: end(perform: perform)
        }
        perform(.ended(reason))
    }

    // MARK: Handshake

    private mutating func receiveInvitation(
        _ token: UInt32, _ name: String?, on path: Path, now: UInt64, perform: (Action) -> Void
    ) {
        lastHeard = now
        if peerName == nil { peerName = name }
        if path == .data { dataToken = token }
        // The same answer to every repetition: the one before may be lost.
        perform(.send(.accepted(token: token, ssrc: own, name: self.name), on: path))
        guard state == .invited else { return }
        guard path == .data else { return enter(.invited, now) }
        enter(.proving, now)
        askTime(now, perform)
    }

    private mutating func receiveAcceptance(
        _ ssrc: SSRC, _ name: String?, on path: Path, now: UInt64, perform: (Action) -> Void
    ) {
        guard path == openInvitation else { return }
        switch state {
        case .invitingControl:
            peer = ssrc
            peerName = name
            lastHeard = now
            enter(.invitingData, now)
            invite(now, perform)
        case .invitingData:
            // The answer brings our token, so it is the same peer, whatever SSRC it uses here.
            if ssrc != peer { (peerOnControl, peer) = (peer, ssrc) }
            lastHeard = now
            enter(.proving, now)
            askTime(now, perform)
        case .invited, .proving, .up, .ended:
            break
        }
    }

    /// Where an invitation of ours waits for its answer.
    private var openInvitation: Path? {
        switch state {
        case .invitingControl: .control
        case .invitingData: .data
        case .invited, .proving, .up, .ended: nil
        }
    }

    private mutating func enter(_ next: State, _ now: UInt64) {
        state = next
        since = now
        invitations = 0
    }

    mutating func invite(_ now: UInt64, _ perform: (Action) -> Void) {
        guard let path = openInvitation else { return }
        invitations += 1
        perform(.send(.invitation(token: token, ssrc: own, name: name), on: path))
    }
}

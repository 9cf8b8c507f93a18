package import HubLink
package import Linux
import MIDI
import RTPMIDI
import Rooms

/// One who plays into several hubs at once and hears them as one: what it plays is numbered once, and what comes by several
/// hubs is merged by number (`HubLink`). Hubs that do not number events are heard one at a time.
///
/// It belongs to the thread of its loop and must outlive the loop's run.
package final class HubGroup {
    package struct Received: Sendable {
        /// A channel message, a system message, or system exclusive from F0 to F7.
        package let bytes: [UInt8]
        /// When it was played, by the clock of who did, in ticks of 100 µs.
        package let timestamp: UInt32
        /// It did not come as a message of its own.
        package let isRepair: Bool
        /// Which of `hubs` brought it first; nil where none did: the end of what nobody carries any more.
        package let hub: Int?
        /// Of numbered events.
        package let event: (origin: Origin, number: EventNumber)?
    }
    /// At most so many hubs at once.
    package static let most = OriginReader.pathLimit
    /// How many players are told apart; more than a room takes.
    private static let mostOrigins = 1024

    package private(set) var hubs: [Initiator] = []
    /// Of one hub that was named the partner, too, where it has one.
    package var findsPartner = false
    package var onNews: (Initiator.Event, Int) -> Void = { _, _ in }
    package var onReceived: (Received) -> Void = { _ in }
    /// Another one of the hubs that do not number events is heard; nil: none.
    package var onSelected: (Int?) -> Void = { _ in }
    /// `instruments` has changed.
    package var onInstrument: () -> Void = {}
    /// What waited to be sent has gone so far that there is room for more.
    package var onRoom: () -> Void = {}

    private let loop: EventLoop
    private var alarm: Alarm!  // made last in init: it calls back into self
    private let epoch: UInt64 = .random(in: 1 << 33...1 << 40)
    var now: UInt64 { epoch &+ SystemTime.monotonicNanoseconds / 100_000 }

    // What it plays.
    package let origin: Origin
    var own = OwnEvents()
    var identities = Identities()
    /// The hub that asks for its partner, and by what token.
    var asking: (hub: Int, token: UInt32)?

    // What it hears.
    final class Speaker {
        var reader: OriginReader
        /// How many pulses in a row of a hub that carries it did not speak of it.
        var unmentioned = [8 of UInt8](repeating: 0)
        /// What was let out of it.
        var state = SpeakerState()
        /// A system exclusive message that is coming in, after its F0.
        var incoming: [UInt8]?
        init(_ reader: OriginReader) { self.reader = reader }
    }
    var speakers: [Origin: Speaker] = [:]
    let statistics = PathStatistics()
    /// What was heard of hubs that do not number events, and which one of them is heard now.
    var unnumbered: [SpeakerState] = []
    /// Whose links are silent for so long that they count as dead.
    private var deadLinks: Set<Int> = []
    /// Hubs that have said of somebody that he is not heard any more, and have told no lights since.
    var darkened: Set<Int> = []
    var isLeaving = false
    private var startsAgain = false
    package private(set) var selected: Int?
    private var reportDue: UInt64 = 0

    private let name: String
    private let ssrc = SSRC(.random(in: 1...(.max)))

    /// Takes two consecutive local ports for each hub. Nothing is sent until `start`.
    package init(_ hosts: [Initiator.Host], name: String, loop: EventLoop) throws(Errno) {
        (self.name, self.loop) = (name, loop)
        origin = Origin(ssrc.rawValue)
        alarm = loop.alarm { [unowned self] in work() }
        try add(hosts)
    }

    func add(_ hosts: [Initiator.Host]) throws(Errno) {
        precondition(hubs.count + hosts.count <= Self.most, "no more than \(Self.most) hubs at once")
        for host in hosts {
            let (index, hub) = (hubs.count, try Initiator(host, name: name, loop: loop, ssrc: ssrc))
            hub.onNews = { [unowned self] in heard($0, from: index) }
            hub.onReceived = { [unowned self] in heard($0, from: index) }
            hub.onLink = { [unowned self] in heard($0, $1, from: index) }
            hubs.append(hub)
            unnumbered.append(SpeakerState())
        }
    }

    /// Joins; once more, as soon as it has left, where it is leaving or has left.
    package func start() {
        guard !isLeaving else {
            startsAgain = true
            return
        }
        for hub in hubs { hub.start() }
    }

    /// Ends what it holds on the other sides and what they hold here, and says goodbye to them all.
    package func leave(_ done: @escaping () -> Void) {
        for _ in 0..<3 {
            for hub in hubs where hub.isLinked { hub.sendLink(.gone(origin, own.last, .left)) }
        }
        for hub in hubs.indices {
            lose(hub)
            endUnnumbered(hub)
        }
        selected = nil
        deadLinks = []
        own.leave()
        guard !hubs.isEmpty else { return done() }
        (isLeaving, startsAgain) = (true, false)
        var left = hubs.count
        for hub in hubs {
            hub.leave { [unowned self] in
                left -= 1
                guard left == 0 else { return }
                isLeaving = false
                done()
                if startsAgain { start() }
            }
        }
    }

    /// Its link counts as dead, though its session has not ended yet.
    package func isSilent(_ hub: Int) -> Bool { deadLinks.contains(hub) }
    package var isUp: Bool { hubs.contains(where: \.isUp) }
    /// Every session is up, and it is known how to speak there, or it could not be had so far.
    package var hasTried: Bool { hubs.allSatisfy { $0.hasTried && (!$0.isUp || $0.isLinkDecided) } }
    /// The hubs that an event came by, as far as it has come.
    package func hubs(of event: (origin: Origin, number: EventNumber)) -> [Int] {
        let paths = speakers[event.origin]?.reader.paths(of: event.number) ?? 0
        return hubs.indices.filter { paths & 1 << UInt8($0) != 0 }
    }
    package func report(of hub: Int) -> LinkReport {
        statistics.report(of: hub, hubs: hubs.count(where: \.isLinked), at: now)
    }

    // MARK: Hubs that come and go

    private func heard(_ news: Initiator.Event, from hub: Int) {
        switch news {
        case .measured: break
        case .up: select()
        case .unlinked:
            select()
            if hub == selected { onSelected(hub) }
        case .linked:
            // What it had said before it numbered its events.
            endUnnumbered(hub)
            tellState(to: hub)
            sayIdentitySoon()
            agreeOnPulses()
            select()
        case .down:
            // Whoever is heard next may hold what this one held.
            select()
            unnumbered[hub] = SpeakerState()
            deadLinks.remove(hub)
            lose(hub)
            agreeOnPulses()
        }
        sendEarly()
        onNews(news, hub)
        plan()
    }

    /// Quick ones where there are two paths, since then it counts how soon a loss on one of them shows.
    private func agreeOnPulses() {
        let pulse: UInt16 = hubs.count(where: \.isLinked) > 1 ? 10 : 1000
        for hub in hubs where hub.wantedPulse != pulse {
            hub.wantedPulse = pulse
            if hub.isLinked { hub.askForLink() }
        }
    }

    /// A hub's link has died: what nobody else carries ends.
    private func lose(_ hub: Int) {
        for (origin, speaker) in speakers where speaker.reader.isCarried(by: hub) { lose(origin, by: hub) }
    }

    func lose(_ origin: Origin, by hub: Int) {
        guard speakers[origin]?.reader.lose(hub) ?? false, let speaker = speakers[origin] else { return }
        let held = speaker.state.held
        // If it comes again it is known how its instruments are set, and that what it held has ended.
        for message in held.releases(whileHeldBy: [], unseen: false) { speaker.state.follow(message) }
        speaker.reader = OriginReader(origin, window: speaker.reader.window, statistics: statistics)
        speaker.reader.window.forgetAll()
        end(held)
    }

    /// A hub whose word of a departure was lost does not speak of that origin any more. Once it may have been overtaken.
    private func missThose(notIn pulse: LinkPacket.Pulse, _ datagram: RawSpan, of hub: Int) {
        var told: Set<Origin> = []
        for index in 0..<pulse.count { told.insert(pulse.entry(index, in: datagram).origin) }
        for (origin, speaker) in speakers where speaker.reader.isCarried(by: hub) {
            let misses = told.contains(origin) ? 0 : speaker.unmentioned[hub] + 1
            speakers[origin]?.unmentioned[hub] = misses % 2
            if misses == 2 { lose(origin, by: hub) }
        }
    }

    /// Ends what nobody else holds.
    private func end(_ held: HeldState) {
        var others = speakers.values.map(\.state.held)
        if let selected { others.append(unnumbered[selected].held) }
        for message in held.releases(whileHeldBy: others, unseen: false) { makeUp(message, by: nil) }
    }

    /// Hands on what did not come as a message of its own.
    func makeUp(_ message: Message, by hub: Int?) {
        onReceived(
            Received(
                bytes: message.bytes, timestamp: UInt32(truncatingIfNeeded: now), isRepair: true, hub: hub, event: nil))
    }

    // MARK: Hubs that do not number events

    private func endUnnumbered(_ hub: Int) {
        let state = unnumbered[hub]
        unnumbered[hub] = SpeakerState()
        if hub == selected { end(state.held) }
    }

    /// Of those that do not number events one is heard, and none while there is another: nobody can merge what they say.
    private func select() {
        func isCandidate(_ hub: Int) -> Bool { hubs[hub].isUp && !hubs[hub].isLinked }
        let isLinked = hubs.indices.contains { hubs[$0].isLinked && !deadLinks.contains($0) }
        let kept = selected.flatMap { isCandidate($0) ? $0 : nil }
        let next = isLinked ? nil : kept ?? hubs.indices.first(where: isCandidate)
        guard next != selected else { return }
        let before = selected.map { unnumbered[$0] } ?? SpeakerState()
        selected = next
        let after = next.map { unnumbered[$0] } ?? SpeakerState()
        let others = speakers.values.map(\.state.held)
        before.tell(differenceTo: after, strikes: false) { message in
            if !message.holds, others.contains(where: { $0.holds(message) }) { return }
            makeUp(message, by: next)
        }
        onSelected(next)
    }

    private func heard(_ message: Initiator.Received, from hub: Int) {
        // What a session ends when it is lost may be held by the hub that is heard next (see `select`).
        guard hubs[hub].isUp else { return }
        if let one = try? Message(decoding: message.bytes.span) { unnumbered[hub].follow(one) }
        guard hub == selected else { return }
        onReceived(
            Received(
                bytes: message.bytes, timestamp: message.timestamp, isRepair: message.isRepair, hub: hub, event: nil))
    }

    // MARK: Numbered events

    private func heard(_ packet: LinkPacket, _ datagram: RawSpan, from hub: Int) {
        if deadLinks.remove(hub) != nil { select() }
        switch packet {
        case .events(let list):
            listen(to: list.origin, by: hub) { $0.receive(list, in: datagram, by: hub, at: now, emit: $1) }
        case .pulse(let pulse):
            for index in 0..<pulse.count {
                let (origin, last) = pulse.entry(index, in: datagram)
                listen(to: origin, by: hub) { $0.receive(last: last, by: hub, at: now, emit: $1) }
            }
            if pulse.isComplete { missThose(notIn: pulse, datagram, of: hub) }
        case .state(let part): heard(part, datagram, from: hub)
        case .gone(let origin, _, _):
            darkened.insert(hub)
            lose(origin, by: hub)
        case .want(let origin, let wanted):
            if origin == self.origin { answer(wanted, of: hub) }
        case .identity(let origin, let identity): heard(identity, of: origin)
        case .welcome(let greeting):
            if findsPartner, hubs.count == 1, let partner = greeting.partner { stand(on: partner) }
        case .witness(let witness): heard(witness, from: hub)
        case .hello, .report, .beat: break
        }
        plan()
    }

    func listen(
        to origin: Origin, by hub: Int?, _ body: (inout OriginReader, (Emission, RawSpan, EventNumber?) -> Void) -> Void
    ) {
        if speakers[origin] == nil, speakers.count >= Self.mostOrigins {
            guard let gone = speakers.first(where: { !$0.value.reader.isCarried })?.key else { return }
            speakers[gone] = nil
        }
        let speaker = speakers[origin] ?? Speaker(OriginReader(origin, statistics: statistics))
        speakers[origin] = speaker
        var received: [Received] = []
        body(&speaker.reader) { [self] emission, bytes, number in
            follow(emission, bytes, number, of: speaker, origin, hub, &received)
        }
        // Handed on only when the merge is done: whoever hears may send.
        for one in received { onReceived(one) }
    }

    private func follow(
        _ emission: Emission, _ bytes: RawSpan, _ number: EventNumber?, of speaker: Speaker, _ origin: Origin,
        _ hub: Int?,
        _ received: inout [Received]
    ) {
        func add(_ bytes: [UInt8], _ time: UInt32) {
            received.append(
                Received(
                    bytes: bytes, timestamp: time, isRepair: number == nil, hub: hub,
                    event: number.map { (origin, $0) }))
        }
        switch emission {
        case .message(let message, let time, _):
            let others = number == nil && !message.holds
            speaker.state.follow(message)
            // What a state ends may be another's here.
            if others, speakers.contains(where: { $0.key != origin && $0.value.state.held.holds(message) }) { return }
            add(message.bytes, time)
        case .system(let message, let time):
            if message.isForOthers { add(message.bytes, time) }
        case .sysEx(let part, let octets, let time):
            if part.isBeginning { speaker.incoming = [] }
            guard part != .cancel, var message = speaker.incoming.take(), message.count + octets.count <= Pacing.longest
            else {
                speaker.incoming = nil
                return
            }
            for offset in octets { message.append(bytes.uint8(at: offset)) }
            if part.isEnd { add([0xF0] + message + [0xF7], time) } else { speaker.incoming = message }
        case .sysExLost: speaker.incoming = nil
        }
    }

    // MARK: Time

    /// Does what is due.
    private func work() {
        let now = now
        for index in hubs.indices
        where (hubs[index].linkDeath ?? .max) <= hubs[index].now && deadLinks.insert(index).inserted {
            select()
            lose(index)
        }
        for (origin, speaker) in speakers where (speaker.reader.deadline ?? .max) <= now {
            listen(to: origin, by: nil) { reader, emit in
                reader.wake(
                    at: now, known: speaker.state, roundTrip: { UInt64(hubs[$0].distance.average) },
                    ask: { hub, question in hubs[hub].sendLink(.want(origin, question)) }, emit: emit)
            }
        }
        sendEarly()
        workOwn(now)
        sayIdentity(now)
        for hub in hubs where (hub.pulseDue ?? .max) <= hub.now {
            hub.sendPulse([(origin, own.last)], isHolding: !own.state.held.isEmpty)
        }
        if reportDue <= now {
            reportDue = now + 10_000
            for origin in speakers.keys { speakers[origin]?.reader.settle(at: now) }
            for (index, hub) in hubs.enumerated() where hub.isLinked { hub.sendLink(.report(report(of: index))) }
        }
        plan()
    }

    /// Sees to it that `work` is called when something is due.
    func plan() {
        let now = now
        var next = min(own.due ?? .max, hubs.contains(where: \.isLinked) ? reportDue : .max)
        if let due = identities.due, hubs.contains(where: \.isLinked) { next = min(next, due) }
        // In a moment, until a hub is ready.
        if !own.early.isEmpty { next = min(next, now + 50) }
        for speaker in speakers.values { next = min(next, speaker.reader.deadline ?? .max) }
        for (index, hub) in hubs.enumerated() {
            let isDead = deadLinks.contains(index)
            // In the time of the hub's session, which counts from another moment.
            let theirs = hub.now
            for due in [hub.pulseDue, isDead ? nil : hub.linkDeath] {
                if let due { next = min(next, now &+ (due > theirs ? due - theirs : 0)) }
            }
        }
        guard next != .max else {
            alarm.due = nil
            return
        }
        alarm.due = .now.advanced(by: .microseconds(Int64(next > now ? min(next - now, 10_000) * 100 : 0)))
    }
}

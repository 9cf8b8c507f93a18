//  Module Engine: RTP-MIDI carried from participant to participant, without a sound card. Start here, then `Member.swift`,
//  `Wire.swift` and `Endpoint.swift` (who plays, to whom, and how they are spoken with), `EngineLoop+Sessions.swift` (who
//  comes and goes) and `EngineLoop+MIDI.swift` (the path of a packet).
//
//  What it is: one thread, its sockets, its sessions. What it refuses to be: a decider of who hears whom (that is
//  `Rooms`), a codec (`RTPMIDI`), a writer of logs (the main thread of `midihub engine` is).
//  Ruled by the articles in Engine.docc and RTPMIDI.docc.

import EngineProtocol
import HubLink
import Linux
import MIDI
import RTPMIDI
import Rooms

/// The engine's thread at work.
final class EngineLoop {
    let eventLoop: EventLoop
    let news: Mailbox<EngineEvent>
    let table: SessionTable
    let wires = WirePool()
    let pool = SysExPool()
    let waiting = WaitingPackets(capacity: 96)
    let version: String
    let orders: Mailbox<EngineLoopCommand>

    var plan = EnginePlan(rooms: [])
    var rooms: [ServedRoom] = []
    var ports: [UInt16: PortPair] = [:]
    /// Those with something to send; with room for all.
    var waitingSockets: [DatagramSocket] = []
    /// Why a port of the plan is not listened on.
    var closed: [UInt16: String] = [:]

    /// Whom the rooms invite.
    var calls: [Call] = []
    /// The other hub, where there are two; and why there are not.
    var pair: Pair?
    var pairTrouble: String?
    /// Of what the partner has told what the hub's plan has not: rooms, and a note that was learned.
    var unknownRooms: Set<String> = []
    var isNoteUnknown = false
    /// The note that is an order to switch; until when the next one that is played is to be it.
    var switchingNote: SwitchingNote?
    var learnsUntil: UInt64?
    /// In a drill: nobody is sent anything, as if this hub hung.
    var isSilenced = false
    /// The thread goes before other programs.
    let isRealTime: Bool

    /// Places in the table of those whom an engine before this one has left, and whose port is not open yet.
    var left: [Int] = []

    var gate = InvitationLimiter()
    /// Peers that are not members yet: so many at once let in a school behind one router.
    var halfOpen = SharedPlaces<Endpoint>(128)
    /// Sessions that only measure the way here.
    var probes = SharedPlaces<Endpoint>(32)
    var refusals = Refusals()
    var halfOpens = Refusals()
    /// Whoever seems to be a known peer at a new address is asked: so many a second from one address.
    var claims = SourceBuckets(rate: 20, burst: 64)

    /// What is being sent: encoded once, for everyone who hears it.
    var list = CommandList(capacity: 900)
    /// Of that what belongs to no channel.
    var systemList = CommandList(capacity: 900)
    /// Only real-time bytes are in it, which may pass between the parts of a system exclusive message.
    var listIsRealTime = true
    /// What is sent to one participant alone.
    var own = CommandList(capacity: 1100)
    /// Numbered events: encoded once, for everyone who hears them.
    var events = EventsWriter()

    /// What was forwarded in this turn, datagram by datagram, and what one costs.
    var delivered = 0
    private(set) var deliveryCost = DeliveryCost()
    private var turnBegan: UInt64 = 0
    let deferred = DeferredPackets()
    private var deferredAlarm: Alarm!  // made last in init, as `alarm`

    /// 100 µs ticks since an epoch nobody can guess, and that a new engine takes over with the session table.
    private(set) var now: UInt64 = 0
    var milliseconds: Milliseconds { Milliseconds(truncatingIfNeeded: (now &- table.clockEpoch) / 10) }
    /// Looks around at `nextLook`, if that is set; after the partner, many times a second, at `nextPairLook`.
    private var alarm: Alarm!  // made last in init: it calls back into self
    private var nextLook: UInt64?
    private var pairAlarm: Alarm!
    private var nextPairLook: UInt64?
    private(set) var isEnding = false

    init(
        sessions: String?, version: String, isRealTime: Bool = false, orders: Mailbox<EngineLoopCommand>,
        news: Mailbox<EngineEvent>
    ) throws(Errno) {
        (self.version, self.isRealTime, self.orders, self.news) = (version, isRealTime, orders, news)
        eventLoop = try EventLoop()
        var random = SystemRandomNumberGenerator()
        table = SessionTable(path: sessions, random: &random)
        alarm = eventLoop.alarm { [unowned self] in
            nextLook = nil
            readClock()
            lookAround()
            flush()
        }
        pairAlarm = eventLoop.alarm { [unowned self] in
            nextPairLook = nil
            readClock()
            if let pair { wakePair(by: max(attend(pair), now + Self.shortestRest)) }
            flush()
        }
        deferredAlarm = eventLoop.alarm { [unowned self] in
            readClock()
            playDeferred()
            endTurn()
        }
        if sessions != nil, let failure = table.failure {
            news.send(.problem("participants will have to be invited anew after a crash: \(failure)"))
        }
    }

    func run(_ plan: EnginePlan) throws(Errno) {
        readClock()
        left = table.taken
        serve(plan)
        flush()
        try eventLoop.receive(orders) { [unowned self] in
            readClock()
            obey($0)
            flush()
        }
        try eventLoop.run()
        news.send(.ended)
    }

    /// Whether this turn has taken so long that others may speak by now.
    private func isLate(_ pair: Pair) -> Bool {
        SystemTime.monotonicNanoseconds &- turnBegan > pair.role.silence / 2 * 100_000
    }

    func readClock() {
        turnBegan = SystemTime.monotonicNanoseconds
        now = table.clockEpoch &+ turnBegan / 100_000
        if let pair { noticeSleep(pair) }
    }

    /// Takes what waits at a socket, as much of it as its turn is, and sends what comes of it.
    func receive(on path: Session.Path, of port: PortPair) {
        readClock()
        if let pair { noticeReturn(pair) }
        delivered = 0
        switch path {
        case .control: _ = port.control.receive { received($0, from: $1, on: path, of: port) }
        case .data:
            // What is dropped or deferred takes no time: behind it may be others' notes.
            let most = Self.batch(port.room.members.count)
            for _ in 0..<16 where delivered < Self.turn / 2 {
                let count = port.data.receive(atMost: most) { received($0, from: $1, on: path, of: port) }
                if count < most { break }
            }
        }
        endTurn()
    }

    private func endTurn() {
        flush()
        deliveryCost.measured(delivered, in: SystemTime.monotonicNanoseconds &- turnBegan)
    }

    /// Sees to it that what is deferred is played when every socket has had its turn.
    func planDeferred() { if deferredAlarm.due == nil { deferredAlarm.due = .now } }

    /// How many datagrams of a room of so many are taken before the other sockets have their turn: what takes the engine a
    /// few milliseconds, since each may go to everybody.
    static func batch(_ participants: Int) -> Int {
        min(max(1, turn / max(1, participants)), DatagramSocket.batchSize)
    }
    /// In deliveries.
    private static let turn = 1024

    /// Everything that this turn has queued leaves.
    func flush() {
        if let pair, isLate(pair) {
            // The process was stopped in the middle of the turn: others may have been sent this by the partner.
            for socket in waitingSockets { socket.drop() }
            readClock()
        }
        for socket in waitingSockets { socket.flush() }
        waitingSockets.removeAll(keepingCapacity: true)
    }

    /// Writes one datagram, which leaves at the turn's end.
    func queue(
        on path: Session.Path, of port: PortPair, to address: SocketAddress, _ write: (inout OutputRawSpan) -> Void
    ) {
        queue(in: path == .control ? port.control : port.data, to: address, write)
    }

    func queue(in socket: DatagramSocket, to address: SocketAddress, _ write: (inout OutputRawSpan) -> Void) {
        if isSilenced { return }
        if !socket.isWaiting { waitingSockets.append(socket) }
        socket.queue(to: address, write)
    }

    // MARK: Time

    /// Ticks in a second.
    static let second: UInt64 = 10_000

    private static let shortestRest: UInt64 = 10

    /// Sees to it that the loop looks around no later than at `time`.
    func wake(by time: UInt64) { set(alarm, &nextLook, by: time) }

    /// Sees to it that what goes between the two hubs of a pair is looked at no later than at `time`.
    func wakePair(by time: UInt64) { set(pairAlarm, &nextPairLook, by: time) }

    private func set(_ alarm: Alarm, _ next: inout UInt64?, by time: UInt64) {
        // What has ended has no deadline.
        if time == .max { return }
        if let next, next <= time { return }
        next = time
        alarm.due = .now.advanced(by: .microseconds(Int64(time > now ? (time - now) * 100 : 0)))
    }

    /// Sees to it that a peer is looked at no later than at `time`.
    func wake(_ endpoint: Endpoint, by time: UInt64) {
        endpoint.due = min(endpoint.due, time)
        wake(by: time)
    }

    /// Does what is due for every peer.
    private func lookAround() {
        var next = UInt64.max
        if !closed.isEmpty {
            next = now + Self.second
            retryPorts()
        }
        for port in ports.values {
            for endpoint in port.byControl.values { next = min(next, attend(endpoint)) }
            for endpoint in port.arrivingByControl.values { next = min(next, attend(endpoint)) }
            port.forgetDeparted(at: now)
        }
        for call in calls { next = min(next, attend(call)) }
        if next != .max { wake(by: max(next, now + Self.shortestRest)) }
    }

    /// Does what is due for one peer. Gives when something will be.
    private func attend(_ endpoint: Endpoint) -> UInt64 {
        guard endpoint.due <= now else { return endpoint.due }
        endpoint.due = .max
        endpoint.streams.session.isWatched = endpoint.member?.isWatched ?? false
        if endpoint.streams.session.deadline <= now { perform(on: endpoint) { $0.wake(now: now, perform: $1) } }
        // It may have ended just now.
        guard endpoint.port.has(endpoint) else { return .max }
        var next = min(endpoint.streams.session.deadline, judgeClaim(on: endpoint))
        if let end = endpoint.probeEnd {
            if end <= now {
                remove(endpoint, .kicked, farewell: true)
                return .max
            }
            next = min(next, end)
        }
        if let member = endpoint.member { next = min(next, attend(member)) }
        endpoint.due = min(endpoint.due, next)
        return endpoint.due
    }

    private func attend(_ member: Member) -> UInt64 {
        let endpoint = member.endpoint
        // Feedback, and what changes slowly.
        var next = now + Self.second / 4
        if let link = endpoint.link { next = min(next, attendLink(member, link)) }
        if let due = member.repeatDue {
            repeatNumbered(of: member)
            next = min(next, due > now ? due : .max)
        }
        // A suspect of a loop would send back the repeated ends, too.
        if let due = endpoint.streams.sender.guardDue, member.trial == nil, member.echoTrial == nil {
            if due <= now { sendGuard(to: endpoint) }
            next = min(next, endpoint.streams.sender.guardDue ?? .max)
        }
        if let due = endpoint.streams.pacing.due {
            if due <= now { sendPiece(to: endpoint) }
            next = min(next, endpoint.streams.pacing.due ?? .max)
        }
        if let due = endpoint.streams.receiver.segmentsDue {
            if due <= now { giveUpSegments(of: member) }
            next = min(next, endpoint.streams.receiver.segmentsDue ?? .max)
        }
        if let gathering = endpoint.gathering {
            if gathering.at + Self.second / 2 <= now {
                giveUp(endpoint)
            } else {
                next = min(next, gathering.at + Self.second / 2)
            }
        }
        if let end = endTrials(of: member) { next = min(next, end) }
        next = min(next, tellTouch(of: member))
        tellTrigger(of: member)
        sendFeedback(to: endpoint)
        report(member)
        return next
    }

    // MARK: Orders

    private func obey(_ order: EngineLoopCommand) {
        switch order {
        case .serve(let plan): serve(completed(plan))
        case .status(let answer): answer(status())
        case .panic(let name, let all, let answer):
            let (hearers, notes) = silence(name, all: all)
            var order = EngineControl.Request(.panic, room: name)
            order.all = all
            passOn(order)
            answer(hearers, notes)
        case .member(let id, let command, let answer):
            let member = rooms.lazy.flatMap(\.members).first { $0.id == id }
            if let member {
                perform(command, on: member)
                if command.endsSound { passOn(EngineControl.Request(command, id: id)) }
            }
            answer(member != nil)
        case .activity(let answer):
            answer(
                Dictionary(rooms.flatMap(\.members).map { ($0.id, $0.notes) }, uniquingKeysWith: { first, _ in first }))
        case .sounding(let answer):
            var all: [UInt64: ActiveNotes] = [:]
            for member in rooms.lazy.flatMap(\.members) {
                let sounding = ActiveNotes(member.state.pointee.held, member.state.pointee.controls)
                if !sounding.isEmpty { all[member.id] = sounding }
            }
            answer(all)
        case .switchHubs(let reason, let answer): answer(switchHubs(reason))
        case .learn(let answer):
            learnsUntil = now + Self.learningTime
            answer()
        case .drill(let plan, let answer): answer(beginDrill(plan))
        case .resolved(let host, let result): resolved(host, result)
        case .stop: end()
        }
    }

    func perform(_ command: MemberCommand, on member: Member) {
        switch command {
        case .kick: remove(member.endpoint, .kicked, farewell: true)
        case .unmute: endCut(member)
        case .release: releaseHeld(of: member)
        case .notesOff(let notes): endNotes(notes, at: member.endpoint)
        }
    }

    /// Says BY to everyone, twice since one may be lost, and ends.
    private func end() {
        guard !isEnding else { return }
        isEnding = true
        let endpoints = ports.values.flatMap(\.endpoints)
        endSilence()
        yield(.stopped)
        endPair(PartnerLine(.stopping))
        endCalls()
        for endpoint in endpoints { remove(endpoint, .stopped, farewell: true) }
        flush()
        eventLoop.after(.milliseconds(60)) { [unowned self] in
            for endpoint in endpoints { perform(on: endpoint) { $0.end(perform: $1) } }
            flush()
            ports = [:]
            eventLoop.stop()
        }
    }
}

/// Who was not let in, or did not get in, so that a flood of them makes one line a minute for an address; an IPv6 /64 is
/// one.
struct Refusals {
    private var seen: [SocketAddress: (at: Milliseconds, times: Int)] = [:]

    /// How often it happened since it was last told; nil where it is not to be told now.
    mutating func count(_ source: SocketAddress, at now: Milliseconds) -> Int? {
        let host = source.network
        if let earlier = seen[host], now - earlier.at < 60_000 {
            seen[host] = (earlier.at, earlier.times + 1)
            return nil
        }
        if seen.count >= 256 { seen = seen.filter { now - $0.value.at < 60_000 } }
        // A flood from everywhere is not worth a line for each.
        guard seen.count < 256 else { return nil }
        let times = (seen[host]?.times ?? 0) + 1
        seen[host] = (now, 0)
        return times
    }
}

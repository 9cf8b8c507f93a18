import Devices
import Linux
import MIDI
import Rooms
import Sequencer

/// The patch bay's thread: what is there, what is wired, what is still to do.
///
/// Two clients of the sequencer, so that neither a storm of announcements costs a note nor a flood of notes an
/// announcement: `announce` hears ports come and go and makes the wires; to `tap` goes what participants play, which the
/// listener's process reads, and from it our releases. Extensions hold the parts: presence, listening, wires, releases,
/// comparison with the kernel.
final class PatchBayLoop {
    let loop: EventLoop
    let news: Mailbox<PatchBayEvent>
    let tuning: Tuning
    let announce: SequencerHandle
    let tap: SequencerHandle
    let tapPort: Address
    let table: HeldTable

    let listener: Listener
    var heardFrom: [EventLoop.Registration] = []
    /// Due when the listener has been silent for too long.
    lazy var silence = loop.alarm { [unowned self] in judgeListener() }
    var judgement = ContinuousClock.now
    /// Listeners that were replaced since the last comparison.
    var replacements = 0
    /// The listener could not be started.
    var isDeaf = false

    // What the hub has said.
    var engines: [Int32: EngineSpec] = [:]
    /// Of the engines' processes, read when they are configured.
    var startTimes: [Int32: UInt64] = [:]
    var plans: [String: RoomPlan] = [:]
    var wishes: [DeviceSeats.Wish] = []
    var rooms: [String: Room] = [:]
    /// When, in milliseconds, it may be told again that somebody plays in a room where nobody has the focus.
    var touchDue: [String: UInt64] = [:]

    // What is there.
    var ports: [Address: Port] = [:]
    var seats = DeviceSeats()
    /// The seats that are taken, by who has them.
    var seated: [Address: DeviceSeats.Seat] = [:]
    /// Who opened a client, asked once; 0 stands for nobody.
    var owners: [UInt8: Int32] = [:]
    var generation: UInt32 = 0
    /// Slots left by a hub before this one, whose port has not been looked for yet.
    var inherited: [Int]

    // What is to do.
    var joins = Lane()
    var removals = Lane()
    var repairs = Lane()
    var budget: Int
    var isTurnPlanned = false
    var outbox = Outbox()
    var isSendingPlanned = false
    /// They wait until the outbox is empty.
    var releaseWaiters: [() -> Void] = []
    /// Ports that have come back, or may have, under a name at which something sounded.
    var returners: [PortID] = []
    var unchecked: [PortID] = []

    // What is to tell.
    var areWiresNews = false
    var isActivityNews = false
    var toldProblems: Set<String> = []
    var restoredLately: Set<Wire> = []

    init(table path: String, listener: ChildProgram, news: Mailbox<PatchBayEvent>, tuning: Tuning) throws(PatchBayError)
    {
        do {
            loop = try EventLoop()
            announce = try SequencerHandle(name: "MIDI Hub patch bay")
            try announce.setInputPool(tuning.announcePool)
            try announce.hearOnlyAnnouncements()
            tap = try SequencerHandle(name: "MIDI Hub tap")
            try tap.setInputPool(tuning.tapPool)
            tapPort = try tap.createPort(name: Array("tap".utf8), [.write, .noExport])
            let ear = try announce.createPort(name: Array("announcements".utf8), [.write, .noExport])
            if case .impossible(let code) = announce.subscribe(from: .announce, to: ear) {
                throw ALSAError(code: code, call: "subscribe", thing: "0:1")
            }
        } catch {
            throw PatchBayError(opening: error)
        }
        self.listener = Listener(listener, tap: tap, port: tapPort.port, timeout: tuning.markTimeout)
        self.news = news
        self.tuning = tuning
        budget = tuning.wiresPerTurn
        table = HeldTable(path: path)
        inherited = table.inherited
    }

    /// Runs until `.stop`.
    func run(_ commands: Mailbox<PatchBayCommand>) {
        if let problem = table.problem { tell(problem) }
        do {
            try watchAnnouncements()
            listen()
            defer { endListening() }
            try loop.receive(commands) { [unowned self] in handle($0) }
            loop.every(tuning.reconcile) { [unowned self] in
                replacements = 0
                listen()
                hearAnnouncements()
                compareAll()
            }
            try loop.run()
        } catch {
            tell("the patch bay has ended: \(error)")
        }
    }

    private func watchAnnouncements() throws(Errno) {
        try loop.watch(announce.descriptor, .read) { [unowned self] event in
            // A closed device always counts as readable and would keep the loop busy.
            guard event.isDisjoint(with: .hangup) else {
                loop.stop()
                return tell("the sequencer is gone: new participants are not connected until the hub is restarted")
            }
            hearAnnouncements()
        }
    }

    private func handle(_ command: PatchBayCommand) {
        switch command {
        case .configure(let rooms, let engines): configure(rooms, engines)
        case .mark(let id, let standing): mark(id, standing)
        case .panic(let room, let answer): panic(room, answer)
        case .notesOff(let id, let range): notesOff(id, range)
        case .release(let id): if let port = port(id) { releaseHeld(of: port) }
        case .afterReleases(let answer):
            releaseWaiters.append(answer)
            answerReleaseWaiters()
        case .sounding: news.send(.sounding(sounding()))
        case .stop: loop.stop()
        }
    }

    private func configure(_ described: [RoomPlan], _ specs: [EngineSpec]) {
        engines = [:]
        for spec in specs { engines[spec.pid] = spec }
        startTimes = engines.mapValues { ProcessIdentity.startTime(of: $0.pid) ?? 0 }
        startTimes[EngineSpec.nobody] = 0
        owners = [:]

        plans = Dictionary(described.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for spec in specs where plans[spec.room] == nil {
            tell("engine \(spec.name) belongs to room \(spec.room), which there is not: nobody on it is connected")
        }
        wishes = described.flatMap { plan in (plan.devices ?? []).compactMap { .init($0, room: plan.name) } }
        seatDevices()
        vanish(ports.values.filter { belonging(of: $0) == nil }, areThere: true)
        // A participant whose room has another name, policy or order of ports stays the same; only wires may change.
        let before = ports.mapValues { appearance($0) }
        for port in ports.values { port.engine = belonging(of: port) ?? port.engine }
        for name in rooms.keys where plans[name] == nil { rooms[name] = nil }
        for port in ports.values where !(plans[port.engine.room]?.echoes ?? false) {
            port.echoSentinel = LoopSentinel()
        }
        for name in plans.keys { replan(name) }
        for port in ports.values where rooms[port.engine.room] == nil {
            removals.add(port.hearers.filter(\.value).map { Wire(from: port.id.member, to: $0.key) })
        }
        for port in ports.values where appearance(port) != before[port.address] {
            news.send(.appeared(appearance(port)))
        }
        compareAll()
    }

    // MARK: PatchBayEvent

    /// Reports a problem, each one only once.
    func tell(_ problem: String) {
        guard toldProblems.count < 1000, toldProblems.insert(problem).inserted else { return }
        news.send(.problem(problem))
    }

    /// The wires have changed: told soon, so that a burst of changes is one piece of news.
    func wiresChanged() {
        guard !areWiresNews else { return }
        areWiresNews = true
        tellWires(attempts: 10)
    }

    private func tellWires(attempts: Int) {
        loop.after(.milliseconds(20)) { [unowned self] in
            // Told when the work is done: one message with all wires instead of one for each step to a large room.
            let isBusy = !(joins.isEmpty && removals.isEmpty && repairs.isEmpty)
            if isBusy && attempts > 0 { return tellWires(attempts: attempts - 1) }
            areWiresNews = false
            news.send(
                .wires(
                    ports.values.flatMap { port in
                        port.hearers.map { WireInfo(from: port.id, to: PortID($0.key), isOurs: $0.value) }
                    }))
        }
    }

    func heard(_ port: Port) {
        port.messages += 1
        guard !isActivityNews else { return }
        isActivityNews = true
        loop.after(.milliseconds(100)) { [unowned self] in
            isActivityNews = false
            var counts: [PortID: Int] = [:]
            for port in ports.values where port.messages > 0 {
                counts[port.id] = port.messages
                port.messages = 0
            }
            news.send(.activity(counts))
        }
    }
}

/// Wires to make or remove, in their order.
struct Lane {
    private var wires: [Wire] = []
    private var next = 0

    var isEmpty: Bool { next == wires.count }
    mutating func add(_ more: [Wire]) { wires += more }
    mutating func popFirst() -> Wire? {
        guard !isEmpty else { return nil }
        defer {
            next += 1
            if next == wires.count { self = Lane() }
        }
        return wires[next]
    }
}

extension PatchBayError {
    fileprivate init(opening error: any Error) {
        guard let error = error as? ALSAError, error.thing == "/dev/snd/seq" else {
            self.init(description: "the patch bay cannot start: \(error)")
            return
        }
        let fix =
            switch error.code {
            case 2, 6, 19: "this kernel has no sequencer loaded: `modprobe snd-seq`, or a kernel with sound modules"
            case 13, 1: "no permission: run as root, or put the user into the group audio"
            default: "is alsa-lib's configuration installed (libasound2-data)?"
            }
        self.init(description: "\(error); \(fix)")
    }
}

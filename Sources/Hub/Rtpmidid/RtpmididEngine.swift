import Linux
import PatchBay
import Rooms
import Rtpmidid
import Sequencer
import Store
import Supervisor

/// One rtpmidid on one port: launched, made ready, watched, and asked who is on it. Extensions hold its log
/// (`+Log`), its participants (`+Presence`) and its launch (`+Launch`). Lives on the hub's loop.
final class RtpmididEngine: HubEngine {
    let context: HubContext
    let name: String
    let port: UInt16
    var room: RoomPlan
    var portIndex: Int
    let bay: PatchBayLink
    let process: EngineProcess
    var roomName: String? { room.name }
    var version: RtpmididVersion?
    var whenDown: () -> Void = {}

    // The log.
    var tail: Tail?
    var reader = LogReader()
    var tracker = JoinTracker()
    var book = LatencyCorrelator()
    /// Lines before this offset are of an earlier run of the daemon.
    var runStart: Int64 = 0
    var lastWords: [String] = []
    var unknownLines = 0
    var disbelievedLines = 0
    var isReadingScheduled = false
    var attributionWait: (offset: UInt64, since: ContinuousClock.Instant)?
    /// Lines before this offset have waited for their participant long enough.
    var waitedFor: UInt64 = 0
    /// Unconfirmed samples on record, by their line's place in the log.
    var recorded: [UInt64: (visit: Int64, at: TimeRange)] = [:]

    // The daemon's state.
    var isReady = false
    /// It is about to say goodbye: its participants are let go.
    var isLeaving = false
    var hasListened = false
    var hasAvahiProblem = false
    var reason: String?
    /// What a person can do about the reason.
    var fix: String?
    private var starts = 0
    var since = Timestamp.now
    var readinessTimer: EventLoop.TimerID?
    var statusUnderWay = false
    var statusWanted = false
    var isSuccessionOpen = false
    /// It was asked in vain; until then `help` is asked instead.
    var statusUnanswerableUntil = ContinuousClock.now

    // Who is there.
    var present: [PortID: RtpmididAttendance] = [:]
    /// Visits that were open when the hub last ended, until it is clear whose they are.
    var openVisits: [Visit]
    /// Their ports are gone; the log may still say why.
    var leaving: [(one: RtpmididAttendance, claimed: JoinTracker.Leaving?, at: TimeRange)] = []
    var leavings: [Int: (how: JoinTracker.Leaving, at: ContinuousClock.Instant)] = [:]

    /// It listens, or it is ended: nothing in between is waited for longer.
    private static let readinessTimeout: Duration = .seconds(20)

    init(
        port: UInt16, room: RoomPlan, index: Int, openVisits: [Visit], bay: PatchBayLink, context: HubContext
    ) {
        (self.port, self.room, portIndex) = (port, room, index)
        (self.openVisits, self.bay, self.context) = (openVisits, bay, context)
        name = Self.name(port)
        process = .rtpmidid(name, state: context.state, loop: context.loop)
        process.prepare = { [unowned self] () throws(Service.Unfit) in try prepare() }
        process.report = { [unowned self] in handle($0) }
        process.beforeGoodbye = { [unowned self] goOn in
            isLeaving = true
            bay.enginesChanged()
            bay.afterReleases(goOn)
        }
        process.whenDown = { [unowned self] in
            context.changed()
            whenDown()
        }
        process.recovered = { [unowned self] in self.context.changed() }
    }

    static func name(_ port: UInt16) -> String { "rtpmidid-\(port)" }

    /// Adopts the running daemon, or starts one. `offset` is how far the log was read according to the store.
    func begin(at offset: TailOffset?) {
        let adopted = process.adopt()
        openTail(at: offset)
        if adopted {
            isReady = true
            resume(with: offset)
            requestStatus()
        } else {
            abandonOpenVisits(reason: "the engine ended while the hub was away")
            // The log's end is on record before the daemon writes its first line, so that no line is ever lost or read twice.
            recordOffset()
            process.start(after: context.recorder.whenDone)
        }
    }

    private func handle(_ report: Service.Report) {
        switch report {
        case .started(let pid):
            (isReady, isLeaving, since, reason) = (false, false, .now, nil)
            (lastWords, hasListened, hasAvahiProblem, fix) = ([], false, false, nil)
            starts += 1
            context.note(.engineStarted, room: room.name, engine: name, "\(name) started, pid \(pid)")
            readinessTimer = context.loop.after(Self.readinessTimeout) { [unowned self] in
                fail("it did not listen on ports \(port) and \(port + 1) within \(Self.readinessTimeout)")
            }
            bay.enginesChanged()
        case .adopted(let pid, let how):
            since = .now
            version = process.record?.version.flatMap { RtpmididVersion($0) } ?? version
            context.note(.adopted, room: room.name, engine: name, "\(name), pid \(pid), adopted (found by \(how))")
            bay.enginesChanged()
        case .cannotStart(let text):
            if reason != text {
                context.note(
                    .engineCannotStart, severity: .error, room: room.name, engine: name,
                    "\(name) cannot start: \(text)" + (fix.map { " (fix: \($0))" } ?? ""))
            }
            (reason, since, isReady) = (text, .now, false)
        case .exited(let exit, let expected):
            cancelReadiness()
            readLog()
            let words = lastWords.isEmpty ? "" : ": " + lastWords.suffix(3).joined(separator: " / ")
            isReady = false
            if !expected {
                reason = "ended by itself, \(exit)\(words)"
                context.note(
                    .engineExited, severity: .error, room: room.name, engine: name, "\(name) ended: \(exit)\(words)")
            } else {
                context.note(.engineStopped, room: room.name, engine: name, "\(name) stopped (\(exit))")
            }
            since = .now
            let ending = reason.map { "the engine was ended: \($0)" } ?? "the engine was stopped"
            everyoneIsGone(reason: expected ? ending : "the engine ended", byUs: expected)
            bay.enginesChanged()
        case .down: break
        }
        context.changed()
    }

    /// It listens on both ports: the log says so.
    func becomeReady() {
        guard !isReady, process.service.pid != nil else { return }
        cancelReadiness()
        isReady = true
        (reason, since) = (nil, .now)
        process.service.markReady()
        context.note(.engineReady, room: room.name, engine: name, "Port \(port) is open (room \(room.name))")
        requestStatus()
    }

    /// Every few seconds, from the hub.
    func tick() {
        guard isReady, process.service.pid != nil else { return }
        requestStatus()
    }

    func hangs(for seconds: Int) { endHung(for: seconds) }

    var spec: EngineSpec? {
        guard let pid = process.service.pid, !isLeaving else { return nil }
        return EngineSpec(
            name: name, pid: pid, room: room.name, portIndex: portIndex, servicePorts: version?.servicePorts ?? [0],
            confirmFirst: version?.confirmFirst ?? false)
    }

    var participants: [Snapshot.Participant] { present.values.filter(\.isShown).map(\.view) }

    var views: [Snapshot.Engine] {
        var view = Snapshot.Engine(name: name, port: port, room: room.name, since: since.milliseconds)
        switch process.service.state {
        case .idle: view.state = process.isWanted ? .starting : .down
        case .waiting: view.state = .failed
        case .starting: view.state = .starting
        case .up: view.state = process.isIll ? .failed : .up
        case .ending: view.state = reason == nil && !process.isIll ? .stopping : .failed
        }
        view.reason = view.state == .up ? nil : reason ?? process.illness
        view.fix = view.state == .up ? nil : fix
        view.pid = process.service.pid
        view.version = version?.description
        view.restarts = max(0, starts - 1)
        view.adopted = process.service.isAdopted
        (view.unknownLines, view.disbelievedLines) = (unknownLines, disbelievedLines)
        view.logRead = tail?.committedOffset ?? 0
        view.logLag = tail?.lag ?? 0
        return [view]
    }
}

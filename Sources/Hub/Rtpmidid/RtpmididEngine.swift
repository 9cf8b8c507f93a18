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
    var unknownLines = 0
    var disbelievedLines = 0
    var isReadingScheduled = false
    var attributionWait: (offset: UInt64, since: ContinuousClock.Instant)?
    /// Lines before this offset have waited for their participant long enough.
    var waitedFor: UInt64 = 0
    /// Unconfirmed samples on record, by their line's place in the log.
    var recorded: [UInt64: (visit: Int64, at: TimeRange)] = [:]

    // The daemon's state.
    var run = EngineRun()
    var shownVersion: String? { version?.description }
    /// It is about to say goodbye: its participants are let go.
    var isLeaving = false
    var hasListened = false
    var hasAvahiProblem = false
    var statusUnderWay = false
    var statusWanted = false
    var isSuccessionOpen = false
    /// `status` was not answered. Until then `help` is asked instead.
    var statusUnanswerableUntil = ContinuousClock.now

    let attendance: Attendance<PortID, RtpmididAttendee>
    /// Whom the room invites from this port.
    var calls: [RtpmididCall] = []
    /// The daemon gives an invitation up after ten seconds, and would begin anew with the initiator id 0, by which two are
    /// taken for one (Rtpmidid.docc/Participants.md): before that its session is removed.
    var callPatience: Duration = .seconds(12)
    /// Nodes that the daemon was told to remove and may list a little longer. It never gives a number twice.
    var removedNodes: Set<Int> = []
    /// Participants whose ports are gone, while the log may still tell why.
    var leaving: [(one: RtpmididAttendee, claimed: JoinTracker.Leaving?, at: TimeRange)] = []
    var leavings: [Int: (how: JoinTracker.Leaving, at: ContinuousClock.Instant)] = [:]

    var readiness: (timeout: Duration, problem: String) {
        (.seconds(20), "it did not listen on ports \(port) and \(port + 1)")
    }

    init(
        port: UInt16, room: RoomPlan, index: Int, bay: PatchBayLink, context: HubContext
    ) {
        (self.port, self.room, portIndex) = (port, room, index)
        (self.bay, self.context) = (bay, context)
        name = "rtpmidid-\(port)"
        attendance = Attendance(name, context)
        process = .rtpmidid(name, state: context.state, loop: context.loop)
        process.prepare = { [unowned self] () throws(Service.Unfit) in try prepare() }
        process.report = { [unowned self] in receive($0) }
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

    /// Adopts the running daemon, or starts one. `offset` is how far the log was read according to the store.
    func begin(at offset: TailOffset?) {
        let adopted = process.adopt()
        attendance.takeOver()
        followInvitees()
        openTail(at: offset)
        if adopted {
            run.isReady = true
            resume(with: offset)
            requestStatus()
        } else {
            attendance.abandonOpenVisits("left: the engine ended while the hub was away")
            // The log's end is on record before the daemon writes its first line, so that no line is ever lost or read twice.
            recordOffset()
            process.start(after: context.recorder.whenDone)
        }
    }

    func hasStarted() {
        (isLeaving, hasListened, hasAvahiProblem) = (false, false, false)
        bay.enginesChanged()
    }

    func wasAdopted() {
        version = process.record?.version.flatMap { RtpmididVersion($0) } ?? version
        bay.enginesChanged()
    }

    func hasEnded(expected: Bool) {
        loseCalls()
        let ending = run.reason.map { "the engine was ended: \($0)" } ?? "the engine was stopped"
        everyoneIsGone(reason: expected ? ending : "the engine ended", byUs: expected)
        bay.enginesChanged()
    }

    /// It listens on both ports: the log says so.
    func becomeReady() {
        guard becomesReady() else { return }
        context.note(.engineReady, room: room.name, engine: name, "Port \(port) is open (room \(room.name))")
        requestStatus()
    }

    /// Every few seconds, from the hub.
    func tick() {
        guard run.isReady, process.service.pid != nil else { return }
        requestStatus()
    }

    func hangs(for seconds: Int) { endHung(for: seconds) }

    var spec: EngineSpec? {
        guard let pid = process.service.pid, !isLeaving else { return nil }
        return EngineSpec(
            name: name, pid: pid, room: room.name, portIndex: portIndex, servicePorts: version?.servicePorts ?? [0],
            confirmFirst: version?.confirmFirst ?? false)
    }

    var participants: [Snapshot.Participant] { attendance.all.filter(\.isShown).map(\.view) }

    var views: [Snapshot.Engine] {
        var view = self.view(port, room: room.name)
        view.disbelievedLines = disbelievedLines
        return [view]
    }
}

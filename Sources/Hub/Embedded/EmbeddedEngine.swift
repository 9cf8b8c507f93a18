import EngineProtocol
import Linux
import Rooms
import Store
import Supervisor

/// An embedded engine as the hub sees it: one process for some rooms, started with a plan, watched, and asked who is on it.
/// Extensions hold its log (`+Log`), its participants (`+Presence`) and its plan (`+Plan`).
final class EmbeddedEngine: HubEngine {
    let name: String
    let context: HubContext
    let process: EngineProcess
    /// It may serve several.
    let roomName: String? = nil
    var whenDown: () -> Void = {}
    /// What it is to serve.
    var plan = EnginePlan(rooms: [])

    // The log.
    var tail: Tail?
    var unknownLines = 0

    // The process's state.
    var run = EngineRun()
    var version: String?
    var shownVersion: String? { version }
    /// It answers, or it is ended.
    let readiness: (timeout: Duration, problem: String) = (.seconds(10), "it did not answer")
    /// What it said of each port: nil where it listens, else why not.
    private var ports: [UInt16: String?] = [:]
    /// Of an adopted engine: the ports that it was given by the hub before this one, and counts as serving until it has said.
    private var portsBefore: Set<UInt16> = []
    /// What a person can do about that. Looked for once only, since looking opens the port that the engine needs.
    private var fixes: [UInt16: String] = [:]
    /// Of this machine, as it said last.
    var devices: [EngineStatus.Device] = []
    var deviceTrouble: String?
    /// An older engine knows nothing of them.
    var knowsDevices = true
    private var statusUnderWay = false
    private var activityUnderWay = false
    /// An older engine does not tell.
    private var tellsActivity = true
    var announcers: [UInt16: Announcer] = [:]
    var draining: [Announcer] = []

    var halfOpens = HalfOpens()
    /// What its plan wants of it and an engine of its version cannot do.
    private(set) var lacks: [String] = []
    /// How it is with those whom the rooms invite; nil where it does not tell.
    var calls: [EngineStatus.Call]?
    /// How it is with the other hub of a pair; nil where it does not tell.
    var failover: EngineStatus.Failover?

    /// By the engine's number for each.
    let attendance: Attendance<UInt64, EmbeddedAttendee>

    /// In seconds without a sign of life.
    private static let replacedAfter = 10

    init(_ name: String, context: HubContext) {
        (self.name, self.context) = (name, context)
        attendance = Attendance(name, context)
        process = .embedded(name, state: context.state, loop: context.loop)
        process.prepare = { [unowned self] () throws(Service.Unfit) in try prepare() }
        process.report = { [unowned self] in receive($0) }
        process.whenDown = { [unowned self] in oneIsDown() }
        process.recovered = { [unowned self] in self.context.changed() }
    }

    func begin(at offset: TailOffset?) {
        let adopted = process.adopt()
        attendance.takeOver()
        openTail(at: offset)
        if adopted {
            run.isReady = true
            portsBefore = Set((Self.writtenPlan(of: name, in: context.state)?.ports ?? []).map(\.port))
            readLog()
            // The plan may have changed while no hub was there.
            handPlan()
        } else {
            recordOffset()
            process.start(after: context.recorder.whenDone)
        }
    }

    func stop() {
        for announcer in announcers.values { announcer.process.stop() }
        process.stop()
    }

    /// Without a goodbye, since the new process goes on with all sessions. An engine of another version may have kept them in
    /// a form that the new one does not know; it says goodbye, so that players join again.
    func restart(by author: Author) {
        context.note(
            .restart, room: roomName, engine: name, address: author.address, "\(name) is restarted by \(author)")
        if version == Version.text { return process.service.renew() }
        process.stop()
        process.start()
    }

    var isDown: Bool {
        process.service.state == .idle && announcers.values.allSatisfy { $0.process.service.state == .idle }
    }

    private func oneIsDown() {
        context.changed()
        if isDown { whenDown() }
    }

    private func prepare() throws(Service.Unfit) -> ChildProgram {
        do throws(Errno) {
            try writePlan()
            try context.state.placeLog(name)
            openTail(at: nil)
            try tail?.endLine()
        } catch { throw Service.Unfit("\(error)") }
        (process.nextVersion, process.nextPort) = (Version.text, nil)
        return ChildProgram(
            path: Executable.path,
            arguments: [
                "engine", "--plan", context.state.plan(name), "--control", context.state.control(name), "--sessions",
                context.state.sessions(name),
            ],
            environment: Programs.ownEnvironment,
            output: context.state.log(name))
    }

    // MARK: The process

    func hasStarted() {
        (ports, portsBefore) = ([:], [])
        (activityUnderWay, tellsActivity) = (false, true)
        (devices, deviceTrouble, knowsDevices) = ([], nil, true)
        told(nil)
    }

    func wasAdopted() { version = process.record?.version ?? version }

    func hasEnded(expected: Bool) {
        told(nil)
        // The next process goes on with its participants, and its status tells who is no longer there.
        for one in attendance.all { one.outlivesEngine = true }
        if expected, !process.isWanted { attendance.everyoneHasLeft(because: "the engine was stopped") }
    }

    /// It has said of every port whether it listens there.
    private func becomeReady() { if becomesReady() { requestStatus() } }

    /// What the engine said of one of its ports.
    func port(_ number: UInt16, problem: String?) {
        let room = plan.ports.first { $0.port == number }?.room.name
        if ports[number] != .some(problem) {
            if let problem {
                context.note(
                    .portTaken, severity: .error, room: room, engine: name, "Port \(number) is not served: \(problem)"
                )
            } else {
                context.note(
                    .engineReady, room: room, engine: name, "Port \(number) is open (room \(room ?? "\(number)"))")
            }
        }
        ports[number] = .some(problem)
        if problem == nil {
            fixes[number] = nil
        } else if fixes[number] == nil {
            fixes[number] = Doctor.udpPair(number).fix
        }
        if problem == nil { announce(number) }
        if plan.ports.allSatisfy({ ports[$0.port] != nil }) { becomeReady() }
        context.changed()
    }

    /// Announces a port that is open, by the name that its players see.
    private func announce(_ number: UInt16) {
        // The log of an engine that is ending may still tell of ports that were opened.
        guard process.isWanted, announcers[number] == nil,
            plan.host.map({ !$0.hasPrefix("127.") && $0 != "::1" }) ?? true,
            let room = plan.rooms.first(where: { $0.ports.contains(number) })
        else { return }
        let announcer = Announcer(
            port: number, name: room.displayName, room: room.name, engine: name, context: context)
        announcer.process.whenDown = { [unowned self] in
            draining.removeAll { $0.process.service.state == .idle }
            oneIsDown()
        }
        announcers[number] = announcer
        announcer.begin()
    }

    func tick() {
        guard process.service.pid != nil, run.isReady else { return }
        requestStatus()
    }

    /// Replaced early, since its successor goes on with its players.
    func hangs(for seconds: Int) {
        // An engine of another version may not be able to read the table of sessions.
        guard version == Version.text else { return endHung(for: seconds) }
        guard seconds >= Self.replacedAfter else { return }
        context.note(
            .engineUnfit, severity: .error, engine: name,
            "\(name) has not answered for \(seconds) s: it is replaced, its players stay")
        process.service.renew()
    }

    // MARK: Asking it

    func requestStatus() {
        guard !statusUnderWay, process.service.pid != nil else { return }
        statusUnderWay = true
        ask(.init(.status)) { [weak self] reply in
            guard let self else { return }
            statusUnderWay = false
            guard let status = reply?.status else { return }
            (version, devices) = (status.version, status.devices ?? [])
            (knowsDevices, deviceTrouble) = (status.devices != nil, status.deviceTrouble)
            for one in status.ports {
                port(one.port, problem: one.listening ? nil : one.reason ?? "it does not listen")
            }
            update(status)
            told(status.failover)
            judgeAbilities(status)
            replaceIfOlder(status)
        }
    }

    /// Asks who has played; told through the context.
    func requestActivity() {
        guard !activityUnderWay, tellsActivity, run.isReady, process.service.pid != nil, !attendance.present.isEmpty
        else { return }
        activityUnderWay = true
        ask(.init(.activity)) { [weak self] reply in
            guard let self else { return }
            activityUnderWay = false
            guard let activity = reply?.activity else {
                tellsActivity = reply?.error == nil
                return
            }
            for (id, one) in attendance.present {
                guard let notes = activity[id] else { continue }
                if let before = one.notes, notes > before { context.played(one.visit.id, Int(notes - before)) }
                one.notes = notes
            }
        }
    }

    /// What participants hold and have set; of those who do. Empty where the engine does not tell.
    func askSounding(_ done: @escaping ([Int64: ActiveNotes]) -> Void) {
        guard run.isReady, process.service.pid != nil, !attendance.present.isEmpty else { return done([:]) }
        ask(.init(.sounding)) { [weak self] reply in
            var all: [Int64: ActiveNotes] = [:]
            for (id, sounding) in reply?.sounding ?? [:] {
                if let one = self?.attendance[id] { all[one.visit.id] = sounding }
            }
            done(all)
        }
    }

    func perform(
        _ command: MemberCommand, on participant: Int64, _ done: @escaping (CommandReply?) -> Void
    ) -> Bool {
        guard let id = attendance.present.first(where: { $0.value.visit.id == participant })?.key else { return false }
        ask(.init(command, id: id)) { [weak self] reply in
            if command == .unmute { self?.requestStatus() }
            guard let reply else { return done(.unavailable("The engine does not answer.")) }
            // It has left, and the log will tell so in a moment.
            if reply.isOfNobody { return done(.notFound("There is no participant \(participant).")) }
            done(reply.error.map { .unavailable("The engine says: \($0).") })
        }
        return true
    }

    /// The reply; nil where there was none in time.
    func ask(_ request: EngineControl.Request, _ done: @escaping (EngineControl.Reply?) -> Void) {
        process.control.ask(request.bytes, timeout: .seconds(5)) { [weak self] answer in
            guard case .success(let bytes) = answer, let reply = EngineControl.Reply(line: bytes) else {
                return done(nil)
            }
            self?.process.showLife()
            done(reply)
        }
    }

    /// An engine of an older version leaves out of its plan what it does not know.
    private func judgeAbilities(_ status: EngineStatus) {
        let now = plan.wants.subtracting(status.abilities).map(\.rawValue).sorted()
        guard now != lacks else { return }
        lacks = now
        guard !now.isEmpty else { return }
        context.note(
            .engineLimits, severity: .warning, engine: name,
            "\(name) is an engine of another version, which cannot honour \(now.joined(separator: " and ")): \(Self.cure)"
        )
    }
    private static let cure = "it is replaced when its rooms are empty, or by a restart of it"

    /// For people; none where it does all that it is to do.
    var limits: [String] {
        lacks.map { "\(name) cannot honour \($0), since it is of another version: \(Self.cure)." }
    }

    private var isOlder: Bool { process.service.isAdopted && version.map { $0 != Version.text } ?? false }

    var putOff: String? {
        guard isOlder, let version else { return nil }
        return "\(name) \(version) is replaced by \(Version.text) when its rooms are empty"
    }

    /// An engine of an older version goes on serving those who are on it, and gives way when nobody is.
    private func replaceIfOlder(_ status: EngineStatus) {
        guard isOlder, status.participants.isEmpty, context.showLock == nil else { return }
        context.note(
            .restart, engine: name, "\(name) \(status.version) is replaced by \(Version.text): nobody is on it")
        process.stop()
        process.start()
    }

    // MARK: Showing

    var views: [Snapshot.Engine] {
        plan.ports.map { number, room, _ in
            let problem = ports[number] ?? nil
            let isOpen = ports[number] != nil || portsBefore.contains(number)
            var view = self.view(number, room: room.name, problem: problem, isOpen: isOpen)
            view.kind = "embedded"
            view.fix = view.state == .failed && problem != nil ? fixes[number] : nil
            return view
        }
    }
}

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
    var isReady = false
    var reason: String?
    private var starts = 0
    private var since = Timestamp.now
    var readinessTimer: EventLoop.TimerID?
    var version: String?
    /// What it said of each port: nil where it listens, else why not.
    private var ports: [UInt16: String?] = [:]
    /// Of an adopted engine: the ports that it was given by the hub before this one, and counts as serving until it has said.
    private var portsBefore: Set<UInt16> = []
    /// What a person can do about that. Found once: looking means to open the port, which the engine is to have.
    private var fixes: [UInt16: String] = [:]
    private var statusUnderWay = false
    private var activityUnderWay = false
    /// An older engine does not tell.
    private var tellsActivity = true
    var announcers: [UInt16: Announcer] = [:]
    var draining: [Announcer] = []

    var halfOpens = HalfOpens()

    // Who is there, by the engine's number for it.
    var present: [UInt64: EmbeddedAttendance] = [:]
    /// Visits that were open when the hub last ended, until it is clear whose they are.
    var openVisits: [Visit]

    /// It answers, or it is ended.
    private static let readinessTimeout: Duration = .seconds(10)
    /// Of seconds without a sign of life.
    private static let replacedAfter = 10

    init(_ name: String, openVisits: [Visit], context: HubContext) {
        (self.name, self.openVisits, self.context) = (name, openVisits, context)
        process = .embedded(name, state: context.state, loop: context.loop)
        process.prepare = { [unowned self] () throws(Service.Unfit) in try prepare() }
        process.report = { [unowned self] in handle($0) }
        process.whenDown = { [unowned self] in oneIsDown() }
        process.recovered = { [unowned self] in self.context.changed() }
    }

    func begin(at offset: TailOffset?) {
        let adopted = process.adopt()
        openTail(at: offset)
        if adopted {
            isReady = true
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

    /// Without a goodbye: the new process takes everybody up again. One of another version may keep them in a form that
    /// the new one does not know; then they are told to come anew.
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

    private func handle(_ report: Service.Report) {
        switch report {
        case .started(let pid):
            (isReady, since, reason, ports, portsBefore) = (false, .now, nil, [:], [])
            (activityUnderWay, tellsActivity) = (false, true)
            starts += 1
            context.note(.engineStarted, engine: name, "\(name) started, pid \(pid)")
            readinessTimer = context.loop.after(Self.readinessTimeout) { [unowned self] in
                fail("it did not answer within \(Self.readinessTimeout)")
            }
        case .adopted(let pid, let how):
            since = .now
            version = process.record?.version ?? version
            context.note(.adopted, engine: name, "\(name), pid \(pid), adopted (found by \(how))")
        case .cannotStart(let text):
            if reason != text {
                context.note(.engineCannotStart, severity: .error, engine: name, "\(name) cannot start: \(text)")
            }
            (reason, since, isReady) = (text, .now, false)
        case .exited(let exit, let expected):
            cancelReadiness()
            readLog()
            (isReady, since) = (false, .now)
            for one in present.values { one.outlivesEngine = true }
            if expected {
                context.note(.engineStopped, engine: name, "\(name) stopped (\(exit))")
                // One that is started anew takes its participants up again, and says who is no longer there.
                if !process.isWanted { everyoneIsGone(reason: "the engine was stopped") }
            } else {
                // Its successor takes its participants up again, and says who is no longer there.
                reason = "ended by itself, \(exit)"
                context.note(.engineExited, severity: .error, engine: name, "\(name) ended: \(exit)")
            }
        case .down: break
        }
        context.changed()
    }

    /// It has said of every port whether it listens there.
    private func becomeReady() {
        guard !isReady, process.service.pid != nil else { return }
        cancelReadiness()
        isReady = true
        (reason, since) = (nil, .now)
        process.service.markReady()
        requestStatus()
    }

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
        // The log of an engine that ends may still say that it began.
        guard process.isWanted, announcers[number] == nil,
            plan.host.map({ !$0.hasPrefix("127.") && $0 != "::1" }) ?? true,
            let room = plan.rooms.first(where: { $0.ports.contains(number) })
        else { return }
        let announcer = Announcer(port: number, name: room.displayName, engine: name, context: context)
        announcer.process.whenDown = { [unowned self] in
            draining.removeAll { $0.process.service.state == .idle }
            oneIsDown()
        }
        announcers[number] = announcer
        announcer.begin()
    }

    func tick() {
        guard process.service.pid != nil, isReady else { return }
        requestStatus()
    }

    /// Its successor takes its players up again.
    func hangs(for seconds: Int) {
        // One of another version would not find them in the table.
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
            version = status.version
            for one in status.ports {
                port(one.port, problem: one.listening ? nil : one.reason ?? "it does not listen")
            }
            handle(status)
            replaceIfOlder(status)
        }
    }

    /// Asks who has played; told through the context.
    func requestActivity() {
        guard !activityUnderWay, tellsActivity, isReady, process.service.pid != nil, !present.isEmpty else { return }
        activityUnderWay = true
        ask(.init(.activity)) { [weak self] reply in
            guard let self else { return }
            activityUnderWay = false
            guard let activity = reply?.activity else {
                tellsActivity = reply?.error == nil
                return
            }
            for (id, one) in present {
                guard let notes = activity[id] else { continue }
                if let before = one.notes, notes > before { context.played(one.visit.id, Int(notes - before)) }
                one.notes = notes
            }
        }
    }

    /// What participants hold and have set; of those who do. Empty where the engine does not tell.
    func askSounding(_ done: @escaping ([Int64: ActiveNotes]) -> Void) {
        guard isReady, process.service.pid != nil, !present.isEmpty else { return done([:]) }
        ask(.init(.sounding)) { [weak self] reply in
            var all: [Int64: ActiveNotes] = [:]
            for (id, sounding) in reply?.sounding ?? [:] {
                if let one = self?.present[id] { all[one.visit.id] = sounding }
            }
            done(all)
        }
    }

    func perform(
        _ command: MemberCommand, on participant: Int64, _ done: @escaping (CommandReply?) -> Void
    ) -> Bool {
        guard let id = present.first(where: { $0.value.visit.id == participant })?.key else { return false }
        ask(.init(command, id: id)) { [weak self] reply in
            if command == .unmute { self?.requestStatus() }
            guard let reply else { return done(.unavailable("The engine does not answer.")) }
            // It has left, which is about to be heard here.
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

    /// An engine of an older version goes on serving those who are on it, and gives way when nobody is.
    private func replaceIfOlder(_ status: EngineStatus) {
        guard process.service.isAdopted, status.version != Version.text, status.participants.isEmpty else { return }
        context.note(
            .restart, engine: name, "\(name) \(status.version) is replaced by \(Version.text): nobody is on it")
        process.stop()
        process.start()
    }

    // MARK: Showing

    var views: [Snapshot.Engine] {
        plan.ports.map { number, room, _ in
            var view = Snapshot.Engine(name: name, port: number, room: room.name, since: since.milliseconds)
            view.kind = "embedded"
            let problem = ports[number] ?? nil
            switch process.service.state {
            case .idle: view.state = process.isWanted ? .starting : .down
            case .waiting: view.state = .failed
            case .starting: view.state = .starting
            case .up where problem != nil || process.isIll: view.state = .failed
            case .up: view.state = ports[number] != nil || portsBefore.contains(number) ? .up : .starting
            case .ending: view.state = reason == nil && !process.isIll ? .stopping : .failed
            }
            view.reason = view.state == .up ? nil : problem ?? reason ?? process.illness
            if view.state == .failed, problem != nil { view.fix = fixes[number] }
            view.pid = process.service.pid
            view.version = version
            view.restarts = max(0, starts - 1)
            view.adopted = process.service.isAdopted
            view.unknownLines = unknownLines
            view.logRead = tail?.committedOffset ?? 0
            view.logLag = tail?.lag ?? 0
            return view
        }
    }
}

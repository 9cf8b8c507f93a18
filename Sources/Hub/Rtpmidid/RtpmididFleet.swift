import EngineProtocol
import Linux
import PatchBay
import Rooms
import Rtpmidid
import Sequencer
import Store

/// A rtpmidid for each port, and the patch bay that joins their participants' ALSA ports with each other. Lives on the
/// hub's loop; the patch bay has a thread of its own.
final class RtpmididFleet: Carrier {
    let context: HubContext
    private var plan = EnginePlan(rooms: [])
    var serving: [RtpmididEngine] = []
    /// Those that are not wanted any more, until they have ended.
    var draining: [RtpmididEngine] = []
    var whenDown: () -> Void = {}
    var engines: [any HubEngine] { serving }

    private let bay: PatchBayLink
    private let deviceMembers: RtpmididDevices
    var listenerProblem: String?
    var kernelWires: [WireInfo] = []
    /// By the number of the question: who has asked what sounds.
    private var soundingWaiters: [Int: ([Int64: ActiveNotes]) -> Void] = [:]
    private var soundingQuestions = 0

    /// The kernel carries what participants play: nobody is muted.
    let loops: Set<Int64> = []
    let notices: [String] = []
    var calls: [EngineStatus.Call] { serving.flatMap(\.calls).map(\.outcome) }
    var refusalToInvite: String? { serving.lazy.compactMap { $0.version?.refusalToInvite }.first }
    /// rtpmidid makes the ALSA port when it has answered; the patch bay then needs a few milliseconds.
    let settling: Duration = .milliseconds(300)

    init(_ context: HubContext) throws(Errno) {
        self.context = context
        bay = try PatchBayLink(context.loop, table: context.state.held)
        deviceMembers = RtpmididDevices(context, bay)
        bay.enginesChanged = { [unowned self] in configureBay() }
        bay.news = { [unowned self] in receive($0) }
        context.resolved = { [unowned self] host, result in for engine in serving { engine.resolved(host, result) } }
    }

    var isDown: Bool { (serving + draining).allSatisfy(\.isDown) }

    // MARK: Which engines there are

    func begin(_ plan: EnginePlan) {
        self.plan = plan
        if !plan.rooms.isEmpty { deviceMembers.attendance.takeOver() }
        openBay()
        for (port, room, index) in plan.ports { add(port, room, index) }
        // On ports that are no longer configured.
        for name in context.state.knownEngines where !serving.contains(where: { $0.name == name }) {
            guard name.hasPrefix("rtpmidid-"), let port = UInt16(name.dropFirst("rtpmidid-".count)), port < .max
            else { continue }
            let room = RoomPlan(name: "\(port)", displayName: context.configuration.name, policy: .auto, ports: [port])
            let engine = RtpmididEngine(port: port, room: room, index: 0, bay: bay, context: context)
            guard engine.process.adopt() else { continue }
            engine.attendance.takeOver()
            drain(engine)
        }
    }

    private func add(_ port: UInt16, _ room: RoomPlan, _ index: Int) {
        let engine = RtpmididEngine(port: port, room: room, index: index, bay: bay, context: context)
        engine.whenDown = { [unowned self] in if isDown { whenDown() } }
        serving.append(engine)
        engine.begin(at: context.removeOffset(of: engine.name))
    }

    /// Those of removed ports are ended, those of new ones started.
    func apply(_ plan: EnginePlan, _ done: @escaping (String?) -> Void) {
        self.plan = plan
        // Engines that stay are changed before others are ended or started, which configures the patch bay.
        for engine in serving {
            guard let (_, room, index) = plan.ports.first(where: { $0.port == engine.port }) else { continue }
            (engine.room, engine.portIndex) = (room, index)
            engine.followInvitees()
        }
        let leaving = serving.filter { engine in !plan.ports.contains { $0.port == engine.port } }
        serving.removeAll { engine in leaving.contains { $0 === engine } }
        for engine in leaving { drain(engine) }
        for (port, room, index) in plan.ports where !serving.contains(where: { $0.port == port }) {
            add(port, room, index)
        }
        serving.sort { $0.port < $1.port }
        configureBay()
        done(nil)
    }

    private func drain(_ engine: RtpmididEngine) {
        draining.append(engine)
        engine.whenDown = { [unowned self, unowned engine] in
            File.remove(context.state.ini(engine.name))
            // Later, as the engine must not be released within its own callback.
            context.loop.after(.zero) { [weak self] in
                self?.draining.removeAll(where: \.isDown)
                if let self, isDown { whenDown() }
            }
        }
        engine.stop()
    }

    func stop() {
        for index in plan.rooms.indices { plan.rooms[index].devices = nil }
        configureBay()
        for engine in serving { engine.stop() }
        if isDown { whenDown() }
    }

    func close() { bay.close() }

    func look() {
        for engine in serving {
            engine.judgeSilence()
            engine.look()
            engine.attendCalls()
        }
    }

    func tick() {
        openBay()
        for engine in serving { engine.tick() }
        deviceMembers.tick()
    }

    // MARK: The patch bay

    private func openBay() {
        if !plan.rooms.isEmpty, bay.open() { configureBay() }
    }

    /// Engines have come, gone or changed their process, or rooms have changed. The patch bay knows a participant by its
    /// ALSA name, which has 63 bytes at most.
    private func configureBay() {
        func short(_ name: String?) -> String? { name.map(short) }
        func short(_ name: String) -> String { String(decoding: name.utf8.prefix(63), as: UTF8.self) }
        let rooms = plan.rooms.map { room in
            var room = room
            room.blocks += room.blocks.map { Block(from: short($0.from), to: short($0.to)) }
            if let focus = room.focus {
                room.focus = Focus(
                    // The name of an input is not cut.
                    controllers: focus.controllers + focus.controllers.map(short), byTouch: focus.byTouch,
                    holder: focus.holder.map { Focus.Claim(short($0.member)) })
            }
            room.inputs = room.inputs.map { inputs in
                inputs.map { input in
                    var input = input
                    input.of = input.of.map(short)
                    input.chosen = input.chosen.map { Focus.Claim(short($0.member)) }
                    return input
                }
            }
            return room
        }
        bay.send(.configure(rooms: rooms, engines: serving.compactMap(\.spec)))
    }

    /// What comes from the patch bay's thread.
    private func receive(_ item: PatchBayEvent) {
        switch item {
        case .appeared(let appearance):
            if appearance.engine == EngineSpec.devices {
                let port = plan.rooms.first { $0.name == appearance.room }?.ports.first
                deviceMembers.appeared(appearance, port: port ?? 0)
            } else {
                serving.first { $0.name == appearance.engine }?.appeared(appearance)
            }
        case .seats(let seats):
            deviceMembers.seats = seats
            context.changed()
        case .vanished(let id):
            deviceMembers.vanished(id)
            for engine in serving + draining where engine.attendance[id] != nil { engine.vanished(id) }
        case .wires(let now):
            kernelWires = now
            context.changed()
        case .released(let released):
            guard released.notes > 0 else { break }
            let (notes, hearers) = (released.notes, released.hearers.count)
            context.note(
                .released, participant: released.name,
                "\(released.name) left \(Output.count(notes, "note")) sounding: released at \(Output.count(hearers, "participant"))"
            )
        case .restored(let lost):
            context.note(
                .restored, severity: .warning,
                "\(Output.count(lost.count, "connection")) removed by somebody else: made again")
        case .listening(let problem):
            guard problem != listenerProblem else { break }
            listenerProblem = problem
            if let problem {
                context.note(
                    .patchbay, severity: .warning, "What players hold is not known: \(problem). MIDI goes on.")
            } else {
                context.note(.patchbay, "What players hold is known again")
            }
        case .problem(let text): context.note(.patchbay, severity: .warning, text)
        case .sounding(let ports): heardSounding(ports)
        case .echoReturned(let id):
            if let one = members.first(where: { $0.id == id }) { context.echoReturned(one.visit.room, one.visit.name) }
        case .touched(let id):
            if let one = members.first(where: { $0.id == id }) { context.touched(one.visit.room, one.visit.name) }
        case .activity(let counts):
            for (id, messages) in counts {
                deviceMembers.heard(id, messages)
                for engine in serving { engine.heard(id, messages) }
            }
        }
    }

    private var members: [RtpmididAttendee] { serving.flatMap(\.attendance.all) + deviceMembers.attendance.all }
    var participants: [Snapshot.Participant] { engines.flatMap(\.participants) + deviceMembers.views }
    var devices: [EngineStatus.Device] { deviceMembers.statuses }

    func perform(
        _ command: MemberCommand, on participant: Int64, _ done: @escaping (CommandReply?) -> Void
    ) -> Bool {
        engines.contains { $0.perform(command, on: participant, done) }
            || deviceMembers.perform(command, on: participant, done)
    }

    func rerecord() {
        for engine in engines { engine.rerecord() }
        deviceMembers.attendance.rerecord()
    }

    // MARK: What is asked

    /// Nothing to ask: the patch bay tells activity by itself.
    func requestActivity() {}

    func askSounding(_ done: @escaping ([Int64: ActiveNotes]) -> Void) {
        guard bay.isOpen else { return done([:]) }
        soundingQuestions += 1
        let number = soundingQuestions
        soundingWaiters[number] = done
        bay.send(.sounding)
        // A patch bay that has ended gives no answer.
        context.loop.after(.seconds(5)) { [weak self] in self?.soundingWaiters.removeValue(forKey: number)?([:]) }
    }

    private func heardSounding(_ ports: [PortID: ActiveNotes]) {
        var all: [Int64: ActiveNotes] = [:]
        for one in members where one.isShown {
            if let sounding = ports[one.id] { all[one.visit.id] = sounding }
        }
        let waiters = soundingWaiters.values
        soundingWaiters = [:]
        for waiter in waiters { waiter(all) }
    }

    func panic(_ room: String?, all: Bool, _ done: @escaping @Sendable (PanicOutcome) -> Void) {
        guard bay.isOpen else { return done(.failed("There is no ALSA sequencer, so nothing can sound.")) }
        bay.send(.panic(room: room) { done(.silenced(hearers: $0.ports, notes: $0.notes)) })
        guard all else { return }
        for one in members where room == nil || one.visit.room == room { bay.send(.notesOff(one.id, 0...127)) }
    }

    // MARK: What is shown

    var wires: Set<Matrix.Pair>? {
        var shown: [PortID: Int64] = [:]
        for one in members where one.isShown { shown[one.id] = one.visit.id }
        return Set(
            kernelWires.compactMap { wire in
                guard let from = shown[wire.from], let to = shown[wire.to] else { return nil }
                return .init(from: from, to: to)
            })
    }

    var carrierProblems: [Snapshot.Problem] {
        let deaf = [
            bay.problem.map { "Nobody is connected with anybody: \($0)" },
            listenerProblem.map { "What players hold when they leave is not released: \($0). MIDI goes on." },
        ].compactMap { $0.map { Snapshot.Problem(what: $0, fix: nil) } }
        // Looked for only while an engine is not ready, since opening the device makes an ALSA client that all others see.
        guard serving.contains(where: { !$0.run.isReady }) else { return deaf }
        let sequencer = Doctor.sequencer()
        return [Doctor.daemon(context.configuration), sequencer].filter { !$0.isWell }
            .map { .init(what: $0.text, fix: $0.fix) } + (sequencer.isWell ? deaf : [])
    }

    /// rtpmidid has no goodbye for one participant.
    func textForKick(by author: Author) -> String {
        "was taken out of the room by \(author); rtpmidid does not tell its computer, which shows it as connected until it is disconnected there"
    }
}

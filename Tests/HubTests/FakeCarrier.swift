import EngineProtocol
import Linux
import Rooms
import Store
import Supervisor

@testable import Hub

/// A carrier without processes and MIDI: it remembers what it is told, and answers as a test wants. Who is on it, and what
/// becomes of its engines' processes, a test tells through the parts that real carriers have.
final class FakeCarrier: Carrier {
    private let context: HubContext
    private(set) var serving: [FakeEngine] = []
    var engines: [any HubEngine] { serving }
    /// The plans that it was given, the first one by `begin`.
    private(set) var plans: [EnginePlan] = []
    private(set) var isStopping = false
    private(set) var isClosed = false
    private(set) var isDown = true
    var whenDown: () -> Void = {}
    /// Why it does not follow a plan.
    var refusal: String?
    var shortcoming: String?
    var refusalToInvite: String?
    private(set) var panics: [String] = []
    var outcome = PanicOutcome.silenced(hearers: 2, notes: 1)
    private(set) var activityRequests = 0
    private(set) var soundingQuestions: [([Int64: ActiveNotes]) -> Void] = []

    var wires: Set<Matrix.Pair>?
    var loops: Set<Int64> = []
    var carrierProblems: [Snapshot.Problem] = []
    var notices: [String] = []
    /// What its engines tell of the other hub, and what was ordered of them.
    var pairs: [PairReport] = []
    private(set) var switches: [String] = []
    var switchFailure: String?
    func switchHubs(because reason: HubRole.Reason?, _ done: @escaping (String?) -> Void) {
        switches.append(reason?.rawValue ?? "order")
        done(switchFailure)
    }
    /// How often it was asked to learn a note, why it does not, and where participants sit, by name.
    private(set) var learnings = 0
    var learningFailure: String?
    func learnNote(_ done: @escaping (String?) -> Void) {
        learnings += 1
        done(learningFailure)
    }
    var seats: [String: Pairing.Seat] = [:]
    func seat(of participant: Int64) -> Pairing.Seat? {
        participants.first { $0.id == participant }.flatMap { seats[$0.name] }
    }
    private(set) var drills: [DrillPlan] = []
    var drillFailure: String?
    func drill(_ plan: DrillPlan, _ done: @escaping (String?) -> Void) {
        drills.append(plan)
        done(drillFailure)
    }
    var calls: [EngineStatus.Call] = []
    let settling: Duration = .zero

    init(_ context: HubContext) { self.context = context }

    func begin(_ plan: EnginePlan) {
        plans.append(plan)
        guard !plan.rooms.isEmpty else { return }
        isDown = false
        serving = [FakeEngine("fake", context)]
        for engine in serving { engine.begin(at: context.removeOffset(of: engine.name)) }
        serve(plan)
    }

    private func serve(_ plan: EnginePlan) { for engine in serving { engine.plan = plan } }

    func apply(_ plan: EnginePlan, _ done: @escaping (String?) -> Void) {
        plans.append(plan)
        serve(plan)
        done(refusal)
    }

    func stop() {
        isStopping = true
        if isDown { whenDown() }
    }

    /// Its processes end.
    func end() {
        isDown = true
        whenDown()
    }

    func close() { isClosed = true }
    func look() {}
    func tick() {}
    func requestActivity() { activityRequests += 1 }

    func askSounding(_ done: @escaping ([Int64: ActiveNotes]) -> Void) { soundingQuestions.append(done) }
    func answerSounding(_ all: [Int64: ActiveNotes]) { soundingQuestions.removeFirst()(all) }

    func panic(_ room: String?, all: Bool, _ done: @escaping @Sendable (PanicOutcome) -> Void) {
        panics.append("\(room ?? "all rooms")\(all ? ", every note" : "")")
        done(outcome)
    }

    func textForKick(by author: Author) -> String { "was shown the door by \(author)" }
}

/// One engine of a `FakeCarrier`. Its process is never started.
final class FakeEngine: HubEngine {
    let name: String
    let process: EngineProcess
    let context: HubContext
    let roomName: String? = nil
    var tail: Tail?
    let unknownLines = 0
    var run = EngineRun()
    let readiness: (timeout: Duration, problem: String) = (.seconds(600), "it did not answer")
    let shownVersion: String? = "1.0"
    var whenDown: () -> Void = {}
    var plan = EnginePlan(rooms: [])
    let attendance: Attendance<Int, Attendee>
    /// What it was told of its participants, and what it replies; nil where it has done it.
    private(set) var commands: [String] = []
    var failure: CommandReply?
    private(set) var rerecordings = 0
    private var count = 0

    init(_ name: String, _ context: HubContext) {
        (self.name, self.context) = (name, context)
        process = .embedded(name, state: context.state, loop: context.loop)
        attendance = Attendance(name, context)
        process.report = { [unowned self] in receive($0) }
    }

    func begin(at offset: TailOffset?) {
        attendance.takeOver()
        run.isReady = true
    }
    func hasStarted() {}
    func wasAdopted() {}
    func hasEnded(expected: Bool) { attendance.everyoneHasLeft(because: "the engine ended") }
    func tick() {}
    func hangs(for seconds: Int) { endHung(for: seconds) }
    func consume(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int { bytes.count }

    func rerecord() {
        rerecordings += 1
        attendance.rerecord()
    }

    /// Somebody joins, or is found on a visit that the hub before this one left open.
    @discardableResult
    func join(_ name: String, room: String? = nil, address: String? = nil) -> Attendee {
        let place = plan.ports.first { room == nil || $0.room.name == room } ?? plan.ports[0]
        count += 1
        if let visit = attendance.removeOpenVisit(where: { $0.name == name }) {
            let one = Attendee(visit)
            attendance.resumed(one)
            attendance.add(one, as: count)
            return one
        }
        let one = Attendee(
            Visit(
                id: context.makeVisitID(), room: place.room.name, engine: self.name, port: place.port, name: name,
                address: address, joined: TimeRange(.now)))
        attendance.joined(one)
        attendance.add(one, as: count)
        return one
    }

    func leave(_ one: Attendee, _ end: VisitEnd) {
        if let id = attendance.present.first(where: { $0.value === one })?.key { attendance.remove(id) }
        attendance.ended(one, end)
    }

    func perform(
        _ command: MemberCommand, on participant: Int64, _ done: @escaping (CommandReply?) -> Void
    ) -> Bool {
        guard attendance.all.contains(where: { $0.visit.id == participant }) else { return false }
        commands.append("\(command) \(participant)")
        done(failure)
        return true
    }

    var views: [Snapshot.Engine] {
        plan.ports.map { port, room, _ in
            var view = self.view(port, room: room.name)
            if run.isReady { view.state = .up }
            return view
        }
    }
    /// Of participants whom the room has invited: their names.
    var invited: Set<String> = []

    var participants: [Snapshot.Participant] {
        attendance.all.map { one in
            var view = one.commonView(.both)
            view.invited = invited.contains(view.name) ? true : nil
            return view
        }
    }
}

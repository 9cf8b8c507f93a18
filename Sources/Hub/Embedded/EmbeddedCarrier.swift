import EngineProtocol
import Linux
import Rooms
import Store

/// The embedded engines of a hub, over which its rooms are spread. A room stays on its engine for as long as both are
/// there, so that no change of the others moves its players.
final class EmbeddedCarrier: Carrier {
    private let context: HubContext
    /// How many processes there are to be, of which each needs a room.
    private let processes: Int
    private var serving: [EmbeddedEngine] = []
    var embedded: [EmbeddedEngine] { serving }
    /// Those that are not wanted any more, until they have ended.
    private var draining: [EmbeddedEngine] = []
    var whenDown: () -> Void = {}

    let wires: Set<Matrix.Pair>? = nil
    let carrierProblems: [Snapshot.Problem] = []
    let settling: Duration = .zero
    var engines: [any HubEngine] { serving }

    init(_ context: HubContext, processes: Int) { (self.context, self.processes) = (context, processes) }

    var isDown: Bool { (serving + draining).allSatisfy(\.isDown) }

    func begin(_ plan: EnginePlan) {
        let names = (0..<max(1, min(processes, plan.rooms.count))).map(EmbeddedEngine.name)
        for name in plan.rooms.isEmpty ? [] : names { serving.append(engine(name)) }
        let shares = shares(of: plan, remembered: Self.written(serving.map(\.name), context.state))
        // Left by an earlier hub that had more processes.
        for name in context.state.plannedEngines where !serving.contains(where: { $0.name == name }) {
            let engine = engine(name)
            guard engine.process.adopt() else { continue }
            engine.attendance.takeOver()
            draining.append(engine)
            engine.stop()
        }
        for (engine, share) in zip(serving, shares) {
            engine.plan = share
            engine.begin(at: context.removeOffset(of: engine.name))
        }
    }

    private func engine(_ name: String) -> EmbeddedEngine {
        let engine = EmbeddedEngine(name, context: context)
        engine.whenDown = { [unowned self] in
            draining.removeAll(where: \.isDown)
            if isDown { whenDown() }
        }
        return engine
    }

    func apply(_ plan: EnginePlan, _ done: @escaping (String?) -> Void) {
        let fresh = shares(of: plan, remembered: serving.map(\.plan))
        var waiting = fresh.count
        var failure: String?
        // A port may move from one engine to another: the engine that gets it tries every second until it is free.
        for (engine, share) in zip(serving, fresh) {
            engine.apply(share) { trouble in
                failure = failure ?? trouble
                waiting -= 1
                if waiting == 0 { done(failure) }
            }
        }
        if fresh.isEmpty { done(nil) }
    }

    func stop() {
        for engine in serving { engine.stop() }
        if isDown { whenDown() }
    }

    func close() {}
    func look() {
        for engine in serving {
            engine.look()
            engine.watchPair()
        }
    }
    func tick() { for engine in serving { engine.tick() } }
    func requestActivity() { for engine in serving { engine.requestActivity() } }

    func askSounding(_ done: @escaping ([Int64: ActiveNotes]) -> Void) {
        var (all, waiting): ([Int64: ActiveNotes], Int) = ([:], serving.count)
        for engine in serving {
            engine.askSounding { some in
                all.merge(some) { _, new in new }
                waiting -= 1
                if waiting == 0 { done(all) }
            }
        }
        if serving.isEmpty { done([:]) }
    }

    func panic(_ room: String?, all: Bool, _ done: @escaping @Sendable (PanicOutcome) -> Void) {
        let asked = serving.filter { engine in
            room == nil || engine.plan.rooms.contains { $0.name == room }
        }
        var request = EngineControl.Request(.panic, room: room)
        request.all = all
        var (hearers, notes, waiting, isSilent) = (0, 0, asked.count, false)
        for engine in asked {
            engine.ask(request) { reply in
                if let some = reply?.hearers, let ended = reply?.notes {
                    (hearers, notes) = (hearers + some, notes + ended)
                } else {
                    isSilent = true
                }
                waiting -= 1
                guard waiting == 0 else { return }
                done(isSilent ? .failed("The engine does not answer.") : .silenced(hearers: hearers, notes: notes))
            }
        }
        if asked.isEmpty { done(.silenced(hearers: 0, notes: 0)) }
    }

    var loops: Set<Int64> { serving.reduce(into: []) { $0.formUnion($1.loops) } }
    var calls: [EngineStatus.Call] { serving.flatMap(\.shownCalls) }
    var notices: [String] { serving.flatMap(\.notices) }
    var devices: [EngineStatus.Device] { serving.flatMap(\.devices) }
    func textForKick(by author: Author) -> String { "was told to go by \(author)" }
    var shortcoming: String? { serving.lazy.flatMap(\.limits).first }

    // MARK: Which engine has which room

    /// What each engine is to serve. A room, known by its ports, stays where `remembered` has it; another goes to the engine
    /// with the fewest rooms.
    private func shares(of plan: EnginePlan, remembered: [EnginePlan]) -> [EnginePlan] {
        var none = plan
        none.rooms = []
        var shares = Array(repeating: none, count: serving.count)
        var rest: [RoomPlan] = []
        for room in plan.rooms {
            let known = remembered.firstIndex { earlier in
                earlier.rooms.contains { !Set($0.ports).isDisjoint(with: room.ports) }
            }
            if let known { shares[known].rooms.append(room) } else { rest.append(room) }
        }
        for room in rest {
            let least = shares.indices.min { shares[$0].rooms.count < shares[$1].rooms.count }
            if let least { shares[least].rooms.append(room) }
        }
        for index in shares.indices {
            let own = Set(shares[index].ports.map(\.port))
            let others = plan.ports.map(\.port).filter { !own.contains($0) }
            shares[index].portsElsewhere = others.isEmpty ? nil : others
        }
        return shares
    }

    /// The plans that the engines of an earlier hub were given.
    private static func written(_ names: [String], _ state: StateDirectory) -> [EnginePlan] {
        names.map { EmbeddedEngine.writtenPlan(of: $0, in: state) ?? EnginePlan(rooms: []) }
    }
}

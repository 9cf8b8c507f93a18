import EngineProtocol
import Rooms

/// Whatever carries a hub's MIDI: the embedded engines, or rtpmidids with the patch bay between them. Lives on the hub's
/// loop, and tells what happens through the context. The hub does not ask which it is.
protocol Carrier: AnyObject {
    /// Its processes, each of which the hub shows and can restart.
    var engines: [any HubEngine] { get }
    /// Every process has ended, also those that are no longer wanted.
    var isDown: Bool { get }
    /// Called whenever `isDown` becomes true.
    var whenDown: () -> Void { get set }

    /// Adopts what runs and starts what does not; what runs and is not wanted is ended. With no rooms, it only ends.
    func begin(_ plan: EnginePlan)
    /// Follows another plan. `done` gets the reason where that is not done yet, else nil.
    func apply(_ plan: EnginePlan, _ done: @escaping (String?) -> Void)
    /// Says goodbye to everyone and ends the processes.
    func stop()
    /// The hub ends: the processes go on, or have ended.
    func close()

    /// The store works again after a failure, or is a new file: it gets all visits that have not ended.
    func rerecord()

    /// Every second, and every five.
    func look()
    func tick()

    /// Asks who has played, which is told through the context.
    func requestActivity()
    /// Asks what participants hold and have set. `done` is called once, with those who hold or have set something, by the
    /// numbers of their visits.
    func askSounding(_ done: @escaping ([Int64: ActiveNotes]) -> Void)
    /// False where there is no such participant, or that cannot be done for anybody; else as `HubEngine.perform`.
    func perform(
        _ command: MemberCommand, on participant: Int64, _ done: @escaping (CommandReply?) -> Void
    ) -> Bool
    /// Silences a room, nil all rooms; `all`: also notes that are not known to sound.
    func panic(_ room: String?, all: Bool, _ done: @escaping @Sendable (PanicOutcome) -> Void)

    var participants: [Snapshot.Participant] { get }
    /// The wires that exist; nil where they are always those that the rooms want.
    var wires: Set<Matrix.Pair>? { get }
    /// The visits of participants who are muted because they send back what they hear.
    var loops: Set<Int64> { get }
    /// What is missing on this machine. Told once, not for each process.
    var carrierProblems: [Snapshot.Problem] { get }
    /// How it is with those whom the rooms invite, as far as it is known.
    var calls: [EngineStatus.Call] { get }
    /// What somebody should look at though all is well.
    var notices: [String] { get }
    /// Devices of this machine that are wanted in a room, and are or were there.
    var devices: [EngineStatus.Device] { get }
    /// How it is with the other hub of a pair, for each engine that tells.
    var pairs: [PairReport] { get }
    /// Of two hubs the one that does not speak is to. `reason`: nil is a person's order. `done` gets why not, nil where it is
    /// on its way.
    func switchHubs(because reason: HubRole.Reason?, _ done: @escaping (String?) -> Void)
    /// The next note that is played is to be such an order; it is told through the context. `done` as above.
    func learnNote(_ done: @escaping (String?) -> Void)
    /// What a participant is known by at the other hub, too: by the number of its visit; nil where it is not there.
    func seat(of participant: Int64) -> Pairing.Seat?
    /// A drill of two hubs begins. `done` gets why not, nil where it has begun.
    func drill(_ plan: DrillPlan, _ done: @escaping (String?) -> Void)
    /// What its processes cannot do of what is configured, being of another version; nil where there is nothing.
    var shortcoming: String? { get }
    /// Why it can invite nobody, being of an older version, in words; nil where it can.
    var refusalToInvite: String? { get }
    /// How long after the beginning of a session its wires are made.
    var settling: Duration { get }
    /// What happened to a participant whom `author` kicked, in words that follow its name.
    func textForKick(by author: Author) -> String
}

/// What a panic has silenced.
enum PanicOutcome: Sendable {
    case silenced(hearers: Int, notes: Int)
    case failed(String)
}

extension Carrier {
    var shortcoming: String? { nil }
    var refusalToInvite: String? { nil }
    var pairs: [PairReport] { [] }
    func switchHubs(because reason: HubRole.Reason?, _ done: @escaping (String?) -> Void) {
        done(ConfigurationFailover.notOnRtpmidid)
    }
    func learnNote(_ done: @escaping (String?) -> Void) { done(ConfigurationFailover.notOnRtpmidid) }
    func seat(of participant: Int64) -> Pairing.Seat? { nil }
    func drill(_ plan: DrillPlan, _ done: @escaping (String?) -> Void) { done(ConfigurationFailover.notOnRtpmidid) }
    var participants: [Snapshot.Participant] { engines.flatMap(\.participants) }
    var devices: [EngineStatus.Device] { [] }

    func perform(
        _ command: MemberCommand, on participant: Int64, _ done: @escaping (CommandReply?) -> Void
    ) -> Bool {
        engines.contains { $0.perform(command, on: participant, done) }
    }

    func rerecord() { for engine in engines { engine.rerecord() } }
}

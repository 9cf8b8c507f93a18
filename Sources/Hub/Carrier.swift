import EngineProtocol
import Rooms

/// Whatever carries a hub's MIDI: the embedded engines, or rtpmidids with the patch bay between them. Lives on the hub's
/// loop, and tells what happens through the context. The hub does not ask which it is.
protocol Carrier: AnyObject {
    /// Its processes, each of which the hub shows and can restart.
    var engines: [any HubEngine] { get }
    /// Every process has ended, also those that are no longer wanted.
    var isDown: Bool { get }
    /// Called whenever that has become so.
    var whenDown: () -> Void { get set }

    /// Adopts what runs and starts what does not; what runs and is not wanted is ended. With no rooms, it only ends.
    func begin(_ plan: EnginePlan)
    /// Another plan. `done` gets why it is not followed yet, nil where it is.
    func apply(_ plan: EnginePlan, _ done: @escaping (String?) -> Void)
    /// Says goodbye to everyone and ends the processes.
    func stop()
    /// The hub ends: the processes go on, or have ended.
    func close()

    /// Every second, and every five.
    func look()
    func tick()

    /// Asks who has played, which is told through the context.
    func requestActivity()
    /// What participants hold and have set, by the numbers of their visits; of those who do. `done` is called once.
    func askSounding(_ done: @escaping ([Int64: ActiveNotes]) -> Void)
    /// Silences a room, nil all rooms; `all`: also notes that are not known to sound.
    func panic(_ room: String?, all: Bool, _ done: @escaping @Sendable (PanicOutcome) -> Void)

    /// The wires that there are; nil where they are always as the rooms want them.
    var wires: Set<Matrix.Pair>? { get }
    /// Who is cut for sending back what it hears.
    var loops: Set<Int64> { get }
    /// What is missing on this machine, said once for all its processes.
    var carrierProblems: [Snapshot.Problem] { get }
    /// What somebody should look at though all is well.
    var notices: [String] { get }
    /// How long it takes from a session to its wires.
    var settling: Duration { get }
    /// What becomes of a participant who is kicked, after its name; `author` is who did it.
    func textForKick(by author: Author) -> String
}

/// What a panic has silenced.
enum PanicOutcome: Sendable {
    case silenced(hearers: Int, notes: Int)
    case failed(String)
}

extension Carrier {
    var participants: [Snapshot.Participant] { engines.flatMap(\.participants) }
}

import Store
import Supervisor

/// One engine as the hub looks after it: a process, its log, and who is on it. Lives on the hub's loop.
protocol HubEngine: AnyObject {
    /// As in `engines/NAME.log`.
    var name: String { get }
    var process: EngineProcess { get }
    /// All its processes have ended.
    var isDown: Bool { get }
    var whenDown: () -> Void { get set }
    /// The log is open: its changes are to be told to `readLog`.
    var logWatched: () -> Void { get set }

    /// Adopts the running process, or starts one. `offset` is how far the log was read according to the store.
    func begin(at offset: TailOffset?)
    func stop()
    func restart(by author: String)
    /// Every few seconds.
    func tick()
    func readLog()
    /// The store works again: what is still true is said to it anew.
    func rerecord()

    /// Sends a participant away, or note-offs to it. False where it has none of that id; else `done` gets why it could
    /// not be done, nil where it was.
    func kick(_ participant: Int64, _ done: @escaping (String?) -> Void) -> Bool
    func notesOff(_ participant: Int64, _ notes: ClosedRange<UInt8>, _ done: @escaping (String?) -> Void) -> Bool

    /// A line for each port that it serves.
    var views: [Snapshot.Engine] { get }
    var participants: [Snapshot.Participant] { get }
}

extension HubEngine {
    var isDown: Bool { process.service.state == .idle }
    func stop() { process.stop() }
}

import EngineProtocol
import Linux
import Store
import Supervisor

/// One engine as the hub looks after it: a process, its log, and who is on it. Lives on the hub's loop.
protocol HubEngine: AnyObject {
    /// As in `engines/NAME.log`.
    var name: String { get }
    var process: EngineProcess { get }
    var context: HubContext { get }
    /// The room that events about its process are recorded with; nil where it may serve several.
    var roomName: String? { get }
    /// Its log, while it is followed.
    var tail: Tail? { get set }
    /// Lines of it that nobody could read.
    var unknownLines: Int { get }
    /// How its process is.
    var run: EngineRun { get set }
    /// How long its process may take to serve, and what is said of one that does not.
    var readiness: (timeout: Duration, problem: String) { get }
    /// Of its program, as people see it.
    var shownVersion: String? { get }
    /// All its processes have ended.
    var isDown: Bool { get }
    var whenDown: () -> Void { get set }
    /// Adopts the running process, or starts one. `offset` is how far the log was read according to the store.
    func begin(at offset: TailOffset?)
    /// What an engine does beyond what `receive` does, when its process was started or adopted or has ended. `expected`: it
    /// was told to end.
    func hasStarted()
    func wasAdopted()
    func hasEnded(expected: Bool)
    func stop()
    func restart(by author: Author)
    /// Every few seconds.
    func tick()
    /// It has given no sign of life for so long.
    func hangs(for seconds: Int)
    /// Takes a chunk of the log that begins at `offset`. Returns how many of its bytes need not be read again.
    func consume(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int
    /// The log has been opened, where its tail stands now.
    func logOpened(_ tail: Tail)
    /// The store works again after a failure, or is a new file: it gets all visits that have not ended.
    func rerecord()

    /// False where it has no such participant, or cannot do that for anybody; else `done` gets what is to be replied
    /// where it could not be done, nil where it was.
    func perform(
        _ command: MemberCommand, on participant: Int64, _ done: @escaping (CommandReply?) -> Void
    ) -> Bool

    /// What is done with it when the hub is unlocked, in words; nil where there is nothing.
    var putOff: String? { get }
    /// A line for each port that it serves.
    var views: [Snapshot.Engine] { get }
    var participants: [Snapshot.Participant] { get }
}

extension HubEngine {
    var isDown: Bool { process.service.state == .idle }
    func stop() { process.stop() }
    var putOff: String? { nil }

    func restart(by author: Author) {
        context.note(
            .restart, room: roomName, engine: name, address: author.address, "\(name) is restarted by \(author)")
        process.stop()
        process.start()
    }

    // MARK: Its log

    func logOpened(_ tail: Tail) {}

    /// Follows the log, from where the store says it stopped. A log that somebody has moved away is followed no more: what
    /// is started next writes to a new one.
    func openTail(at offset: TailOffset?) {
        if let tail, tail.isInPlace { return }
        do throws(Errno) {
            try context.state.placeLog(name)
            let position = offset.map { Tail.Position(device: $0.device, inode: $0.inode, offset: $0.offset) }
            let opened = try Tail(context.state.log(name), from: position) { [unowned self] in consume($0, at: $1) }
            tail = opened
            logOpened(opened)
            try context.logs.watch(context.state.log(name)) { [weak self] in self?.readLog() }
        } catch { noteLogProblem("followed", error) }
    }

    func recordOffset() {
        guard let position = tail?.position else { return }
        context.recorder.add(
            .offset(TailOffset(log: name, device: position.device, inode: position.inode, offset: position.offset)))
    }

    /// Reads on, one committed chunk after the other, until the end.
    func readLog() {
        guard let tail, !tail.awaitsCommit else { return }
        do throws(Errno) {
            guard try tail.read() else { return }
        } catch { return noteLogProblem("read", error) }
        recordOffset()
        context.recorder.whenDone { [weak self, weak tail] in
            tail?.committed()
            self?.context.changed()
            self?.readLog()
        }
    }

    private func noteLogProblem(_ what: String, _ error: Errno) {
        context.note(
            .logTrouble, severity: .error, room: roomName, engine: name,
            "The log of \(name) cannot be \(what): \(error)")
    }
}

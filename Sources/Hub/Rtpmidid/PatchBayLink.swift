import Linux
import PatchBay

/// The hub's end of the patch bay, which exists once there is a sequencer. Lives on the hub's loop.
final class PatchBayLink {
    private let loop: EventLoop
    private let table: String
    private var bay: PatchBayThread?
    /// Why there is none.
    private(set) var problem: String?
    private let mailbox: Mailbox<PatchBayEvent>
    /// What it tells.
    var news: (PatchBayEvent) -> Void = { _ in }
    /// An engine has come, gone or changed its process: the patch bay must know.
    var enginesChanged: () -> Void = {}
    /// Those who wait for releases, by number; each is called once.
    private var waiting: [Int: () -> Void] = [:]
    private var count = 0
    /// The numbers of those who have waited long enough, from the patch bay's thread.
    private let released: Mailbox<Int>

    /// Longer than a full room's releases take, and shorter than a goodbye may.
    private static let releaseTimeout: Duration = .seconds(1)

    init(_ loop: EventLoop, table: String) throws(Errno) {
        (self.loop, self.table) = (loop, table)
        (mailbox, released) = (try Mailbox(), try Mailbox())
        try loop.receive(mailbox) { [unowned self] in news($0) }
        try loop.receive(released) { [unowned self] in waiting.removeValue(forKey: $0)?() }
    }

    var isOpen: Bool { bay != nil }

    /// True where it has been opened just now.
    func open() -> Bool {
        guard bay == nil else { return false }
        do throws(PatchBayError) {
            // The very program that runs here, also where another has been installed since.
            let listener = ChildProgram(
                path: "/proc/self/exe", arguments: ["listener"], environment: Programs.ownEnvironment, output: nil)
            bay = try PatchBayThread(table: table, listener: listener, news: mailbox)
            problem = nil
            return true
        } catch {
            problem = error.description
            return false
        }
    }

    func send(_ command: PatchBayCommand) { bay?.send(command) }

    /// What somebody has ordered about a participant: `done` gets why it is not done.
    func order(_ command: PatchBayCommand, _ done: (CommandReply?) -> Void) {
        send(command)
        done(isOpen ? nil : .unavailable("There is no ALSA sequencer."))
    }

    /// Calls back when it has released what was to be released, or takes too long for it.
    func afterReleases(_ done: @escaping () -> Void) {
        guard let bay else { return done() }
        count += 1
        let number = count
        waiting[number] = done
        bay.send(.afterReleases { [released] in released.send(number) })
        loop.after(Self.releaseTimeout) { [weak self] in self?.waiting.removeValue(forKey: number)?() }
    }

    /// Ends the patch bay's thread. The wires stay.
    func close() { bay?.stop() }
}

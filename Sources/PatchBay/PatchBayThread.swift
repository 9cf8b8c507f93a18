//  Module PatchBay: participants' ALSA ports joined as their rooms want. Start here, then `PatchBayCommand.swift`, `PatchBayEvent.swift`,
//  `PatchBayLoop.swift`.
//
// What it is: a thread that hears ports come and go, makes subscriptions between them, and knows what each participant
// holds, so that nothing stays stuck. Who hears whom is decided in Rooms. What it refuses to be: in the path of MIDI
// (the kernel carries that), or interested in names except where they give a direction. What participants play is heard
// by a process of its own, `ListenerProgram.swift`. Ruled by PatchBay.docc and Sequencer.docc.

package import Linux
import Synchronization

/// The patch bay: a thread that keeps the wires between participants' ports as their rooms want them.
///
/// It is told what to do by `send`, and tells what it sees through the mailbox given to it. Its death, however sudden,
/// leaves the wires in place; the next one with the same table file goes on where it ended.
package final class PatchBayThread: Sendable {
    private let commands: Mailbox<PatchBayCommand>
    private let thread: Mutex<WorkerThread?>

    /// Opens the sequencer and the table of held notes (a file, made where there is none; its directory must exist)
    /// and starts the thread. Throws in words where there is no sequencer. A table file that cannot be had is no
    /// error: `PatchBayEvent.problem` says so, and the table is kept in memory. `listener`: the program that runs `ListenerProgram`;
    /// one that cannot be started is no error either: `PatchBayEvent.listening` says so.
    package init(
        table: String, listener: ChildProgram, news: Mailbox<PatchBayEvent>, tuning: Tuning = Tuning()
    ) throws(PatchBayError) {
        let patcher = try PatchBayLoop(table: table, listener: listener, news: news, tuning: tuning)
        do {
            let commands = try Mailbox<PatchBayCommand>()
            self.commands = commands
            thread = Mutex(try WorkerThread("patchbay") { patcher.run(commands) })
        } catch {
            throw PatchBayError(description: "the patch bay cannot start: \(error)")
        }
    }

    deinit { stop() }

    package func send(_ command: PatchBayCommand) { commands.send(command) }

    /// Ends the thread and waits for that. Wires stay.
    package func stop() {
        commands.send(.stop)
        thread.withLock { $0.take() }?.join()
    }
}

/// The patch bay cannot start, in words with the fix.
package struct PatchBayError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
}

/// Times and amounts, changed by tests only.
package struct Tuning: Sendable {
    /// Between two comparisons of what is with what should be.
    package var reconcile: Duration = .seconds(5)
    /// How long a port with the name of another waits for its mark.
    package var twinTimeout: Duration = .seconds(2)
    /// Subscriptions made or removed in one turn of the loop.
    package var wiresPerTurn = 50
    /// Events that may wait unread at the announce client, and at the tap (the kernel's limit is 2000).
    package var announcePool = 2000
    package var tapPool = 2000
    /// How long the listener may be silent, which speaks several times meanwhile, before it is replaced: less than it takes
    /// a thousand events a second to fill the tap's pool.
    package var listenerTimeout = ListenerProgram.beat * 3
    /// How long it may take to begin; meanwhile the tap is read here.
    package var listenerStart: Duration = .seconds(10)
    /// How long to wait for what was sent to the listener before.
    package var markTimeout: Duration = .milliseconds(100)
    package init() {}
}

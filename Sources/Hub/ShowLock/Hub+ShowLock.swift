import EngineProtocol
import Linux
import Rooms
import Store

/// What becomes of an order while the hub is locked for a show.
enum LockRule: Equatable {
    case obeyed
    /// But when it is forced. What it is, in words that follow "and".
    case refused(String)
}

/// The show lock. What the players do goes on as ever: coming and going, who touches first and so gets the focus, the second
/// of two controllers when the first is gone. So does what the hub does to keep it going, as replacing an engine that hangs.
/// A signal is no order: who may send one to the hub may end it in any case, and a machine that shuts down is not refused;
/// only SIGHUP, which is a reload, is. `midihub restart` asks for the lock itself.
extension Hub {
    /// The rule for every order there is. Obeyed is what cannot change a room, or only makes sound end.
    func lockRule(of command: Command) -> LockRule {
        switch command {
        // They end what sounds.
        case .panic, .member(_, .release), .member(_, .notesOff), .leavePiano: .obeyed
        // A show is what the other hub is there for, and it asks for the health of both itself.
        case .failover(.switch, _), .failover(.unmute, _): .obeyed
        case .failover(.mute, _): .refused("keeping this hub silent")
        case .failover(.learn, _): .refused("another note as an order")
        case .pair, .unpair: .refused("another pair of sessions")
        case .drill: .refused("a drill")
        // They are about the lock, or reach nobody in a room.
        case .lock, .unlock, .putOffRestart, .testAlert: .obeyed
        // Who plays already goes on; any other piano is one more who plays.
        case .piano(let key, _): pianos[key] == nil ? .refused("another piano") : .obeyed
        case .reload: .refused("reading the configuration again")
        case .restart: .refused("another process for an engine")
        case .stop: .refused("the hub's end")
        case .member(_, .kick): .refused("sending somebody away")
        // Whoever looped would be heard again, and perhaps loop again.
        case .member(_, .unmute): .refused("letting somebody be heard again")
        case .block(_, _, let isBlocked): .refused(isBlocked ? "a block" : "lifting a block")
        case .echo: .refused("an echo")
        case .endEcho: .refused("the echo's end")
        // Handing them over is part of many a show, but an order takes them away from somebody who plays.
        case .focus: .refused("another focus")
        case .choose: .refused("another controller")
        case .connect, .letIn: .refused("inviting a peer")
        case .disconnect: .refused("no longer inviting a peer")
        }
    }

    /// True where it has been refused. What is forced is on record.
    func refusedByLock(_ command: Command, by author: Author, _ reply: (CommandReply) -> Void) -> Bool {
        guard let lock = context.showLock, case .refused(let what) = lockRule(of: command) else { return false }
        guard author.insists else {
            reply(.locked(lock.refusal(of: what)))
            return true
        }
        context.note(
            .forced, severity: .warning, room: command.room, address: author.address,
            "Forced by \(author), though the hub is locked \(lock.text): \(what)")
        return false
    }

    func lock(by name: String?, _ author: Author, _ reply: Reply) {
        if let name, !ShowLock.isName(name) {
            return reply(.invalid("by is a name of 1 to \(ShowLock.longestName) characters."))
        }
        if let lock = context.showLock { return reply(.done("The hub is locked \(lock.text): it was so before.")) }
        let lock = ShowLock(by: name ?? author.description)
        do throws(Errno) { try lock.write(to: context.state) } catch {
            return reply(.unavailable("The lock cannot be kept: \(error)."))
        }
        context.showLock = lock
        context.note(.locked, address: author.address, "The hub is locked by \(lock.by)")
        publish()
        reply(
            .done("The hub is locked: nothing that could change a room is obeyed, unless forced, until it is unlocked.")
        )
    }

    /// What was put off begins.
    func unlock(_ author: Author, _ reply: Reply) {
        guard let lock = context.showLock else { return reply(.done("The hub is not locked.")) }
        File.remove(context.state.showLock)
        guard !File.exists(context.state.showLock) else {
            return reply(.unavailable("\(context.state.showLock) cannot be removed: the hub stays locked."))
        }
        context.showLock = nil
        context.note(
            .unlocked, address: author.address, "The hub is unlocked by \(author); it was locked \(lock.text)")
        publish()
        guard lock.outdated == Version.text else { return reply(.done("The hub is unlocked.")) }
        reply(.done("The hub is unlocked. It gives way to the version that was installed meanwhile."))
        do throws(Errno) { watchRestart(try restartProgram(context.state)) } catch {
            noteFailedRestart("\(error)")
        }
    }

    /// A new version was installed.
    func putOffRestart(_ author: Author, _ reply: Reply) {
        guard var lock = context.showLock else {
            return reply(.conflict("The hub is not locked: there is nothing to be put off."))
        }
        if lock.outdated != Version.text {
            lock.outdated = Version.text
            do throws(Errno) { try lock.write(to: context.state) } catch {
                return reply(.unavailable("It cannot be kept: \(error)."))
            }
            context.showLock = lock
            context.note(
                .putOff, address: author.address,
                "A restart of the hub is put off until it is unlocked, by \(author): it is locked \(lock.text)")
            publish()
        }
        reply(.done("The hub is locked \(lock.text), and restarts when it is unlocked."))
    }

    /// As it is shown.
    var lockView: Snapshot.Lock? {
        context.showLock.map { lock in
            let restart = lock.outdated == Version.text ? ["the hub gives way to the version that was installed"] : []
            return Snapshot.Lock(
                since: lock.since, by: lock.by, putOff: restart + carrier.engines.compactMap(\.putOff))
        }
    }

    // MARK: Restarting

    /// `midihub restart` of the program that lies there now, as a person would say it. Its pid.
    static func restart(_ state: StateDirectory) throws(Errno) -> Int32 {
        try ChildProgram(
            path: Executable.path, arguments: ["restart", "--state", state.path], environment: Programs.ownEnvironment,
            output: state.hubLog
        ).spawn()
    }

    /// Where it does its work, it is the end of this hub.
    private func watchRestart(_ pid: Int32) {
        context.loop.after(.seconds(1)) { [unowned self] in
            switch ChildProgram.reap(pid) {
            case nil: watchRestart(pid)
            case .code(0): break
            case .some(let exit): noteFailedRestart("\(exit), see \(context.state.hubLog)")
            }
        }
    }

    private func noteFailedRestart(_ reason: String) {
        context.note(
            .restart, severity: .error,
            "The restart that was put off has failed (\(reason)): `midihub restart` tries it again")
    }
}

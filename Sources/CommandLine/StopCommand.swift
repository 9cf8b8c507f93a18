import Glibc
import Hub
import Linux
import Supervisor

/// `midihub stop`: goodbye to the players, then hub and engines end.
enum StopCommand {
    private static let timeout: Duration = .seconds(40)

    static func run(_ options: Options) -> ExitCode {
        let state = options.stateDirectory
        guard File.exists(state.path) else { return .well }
        if LockCommands.refuse("the hub's end", state, options) { return .no }
        do {
            try state.becomeOwner()
            do throws(Errno) {
                try File.replace(state.stopped, with: [])
            } catch { Output.complain("\(error): the hub ends all the same, but cron may start it again") }
            return try stop(state)
        } catch {
            Output.complain("\(error)")
            return .unavailable
        }
    }

    private static func stop(_ state: StateDirectory) throws -> ExitCode {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        var isAsked = false
        // Which hub was asked: one that is started meanwhile is another.
        var asked: ProcessIdentity?
        while ContinuousClock.now < deadline {
            let holder = HubLock.holder(state)
            if !FileLock.isHeld(state.lock) {
                if let code = try endLeftovers(state) { return code }
            } else if !isAsked || holder != nil && asked != nil && holder != asked {
                // Another hub has been started meanwhile. One started by cron has to end, too; one started by a person, who
                // has thereby removed the mark, stays.
                if isAsked, !File.exists(state.stopped) { return .well }
                isAsked = ask(state, holder)
                asked = holder
            }
            usleep(20_000)  // the end of another process that is not our child
        }
        guard let asked, asked == HubLock.holder(state) else {
            Output.complain(HubLock.whyNoAnswer(state))
            return .unavailable
        }
        Output.complain("the hub, pid \(asked.pid), did not end within \(timeout) and is killed")
        ProcessDescriptor(asked)?.send(SIGKILL)
        while ContinuousClock.now < deadline.advanced(by: .seconds(5)) {
            if !asked.isRunning, let code = try endLeftovers(state) { return code }
            usleep(20_000)
        }
        return .unavailable
    }

    /// False where there was no hub to ask.
    private static func ask(_ state: StateDirectory, _ holder: ProcessIdentity?) -> Bool {
        // Whether a lock is passed over was decided before.
        let client = HubClient(state, forces: ShowLock.load(state) != nil)
        if client.post("/api/v1/stop", within: .seconds(5))?.status == 202 { return true }
        // A hub that holds the lock and does not answer is starting, ending or hanging.
        guard let hub = holder.flatMap({ ProcessDescriptor($0) }) else { return false }
        hub.send(SIGTERM)
        hub.send(SIGCONT)
        return true
    }

    /// With the lock ours there is no hub, and engines that one left behind are ended from here. nil where a hub has it.
    private static func endLeftovers(_ state: StateDirectory) throws -> ExitCode? {
        do throws(Errno) {
            guard let lock = try FileLock(state.lock) else { return nil }
            let code = try OrphanedEngines.end(state)
            _ = consume lock
            return code
        } catch {
            // Where the directory cannot be written no hub can start, so the engines can be ended without the lock.
            guard error.code == EROFS else { throw error }
            return try OrphanedEngines.end(state)
        }
    }
}

/// Engines without a hub: it was killed, or left on SIGUSR2.
enum OrphanedEngines {
    /// Says goodbye and ends them, as the hub would have. No hub may begin meanwhile.
    static func end(_ state: StateDirectory) throws(Errno) -> ExitCode {
        let loop = try EventLoop()
        var left: [EngineProcess] = []
        for name in state.knownEngines where name.hasPrefix("rtpmidid-") {
            let engine = EngineProcess.rtpmidid(name, state: state, loop: loop)
            if engine.adopt() { left.append(engine) }
        }
        let embedded = state.plannedEngines.map { EngineProcess.embedded($0, state: state, loop: loop) }
        let avahi = Announcer.leftBehind(state, loop) + [NetworkWatch.process(state, loop)]
        left += (embedded + avahi).filter { $0.adopt() }
        // Nothing runs any more, so the next start chooses the engine anew.
        File.remove(state.choice)
        var running = left.count
        for engine in left {
            engine.whenDown = {
                running -= 1
                if running == 0 { loop.stop() }
            }
            engine.stop()
        }
        if running > 0 { try loop.run() }
        return .well
    }
}

import Glibc
import Hub
import Linux

/// `midihub restart`: the hub anew, as after an upgrade, under engines that go on.
enum RestartCommand {
    private static let timeout: Duration = .seconds(60)

    static func run(_ options: Options) -> ExitCode {
        let state = options.stateDirectory
        if options.atUnlock { return LockCommands.restartAtUnlock(state) }
        if LockCommands.refuse("another hub", state, options) { return .no }
        guard let old = HubLock.holder(state), let hub = ProcessDescriptor(old) else { return Output.notRunning(state) }
        let (isSystemds, program) = (Systemd.isHub(old.pid), program(like: old.pid, state))
        do throws(Errno) {
            try state.becomeOwner()
            if let refusal = refusal(program, state) {
                Output.complain("\(refusal); the hub goes on as it is")
                return .unavailable
            }
            let wasStopped = File.exists(state.stopped)
            hub.send(SIGUSR2)
            guard wait({ HubLock.holder(state) != old }) else {
                Output.complain("the hub, pid \(old.pid), has not left its engines after \(timeout)")
                return .unavailable
            }
            if !wasStopped, File.exists(state.stopped) {
                Output.complain("the hub was stopped meanwhile, and is not started anew")
                return .unavailable
            }
            if !isSystemds {
                HubLog.rotate(state)
                // If cron has been quicker, this one finds the lock taken and ends.
                _ = try program.spawn()
            }
        } catch {
            Output.complain("\(error)")
            return .unavailable
        }
        guard wait({ StartCommand.status(of: state) != nil }) else {
            let log = isSystemds ? "journalctl --unit midihub.service" : state.hubLog
            Output.complain("the new hub does not answer on \(state.socket) after \(timeout); see \(log)")
            return .unavailable
        }
        return StartCommand.settle(state, until: .now.advanced(by: timeout))
    }

    /// Why a new hub would not go on with the music, in words; nil where it would.
    private static func refusal(_ program: ChildProgram, _ state: StateDirectory) -> String? {
        if let error = state.unwritable { return "restart: a new hub could not begin: \(error)" }
        let configuration: Configuration
        do {
            // An older hub may have accepted a token that is refused now.
            _ = try AccessToken.inEnvironment(program.environment)
            let run = Subcommand.named("run")
            configuration = try Options(program.arguments.dropFirst(), allowed: run?.options ?? []).configuration()
        } catch { return "restart: a new hub would not take its options or configuration: \(error)" }
        guard configuration.engine == .rtpmidid, EngineKind.running(state) != .rtpmidid else { return nil }
        return [Doctor.daemon(configuration), Doctor.sequencer()].first { !$0.isWell }.map {
            "restart: the configuration wants rtpmidid, but \($0.text)" + ($0.fix.map { " (fix: \($0))" } ?? "")
        }
    }

    /// This program with the words, the environment and the place that the running hub was started with.
    private static func program(like pid: Int32, _ state: StateDirectory) -> ChildProgram {
        func strings(_ file: String) -> [String] {
            (File.bytes("/proc/\(pid)/\(file)") ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        }
        var environment: [String: String] = [:]
        for word in strings("environ") {
            guard let equals = word.firstIndex(of: "=") else { continue }
            environment[String(word[..<equals])] = String(word[word.index(after: equals)...])
        }
        _ = chdir("/proc/\(pid)/cwd")
        return ChildProgram(
            path: Executable.path, arguments: Array(strings("cmdline").dropFirst()), environment: environment,
            output: state.hubLog)
    }

    /// Asks again and again: the other process shares nothing with this one but files, so there is nothing to wait on.
    private static func wait(_ condition: () -> Bool) -> Bool {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        while !condition() {
            guard ContinuousClock.now < deadline else { return false }
            usleep(20_000)
        }
        return true
    }
}

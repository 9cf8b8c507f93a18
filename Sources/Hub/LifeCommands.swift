import Foundation
import Glibc
import HTTP
import Linux

extension Options {
    /// The named state directory, else the user's own; one without a hub gives way to the machine's.
    var stateDirectory: StateDirectory {
        let own = place
        let machine = StateDirectory.machine
        guard state == nil, own != machine, !FileLock.isHeld(own.lock), File.exists(machine.path) else { return own }
        return FileLock.isHeld(machine.lock) || !File.exists(own.path) ? machine : own
    }

    /// Where a hub that is started lies: never anywhere but where it was told.
    var place: StateDirectory {
        guard let state else { return .standard(environment: Programs.environment, root: geteuid() == 0) }
        return StateDirectory(state.hasPrefix("/") ? state : "\(FileManager.default.currentDirectoryPath)/\(state)")
    }
}

enum RunCommand {
    static func run(_ options: Options) -> ExitCode {
        do {
            return try Hub.run(options)
        } catch let error as ConfigurationError {
            Output.complain(error.description)
            return .misuse
        } catch {
            Output.complain("\(error)")
            return .unavailable
        }
    }
}

enum StartCommand {
    /// Long enough for the slowest start: a metadata service that does not answer, a large database, a busy Pi.
    private static let patience: Duration = .seconds(30)

    static func run(_ options: Options) -> ExitCode {
        let state = options.place
        if options.unlessStopped {
            if File.exists(state.stopped) { return .well }
        } else {
            File.remove(state.stopped)
        }
        if answers(state) { return .well }
        if Systemd.starts(state) { return options.unlessStopped ? .well : startBySystemd(options, state) }
        do throws(Errno) { try state.becomeOwner() } catch {
            Output.complain("\(error)")
            return .unavailable
        }

        // Where another start or hub holds or has just freed the lock, one of the next looks tells.
        let deadline = ContinuousClock.now.advanced(by: patience)
        var child: Int32?
        var childExit: ChildExit?
        var turn: FileLock?
        while ContinuousClock.now < deadline {
            if child == nil, !FileLock.isHeld(state.lock) {
                do {
                    _ = try options.configuration()  // an error is said here, on the caller's terminal
                    try state.create()
                    // Of many starts at once, one starts a hub and the others wait for it.
                    turn = try FileLock(state.startLock)
                    if turn != nil {
                        HubLog.rotate(state)
                        child = try spawn(options, state)
                    }
                } catch let error as ConfigurationError {
                    Output.complain(error.description)
                    return .misuse
                } catch {
                    Output.complain("\(error)")
                    return .unavailable
                }
            }
            if answers(state) {
                if child != nil, childExit == nil { announce(state) }
                return .well
            }
            if let pid = child, childExit == nil, let exit = ChildProgram.reap(pid) {
                childExit = exit
                // Another one was quicker: its hub is the hub. Anything else is said with its last words.
                if exit == .code(Int(ExitCode.unavailable.rawValue)), FileLock.isHeld(state.lock) { continue }
                if exit == .code(0) { return .well }
                Output.complain("the hub did not start (\(exit)); the end of \(state.hubLog):")
                for line in lastLines(of: state.hubLog, 5) { Output.complain("  \(line)") }
                if let error = unwritable(state) { Output.complain("  \(error)") }
                if case .code(let code) = exit, let known = ExitCode(rawValue: Int32(code)) { return known }
                return .bug
            }
            // Two processes that share nothing but files: there is nothing to wait on.
            usleep(child == nil ? 50_000 : 5_000)
        }
        Output.complain("the hub does not answer on \(state.socket) after \(patience); see \(state.hubLog)")
        return .unavailable
    }

    /// One that is not systemd's would be in the way of systemd's own.
    private static func startBySystemd(_ options: Options, _ state: StateDirectory) -> ExitCode {
        if let word = options.words(relativeTo: "").first {
            Output.complain(
                "start: systemd starts this hub (midihub.service), without \(word): put that into /etc/midihub/midihub.json5"
            )
            return .misuse
        }
        let code = Systemd.start()
        if code == .well { announce(state) }
        return code
    }

    static func answers(_ state: StateDirectory) -> Bool {
        (try? Sockets.connect(unix: state.socket, nonBlocking: true)) != nil
    }

    private static func spawn(_ options: Options, _ state: StateDirectory) throws(Errno) -> Int32 {
        let here = FileManager.default.currentDirectoryPath
        let program = ChildProgram(
            path: Executable.path, arguments: ["run"] + options.words(relativeTo: here) + ["--state", state.path],
            environment: Programs.environment, output: state.hubLog)
        return try program.spawn()
    }

    static func announce(_ state: StateDirectory) {
        guard let bytes = HubClient(state).get("/api/v1/status"),
            let status = try? JSONDecoder().decode(API.Status.self, from: Data(bytes))
        else { return }
        Output.line("\(status.name) runs, pid \(status.pid). Connect to: \(status.addresses.joined(separator: ", "))")
        if let page = File.text("\(state.path)/page", limit: 4096)?.split(separator: "\n").first {
            Output.line(Output.page(String(page), state))
        }
    }

    /// Why nothing can be written there, the hub's last words included.
    private static func unwritable(_ state: StateDirectory) -> Errno? {
        let probe = "\(state.path)/probe"
        defer { File.remove(probe) }
        do throws(Errno) {
            try File.replace(probe, with: Array(repeating: 0, count: 4096))
            return nil
        } catch { return error }
    }

    private static func lastLines(of path: String, _ count: Int) -> [String] {
        (File.text(path, limit: 1 << 20) ?? "").split(separator: "\n").suffix(count).map(String.init)
    }
}

enum StopCommand {
    static func run(_ options: Options) -> ExitCode {
        let state = options.stateDirectory
        guard File.exists(state.path) else { return .well }
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
        let deadline = ContinuousClock.now.advanced(by: .seconds(40))
        var asked = false
        while ContinuousClock.now < deadline {
            // With the lock ours there is no hub, and engines that one left behind are ended from here.
            if let lock = try FileLock(state.lock) { return try Leftovers.end(state, holding: lock) }
            if !asked {
                asked = HubClient(state).post("/api/v1/stop")?.status == 202
            }
            if !asked, let pid = HubLock.holder(state) {
                pid.send(SIGTERM)  // it holds the lock but does not answer
                asked = true
            }
            usleep(20_000)  // the end of another process that is not our child
        }
        if let pid = HubLock.holder(state) {
            Output.complain("the hub did not end within 40 s and is killed")
            pid.send(SIGKILL)
            while ContinuousClock.now < deadline.advanced(by: .seconds(5)) {
                if let lock = try FileLock(state.lock) { return try Leftovers.end(state, holding: lock) }
                usleep(20_000)
            }
        }
        return .unavailable
    }
}

/// Engines without a hub: it was killed, or left on SIGUSR2.
enum Leftovers {
    /// Says goodbye and ends them, as the hub would have.
    static func end(_ state: StateDirectory, holding lock: consuming FileLock) throws -> ExitCode {
        let loop = try EventLoop()
        var left: [EngineProcess] = []
        for name in state.knownEngines where name.hasPrefix("rtpmidid-") {
            let engine = EngineProcess.rtpmidid(name, state: state, loop: loop)
            if engine.adopt() { left.append(engine) }
        }
        let embedded = EngineProcess.embedded(state: state, loop: loop)
        left += ([embedded] + Announcer.leftBehind(state, loop)).filter { $0.adopt() }
        // Nothing runs any more: the next start chooses its engine anew.
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

enum ReloadCommand {
    static func run(_ options: Options) -> ExitCode {
        let client = options.client
        guard let answer = client.post("/api/v1/reload") else { return client.complain() }
        return show(answer)
    }

    /// Prints what the hub said it did, or why not.
    static func show(_ answer: HubClient.Answer) -> ExitCode {
        if answer.status == 200 {
            let done = try? JSONDecoder().decode(API.Done.self, from: Data(answer.body))
            Output.line(Output.safe(done?.text ?? "Done."))
            return .well
        }
        Output.complain(Output.safe(HubClient.problem(in: answer)))
        return answer.status == 404 || answer.status == 400 ? .misuse : .unavailable
    }
}

enum PanicCommand {
    static func run(_ options: Options) -> ExitCode {
        let client = options.client
        var path = "/api/v1/panic"
        if let room = options.room {
            path += "?room=" + Client.encoded(room)
        }
        guard let answer = client.post(path) else { return client.complain() }
        return ReloadCommand.show(answer)
    }
}

/// Lifts the mute of a participant that was taken for a feedback loop.
enum UnmuteCommand {
    static func run(_ options: Options) -> ExitCode {
        guard options.operands.count == 1, let word = options.operands.first else {
            Output.complain("unmute: one participant is needed, by name or by number (`midihub participants --json`)")
            return .misuse
        }
        let client = options.client
        guard let participants = client.participants() else { return client.complain() }
        let found = participants.filter { ($0.muted ?? false) && ($0.name == word || "\($0.id)" == word) }
        guard !found.isEmpty else {
            Output.complain("unmute: no participant \(Output.safe(word)) is muted")
            return .no
        }
        for one in found {
            guard let answer = client.post("/api/v1/participants/\(one.id)/unmute") else { return client.complain() }
            let code = ReloadCommand.show(answer)
            guard code == .well else { return code }
        }
        return .well
    }
}

extension Options {
    /// nil where it cannot be used, which has been said then.
    var configurationOrComplaint: Configuration? {
        do throws(ConfigurationError) {
            return try configuration()
        } catch {
            Output.complain(error.description)
            return nil
        }
    }
}

enum DoctorCommand {
    static func run(_ options: Options) -> ExitCode {
        guard let configuration = options.configurationOrComplaint else { return .misuse }
        let state = options.stateDirectory
        var ownPorts: Set<UInt16> = []
        var enginePIDs: Set<Int32> = []
        let runs = FileLock.isHeld(state.lock)
        if let bytes = HubClient(state).get("/api/v1/status"),
            let status = try? JSONDecoder().decode(API.Status.self, from: Data(bytes))
        {
            ownPorts = Set(status.engines.filter { $0.state == .up }.map(\.port))
            enginePIDs = Set(status.engines.filter { $0.kind == EngineKind.embedded.rawValue }.compactMap(\.pid))
        }
        let findings = Doctor.examine(
            configuration, state: state, hubRuns: runs, ownPorts: ownPorts, enginePIDs: enginePIDs)
        let isWell = findings.allSatisfy { $0.isWell || $0.isOptional }
        if options.json {
            struct Report: Encodable {
                struct Line: Encodable { var topic: String, ok: Bool, optional: Bool, words: String, fix: String? }
                var ok: Bool
                var findings: [Line]
            }
            let lines = findings.map {
                Report.Line(topic: $0.topic, ok: $0.isWell, optional: $0.isOptional, words: $0.words, fix: $0.fix)
            }
            Output.line(API.encode(Report(ok: isWell, findings: lines)))
            return isWell ? .well : .no
        }
        for finding in findings {
            let mark = finding.isWell ? "ok     " : finding.isOptional ? "note   " : "MISSING"
            Output.line("\(mark)  \(finding.topic.padding(to: 16))\(Output.safe(finding.words))")
            if let fix = finding.fix { Output.line("         fix: \(fix)") }
        }
        Output.line(isWell ? "Everything that the hub needs is here." : "Something is missing: see the fixes above.")
        return isWell ? .well : .no
    }
}

import Foundation
import Glibc
import Hub
import Linux
import WebAPI

/// `midihub start`: a hub in the background, where none runs.
enum StartCommand {
    /// Long enough for the slowest start: a metadata service that does not answer, a large database, a busy Pi.
    private static let timeout: Duration = .seconds(30)
    /// One that ends says goodbye to its players first, and waits for its engines.
    private static let timeoutOfAnother: Duration = .seconds(60)

    static func run(_ options: Options) -> ExitCode {
        let state = options.ownStateDirectory
        if options.unlessStopped {
            if File.exists(state.stopped) { return .well }
        } else {
            File.remove(state.stopped)
        }
        do throws(Errno) {
            // The place was not named, so another user may have made it, with a hub of theirs in it.
            if options.state == nil, geteuid() != 0 { try state.refuseStrangers(owner: geteuid()) }
        } catch {
            Output.complain("\(error)")
            return .unavailable
        }
        if let status = status(of: state) { return options.unlessStopped ? .well : verdict(status, state) }
        if Systemd.starts(state) { return options.unlessStopped ? .well : startBySystemd(options, state) }
        do throws(Errno) { try state.becomeOwner() } catch {
            Output.complain("\(error)")
            return .unavailable
        }

        // Another start or hub may hold the lock, or have just freed it: asked again until it is clear.
        var deadline = ContinuousClock.now.advanced(by: timeoutOfAnother)
        var child: Int32?
        var turn: FileLock?
        while ContinuousClock.now < deadline {
            if child == nil, !FileLock.isHeld(state.lock) {
                do {
                    _ = try options.configuration()  // so that an error appears on the caller's terminal
                    try state.create()
                    // Of many starts at once, one starts a hub and the others wait for it.
                    if turn == nil { turn = try FileLock(state.startLock) }
                    if turn != nil {
                        HubLog.rotate(state)
                        child = try spawn(options, state)
                        deadline = .now.advanced(by: timeout)
                    }
                } catch { return Output.fail(error) }
            }
            if let status = status(of: state) {
                if child != nil { return settle(state, until: deadline) }
                return options.unlessStopped ? .well : verdict(status, state)
            }
            if let pid = child, let exit = ChildProgram.reap(pid) {
                child = nil
                // Another start was quicker, or a `stop` is ending the engines that a hub has left; the next round of
                // the loop shows which.
                if exit == .code(Int(ExitCode.unavailable.rawValue)), FileLock.isHeld(state.lock) { continue }
                if exit == .code(0) { return toldToEnd() }
                Output.complain("the hub did not start (\(exit)); the end of \(state.hubLog):")
                for line in lastLines(of: state.hubLog, 5) { Output.complain("  \(line)") }
                if let error = state.unwritable { Output.complain("  \(error)") }
                if case .code(let code) = exit, let known = ExitCode(rawValue: Int32(code)) { return known }
                return .bug
            }
            // The two processes share nothing but files, so there is nothing to wait on.
            usleep(child == nil ? 50_000 : 5_000)
        }
        Output.complain("\(HubLock.whyNoAnswer(state)); see \(state.hubLog)")
        return .unavailable
    }

    /// The hub that we started answers. Once its engines have begun, says where it is, and whether they serve.
    static func settle(_ state: StateDirectory, until deadline: ContinuousClock.Instant) -> ExitCode {
        while let status = status(of: state) {
            if ContinuousClock.now >= deadline || !status.engines.contains(where: { $0.state == .starting }) {
                announce(status, state)
                return verdict(status, state)
            }
            usleep(5_000)  // its engines begin in other processes
        }
        return toldToEnd()
    }

    private static func toldToEnd() -> ExitCode {
        Output.complain("the hub was told to end while it started")
        return .unavailable
    }

    /// Says why a hub serves nothing. Waits a little, since an engine that has just ended is started anew within two
    /// seconds.
    private static func verdict(_ first: API.Status, _ state: StateDirectory) -> ExitCode {
        var status = first
        let deadline = ContinuousClock.now.advanced(by: .seconds(3))
        while !status.engines.contains(where: { $0.state == .up || $0.state == .starting }) {
            guard ContinuousClock.now < deadline, status.engines.contains(where: { $0.pid == nil }) else {
                return complain(status)
            }
            usleep(50_000)  // the hub is another process
            guard let next = Self.status(of: state) else { return toldToEnd() }
            status = next
        }
        return .well
    }

    private static func complain(_ status: API.Status) -> ExitCode {
        Output.complain("the hub runs, pid \(status.pid), but serves no port; it goes on trying:")
        for problem in status.health.problems {
            Output.complain("  \(Output.safe(problem.what))" + (problem.fix.map { " (fix: \($0))" } ?? ""))
        }
        return .unavailable
    }

    /// Through systemd: a hub started otherwise would keep systemd's from starting.
    private static func startBySystemd(_ options: Options, _ state: StateDirectory) -> ExitCode {
        if let word = options.arguments(relativeTo: "").first {
            Output.complain(
                "start: systemd starts this hub (midihub.service), without \(word): put that into /etc/midihub/midihub.json5"
            )
            return .misuse
        }
        let code = Systemd.start()
        guard code == .well else { return code }
        return settle(state, until: .now.advanced(by: timeout))
    }

    /// nil where no hub answers.
    static func status(of state: StateDirectory) -> API.Status? {
        HubClient(state).get("/api/v1/status", as: API.Status.self)
    }

    private static func spawn(_ options: Options, _ state: StateDirectory) throws(Errno) -> Int32 {
        let here = FileManager.default.currentDirectoryPath
        let program = ChildProgram(
            path: Executable.path, arguments: ["run"] + options.arguments(relativeTo: here) + ["--state", state.path],
            environment: Programs.environment, output: state.hubLog)
        return try program.spawn()
    }

    static func announce(_ status: API.Status, _ state: StateDirectory) {
        Output.line("\(status.name) runs, pid \(status.pid). Connect to: \(status.addresses.joined(separator: ", "))")
        if let page = File.text("\(state.path)/page", limit: 4096)?.split(separator: "\n").first {
            Output.line(Output.page(String(page), state))
        }
    }

    private static func lastLines(of path: String, _ count: Int) -> [String] {
        (File.text(path, limit: 1 << 20) ?? "").split(separator: "\n").suffix(count).map(String.init)
    }
}

package import CLinux
import Glibc

/// A program to start, with everything that it gets from this process.
package struct ChildProgram: Sendable, Equatable {
    /// Absolute path; no search.
    package var path: String
    /// Without the program's own name, which is `path`.
    package var arguments: [String]
    package var environment: [String: String]
    /// Standard output and error are appended to this file; nil discards them.
    package var output: String?
    /// Where standard error is appended instead; nil where that goes with the output.
    package var errors: String?
    /// What it reads on standard input.
    package var input: [UInt8] = []

    package init(path: String, arguments: [String], environment: [String: String], output: String?) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.output = output
    }

    /// Starts it (posix_spawn(3)) in a session of its own with every other descriptor closed, the signal mask empty,
    /// SIGPIPE ignored and the other dispositions reset. Returns when exec has happened; a failed exec throws.
    /// `reading` and `writing`: open descriptors, past the three standard ones, that it gets as standard input and output
    /// instead.
    package func spawn(reading: CInt? = nil, writing: CInt? = nil) throws(Errno) -> Int32 {
        Signals.ignorePipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let file = input.isEmpty ? nil : try MemoryFile(input)
        defer { withExtendedLifetime(file) {} }
        posix_spawn_file_actions_addopen(&actions, 0, file?.path ?? "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output ?? "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0o640)
        if let errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o640)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        if let reading { posix_spawn_file_actions_adddup2(&actions, reading, 0) }
        if let writing { posix_spawn_file_actions_adddup2(&actions, writing, 1) }
        var pid: Int32 = 0
        let code = Self.spawn(path, arguments, environment, &actions, ownSession: true, pid: &pid)
        if code != 0, let output {
            // posix_spawn does not say which of the two it could not open.
            _ = try Descriptor("open", output) { open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640) }
        }
        guard code == 0 else { throw Errno(code: code, call: "start", thing: path) }
        Self.waitUntilShown(pid)
        return pid
    }

    /// posix_spawn(3) with these standard descriptors, every other one closed, the signal mask empty and all dispositions
    /// reset, but for SIGPIPE where that is to stay ignored. Returns the error code.
    package static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String: String],
        _ actions: inout posix_spawn_file_actions_t, ownSession: Bool, ignoringPipe: Bool = true, pid: inout Int32
    ) -> CInt {
        _ = midihub_spawn_closefrom(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        var defaults = sigset_t()
        sigfillset(&defaults)
        if ignoringPipe { sigdelset(&defaults, SIGPIPE) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        if ownSession { flags |= Int32(midihub_spawn_setsid) }
        posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))

        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        return posix_spawn(&pid, path, &actions, &attributes, argv, envp)
    }

    /// The kernel lets the parent go on a moment before the new program is in place; until then /proc shows nothing, or the
    /// parent. Waits only shortly, since a program may hide its command line.
    private static func waitUntilShown(_ pid: Int32) {
        let own = File.bytes("/proc/self/cmdline", limit: 65536) ?? []
        for _ in 0..<50 where !hasEnded(pid) {
            if let line = File.bytes("/proc/\(pid)/cmdline", limit: 65536), !line.isEmpty, line != own { return }
            poll(nil, 0, 1)
        }
    }

    /// A child whose output comes by a pipe. It is to be collected (`reap`, `kill`).
    package struct Piped: ~Copyable {
        package let pid: Int32
        package let output: Descriptor

        /// Ends it, with what it has started in its session, and collects it.
        @discardableResult
        package func kill() -> ChildExit { ChildProgram.kill(pid) }
    }

    /// Ends a child that has not been collected, with what it has started in its session, and collects it.
    @discardableResult
    package static func kill(_ pid: Int32) -> ChildExit {
        // Before the child is collected, its number and so its group's can be nobody else's. The group is the session's
        // first, where everything is that a shell without job control starts.
        Glibc.kill(-pid, SIGKILL)
        var status: CInt = 0
        while waitpid(pid, &status, 0) == -1, midihub_errno() == EINTR {}
        return ChildExit(status: status)
    }

    package func spawnPiped() throws(Errno) -> Piped {
        var ends: [CInt] = [0, 0]
        try retrying("pipe2") { midihub_pipe2(&ends, O_CLOEXEC) }
        let reader = Descriptor(owning: ends[0])
        let writer = Descriptor(owning: ends[1])
        var copy = self
        // The child opens its own standard output anew, so the pipe's end is handed over by its name in our /proc entry.
        copy.output = "/proc/\(getpid())/fd/\(writer.number)"
        let pid = try copy.spawn()
        close(consume: writer)
        return Piped(pid: pid, output: reader)
    }

    /// Runs a short-lived program and returns its output (the first `longest` octets) and exit code; killed after `limit`.
    /// What it has started in its session ends with it. Blocks: never on a loop that carries anything.
    package func run(
        limit: Duration, longest: Int = 65536
    ) throws(Errno) -> (output: [UInt8], exit: ChildExit) {
        let child = try spawnPiped()
        let deadline = ContinuousClock.now.advanced(by: limit)
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { break }
            var wait = pollfd(fd: child.output.number, events: Int16(POLLIN), revents: 0)
            if poll(&wait, 1, CInt(clamping: left.milliseconds)) <= 0 { continue }
            var result = Descriptor.Transfer.end
            do throws(Errno) {
                var outcome: Result<Descriptor.Transfer, Errno> = .success(.end)
                buffer.withUnsafeMutableBytes { raw in
                    do throws(Errno) { outcome = .success(try child.output.read(into: raw)) } catch {
                        outcome = .failure(error)
                    }
                }
                result = try outcome.get()
            } catch { break }
            guard case .bytes(let count) = result else { break }
            // The rest is read and dropped, so that the program does not wait for ever for somebody to read it.
            output += buffer[..<min(count, longest - output.count)]
        }
        // Its output is closed or its time is up; most programs are gone by now, others are ended.
        while ContinuousClock.now < deadline, !Self.hasEnded(child.pid) { poll(nil, 0, 2) }
        return (output, child.kill())
    }

    /// Whether a child has ended; it stays to be collected.
    private static func hasEnded(_ pid: Int32) -> Bool {
        var info = siginfo_t()
        return waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo == SIGCHLD
    }

    /// Collects a child that has ended; nil while it runs. A process that is not our child gives `.unknown`.
    package static func reap(_ pid: Int32) -> ChildExit? {
        var status: CInt = 0
        while true {
            let result = waitpid(pid, &status, WNOHANG)
            if result == pid { return ChildExit(status: status) }
            if result == 0 { return nil }
            if midihub_errno() == EINTR { continue }
            return .unknown
        }
    }
}

/// What a child writes, for as long as it runs.
package final class OutputPipe {
    package let reader: Descriptor
    private var writer: Descriptor?

    package init() throws(Errno) {
        var ends: [CInt] = [0, 0]
        try retrying("pipe2") { midihub_pipe2(&ends, O_CLOEXEC | O_NONBLOCK) }
        reader = Descriptor(owning: ends[0])
        writer = Descriptor(owning: ends[1])
    }

    /// The child's `output` or `errors`, which it opens by that name.
    package var path: String { "/proc/\(getpid())/fd/\(writer?.number ?? -1)" }

    /// The child has it: from now on it ends when the child does.
    package func isGiven() { writer = nil }

    /// What has come, a part of it where that is much: empty where nothing has, nil at the end.
    package func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        var transfer: Descriptor.Transfer?
        buffer.withUnsafeMutableBytes { transfer = try? reader.read(into: $0) }
        switch transfer {
        case .bytes(let count): return Array(buffer[..<count])
        case .again: return []
        case .end, nil: return nil
        }
    }
}

/// Octets in a file that has no name (memfd_create(2)); a child opens it anew, at its beginning.
private final class MemoryFile {
    private let file: Descriptor
    init(_ content: [UInt8]) throws(Errno) {
        file = try Descriptor("memfd_create") { midihub_memfd_create("input", CUnsignedInt(midihub_mfd_cloexec)) }
        try file.writeAll(content)
    }
    var path: String { "/proc/\(getpid())/fd/\(file.number)" }
}

private func close(consume descriptor: consuming Descriptor) { _ = consume descriptor }

/// How a process ended.
package enum ChildExit: Equatable, Sendable, CustomStringConvertible {
    case code(Int)
    case signal(Int)
    /// It was adopted, so its exit status went to another process.
    case unknown

    init(status: CInt) {
        self =
            midihub_exited(status) != 0
            ? .code(Int(midihub_exit_code(status))) : .signal(Int(midihub_term_signal(status)))
    }

    package var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number): "killed by signal \(number) (\(String(cString: strsignal(CInt(number)))))"
        case .unknown: "exit status unknown (adopted)"
        }
    }
}

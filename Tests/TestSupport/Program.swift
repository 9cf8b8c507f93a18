import Glibc
package import Linux

/// A program that a test has started, with its outputs in two files. Ended by SIGKILL when the last reference goes.
package final class Program {
    package let pid: Int32
    package let outputPath: String
    package let errorPath: String
    private var ended: ChildExit?

    /// What a program that has ended left behind.
    package struct Finished: CustomStringConvertible {
        package let exit: ChildExit
        package let output: String
        package let error: String
        /// The exit code, or -1 where a signal ended it.
        package var code: Int { if case .code(let code) = exit { code } else { -1 } }
        package var description: String { "\(exit)\noutput: \(output)\nerror: \(error)" }
    }

    /// Starts `path`, its standard output appended to a new file in `directory` or to `output`. SIGPIPE is ignored in it as
    /// a supervisor would, or kept as the kernel's default. `environment` is added to the test's own; crashed Swift
    /// programs end at once instead of printing a backtrace.
    package init(
        _ path: String, _ arguments: [String] = [], environment: [String: String] = [:],
        in directory: TemporaryDirectory,
        name: String = "program", ignoringPipe: Bool = true, output: String? = nil
    ) throws {
        let serial = names(in: directory.path).count
        outputPath = output ?? directory.file("\(name)-\(serial).out")
        errorPath = directory.file("\(name)-\(serial).err")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        if ignoringPipe { Signals.ignorePipe() }
        var variables = Self.ownEnvironment
        variables["SWIFT_BACKTRACE"] = "enable=no"
        variables.merge(environment) { _, new in new }
        var pid: Int32 = 0
        let code = ChildProgram.spawn(
            path, arguments, variables, &actions, ownSession: false, ignoringPipe: ignoringPipe, pid: &pid)
        guard code == 0 else { throw Errno(code: code, call: "start", thing: path) }
        self.pid = pid
    }

    deinit {
        guard exit == nil else { return }
        kill(pid, SIGKILL)
        var status: CInt = 0
        waitpid(pid, &status, 0)
    }

    /// How it ended; nil while it runs.
    package var exit: ChildExit? {
        if ended == nil { ended = ChildProgram.reap(pid) }
        return ended
    }

    package var output: String { text(of: outputPath) }
    package var error: String { text(of: errorPath) }

    package func send(_ signal: CInt) { if exit == nil { kill(pid, signal) } }

    /// Waits for its end.
    @discardableResult
    package func finish(within limit: Duration = .seconds(30)) throws -> Finished {
        let exit = try awaited(within: limit, "the end of process \(pid)", seen: output + error) { self.exit }
        return Finished(exit: exit, output: output, error: error)
    }

    private static var ownEnvironment: [String: String] {
        text(of: "/proc/self/environ").split(separator: "\0").reduce(into: [:]) { variables, entry in
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
    }
}

/// The value of an environment variable.
package func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// The path of an executable of this package, which the build puts beside the test bundle.
package func builtProduct(_ name: String) throws -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let bundle = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // `swift test` may run the bundle through a helper of the toolchain; then the bundle is named by an argument.
    for candidate in [bundle] + CommandLine.arguments {
        guard let slash = candidate.lastIndex(of: "/") else { continue }
        let path = "\(candidate[..<slash])/\(name)"
        if access(path, X_OK) == 0 { return path }
    }
    throw Errno(code: ENOENT, call: "built product", thing: name)
}

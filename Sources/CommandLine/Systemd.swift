import Glibc
import Hub
import Linux

/// The unit by which systemd starts the machine's hub, where there is one.
enum Systemd {
    private static let unit = "midihub.service"

    /// Whether it is systemd that starts the hub of this state directory: others step back.
    static func starts(_ state: StateDirectory) -> Bool {
        guard state == .machine, File.isDirectory("/run/systemd/system") else { return false }
        return systemctl(["--quiet", "is-enabled", unit])?.exit == .code(0)
    }

    /// Whether that process is its hub.
    static func isHub(_ pid: Int32) -> Bool {
        (File.text("/proc/\(pid)/cgroup") ?? "").split(separator: "\n").contains { $0.hasSuffix("/\(unit)") }
    }

    /// Returns when the hub answers, or it is said why not.
    static func start() -> ExitCode {
        guard let done = systemctl(["start", unit]) else {
            Output.complain("systemctl was not found")
            return .unavailable
        }
        if done.exit == .code(0) { return .well }
        Output.complain(String(decoding: done.output, as: UTF8.self) + "see: journalctl --unit \(unit) --lines 20")
        return .unavailable
    }

    private static func systemctl(_ arguments: [String]) -> (output: [UInt8], exit: ChildExit)? {
        guard let path = Programs.find("systemctl") else { return nil }
        let program = ChildProgram(path: path, arguments: arguments, environment: Programs.environment, output: nil)
        return try? program.run(limit: .seconds(100))
    }
}

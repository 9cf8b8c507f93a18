import CLinux
import Glibc

/// Which process it is, beyond its reusable number: boot, pid, start time and executable (proc(5)).
package struct ProcessIdentity: Codable, Hashable, Sendable {
    package let bootID: String
    package let pid: Int32
    /// Clock ticks after boot (field 22 of /proc/PID/stat).
    package let startTime: UInt64
    package let executableDevice: UInt64
    /// Of the file that was executed, also when it was since replaced or deleted.
    package let executableInode: UInt64

    /// The identity of a running process; nil where there is none or it is a zombie.
    package init?(of pid: Int32) {
        guard pid > 0, let boot = Self.currentBootID, let start = Self.startTime(of: pid) else { return nil }
        var status = stat()
        guard stat("/proc/\(pid)/exe", &status) == 0 else { return nil }
        bootID = boot
        self.pid = pid
        startTime = start
        executableDevice = UInt64(status.st_dev)
        executableInode = UInt64(status.st_ino)
    }

    /// Whether that very process still runs.
    package var isRunning: Bool { ProcessIdentity(of: pid) == self }

    package static let currentBootID: String? = File.text("/proc/sys/kernel/random/boot_id", limit: 64)
        .map { String($0.prefix { $0 != "\n" }) }

    /// Whether a signal (SIGSTOP) holds it.
    package var isStopped: Bool { Self.fields(of: pid)?[0] == "T" }

    /// When a process was started, in clock ticks after boot; nil where there is none, or a zombie.
    package static func startTime(of pid: Int32) -> UInt64? { fields(of: pid).flatMap { UInt64($0[19]) } }

    /// The fields of /proc/PID/stat from the third on, behind the name, which may hold blanks and parentheses: the state
    /// first, the start time at 19. nil for zombies.
    private static func fields(of pid: Int32) -> [Substring]? {
        guard let text = File.text("/proc/\(pid)/stat", limit: 4096), let close = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[text.index(after: close)...].split(separator: " ")
        return fields.count > 19 && fields[0] != "Z" && fields[0] != "X" ? fields : nil
    }

    /// This user's processes, but not this one, whose command line has these whole words, one right behind the other.
    package static func withArguments(_ neighbours: [String]) -> [Int32] {
        precondition(!neighbours.isEmpty, "no word at all is in every command line")
        let wanted = neighbours.map { Array($0.utf8) }
        return File.names(in: "/proc").compactMap { Int32($0) }.filter { pid in
            var status = stat()
            guard pid != getpid(), stat("/proc/\(pid)", &status) == 0, status.st_uid == geteuid(),
                let line = File.bytes("/proc/\(pid)/cmdline", limit: 65536)
            else { return false }
            let arguments = line.split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
            return arguments.indices.contains { arguments[$0...].starts(with: wanted) }
        }
    }
}

/// A descriptor of a process (pidfd_open(2)): readable when it ends, and a signal through it never hits another process.
package struct ProcessDescriptor: ~Copyable, Sendable {
    private let descriptor: Descriptor
    package let pid: Int32
    package var number: CInt { descriptor.number }

    /// Opens, then verifies: nil where the process has ended or is another by now.
    package init?(_ identity: ProcessIdentity) {
        guard let descriptor = try? Descriptor("pidfd_open", "\(identity.pid)", { midihub_pidfd_open(identity.pid) })
        else {
            return nil
        }
        guard identity.isRunning else { return nil }
        self.descriptor = descriptor
        pid = identity.pid
    }

    /// Opens our own child, which cannot be another before it is reaped.
    package init(child pid: Int32) throws(Errno) {
        descriptor = try Descriptor("pidfd_open", "\(pid)") { midihub_pidfd_open(pid) }
        self.pid = pid
    }

    /// Sends a signal; a process that is gone already is no error.
    package func send(_ signal: CInt) { _ = midihub_pidfd_send_signal(descriptor.number, signal) }
}

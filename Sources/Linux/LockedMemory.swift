import CLinux
import Glibc

/// Memory that is never read from the disk again (mlockall(2)): neither the program's own text, which a machine short of
/// memory lets go first, nor what was swapped out.
package enum LockedMemory {
    /// Keeps what this process has mapped, and whatever it will touch of what it maps later. False where the limit
    /// (RLIMIT_MEMLOCK) does not allow that; then nothing has changed. A limit of some size is no permission: with all that
    /// is to come locked, memory would run out at it.
    @discardableResult
    package static func keep() -> Bool {
        guard isAllowed else { return false }
        // What is mapped now is read in at once. Later, only what is touched, or each thread would cost its whole stack.
        guard mlockall(CInt(MCL_CURRENT)) == 0 else { return false }
        return mlockall(CInt(MCL_FUTURE) | CInt(midihub_mcl_onfault)) == 0
    }

    /// Whether a process has locked some.
    package static func isUsed(by pid: Int32) -> Bool { word("VmLck:", of: "\(pid)").flatMap { Int($0) } ?? 0 > 0 }

    /// Whether this process may lock all that it has: without a limit, or past it (CAP_IPC_LOCK, capabilities(7)).
    package static var isAllowed: Bool {
        allow()
        var limit = rlimit()
        if midihub_memory_limit(&limit) == 0, limit.rlim_cur == midihub_unlimited { return true }
        return word("CapEff:", of: "self").flatMap { UInt64($0, radix: 16) }.map { $0 & 1 << 14 != 0 } ?? false
    }

    /// Lets this process and what it starts do so, also when it is root no longer.
    package static func allow() {
        var limit = rlimit(rlim_cur: midihub_unlimited, rlim_max: midihub_unlimited)
        _ = midihub_set_memory_limit(&limit)
    }

    /// What stands behind a word in the status of a process (proc(5)).
    private static func word(_ name: String, of pid: String) -> Substring? {
        let lines = File.text("/proc/\(pid)/status", limit: 8192)?.split(separator: "\n") ?? []
        let words = lines.first { $0.hasPrefix(name) }?.split(whereSeparator: \.isWhitespace) ?? []
        return words.count > 1 ? words[1] : nil
    }
}

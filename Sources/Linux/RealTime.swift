import CLinux
import Glibc

/// Real-time scheduling (sched(7)) for a thread that must not wait for other programs.
package enum RealTime {
    /// Above ordinary programs, below sound cards' interrupts.
    private static let priority: CInt = 10

    /// Asks for it for the calling thread. False where this machine does not allow it; then nothing has changed.
    @discardableResult
    package static func askForThisThread() -> Bool {
        var parameters = sched_param(sched_priority: priority)
        return sched_setscheduler(0, SCHED_FIFO | midihub_sched_reset_on_fork, &parameters) == 0
    }

    /// Whether some thread of a process has it.
    package static func isUsed(by pid: Int32) -> Bool {
        File.names(in: "/proc/\(pid)/task").compactMap { pid_t($0) }.contains {
            sched_getscheduler($0) & ~midihub_sched_reset_on_fork == SCHED_FIFO
        }
    }

    /// Whether a program of this user would get it.
    package static var isAllowed: Bool {
        var limit = rlimit()
        guard midihub_realtime_limit(&limit) == 0 else { return false }
        return geteuid() == 0 || limit.rlim_cur >= rlim_t(priority)
    }

    /// Lets this process and what it starts ask for it, also when it is root no longer.
    package static func allow() {
        var limit = rlimit(rlim_cur: rlim_t(priority), rlim_max: rlim_t(priority))
        _ = midihub_set_realtime_limit(&limit)
    }
}

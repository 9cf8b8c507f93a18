import CLinux
import Glibc

/// The system's clocks, read without allocation (clock_gettime(2)).
package enum SystemTime {
    /// Monotonic, since about the boot: never steps, and is the same for all processes.
    package static var monotonicNanoseconds: UInt64 { read(CLOCK_MONOTONIC) }
    /// The same, and goes on while the machine sleeps.
    package static var bootNanoseconds: Int64 { Int64(read(CLOCK_BOOTTIME)) }
    /// Unix time; steps when somebody sets the clock.
    package static var unixMilliseconds: Int64 { unixNanoseconds / 1_000_000 }
    package static var unixNanoseconds: Int64 { Int64(read(CLOCK_REALTIME)) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

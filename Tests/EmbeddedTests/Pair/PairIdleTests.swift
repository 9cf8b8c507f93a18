import Glibc
import Linux
import TestSupport
import Testing

/// For so many seconds as `MIDIHUB_TEST_IDLE` says, else for a moment.
@Suite(.enabled(if: RealTime.isAllowed, "no real-time priority: `midihub doctor` tells what is missing"))
struct PairIdleTests {
    @Test func `four busy programs: the hub that speaks is the same at the end, and was all the time`() throws {
        let seconds = Double(environment("MIDIHUB_TEST_IDLE") ?? "") ?? 2
        let directory = TemporaryDirectory()
        let faults = try RealTimeThread.run {
            let pair = try EnginePair()
            let busy = try (0..<4).map { _ in try Program("/bin/sh", ["-c", "while :; do :; done"], in: directory) }
            let before = pair.engines.map(\.changes)
            let end = SystemTime.monotonicNanoseconds + UInt64(seconds * 1_000_000_000)
            while SystemTime.monotonicNanoseconds < end {
                pair.pump()
                usleep(20_000)
            }
            for one in busy { one.send(SIGKILL) }
            let changes = zip(before, pair.engines.map(\.changes)).map { $1 - $0 }
            print("pair: \(seconds) s beside \(busy.count) busy programs: changes \(changes)")
            if changes != [0, 0] { pair.faults.append("changes: \(changes)\n\(pair.seen)") }
            pair.checkWhatSounds()
            return pair.faults
        }
        #expect(faults.isEmpty, "\(faults)")
    }
}

extension Program {
    /// How often an engine has told that its part in the pair is another.
    fileprivate var changes: Int { output.split(separator: "\n").count { $0.contains(#""event":"pair""#) } }
}

import BenchBare
import Foundation
import Linux
import TestSupport

/// How late the event loop's timers come, beside a bare timerfd in turns with it in the same run.
enum TimerBench {
    private static let rounds = 20
    private static let perRound = 250

    static func run() throws {
        var random = SeededRandom(seed: 1)
        let timer = try Descriptor("timerfd_create") { bare_timer_open() }
        var (bare, ours): ([Double], [Double]) = ([], [])
        for _ in 0..<rounds {
            let waits = (0..<perRound).map { _ in Int.random(in: 200_000...5_000_000, using: &random) }
            bare += waits.map { Double(bare_timer(timer.number, $0)) / 1e9 }
            ours += try lateness(waits)
        }
        print("  bare timerfd: \(words(bare.sorted()))")
        print("  midihub:      \(words(ours.sorted()))")
    }

    /// In seconds, of an alarm that is set again for each of these nanoseconds.
    private static func lateness(_ waits: [Int]) throws -> [Double] {
        let loop = try EventLoop()
        var late: [Double] = []
        var due = ContinuousClock.now
        var alarm: Alarm!  // its work sets it again
        func next() {
            due = .now + .nanoseconds(waits[late.count])
            alarm.due = due
        }
        alarm = loop.alarm {
            late.append(Bench.seconds(due.duration(to: .now)))
            if late.count < waits.count { next() } else { loop.stop() }
        }
        next()
        try loop.run()
        return late
    }

    private static func words(_ sorted: [Double]) -> String {
        let shown = [0.5, 0.95, 0.99].map { String(format: "%.3f", Bench.quantile(sorted, $0) * 1000) }
        return "p50 \(shown[0]) ms, p95 \(shown[1]) ms, p99 \(shown[2]) ms late"
    }
}

import RTPMIDI

/// By which paths the events of the last minute came, and how much later by one than by the other: of all origins of one
/// hearer together.
package final class PathStatistics {
    private static let bucketCount = 6
    private static let bucketTime: UInt64 = 100_000
    private static let skewCount = 256

    private struct Bucket: BitwiseCopyable {
        var began: UInt64 = .max
        var several: UInt32 = 0
        var only = [8 of UInt32](repeating: 0)
        var asked: UInt32 = 0
        var repaired: UInt32 = 0
        var lost: UInt32 = 0
    }
    private struct Skew: BitwiseCopyable {
        var first: UInt8 = 0
        var ticks: UInt16 = 0
    }
    /// Ten seconds each.
    private var buckets = [6 of Bucket](repeating: Bucket())
    private var skews = [256 of Skew](repeating: Skew())
    private var skewsSeen = 0

    package init() {}

    private func withBucket(_ now: UInt64, _ body: (inout Bucket) -> Void) {
        let index = Int(now / Self.bucketTime % UInt64(Self.bucketCount))
        let began = now / Self.bucketTime * Self.bucketTime
        if buckets[index].began != began { buckets[index] = Bucket(began: began) }
        body(&buckets[index])
    }

    /// An event has come by all paths by which it will come; bit N stands for path N.
    func settled(paths: UInt8, isAnswer: Bool, at now: UInt64) {
        withBucket(now) {
            if paths.nonzeroBitCount > 1 {
                $0.several &+= 1
            } else if paths != 0 {
                $0.only[paths.trailingZeroBitCount] &+= 1
            }
            if isAnswer { $0.asked &+= 1 }
        }
    }

    /// The second copy of an event came so much later than the first, which came by path `first`.
    func saw(skew: UInt64, first: Int) {
        skews[skewsSeen % Self.skewCount] = Skew(first: UInt8(first), ticks: UInt16(clamping: skew))
        skewsSeen += 1
    }

    func repaired(_ events: Int, at now: UInt64) { withBucket(now) { $0.repaired &+= UInt32(clamping: events) } }

    func lost(_ events: Int, at now: UInt64) { withBucket(now) { $0.lost &+= UInt32(clamping: events) } }

    /// A percentile of how much later the second copies come, in ticks; of those only that path `first` brought first, if
    /// one is named. nil where there are none.
    package func skew(percentile: Int, first: Int? = nil) -> UInt16? {
        var sorted: [UInt16] = []
        for index in 0..<min(skewsSeen, Self.skewCount) where first == nil || Int(skews[index].first) == first {
            sorted.append(skews[index].ticks)
        }
        guard !sorted.isEmpty else { return nil }
        sorted.sort()
        return sorted[min(sorted.count - 1, (sorted.count * percentile + 99) / 100 - 1)]
    }

    /// What the hub at the end of `path` is told.
    package func report(of path: Int, hubs: Int, at now: UInt64) -> LinkReport {
        var report = LinkReport()
        var (asked, repaired, lost): (UInt32, UInt32, UInt32) = (0, 0, 0)
        for index in 0..<Self.bucketCount {
            let bucket = buckets[index]
            guard bucket.began != .max, now &- bucket.began < UInt64(Self.bucketCount) * Self.bucketTime else {
                continue
            }
            report.byBoth &+= bucket.several
            for other in 0..<8 {
                if other == path {
                    report.byThisOnly &+= bucket.only[other]
                } else {
                    report.byOthersOnly &+= bucket.only[other]
                }
            }
            asked &+= bucket.asked
            repaired &+= bucket.repaired
            lost &+= bucket.lost
        }
        (report.asked, report.repaired) = (UInt16(clamping: asked), UInt16(clamping: repaired))
        report.lost = UInt16(clamping: lost)
        report.skewMedian = skew(percentile: 50) ?? 0
        report.skewP99 = skew(percentile: 99) ?? 0
        report.laterWithoutThis = skew(percentile: 99, first: path) ?? 0
        report.hubs = UInt8(clamping: hubs)
        return report
    }
}

import Store

/// The round trips of one visit that are believed, in microseconds.
struct RoundTrips {
    private var count = 0
    private var sum = 0
    private var least = Int.max
    private var most = 0
    private var last = 0
    private var lastAt: Timestamp?

    init() {}

    /// What hubs before this one have on record.
    init(_ earlier: LatencySummary) {
        count = Int(earlier.count)
        sum = Int((earlier.average * Double(earlier.count)).rounded())
        (least, most, last) = (Int(earlier.least), Int(earlier.most), Int(earlier.last))
        lastAt = earlier.lastAt.latest
    }

    mutating func add(_ microseconds: Int, at moment: Timestamp) {
        count += 1
        sum += microseconds
        least = min(least, microseconds)
        most = max(most, microseconds)
        last = microseconds
        lastAt = moment
    }

    var view: Snapshot.RoundTrip? {
        guard let lastAt else { return nil }
        func milliseconds(_ microseconds: Int) -> Double { Double(microseconds) / 1000 }
        return .init(
            last: milliseconds(last), average: milliseconds(sum / count), min: milliseconds(least),
            max: milliseconds(most), samples: count, lastAt: lastAt.milliseconds)
    }
}

import Linux

/// A point in Unix time, in whole milliseconds. In JSON and in the database it is the bare number.
package struct Timestamp: Hashable, Comparable, Sendable, Codable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// The system's wall clock (`CLOCK_REALTIME`), which can be set and can therefore go back.
    package static var now: Timestamp { Timestamp(milliseconds: SystemTime.unixMilliseconds) }

    package static func < (one: Timestamp, other: Timestamp) -> Bool { one.milliseconds < other.milliseconds }

    /// This moment shifted by `duration`, cut to whole milliseconds; stays at the ends of time rather than overflow.
    package func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let (scaled, tooLong) = seconds.multipliedReportingOverflow(by: 1000)
        let (sum, overflow) = milliseconds.addingReportingOverflow(scaled + attoseconds / 1_000_000_000_000_000)
        if tooLong || overflow { return Timestamp(milliseconds: seconds < 0 ? .min : .max) }
        return Timestamp(milliseconds: sum)
    }

    package init(from decoder: any Decoder) throws {
        milliseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}

/// When something happened: a moment, or only a range where a line was read after an outage.
package struct TimeRange: Hashable, Sendable, Codable {
    package let earliest: Timestamp
    package let latest: Timestamp

    package init(_ moment: Timestamp) {
        earliest = moment
        latest = moment
    }

    /// The two ends in either order: a clock that was set back between them must not make an empty range.
    package init(earliest: Timestamp, latest: Timestamp) {
        self.earliest = min(earliest, latest)
        self.latest = max(earliest, latest)
    }

    package var isExact: Bool { earliest == latest }
}

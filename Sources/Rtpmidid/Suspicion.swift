/// Which part of a log is not to be believed, and since when.
///
/// A fragment of a record shows that somebody with a newline in the name may be there. Later records about that
/// participant can be split so that every line looks whole, so the doubt lasts until a `status` reply shows that nobody of
/// such a name is there. Plain values, so that they can be kept with the log's offset over a restart of the hub.
package struct Suspicion: Hashable, Sendable {
    /// No record is longer than this: so far back forged lines may stand before the line that gave them away.
    package static let reach: UInt64 = 4_096

    /// Facts whose line begins at or behind this offset are doubted …
    package private(set) var from: UInt64
    /// … up to here; nil as long as the doubt lasts.
    package private(set) var until: UInt64?
    /// Where the last line that gave reason begins.
    package private(set) var latest: UInt64
    /// How many lines gave reason, to be shown.
    package private(set) var reasons: Int

    package init(from: UInt64, until: UInt64? = nil, latest: UInt64? = nil, reasons: Int = 1) {
        self.from = from
        self.until = until
        self.latest = latest ?? from
        self.reasons = reasons
    }

    /// The doubt that a line at this offset gives reason for.
    init(at offset: UInt64) { self.init(from: Self.start(for: offset), latest: offset) }

    package var isOpen: Bool { until == nil }

    package func doubts(_ offset: UInt64) -> Bool { offset >= from && offset < until ?? .max }

    package func overlaps(_ range: Range<UInt64>) -> Bool {
        range.upperBound > from && range.lowerBound < until ?? .max
    }

    /// Another line gives reason. A doubt that had ended is opened again and keeps its beginning: too much doubt loses a
    /// few samples, too little would believe forged lines.
    mutating func extend(at offset: UInt64) {
        from = min(from, Self.start(for: offset))
        until = nil
        latest = max(latest, offset)
        reasons = min(reasons + 1, Int(Int32.max))
    }

    mutating func close(at offset: UInt64) { until = max(offset, from) }

    static func start(for offset: UInt64) -> UInt64 { offset > reach ? offset - reach : 0 }
}

import HTTP

/// How every list of the API is read: `limit` items at most, and from where `cursor` says, which is the `next` of the
/// answer before. Where there is nothing more, `next` is absent.
package struct Paging: Equatable, Sendable {
    /// The position of an item in its list's order, which does not change while others come and go: one number or two.
    package struct Cursor: Comparable, Sendable, CustomStringConvertible {
        package let major: Int64
        package let minor: Int64

        package init(_ major: Int64, _ minor: Int64 = 0) { (self.major, self.minor) = (major, minor) }

        /// `17` or `17-4`, each number of 18 digits at most.
        package init?(_ text: String) {
            let parts = text.split(separator: "-", omittingEmptySubsequences: false)
            let numbers = parts.compactMap { word in
                (1...18).contains(word.utf8.count) && word.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    ? Int64(word) : nil
            }
            guard numbers.count == parts.count, parts.count <= 2 else { return nil }
            self.init(numbers[0], numbers.count == 2 ? numbers[1] : 0)
        }

        package var description: String { minor == 0 ? "\(major)" : "\(major)-\(minor)" }

        package static func < (one: Cursor, other: Cursor) -> Bool {
            (one.major, one.minor) < (other.major, other.minor)
        }
    }

    package var limit: Int
    package var after: Cursor?
    /// Whether the request says anything of it.
    package let isAsked: Bool

    package static let parameters: Set = ["limit", "cursor"]

    /// nil where the query makes no sense.
    init?(_ query: Query, limits: ClosedRange<Int64> = 1...1000, standard: Int64 = 1000) {
        guard let limit = Routes.number(query["limit"], limits, else: standard) else { return nil }
        let text = query["cursor"]
        after = text.flatMap(Cursor.init)
        guard (after == nil) == (text == nil) else { return nil }
        self.limit = Int(limit)
        isAsked = text != nil || query["limit"] != nil
    }

    /// Of items in the order of their cursors, those of the requested page.
    package func part<Item>(of items: [Item], by cursor: (Item) -> Cursor) -> (items: ArraySlice<Item>, next: String?) {
        // They are in order, and there may be many: the first one behind the cursor is found by binary search.
        var (low, high) = (0, after == nil ? 0 : items.count)
        while let after, low < high {
            let middle = (low + high) / 2
            if cursor(items[middle]) <= after { low = middle + 1 } else { high = middle }
        }
        let rest = items[low...]
        let part = rest.prefix(limit)
        return (part, part.count < rest.count ? part.last.map { cursor($0).description } : nil)
    }
}

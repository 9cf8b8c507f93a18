/// What an unknown word may have been meant to be.
package enum Nearest {
    /// The word among those known that differs in a letter or two; else one that begins alike.
    package static func of(_ word: String, among known: some Sequence<String>) -> String? {
        let near = known.map { (word: $0, distance: distance(word, $0)) }.min {
            ($0.distance, $0.word) < ($1.distance, $1.word)
        }
        if let near, near.distance <= (word.count > 4 ? 2 : 1) { return near.word }
        return known.filter { $0.hasPrefix(word) && word.count > 1 }.min()
    }

    /// Letters to be put in, taken away, changed or swapped with the next (optimal string alignment).
    private static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.lowercased()), Array(b.lowercased()))
        // A word of any length may be given.
        guard abs(a.count - b.count) <= 2 else { return .max }
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}

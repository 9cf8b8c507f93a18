/// Which rtpmidid this is, and what that means for whoever launches, reads and asks it. The behaviour of each release
/// was observed on the releases named below; anything newer than the newest of them is taken to behave like it.
package struct RtpmididVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Years since 2000.
    package let year: Int
    /// 1...12.
    package let month: Int

    package init(year: Int, month: Int) {
        self.year = year
        self.month = month
    }

    package static func < (a: RtpmididVersion, b: RtpmididVersion) -> Bool { (a.year, a.month) < (b.year, b.month) }

    package var description: String { "\(year).\(month < 10 ? "0" : "")\(month)" }

    /// Reads `26.01`, `26.01/2`, `21.07.1` or `v24.12`: the number alone, as the `version` of a status reply has it.
    package init?(_ text: some StringProtocol) {
        var rest = text[...]
        if rest.hasPrefix("v") { rest = rest.dropFirst() }
        let fields = rest.split(separator: ".", omittingEmptySubsequences: false)
        guard fields.count >= 2, fields[0].count == 2, let year = Self.number(fields[0]) else { return nil }
        let tail = fields[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard tail[0].count == 2, let month = Self.number(tail[0]), 1...12 ~= month else { return nil }
        self.init(year: year, month: month)
    }

    /// Reads what the program prints for `--version x`: `rtpmidid version 26.01/2` from 23.12 on, before that a log
    /// line that ends in `Interface Daemon - 23.10`; also a status reply that nobody has decoded yet.
    package init?(output: String) {
        for marker in ["rtpmidid version ", "Interface Daemon - ", "\"version\":\"", "\"version\": \""] {
            guard let start = output.firstEnd(of: marker) else { continue }
            let word = output[start...].prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "/") }
            if let found = RtpmididVersion(word) {
                self = found
                return
            }
        }
        return nil
    }

    private static func number(_ digits: some StringProtocol) -> Int? {
        digits.allSatisfy { $0.isASCII && $0.isNumber } ? Int(digits) : nil
    }
}

/// The releases that were tried. The underscore stands for the dot of their names.
// swift-format-ignore: AlwaysUseLowerCamelCase
extension RtpmididVersion {
    package static let v21_07 = RtpmididVersion(year: 21, month: 7)
    package static let v21_11 = RtpmididVersion(year: 21, month: 11)
    package static let v23_10 = RtpmididVersion(year: 23, month: 10)
    package static let v23_12 = RtpmididVersion(year: 23, month: 12)
    package static let v24_12 = RtpmididVersion(year: 24, month: 12)
    package static let v26_01 = RtpmididVersion(year: 26, month: 1)
    package static let newestKnown = v26_01
    package static let known = [v21_07, v21_11, v23_10, v23_12, v24_12, v26_01]
}

extension String {
    /// The index just behind the first `word`, found without Foundation.
    fileprivate func firstEnd(of word: String) -> Index? {
        let wanted = Array(word.utf8)
        var at = utf8.startIndex
        while at < utf8.endIndex {
            if utf8[at...].starts(with: wanted) { return utf8.index(at, offsetBy: wanted.count) }
            at = utf8.index(after: at)
        }
        return nil
    }
}

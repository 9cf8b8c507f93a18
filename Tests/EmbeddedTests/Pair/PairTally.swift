import Glibc
import Linux
import TestSupport

/// What came of many rounds.
struct PairTally {
    /// As many as are asked for by `MIDIHUB_TEST_ROUNDS`, else a few.
    static func rounds(_ few: Int) -> Int { environment("MIDIHUB_TEST_ROUNDS").flatMap { Int($0) } ?? few }

    var latest: [Double] = []
    private var lost = 0
    private var again = 0

    mutating func add(_ outcome: EnginePair.Outcome) {
        latest.append(outcome.latest)
        lost += outcome.lost
        again += outcome.again
    }

    /// Tells the figures. Gives what must not be: at most so many events of a round may have been told to the partner and not
    /// been sent any more; these are said again but for the beginnings of notes.
    func end(_ what: String, _ pair: EnginePair, inDoubt: Int) -> [String] {
        print(
            "pair: \(latest.count) × \(what): \(lost) of \(pair.played.count) in doubt and not sent again, \(again) sent again;",
            "the latest of a round: \(Self.spread(latest))")
        pair.checkWhatSounds()
        if lost > inDoubt * latest.count { pair.faults.append("\(lost) are lost") }
        if inDoubt == 0, again > 0 { pair.faults.append("\(again) are doubled") }
        return pair.faults
    }

    static func spread(_ values: [Double]) -> String {
        let sorted = values.sorted()
        guard let last = sorted.last else { return "none" }
        return "p50 \(sorted[sorted.count / 2]) ms, max \(last) ms"
    }
}

import Foundation
import RTPMIDI
import TestSupport
import Testing

/// A peer whose clock goes wrong by some parts in a million, at the end of a line; its clock has 32 bits.
struct DriftingPeer {
    enum Line: Sendable {
        case exact, fibre, cable
        /// By how much round trips of 200 ms each were longer than the shortest, and how much of that is on the way to us.
        case measured([Double], up: Double)

        /// Of `Fixtures/round-trips`, one series after the other.
        static func measured(_ name: String) throws -> Line {
            let file = try #require(
                Bundle.module.url(forResource: "Fixtures/round-trips/\(name)", withExtension: "txt"))
            let series = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { line in
                line.split(separator: " ").compactMap { Double($0) }
            }
            let excess = series.flatMap { series in series.map { $0 - (series.min() ?? 0) } }
            // A telephone has to ask before it may send; a satellite is as far in both directions.
            return .measured(excess, up: name == "att" ? 0.75 : 0.5)
        }
    }
    var line: Line
    var ppm: Double
    var random: SeededRandom
    /// Its clock less ours at the beginning, in ms.
    var ahead = 3_000_000.0
    /// Ours at the beginning, in ticks.
    let start: UInt64 = 1 << 45

    init(_ line: Line, ppm: Double, seed: UInt64 = 1) {
        (self.line, self.ppm, random) = (line, ppm, SeededRandom(seed: seed))
    }

    /// Its clock less ours at `time`, in ms since the beginning.
    func offset(_ time: Double) -> Double { ahead + time * ppm / 1e6 }
    func ours(_ time: Double) -> UInt64 { start + UInt64(time * 10) }
    func theirs(_ time: Double) -> UInt32 {
        UInt32(truncatingIfNeeded: Int64(Double(start) + ((time + offset(time)) * 10)))
    }

    private mutating func exponential(_ mean: Double) -> Double {
        -mean * log(Double.random(in: 1e-9..<1, using: &random))
    }
    private mutating func rarely(_ chance: Double, _ range: ClosedRange<Double>) -> Double {
        Double.random(in: 0..<1, using: &random) < chance ? .random(in: range, using: &random) : 0
    }
    /// Of one way, in ms.
    private mutating func delay(up: Bool, at time: Double) -> Double {
        switch line {
        case .exact: 5
        case .fibre: 5 + exponential(0.15) + rarely(0.002, 1...6)
        // A cable's modem has to ask before it may send.
        case .cable:
            11 + (up ? .random(in: 0...4, using: &random) + exponential(0.5) : exponential(0.3))
                + rarely(0.003, 2...12)
        case .measured(let excess, let share):
            11 + excess[Int(time / 200) % excess.count] * (up ? share : 1 - share)
                * .random(in: 0.6...1, using: &random)
        }
    }

    /// An exchange that begins at `time`: one that we ask for is read at the peer's, and the other way round.
    /// Gives whether the filter took it as one of the same clock, and when it ended.
    mutating func exchange(
        with filter: inout ClockFilter, at time: Double, asked: Bool
    ) -> (isSame: Bool, end: Double) {
        let (first, second) = (delay(up: !asked, at: time), delay(up: asked, at: time))
        let (middle, end) = (time + first, time + first + second)
        let trip: UInt32
        let offset: Int64
        if asked {
            trip = UInt32(truncatingIfNeeded: ours(end) - ours(time))
            offset = Int64(
                Int32(truncatingIfNeeded: theirs(middle) &- UInt32(truncatingIfNeeded: ours(time)) &- trip / 2))
        } else {
            trip = theirs(end) &- theirs(time)
            offset = Int64(
                Int32(truncatingIfNeeded: theirs(time) &+ trip / 2 &- UInt32(truncatingIfNeeded: ours(middle))))
        }
        return (filter.add(roundTrip: UInt64(trip), offset: offset, at: ours(end)), end)
    }

    /// The errors of the filter in ms, once a second, from the second minute on; without what no exchange can see,
    /// the difference of the ways, which is their median. Each side asks every ten seconds.
    mutating func errors(minutes: Int) -> [Double] {
        var filter = ClockFilter()
        var errors: [Double] = []
        for second in 0..<minutes * 60 {
            if second % 10 == 0 { _ = exchange(with: &filter, at: Double(second) * 1000, asked: true) }
            if second % 10 == 4 { _ = exchange(with: &filter, at: Double(second) * 1000 + 300, asked: false) }
            let time = Double(second) * 1000 + 900
            if second >= 60 { errors.append(filter.ahead(at: ours(time)) - offset(time)) }
        }
        let median = errors.sorted()[errors.count / 2]
        return errors.map { abs($0 - median) }
    }
}

extension ClockFilter {
    /// The peer's clock less ours, in ms.
    func ahead(at now: UInt64) -> Double { state.offset + state.rate * (Double(now) - Double(state.at)) / 10_000 }
}

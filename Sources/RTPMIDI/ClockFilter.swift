/// What one peer's clock says, from the clock exchanges with it: a Kalman filter of two states, how far its clock is ahead
/// of ours and how fast that grows (RTPMIDI.docc/Sessions.md). A measurement counts the less, the longer its round trip
/// was beside the shortest of late: that is what it may err.
///
/// Offsets are in milliseconds, rates in milliseconds a second, times in ticks of 100 µs of our clock. Only the low 32 bits
/// of a peer's clock are looked at, since many have no more.
package struct ClockFilter: BitwiseCopyable, Sendable {
    /// All that it knows, to be kept where it outlives the program. Any bits make a value; what makes no sense is
    /// taken for nothing.
    package struct State: BitwiseCopyable, Sendable {
        /// When the last exchange was.
        package fileprivate(set) var at: UInt64 = 0
        /// The peer's clock less ours at that time, and what it gains.
        package fileprivate(set) var offset: Double = 0
        package fileprivate(set) var rate: Double = 0
        /// Their covariance: of the offset, of both, of the rate.
        fileprivate var offsets: Double = 0
        fileprivate var both: Double = 0
        fileprivate var rates: Double = 0
        /// How many exchanges it is of, since the beginning or since the peer's clock was set.
        package fileprivate(set) var count: UInt32 = 0
        /// The shortest round trip of the last ones, in ticks.
        fileprivate var shortest: UInt32 = 0

        package init() {}
    }

    package private(set) var state = State()
    /// The last round trips in ticks, a ring.
    private var roundTrips = [32 of UInt32](repeating: 0)
    private var taken = 0

    package init() {}

    /// Goes on from what one before it has kept, in the same clock of ours, of which it is `now`.
    package init(_ kept: State, at now: UInt64) {
        // None of these holds for what is not a number.
        guard kept.count > 0, kept.at <= now, kept.shortest <= ClockEstimate.longestRoundTrip,
            kept.offset.magnitude <= Self.wrap, kept.rate.magnitude <= 1000, kept.offsets > 0, kept.offsets <= 1e9,
            kept.rates > 0, kept.rates <= 1e3, kept.both * kept.both <= kept.offsets * kept.rates
        else { return }
        state = kept
        note(kept.shortest)
    }

    /// What clocks have drifted apart in a second, squared, adds so much to the uncertainty of the rate; and so much noise
    /// the offset has of its own.
    private static let rateNoise = 2e-5 * 2e-5
    private static let offsetNoise = 1e-6
    /// How exact a measurement is at best: clocks are read in ticks.
    private static let resolution = 0.15
    /// What is expected of two crystals that nobody has compared.
    private static let firstRate = 0.05
    /// How far beyond what can be explained a measurement lies when the clock must have been set.
    private static let jump = 20.0
    /// 2^32 ticks.
    private static let wrap = 4_294_967_296 / 10.0

    /// Whether timestamps can be placed by it: three exchanges, known within 2 ms, and a clock that counts as ours does.
    /// While false the peer's timestamps are of no use: PipeWire's count nanoseconds.
    package var isUsable: Bool {
        state.count >= 3 && state.offsets.squareRoot() <= 2 && state.rate.magnitude <= 0.5
    }

    /// Adds an exchange: its round trip in ticks, and the peer's clock less ours in ticks, in whose middle that was read.
    /// A round trip of more than 10 s is not taken. False where the peer's clock was set, so that all that was known is
    /// forgotten.
    @discardableResult
    package mutating func add(roundTrip: UInt64, offset: Int64, at now: UInt64) -> Bool {
        guard roundTrip <= ClockEstimate.longestRoundTrip else { return true }
        note(UInt32(roundTrip))
        let trip = Double(roundTrip) / 10
        guard state.count > 0 else {
            begin(at: now, offset, trip)
            return true
        }
        let seconds = Double(now > state.at ? now - state.at : 0) / 10_000
        let expected = state.offset + state.rate * seconds
        let surprise = Self.difference(offset, expected)
        var (a, b, c) = (state.offsets, state.both, state.rates)
        a += 2 * seconds * b + seconds * seconds * c + Self.rateNoise * seconds * seconds * seconds / 3
        a += Self.offsetNoise * seconds
        b += seconds * c + Self.rateNoise * seconds * seconds / 2
        c += Self.rateNoise * seconds
        // No round trip explains it: half of one is what a measurement can err, and 4 σ what is known can.
        guard surprise.magnitude <= Self.jump + trip + 4 * a.squareRoot() else {
            begin(at: now, offset, trip)
            return false
        }
        let excess = (trip - Double(state.shortest) / 10) / 2
        let sum = a + Self.resolution * Self.resolution + excess * excess
        let (gain, rateGain) = (a / sum, b / sum)
        state.at = now
        state.offset = Self.wrapped(expected + gain * surprise)
        state.rate += rateGain * surprise
        (state.offsets, state.both, state.rates) = (a - gain * a, b - gain * b, c - rateGain * b)
        state.count = min(state.count + 1, 1 << 20)
        return true
    }

    /// When by our clock it was `timestamp` by the peer's, which came to us at `now`: within 59 hours of that, and later
    /// than that where the peer's clock is wrong. nil while it is not known.
    package func moment(of timestamp: UInt32, cameAt now: UInt64) -> UInt64? {
        guard isUsable else { return nil }
        let seconds = Double(Int64(truncatingIfNeeded: now &- state.at)) / 10_000
        // The peer's clock at `now`, and how much older the timestamp is.
        let ahead = Int64((Self.wrapped(state.offset + state.rate * seconds) * 10).rounded())
        let age = Int32(truncatingIfNeeded: Int64(truncatingIfNeeded: now) &+ ahead &- Int64(timestamp))
        return now &- UInt64(bitPattern: Int64(age))
    }

    private mutating func begin(at now: UInt64, _ offset: Int64, _ trip: Double) {
        state.at = now
        state.offset = Double(Int32(truncatingIfNeeded: offset)) / 10
        state.rate = 0
        state.offsets = trip * trip / 4 + 1
        (state.both, state.rates) = (0, Self.firstRate * Self.firstRate)
        state.count = 1
    }

    /// How far `offset`, in ticks of which the low 32 bits count, is from the milliseconds that were expected.
    private static func difference(_ offset: Int64, _ expected: Double) -> Double {
        let expected = wrapped(expected)
        let whole = Int64(expected * 10)
        let ticks = Int32(truncatingIfNeeded: offset &- whole)
        return Double(ticks) / 10 + (Double(whole) / 10 - expected)
    }

    /// The same offset nearest to 0, of those that no peer's 32 bits tell apart.
    private static func wrapped(_ offset: Double) -> Double { offset.remainder(dividingBy: wrap) }

    private mutating func note(_ roundTrip: UInt32) {
        roundTrips[taken % roundTrips.count] = roundTrip
        taken = taken < 2 * roundTrips.count ? taken + 1 : roundTrips.count + 1
        var shortest = roundTrip
        for index in 0..<min(taken, roundTrips.count) { shortest = min(shortest, roundTrips[index]) }
        state.shortest = shortest
    }
}

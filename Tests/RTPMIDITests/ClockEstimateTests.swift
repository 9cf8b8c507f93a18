import RTPMIDI
import Testing

struct ClockEstimateTests {
    private func estimate(_ roundTrips: [UInt64]) -> ClockEstimate {
        var clock = ClockEstimate()
        for roundTrip in roundTrips { clock.add(roundTrip: roundTrip) }
        return clock
    }

    @Test func `without an exchange it claims nothing`() {
        let clock = ClockEstimate()
        #expect(clock.count == 0 && clock.last == 0 && clock.minimum == 0 && clock.average == 0 && clock.maximum == 0)
        #expect(clock.p95 == 0 && clock.jitter == 0)
        #expect(clock.totals == ClockEstimate.Totals())
    }

    @Test func `its figures are those of the exchanges`() {
        let clock = estimate([30, 10, 50, 20])
        #expect(clock.last == 20 && clock.minimum == 10 && clock.average == 27 && clock.maximum == 50)
        #expect(clock.jitter == 30)  // (20 + 40 + 30) / 3
        #expect(clock.p95 == 47)  // 0.95 * 3 = 2.85: between 30 and 50, at 85 hundredths
    }

    @Test func `figures are of the last sixteen, totals of all`() {
        let clock = estimate([1000] + (1...20).map { UInt64($0) })
        #expect(clock.count == 16 && clock.minimum == 5 && clock.maximum == 20 && clock.last == 20)
        #expect(clock.average == 12 && clock.jitter == 1)
        #expect(clock.totals.count == 21 && clock.totals.minimum == 1 && clock.totals.maximum == 1000)
        #expect(clock.totals.average == 57)
    }

    @Test func `a round trip of more than ten seconds is not taken`() {
        #expect(estimate([100_001, .max]).count == 0)
        #expect(estimate([100_000]).last == 100_000)
    }
}

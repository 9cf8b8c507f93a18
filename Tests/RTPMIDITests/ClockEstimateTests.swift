import RTPMIDI
import Testing

struct ClockEstimateTests {
    private func estimate(_ roundTrips: [UInt64], offset: Int64 = 0, every: UInt64 = 100_000) -> ClockEstimate {
        var clock = ClockEstimate()
        for (index, roundTrip) in roundTrips.enumerated() {
            clock.add(roundTrip: roundTrip, offset: offset, at: UInt64(index) * every)
        }
        return clock
    }

    @Test func `without an exchange it claims nothing`() {
        let clock = ClockEstimate()
        #expect(clock.count == 0 && clock.last == 0 && clock.minimum == 0 && clock.average == 0 && clock.maximum == 0)
        #expect(clock.p95 == 0 && clock.jitter == 0 && clock.offset == nil && clock.hasPlausibleRate == nil)
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

    @Test func `the offset is that of the shortest exchange`() {
        var clock = ClockEstimate()
        clock.add(roundTrip: 300, offset: 5, at: 0)
        clock.add(roundTrip: 20, offset: -7, at: 1)
        clock.add(roundTrip: 30, offset: 9, at: 2)
        #expect(clock.offset == -7)
    }

    @Test func `a round trip of more than ten seconds is not taken`() {
        #expect(estimate([100_001, .max]).count == 0)
        #expect(estimate([100_000]).last == 100_000)
    }

    @Test func `a clock that drifts by a hundred parts in a million is plausible`() {
        var clock = ClockEstimate()
        for index in 0..<40 {
            clock.add(roundTrip: 30, offset: Int64(index) * 10, at: UInt64(index) * 100_000)
            #expect(clock.hasPlausibleRate == (index == 0 ? nil : true))
        }
    }

    @Test func `PipeWire counts nanoseconds, so its timestamps are of no use`() {
        var clock = ClockEstimate()
        for index in 0..<20 {
            let now = UInt64(index) * 15_000
            clock.add(roundTrip: 5, offset: Int64(now) * 100_000 - Int64(now), at: now)
            #expect(clock.hasPlausibleRate == (now < 100_000 ? nil : false))
        }
    }

    @Test func `jackrtpmidid and node-rtpmidi have clocks of 32 bits, which may wrap`() {
        var clock = ClockEstimate()
        for index in 0..<4 {
            let now = 0xFFFF_0000 + UInt64(index) * 100_000
            let theirs = now & 0xFFFF_FFFF
            clock.add(roundTrip: 30, offset: Int64(bitPattern: theirs &- now), at: now)
        }
        #expect(clock.hasPlausibleRate == true)
    }

    @Test func `a slow line does not make a clock implausible`() {
        var clock = ClockEstimate()
        clock.add(roundTrip: 10_000, offset: -5_000, at: 0)
        clock.add(roundTrip: 10_000, offset: 5_000, at: 100_000)
        #expect(clock.hasPlausibleRate == true)
    }

    @Test func `any numbers of a peer are survived`() {
        var clock = ClockEstimate()
        for offset in [Int64.max, .min, 0, -1, .max] {
            clock.add(roundTrip: 100_000, offset: offset, at: .max)
            clock.add(roundTrip: 0, offset: offset, at: 0)
        }
        #expect(clock.count == 10 && clock.average == 50_000)
    }
}

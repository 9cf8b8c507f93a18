import EngineProtocol
import MIDI
import TestSupport
import Testing

@testable import Engine

/// What one participant may take of the engine.
@Suite struct AllowanceTests {
    /// Plays at an even pace for ten seconds. Gives how many packets were taken, of how many.
    private func play(
        _ rate: Int, to hearers: Int, costing cost: DeliveryCost = DeliveryCost()
    ) -> (taken: Int, played: Int) {
        var allowance = Allowance()
        var taken = 0
        for number in 0..<rate * 10 {
            guard allowance.admits(20, at: Milliseconds(number * 1000 / rate)) else { continue }
            allowance.charge(hearers, at: cost)
            taken += 1
        }
        return (taken, rate * 10)
    }

    private func cost(_ nanoseconds: UInt64) -> DeliveryCost {
        var cost = DeliveryCost()
        for _ in 0..<200 { cost.measured(1000, in: nanoseconds * 1000) }
        return cost
    }

    @Test(arguments: [3_000, 5_000, 12_000])
    func `nobody takes more than a quarter of the engine, however many hear it`(nanoseconds: UInt64) {
        for hearers in [100, 250, 1000] {
            let (taken, _) = play(3_900, to: hearers, costing: cost(nanoseconds))
            let share = Double(taken * hearers) * Double(nanoseconds) / 10e9
            #expect(share < 0.26, "\(hearers) hearers: \(share)")
            #expect(share > 0.23, "\(hearers) hearers: \(share)")
        }
    }

    @Test(arguments: [(3_900, 4), (1_000, 16), (3_900, 12)])
    func `a small room's traffic passes whole`(rate: Int, hearers: Int) {
        // The slowest machine has what a MIDI cable brings for sixteen.
        let slow = cost(hearers * rate <= 16_000 ? 200_000 : 5_000)
        let (taken, played) = play(rate, to: hearers, costing: slow)
        #expect(taken == played)
    }

    @Test func `a player among two hundred passes whole`() {
        let (taken, played) = play(100, to: 200)
        #expect(taken == played)
    }

    @Test(arguments: [(100, false), (200, true)])
    func `who takes more than a sixteenth of the engine comes after the others`(rate: Int, isHeavy: Bool) {
        var allowance = Allowance()
        var heavy = 0
        for number in 0..<rate {
            let now = Milliseconds(number * 1000 / rate)
            if allowance.isHeavy(at: now) { heavy += 1 }
            allowance.charge(100, at: DeliveryCost())
        }
        #expect((heavy > rate / 2) == isHeavy, "\(heavy)")
    }

    @Test func `the longest system exclusive messages pass one after the other, and take no note with them`() {
        var allowance = Allowance()
        var now: Milliseconds = 0
        for _ in 0..<20 {
            for _ in 0..<512 {
                now += 3
                let takes = allowance.admits(160, at: now)
                #expect(takes)
            }
            let takes = allowance.admitsExclusive(512 * 30, at: now, DeliveryCost())
            #expect(takes)
        }
    }

    @Test func `dumps to many take an eighth of the engine and no more`() {
        var allowance = Allowance()
        let taken = (0..<1000).count {
            allowance.admitsExclusive(512 * 100, at: Milliseconds($0 * 100), DeliveryCost())
        }
        let share = Double(taken * 512 * 100 * 5_000) / 100e9
        #expect(share < 0.15 && share > 0.1)
    }

    @Test func `what a delivery costs follows what is measured, and neither an interruption nor little says much`() {
        #expect((2_900...3_100).contains(cost(3_000).nanoseconds))
        var cost = cost(3_000)
        cost.measured(1000, in: 1_000_000_000)
        #expect(cost.nanoseconds < 3_300)
        for _ in 0..<100 { cost.measured(10, in: 1_000_000_000) }
        #expect(cost.nanoseconds < 3_300)
        for _ in 0..<1000 { cost.measured(1000, in: .max) }
        #expect(cost.nanoseconds == 15_625)
        for _ in 0..<1000 { cost.measured(1000, in: 0) }
        #expect(cost.nanoseconds == 1_000)
    }

    @Test func `what is owed is paid back, and never more than the burst`() {
        var bucket = TokenBucket(rate: 10, burst: 5)
        bucket.charge(1 << 50)
        let open = [499, 501, 1000].map { bucket.hasSome(at: $0) }
        // The first look begins its time.
        #expect(open == [false, false, true])
    }

    @Test func `the larger the room, the less is taken of a socket at a time`() {
        #expect([0, 2, 16, 64, 100, 250, 5000].map { EngineLoop.batch($0) } == [64, 64, 64, 16, 10, 4, 1])
    }

    @Test func `others come before one who plays much`() throws {
        let engine = try EngineUnderTest()
        var players: [TestPlayer] = []
        for number in 0..<60 { players.append(try engine.player("Player \(number)", others: players)) }
        let (heavy, light, ear) = (players[0], players[1], players[2])
        var round: UInt8 = 0
        // The engine may be quicker than we are: then once more.
        try pumping([ear], "what was played before a note, after it") {
            let note = DataByte(truncating: round)
            for value in UInt8(0)..<100 {
                heavy.play(.polyPressure(Channel(truncating: 0), note: note, pressure: DataByte(truncating: value)))
            }
            light.play(.noteOn(Channel(truncating: 0), note: note, velocity: 100))
            round += 1
            var notes: Set<DataByte> = []
            for message in ear.heard {
                if case .noteOn(_, let note, _) = message { notes.insert(note) }
                if case .polyPressure(_, let note, _) = message, notes.contains(note) { return true }
            }
            return round > 100
        }
        #expect(round <= 100)
    }

    @Test func `in the engine packets to many hearers are counted as many`() throws {
        let engine = try EngineUnderTest()
        var players: [TestPlayer] = []
        for number in 0..<60 { players.append(try engine.player("Player \(number)", others: players)) }
        let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
        try eventually("a limit, in spite of what such a machine can do") {
            for _ in 0..<200 { players[0].play(note) }
            return (try engine.status().participants.contains { $0.counts.limited > 0 })
        }
        let counts = try engine.status().participants.map(\.counts)
        // Long before the allowance of packets.
        #expect(counts.allSatisfy { $0.received < 8000 })
    }
}

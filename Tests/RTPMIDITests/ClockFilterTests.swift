import RTPMIDI
import TestSupport
import Testing

struct ClockFilterTests {
    @Test(arguments: [(DriftingPeer.Line.fibre, 0.15), (.cable, 0.5)], [100.0, -100, 30])
    func `a clock that drifts is followed`(line: (DriftingPeer.Line, Double), ppm: Double) {
        let errors = (1...6).flatMap { (seed: UInt64) in
            var peer = DriftingPeer(line.0, ppm: ppm, seed: seed)
            return peer.errors(minutes: 15)
        }.sorted()
        #expect(errors[errors.count * 95 / 100] < line.1)
    }

    @Test(arguments: ["att", "starlink"])
    func `on lines that were measured it stays within what makes it usable`(name: String) throws {
        let line = try DriftingPeer.Line.measured(name)
        let errors = (1...6).flatMap { (seed: UInt64) in
            var peer = DriftingPeer(line, ppm: 100, seed: seed)
            return peer.errors(minutes: 15)
        }.sorted()
        #expect(errors[errors.count * 95 / 100] < 2)
    }

    @Test func `it is usable after three exchanges`() {
        var peer = DriftingPeer(.fibre, ppm: 30)
        var filter = ClockFilter()
        for count in 0..<5 {
            #expect(filter.isUsable == (count >= 3))
            #expect((filter.moment(of: 0, cameAt: peer.start) != nil) == (count >= 3))
            _ = peer.exchange(with: &filter, at: Double(count) * 1500, asked: true)
        }
    }

    @Test(arguments: [5000.0, -5000, 100, 1e8])
    func `a clock that was set is followed within two exchanges`(change: Double) {
        var peer = DriftingPeer(.cable, ppm: 100)
        var filter = ClockFilter()
        for count in 0..<10 {
            let (isSame, _) = peer.exchange(with: &filter, at: Double(count) * 10_000, asked: count % 2 == 0)
            #expect(isSame)
        }
        peer.ahead += change
        var end = 0.0
        for count in 10..<12 {
            let (isSame, last) = peer.exchange(with: &filter, at: Double(count) * 10_000, asked: count % 2 == 0)
            #expect(isSame == (count == 11))
            end = last
        }
        #expect(abs(filter.ahead(at: peer.ours(end)) - peer.offset(end)) < 3)
        _ = peer.exchange(with: &filter, at: 120_000, asked: true)
        #expect(filter.isUsable)
    }

    @Test func `a clock whose 32 bits begin anew goes on`() {
        var peer = DriftingPeer(.exact, ppm: 50)
        // It begins anew after 90 s, and the difference from ours between the halves of all numbers somewhere, too.
        let start = Double(UInt32(truncatingIfNeeded: peer.start))
        for ahead: Double in [4_294_967_296 - start - 900_000, 2_147_483_648 - 20, -2_147_483_648 + 20] {
            peer.ahead = ahead / 10
            var filter = ClockFilter()
            for count in 0..<20 {
                let time = Double(count) * 10_000
                let (isSame, _) = peer.exchange(with: &filter, at: time, asked: count % 2 == 0)
                #expect(isSame)
                guard count >= 3 else { continue }
                let sent = time + 3000
                let moment = filter.moment(of: peer.theirs(sent), cameAt: peer.ours(sent + 7))
                #expect(moment.map { abs(Int64($0) - Int64(peer.ours(sent))) <= 2 } == true)
            }
        }
    }

    @Test func `one that counts nanoseconds is never of use`() {
        var filter = ClockFilter()
        for count in 0..<100 {
            let now = UInt64(1 << 45) + UInt64(count) * 15_000
            filter.add(roundTrip: 5, offset: Int64(truncatingIfNeeded: now &* 100_000 &- now), at: now)
            #expect(!filter.isUsable)
        }
    }

    @Test func `no number that a peer may choose breaks it`() {
        var random = SeededRandom(seed: 3)
        var filter = ClockFilter()
        for _ in 0..<100_000 {
            let now = UInt64.random(in: 0...(.max), using: &random) >> Int.random(in: 0...63, using: &random)
            let trip = UInt64.random(in: 0...(.max), using: &random) >> Int.random(in: 0...63, using: &random)
            filter.add(roundTrip: trip, offset: .random(in: .min ... .max, using: &random), at: now)
            _ = filter.moment(of: .random(in: 0...(.max), using: &random), cameAt: now &+ trip)
        }
    }

    @Test func `what it has kept goes on where it was`() {
        var peer = DriftingPeer(.fibre, ppm: 100)
        var filter = ClockFilter()
        for count in 0..<30 { _ = peer.exchange(with: &filter, at: Double(count) * 10_000, asked: true) }
        var next = ClockFilter(filter.state, at: peer.ours(300_000))
        #expect(next.isUsable)
        let timestamp = peer.theirs(305_000)
        #expect(
            next.moment(of: timestamp, cameAt: peer.ours(305_010))
                == filter.moment(of: timestamp, cameAt: peer.ours(305_010)))
        // One whose round trip is much longer than those before is known to be so.
        next.add(roundTrip: 1000, offset: Int64(peer.offset(306_000) * 10) + 400, at: peer.ours(306_000))
        #expect(abs(next.ahead(at: peer.ours(306_000)) - peer.offset(306_000)) < 0.5)
    }

    @Test func `what cannot have been kept is taken for nothing`() {
        var random = SeededRandom(seed: 9)
        for round in 0..<20_000 {
            var state = ClockFilter.State()
            withUnsafeMutableBytes(of: &state) { bytes in
                for index in bytes.indices {
                    bytes[index] =
                        round % 2 == 0
                        ? .random(in: 0...255, using: &random) : [0, 0x7F, 0xFF, 0xF0].randomElement(using: &random)!
                }
            }
            var filter = ClockFilter(state, at: 1 << 45)
            #expect(filter.state.count == 0 || filter.state.at <= 1 << 45)
            for count: UInt64 in 1...5 {
                filter.add(roundTrip: 30, offset: 12_345, at: 1 << 45 + count * 100_000)
                _ = filter.moment(of: 7, cameAt: 1 << 45 + count * 100_000)
            }
        }
        #expect(ClockFilter(ClockFilter.State(), at: 0).isUsable == false)
    }
}

import Rooms
import TestSupport
import Testing

@Suite struct LoopSentinelTests {
    /// Sends `count` messages to a participant who returns each `delay` later, changed by `change`.
    private func returns(_ count: Int, delay: (Int) -> Int64, change: (UInt32) -> UInt32 = { $0 }) -> Bool {
        var sentinel = LoopSentinel()
        for index in 0..<count {
            let now = Int64(index * 100)
            let message = UInt32(0x90_00_40 + (index % 50) << 8)
            sentinel.participantHears(message, at: now)
            if sentinel.participantSends(change(message), at: now + delay(index)) { return true }
        }
        return false
    }

    @Test func `software that returns everything is recognised`() { #expect(returns(40) { 30 + Int64($0 % 7) }) }

    @Test func `who plays the same notes with another touch is not`() {
        #expect(!returns(5000, delay: { _ in 30 }, change: { $0 ^ 0x07 }))
    }

    @Test func `who plays along as late as people do is not`() {
        var random = SeededRandom(seed: 3)
        let delays = (0..<2000).map { _ in Int64.random(in: 20...99, using: &random) }
        #expect(!returns(2000) { delays[$0] })
    }

    @Test func `a few returned messages are not enough`() { #expect(!returns(20) { _ in 5 }) }

    @Test func `what comes back later than it can is no loop`() {
        var sentinel = LoopSentinel(threshold: 3)
        for index in 0..<100 {
            sentinel.participantHears(0x90_3C_40, at: Int64(index * 200))
            let isLoop = sentinel.participantSends(0x90_3C_40, at: Int64(index * 200 + 120), within: 60)
            #expect(!isLoop)
        }
    }

    // MARK: A trial

    /// Returns each message 30 ms later, or plays the same of its own accord, until it is suspected; then it is tried
    /// while somebody plays every 100 ms for `played` messages, of which it `plays` some all the same.
    private func tried(
        _ sentinel: inout LoopSentinel, from start: Int64 = 0, played: Int = 12, silenceIsProof: Bool = false,
        plays: (Int) -> Bool
    ) -> LoopSentinel.Verdict? {
        var now = start
        var count: UInt32 = 0
        func message() -> UInt32 { 0x90_00_40 + (count % 50) << 8 }
        repeat {
            guard count < 1000 else { return nil }
            count += 1
            now += 100
            sentinel.participantHears(message(), at: now)
        } while !sentinel.participantSends(message(), at: now + 30)
        sentinel.beginTrial(at: now + 30)
        for index in 0..<played {
            count += 1
            now += 100
            sentinel.withholds(message(), at: now)
            if plays(index) { _ = sentinel.returns(message(), at: now + 30) }
        }
        return sentinel.judge(at: now + 300, silenceIsProof: silenceIsProof)
    }

    private func expect(
        _ verdict: LoopSentinel.Verdict?, _ expected: LoopSentinel.Verdict,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(verdict == expected, sourceLocation: location)
    }

    @Test func `who plays on while nothing is sent to it is innocent, and not soon suspected again`() {
        var sentinel = LoopSentinel()
        expect(tried(&sentinel) { _ in true }, .innocent)
        let isSuspect = (0..<100).contains { index in
            let (message, now) = (UInt32(0x91_00_40 + (index % 50) << 8), Int64(20_000 + index * 100))
            sentinel.participantHears(message, at: now)
            return sentinel.participantSends(message, at: now + 30)
        }
        #expect(!isSuspect)
    }

    @Test func `its innocence is seen before the trial's time is over`() throws {
        var sentinel = LoopSentinel(threshold: 1)
        sentinel.participantHears(0x90_3C_40, at: 0)
        let isSuspect = sentinel.participantSends(0x90_3C_40, at: 10)
        #expect(isSuspect)
        sentinel.beginTrial(at: 10)
        let end = try #require(sentinel.trialEnd)
        #expect(end > 1000)
        for now in [Int64(200), 300] {
            sentinel.withholds(0x90_3C_40, at: now)
            _ = sentinel.returns(0x90_3C_40, at: now + 10)
        }
        #expect(try #require(sentinel.trialEnd) < 400)
    }

    @Test func `what falls silent twice, and returns all in between, is a loop`() {
        var sentinel = LoopSentinel()
        expect(tried(&sentinel) { _ in false }, .silent)
        expect(tried(&sentinel, from: 5000) { _ in false }, .loop)
    }

    @Test func `a silence long ago counts no more`() {
        var sentinel = LoopSentinel()
        expect(tried(&sentinel) { _ in false }, .silent)
        expect(tried(&sentinel, from: 100_000) { _ in false }, .silent)
    }

    @Test func `where nobody plays meanwhile a trial proves nothing, unless its silence does`() {
        var sentinel = LoopSentinel()
        expect(tried(&sentinel, played: 3) { _ in false }, .undecided)
        expect(tried(&sentinel, from: 5000, played: 0, silenceIsProof: true) { _ in false }, .silent)
    }

    @Test func `what was on its way when a trial began is known as such, and no proof of innocence`() {
        var sentinel = LoopSentinel(threshold: 4)
        for index in 0..<8 { sentinel.participantHears(UInt32(0x90_00_40 + index << 8), at: Int64(index * 10)) }
        for index in 0..<4 {
            let isSuspect = sentinel.participantSends(UInt32(0x90_00_40 + index << 8), at: Int64(index * 10 + 50))
            #expect(isSuspect == (index == 3))
        }
        sentinel.beginTrial(at: 80)
        for index in 4..<8 {
            let wasUnderWay = sentinel.returns(UInt32(0x90_00_40 + index << 8), at: Int64(index * 10 + 50))
            #expect(wasUnderWay)
        }
        expect(sentinel.judge(at: 1500), .undecided)
    }
}

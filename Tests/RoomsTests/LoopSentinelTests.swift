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
}

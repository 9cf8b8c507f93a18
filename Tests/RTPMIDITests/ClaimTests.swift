import RTPMIDI
import Testing

/// A claim in virtual time, and what it asked for.
private struct ClaimStage {
    var now: UInt64 = 1_000_000
    var claim = Claim(now: 1_000_000, salt: 5)
    var lastHeard: UInt64 = 900_000
    var steps: [Claim.Step] = []

    static let peer = SSRC(7)
    static let own = SSRC(3)

    /// The answer of the new address.
    mutating func answer(after ticks: UInt64, count: UInt8 = 1, off: UInt64 = 0) {
        now += ticks
        guard case .clock(Self.own, 0, let t1, 0, 0) = claim.question(from: Self.own) else {
            Issue.record("no question")
            return
        }
        claim.receive(.clock(ssrc: Self.peer, count: count, t1: t1 &+ off, t2: 0, t3: 0), now: now)
    }

    /// Lets time pass; `isAlive`: the old address answers each question after `roundTrip`.
    mutating func pass(_ ticks: UInt64, isAlive: Bool = false, roundTrip: UInt64 = 300) {
        let end = now + ticks
        while now < end {
            now += 10
            guard let step = claim.wake(now: now, lastHeard: min(lastHeard, now)) else { continue }
            steps.append(step)
            if case .askOwner = step, isAlive { lastHeard = now + roundTrip }
            if case .askOwner = step { continue }
            return
        }
    }

    var questions: Int { steps.count { if case .askOwner = $0 { true } else { false } } }
    var hasMoved: Bool { steps.contains { if case .move = $0 { true } else { false } } }
    var isForgotten: Bool { steps.contains { if case .forget = $0 { true } else { false } } }
}

struct ClaimTests {
    @Test func `who does not answer at the new address is forgotten, and the old one is not bothered`() {
        var stage = ClaimStage()
        stage.pass(20_000)
        #expect(stage.isForgotten && stage.questions == 0 && stage.now == 1_010_000)
    }

    @Test func `it moves within two seconds where the old address is empty`() {
        var stage = ClaimStage()
        stage.answer(after: 500)
        stage.pass(20_000)
        #expect(stage.hasMoved && stage.questions == 6)
        #expect(stage.now < 1_020_000)
    }

    @Test func `where the session was before, an answer is enough`() {
        var stage = ClaimStage()
        stage.claim = Claim(now: stage.now, isReturn: true, salt: 5)
        stage.pass(400)
        #expect(stage.steps.isEmpty)
        stage.answer(after: 10)
        #expect(stage.claim.deadline == stage.now)
        stage.pass(10, isAlive: true)
        #expect(stage.hasMoved && stage.questions == 0)
    }

    @Test(arguments: [10, 1_000, 2_400, 4_900] as [UInt64])
    func `where the old address answers, the newcomer is nobody for ten seconds`(roundTrip: UInt64) {
        var stage = ClaimStage()
        stage.answer(after: 500)
        stage.pass(90_000, isAlive: true, roundTrip: roundTrip)
        #expect(!stage.hasMoved && !stage.isForgotten && stage.questions < 6)
        #expect(stage.claim.yields)
        stage.pass(50_000)
        #expect(stage.isForgotten && !stage.hasMoved)
    }

    @Test func `music from the old address says the same as an answer`() {
        var stage = ClaimStage()
        stage.answer(after: 500)
        stage.pass(12_000)
        stage.lastHeard = stage.now
        stage.pass(20_000)
        #expect(!stage.hasMoved && !stage.isForgotten)
    }

    @Test func `what was under way from the old address does not hold it up`() {
        var stage = ClaimStage()
        stage.answer(after: 500)
        stage.lastHeard = stage.now + 2_000
        stage.pass(20_000)
        #expect(stage.hasMoved)
    }

    @Test func `only an echo of the time that was asked with is an answer`() {
        var stage = ClaimStage()
        stage.answer(after: 100, off: 1)
        stage.answer(after: 100, count: 2)
        stage.claim.receive(.clock(ssrc: ClaimStage.peer, count: 0, t1: 0, t2: 0, t3: 0), now: stage.now)
        stage.claim.receive(.feedback(ssrc: ClaimStage.peer, value: 0), now: stage.now)
        stage.pass(20_000)
        #expect(stage.isForgotten && stage.questions == 0)
    }

    @Test func `one that is silent gives way to another, one that answered does not`() {
        var stage = ClaimStage()
        #expect(!stage.claim.yields)
        stage.pass(5_000)
        #expect(stage.claim.yields && !stage.isForgotten)
        stage = ClaimStage()
        // Late, but not too late.
        stage.pass(5_000)
        stage.answer(after: 2_000)
        stage.pass(5_000)
        #expect(!stage.claim.yields)
    }

    @Test func `after a pause of ours the old address has its time all the same`() {
        var stage = ClaimStage()
        stage.answer(after: 500)
        stage.now += 100_000
        stage.pass(15_000)
        #expect(!stage.hasMoved && stage.questions == 6)
        stage.pass(10_000)
        #expect(stage.hasMoved)
    }
}

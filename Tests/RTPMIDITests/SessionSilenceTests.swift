import RTPMIDI
import TestSupport
import Testing

/// Whether a peer is still there, told by the questions that it misses.
struct SessionSilenceTests {
    /// Up since now, holding something.
    private func holding() -> Stage {
        var stage = Stage.upListener()
        stage.session.isWatched = true
        return stage
    }

    @Test func `who holds something is asked at 1.5 and 2.5 s of silence, then ever faster, and is silent at 5 s`() {
        var stage = holding()
        let heard = stage.now
        var asked: [UInt64] = []
        for _ in 0..<12 {
            stage.pass(stage.session.deadline - stage.now)
            asked.append(stage.now - heard)
        }
        #expect(asked == [15_000] + (0...10).map { 25_000 + 2_000 * $0 } && stage.questions.count == 12)
        stage.pass(4_999)
        #expect(!stage.session.isSilent)
        stage.pass(1)
        #expect(stage.session.isSilent && stage.session.isUp && stage.ends.isEmpty)
    }

    @Test func `a stall of two seconds or four is no silence`() {
        for stall in [UInt64(20_000), 40_000] {
            var stage = holding()
            stage.pass(stall)
            stage.session.heard(now: stage.now)
            stage.pass(14_000)
            #expect(!stage.session.isSilent)
            stage.pass(30_000)
            #expect(!stage.session.isSilent, "counted from when it was heard last")
        }
    }

    @Test func `who holds nothing is asked every ten seconds, and is silent soon after it has missed one`() {
        var stage = Stage.upListener()
        stage.pass(99_970)
        #expect(stage.questions.count == 1)
        stage.pass(34_999)
        #expect(stage.questions.count == 12 && !stage.session.isSilent)
        stage.pass(1)
        #expect(stage.session.isSilent)
    }

    @Test func `where a third of the questions and answers gets lost nobody is silent`() {
        var random = SeededRandom(seed: 7)
        var stage = holding()
        for _ in 0..<20_000 {
            stage.forget()
            stage.pass(stage.session.deadline - stage.now)
            if !stage.questions.isEmpty, Int.random(in: 0..<100, using: &random) < 70 {
                stage.answerQuestion(after: 300)
            }
            #expect(!stage.session.isSilent)
        }
    }

    @Test func `the silent are asked every two and a half seconds, and the first answer ends it`() {
        var stage = holding()
        stage.pass(50_000)
        stage.forget()
        stage.pass(100_000)
        #expect((4...5).contains(stage.questions.count) && stage.session.isSilent)
        stage.answerQuestion(after: 100)
        #expect(!stage.session.isSilent && stage.session.isUp)
    }

    @Test func `anything that comes ends it`() {
        var stage = holding()
        stage.pass(50_000)
        #expect(stage.session.isSilent)
        stage.session.heard(now: stage.now)
        #expect(!stage.session.isSilent)
        // Whether it still answers has to be found out again.
        stage.pass(90_000)
        #expect(!stage.session.isSilent)
    }

    @Test func `one who never answers our questions is never silent because of that`() throws {
        var stage = Stage.invited()
        stage.receive(.clock(ssrc: Stage.peer, count: 0, t1: 700, t2: 0, t3: 0))
        guard case .clock(_, 1, _, let t2, _)? = stage.clockAnswers.first else {
            Issue.record("no answer: \(stage.sent)")
            return
        }
        stage.receive(.clock(ssrc: Stage.peer, count: 2, t1: 700, t2: t2, t3: 780))
        #expect(stage.session.isUp)
        stage.session.isWatched = true
        stage.forget()
        stage.pass(500_000)
        #expect(!stage.session.isSilent && stage.questions.count < 9)
    }

    @Test func `after a pause of our own it is asked before it is judged`() {
        var stage = holding()
        stage.now += 200_000
        stage.wake()
        #expect(stage.questions.count == 1 && !stage.session.isSilent)
        stage.answerQuestion(after: 30)
        stage.pass(10_000)
        #expect(!stage.session.isSilent)
    }

    @Test func `after a restart of ours one who answered before is listened for as well`() {
        var stage = Stage(
            session: .resumedListener(
                token: Stage.token, dataToken: Stage.token, peer: Stage.peer, own: Stage.own, name: "Hub",
                now: 1_000_000, hasAnswered: true),
            now: 1_000_000)
        stage.session.isWatched = true
        stage.pass(40_000)
        #expect(stage.session.isSilent && stage.ends.isEmpty)
    }
}

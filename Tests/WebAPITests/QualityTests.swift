import Hub
import Testing
import WebAPI

struct QualityTests {
    @Test(
        arguments: [
            (30, 5, 0.001, .good), (30.1, 5, 0.001, .playable), (30, 5.1, 0.001, .playable), (30, 5, 0.0011, .playable),
            (60, 15, 0.01, .playable), (60.1, 0, 0, .hard), (1, 15.1, 0, .hard), (1, 0, 0.011, .hard),
            (10, nil, nil, .good), (nil, 1, 0, nil),
        ] as [(Double?, Double?, Double?, Quality?)])
    func `the worst of round trip, jitter and loss decides`(
        rtt: Double?, jitter: Double?, loss: Double?, quality: Quality?
    ) {
        #expect(Quality(rtt: rtt, jitter: jitter, loss: loss) == quality)
    }

    @Test func `the limits are explained as they are`() {
        #expect(
            Quality.explanation
                == "good (round trip up to 30 ms, jitter up to 5 ms, loss up to 0.1 %), playable (60 ms, 15 ms, 1 %), hard"
        )
    }
}

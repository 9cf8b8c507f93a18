import Hub

/// How it is to play over such a way; the page says the same (`web/words.js`).
package enum Quality: String, Sendable {
    case good, playable, hard

    /// Upper limits: round trip and jitter in milliseconds, loss from 0 to 1.
    private static let limits: [(quality: Quality, rtt: Double, jitter: Double, loss: Double)] = [
        (.good, 30, 5, 0.001), (.playable, 60, 15, 0.01),
    ]

    package static let words =
        "good (round trip up to 30 ms, jitter up to 5 ms, loss up to 0.1 %), playable (60 ms, 15 ms, 1 %), hard"

    /// nil where nothing was measured. What is not known does not count.
    package init?(rtt: Double?, jitter: Double?, loss: Double?) {
        guard let rtt else { return nil }
        self =
            Self.limits.first { rtt <= $0.rtt && (jitter ?? 0) <= $0.jitter && (loss ?? 0) <= $0.loss }?.quality
            ?? .hard
    }

    init?(of one: Snapshot.Participant) { self.init(rtt: one.rtt?.last, jitter: one.jitter, loss: one.loss) }

    var ink: Style.Ink {
        switch self {
        case .good: .good
        case .playable: .warning
        case .hard: .bad
        }
    }
}

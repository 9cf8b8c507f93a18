import Foundation
package import Hub

/// How well one can play over a connection. The limits stand here alone: the command line judges by them, and the page
/// reads them from `/api/v1/status`.
package enum Quality: String, Codable, Sendable {
    case good, playable, hard

    /// The most that a connection may have to be of that quality: round trip and jitter in milliseconds, loss from 0 to
    /// 1.
    package struct Limit: Codable, Equatable, Sendable {
        package var quality: Quality
        package var rtt: Double
        package var jitter: Double
        package var loss: Double
    }

    /// The best first; what is beyond the last is hard.
    package static let limits = [
        Limit(quality: .good, rtt: 30, jitter: 5, loss: 0.001),
        Limit(quality: .playable, rtt: 60, jitter: 15, loss: 0.01),
    ]

    /// The limits as a sentence has them.
    package static var explanation: String {
        let texts = limits.enumerated().map { index, limit in
            let format =
                index == 0 ? "round trip up to %g ms, jitter up to %g ms, loss up to %g %%" : "%g ms, %g ms, %g %%"
            return "\(limit.quality) (\(String(format: format, limit.rtt, limit.jitter, limit.loss * 100)))"
        }
        return (texts + ["\(Quality.hard)"]).joined(separator: ", ")
    }

    /// nil where nothing was measured. What is not known does not count.
    package init?(rtt: Double?, jitter: Double?, loss: Double?) {
        guard let rtt else { return nil }
        self =
            Self.limits.first { rtt <= $0.rtt && (jitter ?? 0) <= $0.jitter && (loss ?? 0) <= $0.loss }?.quality
            ?? .hard
    }

    package init?(of one: Snapshot.Participant) { self.init(rtt: one.rtt?.last, jitter: one.jitter, loss: one.loss) }
}

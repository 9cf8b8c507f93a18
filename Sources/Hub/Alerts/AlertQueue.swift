/// Messages on their way to the webhook, one at a time and in their order. What cannot be delivered is tried again with
/// growing waits for a day; when too many wait, the oldest go.
package struct AlertQueue: Codable, Equatable, Sendable {
    private struct Waiting: Codable, Equatable {
        var alert: Alert
        var attempts = 0
    }

    private var waiting: [Waiting] = []
    /// Unix milliseconds.
    private var notBefore: Int64 = 0
    private var isUnderWay = false
    private enum CodingKeys: CodingKey { case waiting }

    package static let most = 100
    private static let longest: Int64 = 86_400_000

    package init() {}
    package var count: Int { waiting.count }

    /// False where an older message had to go for it.
    package mutating func add(_ alert: Alert) -> Bool {
        waiting.append(Waiting(alert: alert))
        guard waiting.count > Self.most else { return true }
        // The first may be under way.
        waiting.remove(at: 1)
        return false
    }

    /// What is to be sent now; it is under way until `delivered` or `failed`.
    package mutating func next(now: Int64) -> Alert? {
        guard !isUnderWay, now >= notBefore, let first = waiting.first else { return nil }
        isUnderWay = true
        return first.alert
    }

    /// How often the first one has failed.
    package var attempts: Int { waiting.first?.attempts ?? 0 }

    package mutating func delivered() {
        isUnderWay = false
        waiting.removeFirst()
        notBefore = 0
    }

    /// True where it is given up.
    package mutating func failed(now: Int64) -> Bool {
        isUnderWay = false
        waiting[0].attempts += 1
        if now - waiting[0].alert.at > Self.longest {
            waiting.removeFirst()
            return true
        }
        // 2 s, 4 s, … ten minutes.
        notBefore = now + min(600_000, 1000 << min(10, waiting[0].attempts))
        return false
    }

    /// Drops all messages but the one that is under way.
    package mutating func clear() { waiting = isUnderWay ? Array(waiting.prefix(1)) : [] }
}

/// A clock that a test moves by hand.
package final class TestClock: Clock {
    package struct Instant: InstantProtocol {
        package var offset: Duration
        package func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        package func duration(to other: Instant) -> Duration { other.offset - offset }
        package static func < (one: Instant, other: Instant) -> Bool { one.offset < other.offset }
    }
    package nonisolated(unsafe) private(set) var now = Instant(offset: .zero)  // one test, one thread
    package var minimumResolution: Duration { .nanoseconds(1) }
    package init() {}
    package func advance(by duration: Duration) { now = now.advanced(by: duration) }
    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        advance(by: now.duration(to: deadline))
    }
}

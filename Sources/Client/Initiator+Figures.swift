import HubLink
package import Linux
import RTPMIDI

extension Initiator {
    /// Packets of all sessions, and the messages that made up for lost ones.
    package struct Counts: Hashable, Sendable {
        package internal(set) var received: UInt64 = 0
        package internal(set) var lost: UInt64 = 0
        package internal(set) var repaired: UInt64 = 0
        package init() {}
    }
    /// Packets of the session: those of its link, where it has one, in place of RTP's.
    package var packets: (received: UInt64, lost: UInt64) {
        attempt?.link.map { ($0.received, $0.lost) } ?? (counts.received, counts.lost)
    }
    /// Round trips of the session, of its last sixteen exchanges, in ticks of 100 µs; 0 where there are none.
    package struct Distance: Hashable, Sendable {
        package internal(set) var last: UInt32 = 0
        package internal(set) var minimum: UInt32 = 0
        package internal(set) var average: UInt32 = 0
        package internal(set) var maximum: UInt32 = 0
        package internal(set) var jitter: UInt32 = 0
        /// Our questions, and those that were answered.
        package internal(set) var asked = 0
        package internal(set) var answered = 0
    }
    package var distance: Distance {
        guard let session = attempt?.streams.session else { return Distance() }
        let (asked, answered) = session.questions
        let clock = session.clock
        return Distance(
            last: clock.last, minimum: clock.minimum, average: clock.average, maximum: clock.maximum,
            jitter: clock.jitter, asked: asked, answered: answered)
    }
    /// The address of the other side, of the session or of the attempt at one.
    package var address: SocketAddress? { attempt?.hub }
}

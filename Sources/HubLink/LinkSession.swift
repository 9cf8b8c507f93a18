package import RTPMIDI

/// What one side of a link knows of the other: what was agreed, how many packets got lost on the way here, when something
/// came last, and when the next pulse is due. Times are in ticks of 100 µs.
package struct LinkSession: BitwiseCopyable, Sendable {
    /// A pulse a second says that nothing happens; so many ticks between two while something is held, so that a few lost ones
    /// do not look like a death.
    private static let idle: UInt64 = 10_000
    private static let holding: UInt64 = 2_000
    /// An event is followed by a pulse after so much silence, and pulses come more often for so long.
    private static let soon: UInt64 = 500
    private static let recently: UInt64 = 20_000
    /// How long a path may be silent before it counts as dead; more, where the next pulse was promised for later.
    private static let silence: UInt64 = 20_000

    /// From one pulse to the next right after an event, as the other side wishes.
    private var quickest: UInt64 = 10_000
    private var sent: UInt16 = 0
    private var expected: UInt16?
    package private(set) var received: UInt64 = 0
    package private(set) var lost: UInt64 = 0
    package private(set) var lastHeard: UInt64
    private var promised: UInt64 = 10_000
    /// When an event was sent last, and a pulse.
    private var active: UInt64 = 0
    private var pulsed: UInt64 = 0
    /// Something of ours sounds at the other side.
    private var isHolding = false

    package init(now: UInt64) { (lastHeard, active, pulsed) = (now, now, now) }

    /// The other side's wish for pulses, in ms.
    package mutating func agreed(pulse: UInt16) {
        quickest = min(Self.idle, max(50, UInt64(pulse) * 10))
    }

    /// The number that the next packet bears.
    package mutating func nextCount() -> UInt16 {
        defer { sent &+= 1 }
        return sent
    }

    /// A packet has come. Those that came late count as lost, too: for what a path is worth that is the same.
    package mutating func heard(_ head: LinkHead, at now: UInt64) {
        received &+= 1
        lastHeard = now
        let skipped = expected.map { Int(Int16(bitPattern: head.count &- $0)) } ?? 0
        guard skipped >= 0 else { return }
        lost &+= UInt64(skipped)
        expected = head.count &+ 1
    }

    package mutating func heard(_ pulse: LinkPacket.Pulse) { promised = UInt64(pulse.next) * 10 }

    /// When the path counts as dead unless something comes.
    package var death: UInt64 { lastHeard &+ max(Self.silence, 4 * promised) }

    // MARK: Pulses

    /// An event was sent.
    package mutating func sentEvent(at now: UInt64) { active = now }

    /// Soon after an event; then ever again, more often while there is something that a death would leave behind.
    package var pulseDue: UInt64 {
        let next = pulsed &+ interval
        return active > pulsed ? min(next, active &+ max(quickest, Self.soon)) : next
    }

    private var interval: UInt64 {
        isHolding || active &+ Self.recently > pulsed ? max(quickest, Self.holding) : Self.idle
    }

    /// - Parameter isHolding: something of ours sounds at the other side.
    /// - Returns: when the one after this is due at the latest, in ms.
    package mutating func pulse(at now: UInt64, isHolding: Bool) -> UInt16 {
        (pulsed, self.isHolding) = (now, isHolding)
        return UInt16(clamping: interval / 10)
    }

    /// Writes a pulse with the newest numbers of origins, as many as one has room for.
    package static func writePulse(
        _ next: UInt16, _ origins: [(Origin, EventNumber)], isComplete: Bool = true, from ssrc: SSRC, count: UInt16,
        into out: inout OutputRawSpan
    ) {
        let told = origins.prefix(LinkPacket.Pulse.longest)
        LinkHead(
            ssrc: ssrc, kind: .pulse, flags: isComplete && told.count == origins.count ? LinkPacket.Pulse.complete : 0,
            count: count
        ).write(into: &out)
        out.write(next)
        out.write(UInt8(told.count))
        out.write(0 as UInt8)
        for (origin, last) in told {
            out.write(origin.rawValue)
            out.write(last.rawValue)
        }
    }
}

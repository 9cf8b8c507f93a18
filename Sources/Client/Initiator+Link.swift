package import HubLink
import Linux
package import RTPMIDI
import Rooms

/// Numbered events in place of RTP-MIDI, where the other side is one of our own programs.
extension Initiator {
    /// When a session that is up is asked for a link, in ticks after each other; some may get lost.
    private static let helloPauses: [UInt64] = [2_000, 8_000, 20_000, 70_000]
    private static let helloPause: UInt64 = 300_000
    /// After so many unanswered ones the other side counts as another program.
    private static let decidingHellos = 3

    package var isLinked: Bool { isUp && attempt?.link != nil }
    /// Whether it is known how to speak with the other side.
    package var isLinkDecided: Bool {
        guard let attempt, isUp else { return false }
        return onLink == nil || attempt.link != nil || attempt.hellos > Self.decidingHellos
    }
    /// It has just come up and has not answered the question for a link yet, which takes a round trip. What is sent to it now
    /// would go out unnumbered, and another hub's copies of it would be heard besides.
    var isSettling: Bool {
        guard let attempt, isUp, !isLinkDecided else { return false }
        return now < attempt.upSince + max(Self.settling, 2 * UInt64(attempt.streams.session.clock.average) + 1_000)
    }
    private static let settling: UInt64 = 3_000

    /// When the link counts as dead unless something comes, and when its next pulse is due; nil where there is none.
    package var linkDeath: UInt64? { attempt?.link?.death }
    package var pulseDue: UInt64? { attempt?.link?.pulseDue }

    /// Asks for the link, and again with another wish for pulses.
    package func askForLink() {
        guard isUp, onLink != nil else { return }
        attempt?.helloDue = now
        wake()
    }

    func sendHello(_ now: UInt64) {
        guard isUp, let due = attempt?.helloDue, due <= now, let hellos = attempt?.hellos else { return }
        attempt?.hellos = hellos + 1
        // An older hub may be upgraded meanwhile.
        attempt?.helloDue = now + (hellos < Self.helloPauses.count ? Self.helloPauses[hellos] : Self.helloPause)
        if attempt?.link == nil, hellos == Self.decidingHellos { tell(.unlinked) }
        sendLink(
            .hello(LinkPacket.Greeting(wants: .numbered, pulse: wantedPulse, instance: UInt64(ssrc.rawValue))),
            on: .control)
    }

    func receiveLink(_ datagram: RawSpan) {
        let now = now
        guard isUp, let onLink, let head = try? LinkHead(decoding: datagram),
            head.ssrc == attempt?.streams.session.peer, let packet = try? LinkPacket(decoding: datagram, head)
        else { return }
        let isNew = attempt?.link == nil
        if case .welcome(let greeting) = packet {
            guard greeting.version == LinkPacket.version, greeting.wants.contains(.numbered) else { return }
            if isNew { attempt?.link = LinkSession(now: now) }
            attempt?.link?.agreed(pulse: max(greeting.pulse, wantedPulse))
            attempt?.helloDue = nil
        } else if isNew {
            // What a hub tells first, how everybody's instruments are set, may overtake its answer, which comes on the other
            // port. Without it the first notes would count as ones that began before.
            guard attempt?.hellos ?? 0 > 0 else { return }
            attempt?.link = LinkSession(now: now)
        }
        if isNew { tell(.linked) }
        attempt?.link?.heard(head, at: now)
        attempt?.streams.session.heard(now: now)
        if case .pulse(let pulse) = packet { attempt?.link?.heard(pulse) }
        onLink(packet, datagram)
    }

    package func sendLink(_ packet: LinkPacket, on path: Session.Path = .data) {
        sendLink(on: path) { packet.write(from: $0, count: $1, into: &$2) }
    }

    /// Sends one packet, which `write` is told the head of.
    package func sendLink(
        on path: Session.Path = .data, _ write: (SSRC, UInt16, inout OutputRawSpan) -> Void
    ) {
        guard let hub = attempt?.hub else { return }
        let count = attempt?.link?.nextCount() ?? 0
        let socket = path == .control ? control : data
        socket.queue(to: address(of: path, hub)) { write(ssrc, count, &$0) }
        socket.flush()
    }

    func sendState(_ state: SpeakerState, of origin: Origin, at number: EventNumber) {
        StateParts.write(
            state, of: origin, at: number, from: ssrc, count: { attempt?.link?.nextCount() ?? 0 },
            send: { write in
                guard let hub = attempt?.hub else { return }
                data.queue(to: address(of: .data, hub)) { write(&$0) }
                data.flush()
            })
    }

    package func sentEvent() { attempt?.link?.sentEvent(at: now) }

    /// - Parameter isHolding: something of ours sounds at the other side.
    package func sendPulse(_ origins: [(Origin, EventNumber)], isHolding: Bool) {
        guard let next = attempt?.link?.pulse(at: now, isHolding: isHolding) else { return }
        sendLink { LinkSession.writePulse(next, origins, from: $0, count: $1, into: &$2) }
    }
}

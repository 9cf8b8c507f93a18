import RTPMIDI
package import Rooms

/// What each hub of a pair tells the other many times a second: that it lives, and whether it speaks. Times are in ticks of
/// 100 µs, the lower 32 bits of each side's own clock.
///
/// | octets | field |
/// |---|---|
/// | 0–3 | when it was sent |
/// | 4–7 | when the newest one that has come was sent, by its sender's clock; 0 before any has |
/// | 8–9 | how long ago that came, at most 65,535 |
/// | 10–13 | epoch |
/// | 14 | phase (`HubRole.Phase`) |
/// | 15 | flags: 1 the hub is held back |
package struct LinkBeat: Hashable, Sendable {
    static let byteCount = 16
    private static let heldBack: UInt8 = 1

    package var sent: UInt32
    package var echo: UInt32
    package var held: UInt16
    package var word: HubRole.Word

    package init(sent: UInt32, echo: UInt32, held: UInt16, word: HubRole.Word) {
        (self.sent, self.echo, self.held, self.word) = (sent, echo, held, word)
    }

    init(decoding datagram: RawSpan, at start: Int) throws(PacketError) {
        guard let phase = HubRole.Phase(rawValue: datagram.uint8(at: start + 14)) else { throw .notForUs }
        self.init(
            sent: datagram.uint32(at: start), echo: datagram.uint32(at: start + 4),
            held: datagram.uint16(at: start + 8),
            word: HubRole.Word(
                epoch: datagram.uint32(at: start + 10), phase: phase,
                isHeldBack: datagram.uint8(at: start + 15) & Self.heldBack != 0))
    }

    func write(into out: inout OutputRawSpan) {
        out.write(sent)
        out.write(echo)
        out.write(held)
        out.write(word.epoch)
        out.write(word.phase.rawValue)
        out.write(word.isHeldBack ? Self.heldBack : 0 as UInt8)
    }

    /// The way there and back, in ticks, by the clock of who gets it at `now`; nil where it echoes nothing.
    package func roundTrip(at now: UInt32) -> UInt32? {
        guard echo != 0, held < .max else { return nil }
        let trip = Int32(bitPattern: now &- echo &- UInt32(held))
        return trip >= 0 ? UInt32(trip) : nil
    }
}

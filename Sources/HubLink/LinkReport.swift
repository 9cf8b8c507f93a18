import RTPMIDI

/// What a hearer tells a hub of its paths, about once a second: events of the last minute, by which hubs they came, and what
/// it would have meant had this hub been away. Figures that do not fit are cut to the largest.
///
/// | octets | field |
/// |---|---|
/// | 0–3, 4–7, 8–11 | by several hubs, by this one only, by others only |
/// | 12–13, 14–15 | asked for again, made up for by a state |
/// | 16–17, 18–19 | how much later the second copy came: median and 99th percentile, ticks of 100 µs |
/// | 20–21 | how much later others would have brought what this one brought first, 99th percentile, ticks |
/// | 22–23 | given up, since nobody had them any more |
/// | 24, 25 | hubs that it stands on, zero |
package struct LinkReport: Hashable, Sendable, BitwiseCopyable {
    static let byteCount = 26

    package var byBoth: UInt32 = 0
    package var byThisOnly: UInt32 = 0
    package var byOthersOnly: UInt32 = 0
    package var asked: UInt16 = 0
    package var repaired: UInt16 = 0
    package var skewMedian: UInt16 = 0
    package var skewP99: UInt16 = 0
    package var laterWithoutThis: UInt16 = 0
    package var lost: UInt16 = 0
    package var hubs: UInt8 = 0

    package init() {}

    init(decoding datagram: RawSpan, at start: Int) {
        byBoth = datagram.uint32(at: start)
        byThisOnly = datagram.uint32(at: start + 4)
        byOthersOnly = datagram.uint32(at: start + 8)
        asked = datagram.uint16(at: start + 12)
        repaired = datagram.uint16(at: start + 14)
        skewMedian = datagram.uint16(at: start + 16)
        skewP99 = datagram.uint16(at: start + 18)
        laterWithoutThis = datagram.uint16(at: start + 20)
        lost = datagram.uint16(at: start + 22)
        // What a stranger says of itself is shown to others.
        hubs = min(datagram.uint8(at: start + 24), UInt8(OriginReader.pathLimit))
    }

    func write(into out: inout OutputRawSpan) {
        out.write(byBoth)
        out.write(byThisOnly)
        out.write(byOthersOnly)
        out.write(asked)
        out.write(repaired)
        out.write(skewMedian)
        out.write(skewP99)
        out.write(laterWithoutThis)
        out.write(lost)
        out.write(hubs)
        out.write(0 as UInt8)
    }
}

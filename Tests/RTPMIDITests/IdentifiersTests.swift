import RTPMIDI
import Testing

struct IdentifiersTests {
    @Test(arguments: [(0, 65535, 1), (65535, 0, -1), (10, 5, 5), (0x7FFF, 0, 32767), (0x8000, 0, -32768)])
    func `distances go round the end`(one: Int, other: Int, distance: Int) {
        let newer = SequenceNumber(UInt16(one))
        let older = SequenceNumber(UInt16(other))
        #expect(newer.distance(from: older) == distance)
        #expect(older.advanced(by: distance) == newer)
    }

    @Test func `a source is shown with all its digits`() {
        #expect(SSRC(0xBEEF).description == "0x0000beef")
    }
}

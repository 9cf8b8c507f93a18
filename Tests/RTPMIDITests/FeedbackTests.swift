import RTPMIDI
import TestSupport
import Testing

struct FeedbackTests {
    private func number(_ value: UInt32, _ acknowledged: UInt16?, _ sent: UInt16) -> UInt16? {
        var feedback = Feedback()
        return feedback.number(
            of: value, acknowledged: acknowledged.map { SequenceNumber($0) }, sent: SequenceNumber(sent))?.rawValue
    }

    @Test func `Arduino, mt32-pi, rtpMIDI and others put the number in the high half`() throws {
        let datagram = try #require(bytes(hex: "ffff52530badcafe045c0000"))
        guard case .feedback(_, let value) = try SessionPacket(decoding: datagram.span.bytes) else {
            Issue.record("no feedback")
            return
        }
        var feedback = Feedback()
        #expect(feedback.number(of: value, acknowledged: nil, sent: SequenceNumber(0x0460))?.rawValue == 0x045C)
        #expect(!feedback.isLowHalf)
        #expect(Feedback.value(SequenceNumber(0x045C)) == value)
    }

    @Test func `stable rtpmidid and PipeWire put it in the low half`() throws {
        let datagram = try #require(bytes(hex: "ffff52530badcafe0000045c"))
        guard case .feedback(_, let value) = try SessionPacket(decoding: datagram.span.bytes) else {
            Issue.record("no feedback")
            return
        }
        var feedback = Feedback()
        #expect(feedback.number(of: value, acknowledged: nil, sent: SequenceNumber(0x0460))?.rawValue == 0x045C)
        #expect(feedback.isLowHalf)
        // The number 0 is the same in either form and does not change what is known.
        #expect(feedback.number(of: 0, acknowledged: SequenceNumber(0xFFFE), sent: SequenceNumber(3))?.rawValue == 0)
        #expect(feedback.isLowHalf)
    }

    @Test func `with both halves filled the one that is awaited counts, the high one first`() {
        #expect(number(0x0105_0103, 0x0100, 0x0110) == 0x0105)
        #expect(number(0x9999_0103, 0x0100, 0x0110) == 0x0103)
        #expect(number(0x0105_9999, 0x0100, 0x0110) == 0x0105)
        #expect(number(0x9999_8888, 0x0100, 0x0110) == nil)
    }

    @Test(
        arguments: [
            (0x0100, 0x0100), (0x00FF, nil), (0x0110, 0x0110), (0x0111, nil), (0x8100, nil),
        ] as [(UInt16, UInt16?)])
    func `only what lies between the last acknowledged and the last sent is taken`(reported: UInt16, accepted: UInt16?)
    {
        #expect(number(UInt32(reported) << 16, 0x0100, 0x0110) == accepted)
        #expect(number(UInt32(reported), 0x0100, 0x0110) == accepted)
    }

    @Test func `the window goes round the end`() {
        #expect(number(0xFFFF_0000, 0xFFF0, 5) == 0xFFFF)
        #expect(number(0x0003_0000, 0xFFF0, 5) == 3)
        #expect(number(0, 0xFFF0, 5) == 0)
        #expect(number(0x0006_0000, 0xFFF0, 5) == nil)
        #expect(number(0, 1, 5) == nil)
    }

    @Test func `what is ignored does not change the form that is known`() {
        var feedback = Feedback()
        _ = feedback.number(of: 0x0000_0777, acknowledged: SequenceNumber(0x0100), sent: SequenceNumber(0x0110))
        #expect(!feedback.isLowHalf)
    }
}

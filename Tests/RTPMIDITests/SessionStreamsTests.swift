import MIDI
import Testing

@testable import RTPMIDI

@Suite struct PacingTests {
    @Test(arguments: [0, 1, 127, 128, 129, 256, 1000])
    func `a message goes in pieces that are its octets in their order, and the next begins anew`(count: Int) {
        var pacing = Pacing()
        for _ in 0..<2 {
            var gone = 0
            var parts: [SysExPart] = []
            repeat {
                let (part, octets) = pacing.nextPiece(of: count)
                #expect(octets.lowerBound == gone && octets.count <= Pacing.pieceSize)
                gone = octets.upperBound
                parts.append(part)
            } while !parts.last!.isEnd  // one was appended
            #expect(gone == count)
            #expect(
                parts
                    == (count <= 128
                        ? [.whole] : [.first] + Array(repeating: .middle, count: parts.count - 2) + [.last]))
        }
    }

    @Test func `what is forgotten in the middle keeps nothing of the next message back`() {
        var pacing = Pacing()
        _ = pacing.nextPiece(of: 1000)
        pacing.forgetMessage()
        let (part, octets) = pacing.nextPiece(of: 3)
        #expect(part == .whole && octets == 0..<3)
    }
}

@Suite struct SessionStreamsTests {
    private func streams(_ evidence: JournalEvidence = .none) -> SessionStreams {
        SessionStreams(
            session: .initiator(token: 1, own: SSRC(2), name: "Piano", now: 10_000),
            sender: SenderStream(ssrc: SSRC(2), next: SequenceNumber(1000), to: .unknown),
            receiver: ReceiverStream(), evidence: evidence)
    }

    @Test(arguments: [JournalEvidence.none, .sends, .isHarmed])
    func `a peer is sent what it is known to understand`(evidence: JournalEvidence) {
        #expect(streams(evidence).sender.ability == evidence.ability)
    }

    @Test func `feedback in the low half is that of a peer that journals would harm, until it gives another`() {
        var streams = streams(.sends)
        _ = streams.sender.packet("903c01")
        var number = streams.acknowledge(1000 << 16)
        #expect(number == SequenceNumber(1000) && streams.evidence == .sends)
        _ = streams.sender.packet("903e01")
        #expect(!streams.isPlausible(feedback: 7) && streams.isPlausible(feedback: 1001))
        number = streams.acknowledge(7)
        #expect(number == nil && streams.evidence == .sends)
        number = streams.acknowledge(1001)
        #expect(number == SequenceNumber(1001) && streams.sender.acknowledged == number)
        #expect(streams.evidence == .isHarmed && streams.sender.ability == .noJournals)
        _ = streams.sender.packet("904001")
        number = streams.acknowledge(1002 << 16)
        let hasLearnt = streams.learnEvidence()
        #expect(number == SequenceNumber(1002) && !hasLearnt, "it has sent no journal")
    }

    @Test func `a peer that sends journals can read them, and goes on doing so in a session that is resumed`() throws {
        var streams = streams()
        let peer = SenderStream(ssrc: SSRC(3), next: SequenceNumber(8), to: .journals)
        _ = peer.packet("903c01")
        let packet = peer.packet("903e01")
        let header = try RTPHeader(decoding: packet.span.bytes)
        _ = try streams.receiver.receive(packet.span.bytes, header, at: 0) { _, _ in }
        let (isNews, isNewsAgain) = (streams.learnEvidence(), streams.learnEvidence())
        #expect(isNews && !isNewsAgain && streams.evidence == .sends)
        let again = streams.resumed(in: .initiator(token: 3, own: SSRC(2), name: "Piano", now: 20_000))
        #expect(again.evidence == .sends && again.sender === streams.sender && again.session.token == 3)
        #expect(again.pacing.due == nil)
        guard case .feedback(SSRC(2), let value)? = streams.nextFeedback(at: 100_000) else {
            Issue.record("no feedback")
            return
        }
        #expect(value == 9 << 16)
    }
}

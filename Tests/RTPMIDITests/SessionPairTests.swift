import RTPMIDI
import TestSupport
import Testing

struct SessionPairTests {
    /// Two sessions over a line that loses packets: in the end both are up, whichever packets were lost.
    @Test(arguments: 0..<200)
    func `both sides find each other over a bad line`(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var one = Stage.initiator(now: 1_000_000)
        var other: Stage?
        var flying: [(at: UInt64, toListener: Bool, packet: SessionPacket, path: Session.Path)] = []
        var now: UInt64 = 1_000_000
        func deliver(_ stage: inout Stage, toListener: Bool) {
            for (packet, path) in stage.sent where Int.random(in: 0..<100, using: &random) >= 30 {
                flying.append((now + UInt64.random(in: 50...900, using: &random), toListener, packet, path))
            }
            stage.forget()
        }
        while !(one.session.isUp && other?.session.isUp == true), now < 1_600_000 {
            one.now = now
            other?.now = now
            one.wake()
            other?.wake()
            flying.sort { $0.at < $1.at }
            while let next = flying.first, next.at <= now {
                flying.removeFirst()
                if !next.toListener {
                    one.receive(next.packet, on: next.path)
                } else {
                    if other == nil, next.path == .control { other = Stage.from(next.packet, now: now) }
                    other?.receive(next.packet, on: next.path)
                }
            }
            deliver(&one, toListener: true)
            if var listener = other {
                deliver(&listener, toListener: false)
                other = listener.session.hasEnded ? nil : listener
            }
            now += 50
        }
        #expect(one.session.isUp && other?.session.isUp == true, "after \(now - 1_000_000) ticks")
    }

    @Test func `random packets of a stranger change nothing and those of the peer break nothing`() {
        var random = SeededRandom(seed: 11)
        for round in 0..<200 {
            var stage = round.isMultiple(of: 2) ? Stage.upListener() : Stage.upInitiator()
            for _ in 0..<100 {
                let stranger = Bool.random(using: &random)
                let ssrc = stranger ? SSRC(77) : Stage.peer
                let token = Bool.random(using: &random) ? Stage.token : UInt32(random.next() >> 40)
                let time = { () -> UInt64 in Bool.random(using: &random) ? random.next() : stage.questions.last ?? 0 }
                let packet: SessionPacket =
                    switch Int.random(in: 0...6, using: &random) {
                    case 0: .invitation(token: token, ssrc: ssrc, name: nil)
                    case 1: .accepted(token: token, ssrc: ssrc, name: "x")
                    case 2: .refused(token: token, ssrc: ssrc, name: nil)
                    case 3: .feedback(ssrc: ssrc, value: UInt32(truncatingIfNeeded: random.next()))
                    case 4: .bitRateLimit(ssrc: ssrc, limit: 0)
                    default:
                        .clock(
                            ssrc: ssrc, count: UInt8.random(in: 0...2, using: &random), t1: time(), t2: time(),
                            t3: time())
                    }
                let before = stage.session.lastHeard
                stage.receive(packet, on: Bool.random(using: &random) ? .control : .data)
                if stranger { #expect(stage.session.lastHeard == before) }
                stage.pass(UInt64.random(in: 0...2_000, using: &random))
            }
            #expect(stage.session.isUp && stage.ends.isEmpty)
        }
    }
}

import Linux
import MIDI
import RTPMIDI

/// A participant that is no simulation: whoever sends packets to the listener's ports. Its answers go to the port that it
/// invited from, and to the next one.
final class NetworkParticipant: Participant {
    fileprivate let control: SocketAddress
    private unowned let listener: Listener
    fileprivate let own: SSRC
    private let sender: SenderStream
    fileprivate let receiver = ReceiverStream()
    private var list = CommandList()
    /// Tenths of a millisecond.
    fileprivate static var now: UInt64 { SystemTime.monotonicNanoseconds / 100_000 }

    fileprivate init(
        _ invitation: (token: UInt32, ssrc: SSRC, name: String?), from source: SocketAddress, at listener: Listener
    ) {
        control = source
        self.listener = listener
        own = SSRC(.random(in: 1...0xFFFF))
        sender = SenderStream(
            ssrc: own, next: SequenceNumber(.random(in: 0...(.max))),
            to: HearerAbility(journalLimit: 0))
        super.init(
            id: -1, name: Array((invitation.name ?? "").utf8), ssrc: invitation.ssrc.rawValue,
            initiatorID: invitation.token, address: source.host, port: Int(source.port))
        // Its clock is heard, not imagined.
        silent = true
    }

    override func hear(_ bytes: [UInt8]) {
        guard let message = try? Message(decoding: bytes.span) else { return }
        list.removeAll()
        _ = list.append(message, at: UInt32(truncatingIfNeeded: Self.now))
        listener.send(at: .midi, to: self) { sender.write(self.list, at: Self.now, into: &$0) }
    }

    override func hearBye(_ port: SessionPort) {
        listener.send(at: port, to: self) {
            SessionPacket.bye(token: self.initiatorID, ssrc: self.own, name: nil).write(into: &$0)
        }
    }
}

extension Listener {
    func received(_ bytes: RawSpan, from source: SocketAddress, at port: SessionPort) {
        guard SessionPacket.isSession(bytes) else { return heard(bytes) }
        guard let packet = try? SessionPacket(decoding: bytes) else { return }
        switch packet {
        case .invitation(let token, let ssrc, let name):
            let known = sessions.first { $0.initiatorID == token }?.participant as? NetworkParticipant
            let one = known ?? NetworkParticipant((token, ssrc, name), from: source, at: self)
            send(at: port, to: one) {
                SessionPacket.accepted(token: token, ssrc: one.own, name: String(decoding: self.name, as: UTF8.self))
                    .write(into: &$0)
            }
            invitation(from: one, at: port)
        case .bye(_, let ssrc, _):
            guard let (session, one) = session(of: ssrc) else { break }
            session.bye(from: one, at: port)
        case .clock(let ssrc, 0, let t1, _, _):
            guard let (_, one) = session(of: ssrc) else { break }
            send(at: port, to: one) {
                SessionPacket.clock(ssrc: one.own, count: 1, t1: t1, t2: NetworkParticipant.now, t3: 0).write(into: &$0)
            }
        case .clock(let ssrc, 2, _, let t2, _):
            session(of: ssrc)?.session.synchronised(after: Int(truncatingIfNeeded: NetworkParticipant.now &- t2))
        default: break
        }
        runLater()
    }

    private func heard(_ bytes: RawSpan) {
        guard let header = try? RTPHeader(decoding: bytes), let (session, one) = session(of: header.ssrc) else {
            return
        }
        var messages: [Message] = []
        _ = try? one.receiver.receive(bytes, header, at: NetworkParticipant.now) { emission, _ in
            if case .message(let message, _, let isRepair) = emission, !isRepair { messages.append(message) }
        }
        for message in messages { session.played(message.bytes, by: one) }
    }

    private func session(of ssrc: SSRC) -> (session: Session, participant: NetworkParticipant)? {
        for session in sessions where session.remoteSSRC == ssrc.rawValue {
            if let one = session.participant as? NetworkParticipant { return (session, one) }
        }
        return nil
    }

    fileprivate func send(
        at port: SessionPort, to one: NetworkParticipant, _ write: (inout OutputRawSpan) -> Void
    ) {
        let address = port == .control ? one.control : one.control.with(port: one.control.port &+ 1)
        (port == .control ? control : midi)?.send(to: address, write)
    }
}

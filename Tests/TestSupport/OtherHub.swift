import Linux
package import MIDI
package import RTPMIDI

/// A listener of RTP-MIDI that knows nothing of links, worked by hand: it does something only when `pump` is called.
package final class OtherHub {
    package let port: UInt16
    private let control: DatagramSocket
    private let data: DatagramSocket
    private var ssrc: SSRC
    private var session: Session?
    private var peer: (control: SocketAddress, data: SocketAddress?)?
    private var sender: SenderStream
    private var receiver = ReceiverStream()
    /// Answers every invitation with NO.
    package var refuses = false
    /// Neither reads nor answers.
    package var isDead = false
    package private(set) var heard: [Message] = []
    package private(set) var invitations = 0
    package private(set) var byes = 0
    /// What the one who invites calls itself.
    package private(set) var peerName: String?
    package var isUp: Bool { session?.isUp ?? false }
    private var list = CommandList()

    package init(port: UInt16 = freeUDPPortPair(), ssrc: SSRC = SSRC(.random(in: 1...(.max)))) throws {
        (self.port, self.ssrc) = (port, ssrc)
        control = try DatagramSocket(port: port, host: "127.0.0.1")
        data = try DatagramSocket(port: port + 1, host: "127.0.0.1")
        sender = SenderStream(ssrc: ssrc, next: SequenceNumber(1), to: .unknown)
    }

    package func pump() {
        guard !isDead else { return }
        _ = control.receive { receive($0, from: $1, on: .control) }
        _ = data.receive { receive($0, from: $1, on: .data) }
        act { $0.wake(now: TestPlayer.now, perform: $1) }
    }

    package func play(_ message: Message) {
        guard let address = peer?.data else { return }
        list.removeAll()
        _ = list.append(message, at: UInt32(truncatingIfNeeded: TestPlayer.now))
        data.queue(to: address) { sender.write(list, at: TestPlayer.now, into: &$0) }
        data.flush()
    }

    /// What was sent to it meanwhile never came.
    package func forgetUnread() { for socket in [control, data] { while socket.receive({ _, _ in }) > 0 {} } }

    /// Reads an invitation and does not answer it. Gives its token.
    package func tokenOfUnread() -> UInt32? {
        var token: UInt32?
        _ = control.receive { datagram, source in
            if case .invitation(let drawn, _, _) = try? SessionPacket(decoding: datagram) {
                (token, peer) = (drawn, (source, nil))
            }
        }
        return token
    }

    /// Says OK to whoever invited it last.
    package func answer(token: UInt32) {
        guard let address = peer?.control else { return }
        control.queue(to: address) {
            SessionPacket.accepted(token: token, ssrc: ssrc, name: "Other").write(into: &$0)
        }
        control.flush()
    }

    /// As another program on the same ports, which knows nothing of the session that was.
    package func restart() {
        ssrc = SSRC(.random(in: 1...(.max)))
        sender = SenderStream(ssrc: ssrc, next: SequenceNumber(1), to: .unknown)
        (session, peer, receiver) = (nil, nil, ReceiverStream())
    }

    /// Says goodbye.
    package func leave() { act { $0.end(perform: $1) } }

    private func receive(_ datagram: RawSpan, from source: SocketAddress, on path: Session.Path) {
        guard SessionPacket.isSession(datagram) else { return hear(datagram) }
        guard let packet = try? SessionPacket(decoding: datagram) else { return }
        if case .bye = packet { byes += 1 }
        if case .invitation(let token, let peer, let name) = packet {
            invitations += 1
            peerName = name
            if refuses {
                let socket = path == .control ? control : data
                socket.queue(to: source) {
                    SessionPacket.refused(token: token, ssrc: ssrc, name: nil).write(into: &$0)
                }
                return socket.flush()
            }
            if path == .control {
                session = .listener(token: token, peer: peer, own: ssrc, name: "Other", now: TestPlayer.now)
                self.peer = (source, nil)
            } else {
                self.peer?.data = source
            }
        }
        act { $0.receive(packet, on: path, now: TestPlayer.now, perform: $1) }
    }

    private func hear(_ datagram: RawSpan) {
        guard let header = try? RTPHeader(decoding: datagram) else { return }
        session?.heard(now: TestPlayer.now)
        _ = try? receiver.receive(datagram, header, at: TestPlayer.now) { emission, _ in
            if case .message(let message, _, _) = emission { heard.append(message) }
        }
    }

    private func act(_ body: (inout Session, (Session.Action) -> Void) -> Void) {
        guard session != nil else { return }
        var packets: [(SessionPacket, Session.Path)] = []
        body(&session!) { action in  // see the guard
            if case .send(let packet, let path) = action { packets.append((packet, path)) }
        }
        for (packet, path) in packets {
            let socket = path == .control ? control : data
            guard let address = path == .control ? peer?.control : peer?.data else { continue }
            socket.queue(to: address) { packet.write(into: &$0) }
            socket.flush()
        }
    }
}

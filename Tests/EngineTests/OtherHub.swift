import Linux
import MIDI
import RTPMIDI
import TestSupport

/// A listener of RTP-MIDI that knows nothing of links, worked by hand: it does something only when `pump` is called.
final class OtherHub {
    let port: UInt16
    private let control: DatagramSocket
    private let data: DatagramSocket
    private let ssrc = SSRC(.random(in: 1...(.max)))
    private var session: Session?
    private var peer: (control: SocketAddress, data: SocketAddress?)?
    private let sender: SenderStream
    private var list = CommandList()

    init() throws {
        port = freeUDPPortPair()
        control = try DatagramSocket(port: port, host: "127.0.0.1")
        data = try DatagramSocket(port: port + 1, host: "127.0.0.1")
        sender = SenderStream(ssrc: ssrc, next: SequenceNumber(1), to: .unknown)
    }

    func pump() {
        _ = control.receive { receive($0, from: $1, on: .control) }
        _ = data.receive { receive($0, from: $1, on: .data) }
        act { $0.wake(now: TestPlayer.now, perform: $1) }
    }

    func play(_ message: Message) {
        guard let address = peer?.data else { return }
        list.removeAll()
        _ = list.append(message, at: UInt32(truncatingIfNeeded: TestPlayer.now))
        data.queue(to: address) { sender.write(list, at: TestPlayer.now, into: &$0) }
        data.flush()
    }

    /// Says goodbye.
    func leave() { act { $0.end(perform: $1) } }

    private func receive(_ datagram: RawSpan, from source: SocketAddress, on path: Session.Path) {
        guard let packet = try? SessionPacket(decoding: datagram) else { return }
        if case .invitation(let token, let peer, _) = packet {
            if path == .control {
                session = .listener(token: token, peer: peer, own: ssrc, name: "Other", now: TestPlayer.now)
                self.peer = (source, nil)
            } else {
                self.peer?.data = source
            }
        }
        act { $0.receive(packet, on: path, now: TestPlayer.now, perform: $1) }
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

import Linux
import RTPMIDI
import TestSupport

/// Somebody on real sockets who was never invited, sends in the name of a participant, and answers whatever it is asked.
final class Stranger {
    let ssrc: SSRC
    private let control: DatagramSocket
    private let data: DatagramSocket
    private let hub: SocketAddress
    private(set) var questions = 0
    private(set) var midi = 0

    init(as ssrc: SSRC, port: UInt16, bind: String) throws {
        self.ssrc = ssrc
        hub = SocketAddress(host: "127.0.0.1", port: port)!  // numeric
        (control, data) = (try DatagramSocket(port: 0, host: bind), try DatagramSocket(port: 0, host: bind))
    }

    /// With the sockets of one that has left: its stack goes on.
    init(remainsOf player: TestPlayer, port: UInt16) {
        hub = SocketAddress(host: "127.0.0.1", port: port)!  // numeric
        (ssrc, control, data) = (player.ssrc, player.control, player.data)
    }

    func send(_ packet: SessionPacket, _ path: Session.Path = .data) {
        let socket = path == .control ? control : data
        socket.queue(to: hub.with(port: hub.port + (path == .control ? 0 : 1))) { packet.write(into: &$0) }
        socket.flush()
    }

    func askTime() { send(.clock(ssrc: ssrc, count: 0, t1: TestPlayer.now, t2: 0, t3: 0)) }

    func sayBye(_ token: UInt32) {
        send(.bye(token: token, ssrc: ssrc, name: nil), .control)
        send(.bye(token: token, ssrc: ssrc, name: nil), .data)
    }

    func pump() {
        var asked: [UInt64] = []
        while data.receive({ bytes, _ in
            if !SessionPacket.isSession(bytes) { midi += 1 }
            if case .clock(_, 0, let t1, _, _)? = try? SessionPacket(decoding: bytes) { asked.append(t1) }
        }) > 0 {}
        questions += asked.count
        for t1 in asked { send(.clock(ssrc: ssrc, count: 1, t1: t1, t2: TestPlayer.now, t3: 0)) }
    }
}

/// Counts what comes to a player.
final class Arrivals {
    private(set) var questions = 0
    private(set) var byes = 0
    private(set) var feedback = 0

    init(at player: TestPlayer) {
        player.onDatagram = { [unowned self] _, bytes in
            switch try? SessionPacket(decoding: bytes.span.bytes) {
            case .clock(_, 0, _, _, _): questions += 1
            case .bye: byes += 1
            case .feedback: feedback += 1
            default: break
            }
        }
    }
}

import Linux
import MIDI
import RTPMIDI
import TestSupport

/// A session that the daemon has invited to, with real packets: what `router.create` of a client makes. The real one gives
/// up an invitation after ten seconds and begins anew half a minute later; nobody waits for that here.
final class OutgoingSession {
    private unowned let daemon: Daemon
    private let player: TestPlayer
    private let host: String
    private let port: UInt16
    private var node = 0
    private var heard = 0
    private var refusals = 0
    private var wasUp = false

    /// - Throws: `Errno` where there is no port for it.
    init(_ name: [UInt8], to address: SocketAddress, port: UInt16, daemon: Daemon) throws {
        (self.daemon, self.port, host) = (daemon, port, address.host)
        player = try TestPlayer(String(decoding: name, as: UTF8.self), port: port, host: address.host)
    }

    func begin(as node: Int) {
        self.node = node
        work()
    }

    private func work() {
        guard daemon.router[node] != nil else { return }
        player.pump()
        if player.refusals > refusals {
            refusals = player.refusals
            daemon.log.warning("rtppeer.cpp:265", "Invitation Rejected (NO) : remote ssrc 0")
        }
        if player.isUp, !wasUp {
            wasUp = true
            daemon.log.info("rtpclient.cpp:268", "Connected")
        }
        for message in player.heard.dropFirst(heard) {
            daemon.router.send(message.bytes, from: node)
        }
        heard = player.heard.count
        daemon.loop.after(.milliseconds(10)) { [weak self] in self?.work() }
    }

    func deliver(_ bytes: [UInt8]) {
        if let message = try? Message(decoding: bytes.span) { player.play(message) }
    }

    /// It is removed: the real one says goodbye where it is connected.
    func leave() { if player.isUp { player.leave() } }

    var remoteName: [UInt8] { Array((player.session.peerName ?? "").utf8) }

    /// The `peer` object of `status`.
    var json: JSON {
        let clock = player.session.clock
        return .object([
            "latency_ms": .object([
                "last": .number(Double(clock.last) / 10), "average": .number(Double(clock.average) / 10),
                "stddev": .number(0),
            ]),
            "status": .text(player.isUp ? "3" : "0"),
            "local": .object([
                "sequence_number": .integer(0), "sequence_number_ack": .integer(0),
                "name": .string(Array(player.name.utf8)), "ssrc": .integer(Int(player.ssrc.rawValue)),
                "port": .integer(0), "hostname": .text("::"),
            ]),
            "remote": .object([
                "name": .string(remoteName), "sequence_number": .integer(0),
                "ssrc": .integer(Int(player.session.peer?.rawValue ?? 0)), "port": .integer(Int(port)),
                "hostname": .text(host),
            ]),
        ])
    }
}

import Linux
import MIDI
import RTPMIDI

/// A session that the daemon has invited to, with real packets: what `router.create` of a client makes. It goes through
/// the states of rtpclient.cpp of 26.01, with its times.
final class OutgoingSession {
    private enum State { case invitingControl, invitingMIDI, connected, failed }

    private unowned let daemon: Daemon
    private let name: String
    private let control, data: SocketAddress
    private var sockets: (control: DatagramSocket, data: DatagramSocket)
    private let ssrc = SSRC(.random(in: 1...0xFFFF))
    /// 0 after the first failure: the real one forgets it then.
    private var initiatorID = UInt32.random(in: 1...(.max))
    private var node = 0
    private var state = State.invitingControl
    /// 1: control, 2: MIDI, 3: both.
    private var status = 0
    private(set) var remoteName: [UInt8] = []
    private var remote: SSRC?
    /// In the state, or until the next clock exchange or its answer.
    private var due = ContinuousClock.now
    private var exchanges = 0
    private var isAsking = false
    private var latency = Latency()
    private let sender: SenderStream
    private var receiver = ReceiverStream()
    private var list = CommandList()

    private var log: Log { daemon.log }

    /// - Throws: `Errno` where there is no port for it.
    init(_ name: [UInt8], to address: SocketAddress, port: UInt16, daemon: Daemon) throws {
        (self.daemon, self.name) = (daemon, String(decoding: name, as: UTF8.self))
        (control, data) = (address.with(port: port), address.with(port: port &+ 1))
        sockets = (try DatagramSocket(port: 0), try DatagramSocket(port: 0))
        sender = SenderStream(
            ssrc: ssrc, next: SequenceNumber(.random(in: 0...(.max))), to: HearerAbility(journalLimit: 0))
    }

    func begin(as node: Int) {
        self.node = node
        invite()
        work()
    }

    /// When so many seconds of the daemon's have passed.
    private func after(_ seconds: Int) -> ContinuousClock.Instant { .now + .seconds(seconds) / daemon.haste }

    private func work() {
        guard daemon.router[node] != nil else { return }
        while sockets.control.receive({ bytes, _ in receive(bytes, .control) }) > 0 {}
        while sockets.data.receive({ bytes, _ in receive(bytes, .midi) }) > 0 {}
        if due <= .now { isDue() }
        daemon.loop.after(.milliseconds(10)) { [weak self] in self?.work() }
    }

    // MARK: What it does

    private func invite() {
        (state, due) = (.invitingControl, after(10))
        send(.invitation(token: initiatorID, ssrc: ssrc, name: name), .control)
    }

    private func isDue() {
        switch state {
        case .invitingControl:
            log.error("rtpclient.cpp:197", "Timeout connecting to control port")
            fail()
        case .invitingMIDI:
            log.error("rtpclient.cpp:237", "Timeout connecting to midi port")
            fail()
        case .connected where isAsking:
            log.info("rtpclient.cpp:307", "Disconnecting because of CK timeout")
            leave()
            // Other sockets, and so other ports.
            if let next = try? (control: DatagramSocket(port: 0), data: DatagramSocket(port: 0)) { sockets = next }
            invite()
        case .connected:
            exchanges += 1
            (isAsking, due) = (true, after(10))
            send(.clock(ssrc: ssrc, count: 0, t1: now, t2: 0, t3: 0), .midi)
        case .failed: invite()
        }
    }

    private func fail() {
        leave()
        (state, due) = (.failed, after(30))
        log.error(
            "rtpclient.cpp:314",
            "Error at rtpclient_t. Can't connect or disconnected. Will try to connect again in 30000\(daemon.settings.version == "24.12" ? "s" : "ms")"
        )
    }

    /// It is removed, or over: BYE where it is connected.
    func leave() {
        if status & 2 != 0 { send(.bye(token: initiatorID, ssrc: ssrc, name: nil), .midi) }
        if status & 1 != 0 { send(.bye(token: initiatorID, ssrc: ssrc, name: nil), .control) }
        (status, remoteName, remote, initiatorID, isAsking, exchanges) = (0, [], nil, 0, false, 0)
        receiver = ReceiverStream()
    }

    func deliver(_ bytes: [UInt8]) {
        guard status == 3, let message = try? Message(decoding: bytes.span) else { return }
        list.removeAll()
        _ = list.append(message, at: UInt32(truncatingIfNeeded: now))
        sockets.data.queue(to: data) { sender.write(list, at: now, into: &$0) }
        sockets.data.flush()
    }

    private func send(_ packet: SessionPacket, _ path: SessionPort) {
        let (socket, address) = path == .control ? (sockets.control, control) : (sockets.data, data)
        socket.queue(to: address) { packet.write(into: &$0) }
        socket.flush()
    }

    /// Tenths of a millisecond.
    private var now: UInt64 { SystemTime.monotonicNanoseconds / 100_000 }

    // MARK: What comes

    private func receive(_ bytes: RawSpan, _ path: SessionPort) {
        guard SessionPacket.isSession(bytes) else { return hear(bytes) }
        guard let packet = try? SessionPacket(decoding: bytes) else { return }
        let (bit, port) = (path.bit, path.rawValue)
        switch packet {
        case .accepted(let token, let peer, let name) where token == initiatorID && status != 3:
            (remote, remoteName, status) = (peer, Array((name ?? "").utf8), status | bit)
            log.info(
                "rtppeer.cpp:150",
                "Got confirmation from \(remoteName), initiator_id: \(token) (ok) ssrc: \(peer.rawValue), port: \(port)"
            )
            accepted(path)
        case .refused(_, let peer, _):
            status &= ~bit
            log.warning(
                "rtppeer.cpp:265",
                "Invitation Rejected (NO) : remote ssrc \(String(peer.rawValue, radix: 16, uppercase: true))")
            log.info(
                "rtppeer.cpp:266",
                "Disconnect from \(remoteName), \(path == .control ? "Control" : "MIDI") port. Status \(status)")
            if state == .invitingControl || state == .invitingMIDI { fail() }
        case .bye(_, let peer, _) where peer == remote:
            let names = Session.statusNames
            log.info(
                "rtppeer.cpp:241",
                "Disconnect from \(remoteName), \(port) port. Status \(names[status]) -> \(names[status & ~bit])")
            status &= ~bit
        case .clock(_, 0, let t1, _, _): send(.clock(ssrc: ssrc, count: 1, t1: t1, t2: now, t3: 0), path)
        case .clock(_, 1, let t1, let t2, _):
            let tenths = Int(truncatingIfNeeded: now &- t1)
            latency.add(tenths)
            log.info("rtppeer.cpp:297", "Latency \(remoteName): \(decimal(tenths * 10, places: 2)) ms (client / 2)")
            send(.clock(ssrc: ssrc, count: 2, t1: t1, t2: t2, t3: now), path)
            guard state == .connected, isAsking else { break }
            (isAsking, due) = (false, after(exchanges < 6 ? 2 : 25))
        default: break
        }
    }

    private func accepted(_ path: SessionPort) {
        switch (path, state) {
        case (.control, .invitingControl):
            let port = sockets.control.port
            log.info("rtpclient.cpp:191", "Connected control port \(port) to :::\(port)")
            (state, due) = (.invitingMIDI, after(5))
            send(.invitation(token: initiatorID, ssrc: ssrc, name: name), .midi)
        case (.midi, .invitingMIDI):
            log.info("rtpclient.cpp:254", "Connected")
            (state, due) = (.connected, .now)
        default: break
        }
    }

    private func hear(_ bytes: RawSpan) {
        guard let header = try? RTPHeader(decoding: bytes), header.ssrc == remote else { return }
        var messages: [Message] = []
        _ = try? receiver.receive(bytes, header, at: now) { emission, _ in
            if case .message(let message, _, let isRepair) = emission, !isRepair { messages.append(message) }
        }
        for message in messages { daemon.router.send(message.bytes, from: node) }
    }

    /// The `peer` object of `status`. Addresses are told from the moment when it is connected.
    var json: JSON {
        let isKnown = state == .connected
        if !isKnown {
            for _ in 1...2 {
                log.error("networkaddress.cpp:49", "This network address do not point to any address.")
            }
        }
        return .object([
            "latency_ms": latency.json,
            "status": .text("\(status)"),
            "local": .object([
                "sequence_number": .integer(0), "sequence_number_ack": .integer(0), "name": .string(Array(name.utf8)),
                "ssrc": .integer(Int(ssrc.rawValue)), "port": .integer(isKnown ? Int(sockets.control.port) : 0),
                "hostname": .text(isKnown ? "::" : "null"),
            ]),
            "remote": .object([
                "name": .string(remoteName), "sequence_number": .integer(0),
                "ssrc": .integer(Int(remote?.rawValue ?? 0)), "port": .integer(isKnown ? Int(control.port) : 0),
                "hostname": .text(isKnown ? control.host : "null"),
            ]),
        ])
    }
}

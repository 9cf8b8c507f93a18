import Linux
import TestSupport

/// One `[rtpmidi_announce]`: the real pair of UDP ports and the sessions behind it, of simulated participants
/// and of real ones.
final class Listener {
    let name: [UInt8]
    let log: Log
    let loop: EventLoop
    unowned let daemon: Daemon
    private(set) var sessions: [Session] = []
    /// Room in the real one's list; growing moves every session (see `Session.moved`).
    private var capacity = 0
    private(set) var control: UDPPort?
    private(set) var midi: UDPPort?
    private(set) var controlPort: Int?
    private(set) var midiPort: Int?

    /// 60 s in life; a drive command shortens it.
    var silenceLimit = Duration.seconds(60)
    /// 5 s in life.
    var controlOnlyTimeout: Duration { silenceLimit / 12 }

    var router: Router { daemon.router }

    /// Binds `port` and the next one; a port that cannot be bound is logged and left out.
    init(_ announce: Settings.Announce, daemon: Daemon) {
        name = announce.name
        log = daemon.log
        loop = daemon.loop
        self.daemon = daemon
        if let port = announce.port.isEmpty ? 0 : UInt16(announce.port) {
            control = UDPPort(Int(port), log: log, loop: loop)
        } else {
            log.error("networkaddress.cpp:174", "Error getting address info for :::\(announce.port)")
        }
        controlPort = control?.number
        if control == nil { log.error("udppeer.cpp:79", "Could not open any address from list") }
        let next = portForOthers + 1
        midi = UDPPort(next, log: log, loop: loop)
        midiPort = midi?.number
        if midi == nil { log.error("udppeer.cpp:79", "Could not open any address from list") }
        func text(_ port: Int?) -> String { port.map { ":::\($0)" } ?? "null" }
        log.info(
            "rtpserver.cpp:52",
            "Listening RTP MIDI connections at \(text(controlPort)) / \(text(midiPort)), with name: '\(name)'")
        control?.received = { [unowned self] in received($0, from: $1, at: .control) }
        midi?.received = { [unowned self] in received($0, from: $1, at: .midi) }
    }

    /// The port it announces: 0, with an ERROR record, where it has none.
    var portForOthers: Int {
        if controlPort == nil {
            log.error("networkaddress.cpp:49", "This network address do not point to any address.")
        }
        return controlPort ?? 0
    }

    // MARK: Packets

    /// IN: a known initiator id is that session, whoever sends it; else a new one.
    func invitation(from participant: Participant, at port: SessionPort) {
        if let session = sessions.first(where: { $0.initiatorID == participant.initiatorID }) {
            return session.invited(by: participant, at: port)
        }
        let session = Session(participant, listener: self)
        log.debug("rtpserverpeer.cpp:34", "Connected from \(participant.address):\(participant.port)")
        let before = sessions
        sessions.append(session)
        session.invited(by: participant, at: port)
        if sessions.count > capacity {
            capacity = max(1, capacity * 2)
            for moved in before { moved.moved() }
        }
    }

    func session(of participant: Participant) -> Session? { sessions.first { $0.remoteSSRC == participant.ssrc } }

    func saidBye(to participant: Participant, at port: SessionPort) {
        // What it has heard by then and nobody has asked for.
        if participant.byes == 0 {
            let heard = participant.heard.map { hex($0) }.joined(separator: " ")
            daemon.record("HEARD \(hex(participant.name)) \(heard)")
        }
        participant.hearBye(port)
        participant.byes += 1
        daemon.record("BY \(port.rawValue) \(hex(participant.name))")
    }

    func remove(_ session: Session) {
        guard let index = sessions.firstIndex(where: { $0 === session }) else { return }
        sessions.remove(at: index)
        for moved in sessions[index...] { moved.moved() }
    }

    func holds(_ session: Session) -> Bool { sessions.contains { $0 === session } }

    /// A participant has completed its invitation: a port and two nodes. Returns the session's node.
    func addNodes(for session: Session) -> Int {
        log.debug("network_rtpmidi_multi_listener.cpp:43", "Got connection from \(session.remoteName)")
        let alsa = router.add(.alsa(name: session.remoteName, port: daemon.createPort(for: session.remoteName)))
        let network = router.add(.session(session))
        router.connect(alsa, network)
        router.connect(network, alsa)
        return network
    }

    /// The listener is removed from the router: BYE to every participant, and both ports close.
    func close() {
        for session in sessions { session.disconnect(controlFirst: true) }
        control = nil
        midi = nil
    }

    func closePort(_ port: SessionPort) {
        switch port {
        case .control: control = nil
        case .midi: midi = nil
        }
    }

    func later(_ work: @escaping (Daemon) -> Void) { daemon.later.append(work) }
    func runLater() { daemon.runLater() }

    /// The fields of its router node.
    var json: [String: JSON] {
        let port = portForOthers
        return [
            "name": .string(name), "peers": .array(sessions.map(\.json)),
            "listening": .object([
                "name": .string(name), "control_port": .integer(port), "midi_port": .integer(port + 1),
            ]),
        ]
    }
}

/// A bound dual-stack UDP socket.
final class UDPPort {
    private let socket: DatagramSocket
    private let loop: EventLoop
    private var registration: EventLoop.Registration?
    let number: Int
    var received: (RawSpan, SocketAddress) -> Void = { _, _ in }

    init?(_ port: Int, log: Log, loop: EventLoop) {
        do {
            socket = try DatagramSocket(port: UInt16(truncatingIfNeeded: port))
            number = Int(socket.port)
            self.loop = loop
            registration = try loop.watch(socket.number, .read) { [unowned self] _ in
                _ = socket.receive { received($0, $1) }
            }
        } catch {
            log.error("udppeer.cpp:50", "Error binding socket: :::\(port) \(error.reason)")
            return nil
        }
    }

    func send(to address: SocketAddress, _ write: (inout OutputRawSpan) -> Void) {
        socket.queue(to: address, write)
        socket.flush()
    }

    deinit { if let registration { loop.unwatch(registration) } }
}

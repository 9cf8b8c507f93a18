import Linux

/// The daemon's side of one participant, found by initiator id when invited and by SSRC otherwise.
final class Session {
    /// Who made it: packets go to that address, also after another has stolen the session.
    let participant: Participant
    private unowned let listener: Listener
    private(set) var initiatorID: UInt32 = 0
    private(set) var remoteSSRC: UInt32 = 0
    private(set) var remoteName: [UInt8] = []
    /// 1: control, 2: MIDI, 3: both.
    private(set) var status = 0
    private let localSSRC = Int.random(in: 0...0xFFFF)
    private var sequence = UInt16.random(in: 0...UInt16.max)
    private let acknowledged: UInt16
    private var remoteSequence: UInt16 = 0
    private var latency = Latency()
    /// Router nodes of this session: more than one after being invited again.
    private(set) var nodes: [Int] = []
    private var timer: EventLoop.TimerID?

    static let statusNames = ["NOT_CONNECTED", "CONTROL_CONNECTED", "MIDI_CONNECTED", "CONNECTED"]

    init(_ participant: Participant, listener: Listener) {
        self.participant = participant
        self.listener = listener
        acknowledged = sequence
    }

    private var log: Log { listener.log }

    // MARK: What the participant sends

    func invited(by sender: Participant, at port: SessionPort) {
        if status == 3 {
            log.warning(
                "rtppeer.cpp:176",
                "This peer is already connected. But OK, I will accept it anew. Might happen on some split brain situations."
            )
        }
        initiatorID = sender.initiatorID
        remoteSSRC = sender.ssrc
        remoteName = sender.name
        let initiator = String(initiatorID, radix: 16, uppercase: true)
        let ssrc = String(remoteSSRC, radix: 16, uppercase: true)
        log.info(
            "rtppeer.cpp:191",
            """
            Got connection request from remote_name="\(remoteName)", initiator_id=\(initiator)  ssrc=\(ssrc), \
            local_name="\(remoteName)", at port=\(port.rawValue)
            """)
        status |= port.bit
        log.debug("rtpserverpeer.cpp:120", "rptserverpeer_t status change to \(Self.statusNames[status])")
        if status == 3 {
            nodes.append(listener.addNodes(for: self))
            armTimer()
        } else if port == .control {
            armControlOnlyTimer()
        }
    }

    func bye(from sender: Participant, at port: SessionPort) {
        initiatorID = sender.initiatorID
        let next = status & ~port.bit
        log.info(
            "rtppeer.cpp:241",
            "Disconnect from \(remoteName), \(port.rawValue) port. Status \(Self.statusNames[status]) -> \(Self.statusNames[next])"
        )
        status = next
        if status == 0 { end("DISCONNECTED_PEER_DISCONNECTED") }
    }

    /// The third packet of a clock exchange came, `tenths` of a millisecond after the second was sent.
    func synchronised(after tenths: Int) {
        latency.add(tenths)
        log.info("rtppeer.cpp:307", "Latency \(remoteName): \(decimal(tenths * 10, places: 2)) ms (server / 3)")
        armTimer()
    }

    func played(_ bytes: [UInt8], by sender: Participant) {
        sender.packetsSent &+= 1
        remoteSequence = sender.packetsSent
        for node in nodes { listener.router.send(bytes, from: node) }
    }

    // MARK: What the daemon does

    /// MIDI for the participant.
    func deliver(_ bytes: [UInt8]) {
        guard status == 3 else {
            return log.warning(
                "rtppeer.cpp:651", "Can not send MIDI data to \(remoteName) yet, not connected (\(status)).")
        }
        sequence &+= 1
        participant.hear(bytes)
    }

    /// Says BYE on the ports still open, which ends the session.
    func disconnect(controlFirst: Bool = false) {
        for port in controlFirst ? [SessionPort.control, .midi] : [.midi, .control] where status & port.bit != 0 {
            goodbye(port)
        }
    }

    private func goodbye(_ port: SessionPort) {
        log.debug("rtppeer.cpp:699", "Send goodbye to \(port.rawValue)")
        listener.saidBye(to: participant, at: port)
        status &= ~port.bit
        guard status == 0 else { return }
        log.debug("rtppeer.cpp:723", "Sent both goodbyes and is peer is disconected (\(remoteName))")
        end("DISCONNECTED_DISCONNECT")
    }

    private func end(_ reason: String) {
        log.debug("rtpserverpeer.cpp:120", "rptserverpeer_t status change to \(reason)")
        cancelTimer()
        listener.remove(self)
        for node in nodes {
            log.debug(
                "network_rtpmidi_peer.cpp:44", "Peer disconnected: \(reason). Remove rtpmidi peer and alsa port too.")
            listener.later { $0.router.removePair(of: node) }
        }
    }

    func nodeRemoved(_ id: Int) {
        nodes.removeAll { $0 == id }
        if nodes.isEmpty, status == 0 || !listener.holds(self) {
            log.debug("rtppeer.cpp:51", "~rtppeer '\(listener.name)' (local) <-> '\(remoteName)' (remote)")
        }
    }

    // MARK: The clock

    /// Starts the 60 s anew: the participant has just been heard. One that goes on is taken to synchronise unseen.
    func armTimer() {
        arm(after: listener.silenceLimit) { session in
            if session.participant.silent { session.disconnect() } else { session.armTimer() }
        }
    }

    /// The daemon's list of sessions has moved this one: its timer is gone until its next clock packet, which a
    /// participant that has vanished never sends. It stays for ever: a ghost.
    func moved() {
        if participant.silent { armControlOnlyTimer() } else { armTimer() }
    }

    /// Who has only the control port open is not waited for as long.
    private func armControlOnlyTimer() {
        arm(after: listener.controlOnlyTimeout) { session in
            if session.status == SessionPort.control.bit { session.disconnect() }
        }
    }

    func cancelTimer() {
        if let timer { listener.loop.cancel(timer) }
        timer = nil
    }

    private func arm(after delay: Duration, _ work: @escaping (Session) -> Void) {
        cancelTimer()
        timer = listener.loop.after(delay) { [weak self] in
            guard let self else { return }
            timer = nil
            work(self)
            listener.runLater()
        }
    }

    /// The `peer` object of `status`.
    var json: JSON {
        .object([
            "latency_ms": latency.json,
            "status": .text(String(status)),
            "local": .object([
                "sequence_number": .integer(Int(sequence)), "sequence_number_ack": .integer(Int(acknowledged)),
                "name": .string(listener.name), "ssrc": .integer(localSSRC),
                "port": .integer(listener.controlPort ?? 0),
                "hostname": .text(listener.controlPort == nil ? "null" : "::"),
            ]),
            "remote": .object([
                "name": .string(remoteName), "sequence_number": .integer(Int(remoteSequence)),
                "ssrc": .integer(Int(remoteSSRC)), "port": .integer(participant.port),
                "hostname": .text(participant.address),
            ]),
        ])
    }
}

/// The last 20 round trips, aged out after two minutes.
struct Latency {
    private var last = 0
    private var kept: [(at: ContinuousClock.Instant, tenths: Int)] = []

    mutating func add(_ tenths: Int) {
        last = tenths
        kept.append((.now, tenths))
        if kept.count > 20 { kept.removeFirst() }
    }

    /// Milliseconds; average and deviation cut at microseconds.
    var json: JSON {
        let oldest = ContinuousClock.now - .seconds(120)
        let values = kept.filter { $0.at >= oldest }.map { Double($0.tenths) * 100 }
        let count = Double(max(1, values.count))
        let average = values.reduce(0, +) / count
        let deviation = (values.reduce(0) { $0 + ($1 - average) * ($1 - average) } / count).squareRoot()
        return .object([
            "last": .number(Double(last) / 10), "average": .number(average.rounded(.towardZero) / 1000),
            "stddev": .number(deviation.rounded(.towardZero) / 1000),
        ])
    }
}

/// A whole number of the smallest unit as a decimal: `decimal(480, places: 2)` is "4.80".
func decimal(_ value: Int, places: Int) -> String {
    let digits = String(value)
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return "\(padded.dropLast(places)).\(padded.suffix(places))"
}

package import Linux
package import MIDI
package import RTPMIDI

/// A participant on real sockets that does something only when `pump` is called.
package final class TestPlayer {
    private static let epoch = UInt64.random(in: 1 << 33...1 << 40)
    package static var now: UInt64 { epoch &+ SystemTime.monotonicNanoseconds / 100_000 }

    package let name: String
    package let ssrc: SSRC
    package let token: UInt32
    package var control: DatagramSocket
    package var data: DatagramSocket
    private let hub: SocketAddress
    private let bind: String
    package private(set) var session: Session
    private var sender: SenderStream
    private let receiver = ReceiverStream()
    private var list = CommandList()

    package private(set) var isUp = false
    package private(set) var ended: Session.Reason?
    package private(set) var refusals = 0
    package private(set) var heard: [Message] = []
    package private(set) var system: [UInt8] = []
    /// Complete system exclusive messages, without F0 and F7; and how many messages had been heard before each.
    package private(set) var exclusives: [[UInt8]] = []
    package private(set) var repairs = 0
    package private(set) var lost = 0
    package private(set) var packets = 0
    private var open: [UInt8] = []
    /// Sends back each message that it hears.
    package var echoes = false
    /// Writes journals before it has played, as `midihub join` does.
    package var showsJournals = true
    /// Never says what it has received, so that its journals grow.
    package var givesFeedback = true
    /// Sees every datagram that comes, before anything else does.
    package var onDatagram: (Session.Path, [UInt8]) -> Void = { _, _ in }
    /// Neither reads nor answers.
    package var isDead = false

    package init(
        _ name: String, port: UInt16, host: String = "127.0.0.1", ssrc: SSRC = SSRC(.random(in: 1...(.max))),
        token: UInt32 = .random(in: 1...(.max)), bind: String? = nil, journals: Bool = true
    ) throws {
        self.name = name
        (self.ssrc, self.token) = (ssrc, token)
        self.bind = bind ?? host
        (control, data) = (try DatagramSocket(port: 0, host: self.bind), try DatagramSocket(port: 0, host: self.bind))
        hub = SocketAddress(host: host, port: port)!  // numeric
        session = .initiator(token: token, own: ssrc, name: name, now: Self.now)
        sender = SenderStream(
            ssrc: ssrc, next: SequenceNumber(.random(in: 0...(.max))),
            to: HearerAbility(journalLimit: journals ? 900 : 0))
    }

    package func pump() {
        guard !isDead else { return }
        act { $0.wake(now: Self.now, perform: $1) }
        while control.receive({ bytes, _ in handle(bytes, .control) }) > 0 {}
        while data.receive({ bytes, _ in handle(bytes, .data) }) > 0 {}
        if isUp, let due = sender.guardDue, due <= Self.now { sendList() }
        if givesFeedback, let number = receiver.nextFeedback(at: Self.now) {
            send(.feedback(ssrc: ssrc, value: Feedback.value(number)), .control)
        }
        control.flush()
        data.flush()
    }

    private func handle(_ bytes: RawSpan, _ path: Session.Path) {
        onDatagram(path, bytes.withUnsafeBytes { Array($0) })
        if SessionPacket.isSession(bytes) {
            guard let packet = try? SessionPacket(decoding: bytes) else { return }
            act { $0.receive(packet, on: path, now: Self.now, perform: $1) }
        } else if let header = try? RTPHeader(decoding: bytes) {
            session.heard(now: Self.now)
            packets += 1
            var echo: [Message] = []
            let reception = try? receiver.receive(bytes, header, at: Self.now) { emission, bytes in
                switch emission {
                case .message(let message, _, let isRepair):
                    heard.append(message)
                    if isRepair { repairs += 1 }
                    echo.append(message)
                case .system(let message, _): system.append(message.status)
                case .sysEx(let part, let range, _):
                    if part.isBeginning { open = [] }
                    for index in range { open.append(bytes.uint8(at: index)) }
                    if part.isEnd { exclusives.append(open) }
                case .sysExLost: open = []
                }
            }
            lost += reception?.lost ?? 0
            if echoes, !echo.isEmpty { play(echo) }
        }
    }

    private func act(_ body: (inout Session, (Session.Action) -> Void) -> Void) {
        var actions: [Session.Action] = []
        body(&session) { actions.append($0) }
        for action in actions {
            switch action {
            case .send(let packet, let path): send(packet, path)
            case .up:
                isUp = true
                if showsJournals { sender.showJournal(at: Self.now) }
            case .measured: break
            case .feedback(let value): sender.acknowledge(SequenceNumber(UInt16(value >> 16)))
            case .refused: refusals += 1
            case .ended(let reason): (ended, isUp) = (reason, false)
            }
        }
    }

    package func send(_ packet: SessionPacket, _ path: Session.Path) {
        let socket = path == .control ? control : data
        socket.queue(to: hub.with(port: hub.port + (path == .control ? 0 : 1))) { packet.write(into: &$0) }
        socket.flush()
    }

    package func play(_ messages: Message...) { play(messages) }

    /// One packet.
    package func play(_ messages: [Message], losing: Bool = false, ticksApart: UInt32 = 0) {
        list.removeAll()
        var time = UInt32(truncatingIfNeeded: Self.now)
        for message in messages {
            precondition(list.append(message, at: time))
            time &+= ticksApart
        }
        sendList(losing: losing)
    }

    package func playRealTime(_ status: UInt8) {
        list.removeAll()
        precondition(list.append(SystemMessage(status)!, at: UInt32(truncatingIfNeeded: Self.now)))
        sendList()
    }

    /// In segments of 128 octets; `complete`: with the last one.
    package func playExclusive(_ octets: [UInt8], complete: Bool = true) {
        var start = 0
        while start < octets.count {
            let end = min(octets.count, start + 128)
            let isLast = end == octets.count
            if isLast, !complete { return }
            let part: SysExPart =
                start == 0 ? (isLast ? .whole : .first) : (isLast ? .last : .middle)
            list.removeAll()
            octets[start..<end].withUnsafeBytes {
                precondition(list.append(sysEx: part, $0, at: UInt32(truncatingIfNeeded: Self.now)))
            }
            sendList()
            start = end
        }
    }

    private func sendList(losing: Bool = false) {
        data.queue(to: hub.with(port: hub.port + 1)) { output in
            guard losing else { return sender.write(list, at: Self.now, into: &output) }
            sender.pretendSent(list)
        }
        list.removeAll()
        data.flush()
    }

    /// Sends any octets to either port.
    package func sendRaw(_ bytes: [UInt8], _ path: Session.Path = .data) {
        let socket = path == .control ? control : data
        socket.queue(to: hub.with(port: hub.port + (path == .control ? 0 : 1))) {
            for byte in bytes { $0.append(byte) }
        }
        socket.flush()
    }

    package func leave() {
        act { $0.end(perform: $1) }
        control.flush()
        data.flush()
    }

    package func forget() {
        heard = []
        system = []
        exclusives = []
    }

    /// As a router does that has forgotten the way: the next packets come from another port.
    package func moveData(to host: String? = nil) throws { data = try DatagramSocket(port: 0, host: host ?? bind) }
    package func moveControl(to host: String? = nil) throws {
        control = try DatagramSocket(port: 0, host: host ?? bind)
    }
}

/// Calls `pump` on all of them until the condition holds.
package func pumping(
    _ players: [TestPlayer], _ what: String, seen: @autoclosure () -> String = "", _ condition: () throws -> Bool
) throws {
    try eventually(what, seen: seen()) {
        for player in players { player.pump() }
        return try condition()
    }
}

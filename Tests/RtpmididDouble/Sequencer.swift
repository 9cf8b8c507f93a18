import Linux
import TestSupport

/// The ALSA side as the router sees it: the real client, or none.
protocol SequencerPorts: AnyObject {
    /// The new port's number: the lowest free one.
    func createPort(_ name: [UInt8], exported: Bool) -> Int
    func deletePort(_ port: Int)
    func send(_ bytes: [UInt8], from port: Int)
    /// Takes what has arrived, as far as it has.
    func receive()
    /// Everything that the daemon does with its client when the rest is set up: the hidden port, then the events.
    func follow(_ loop: EventLoop, heard: @escaping ([UInt8], Int) -> Void) throws
}

/// The real ALSA client, and the lines that rtpmidid logs about what all clients of the machine do.
final class RealSequencer: SequencerPorts {
    private let client: SequencerClient
    private let log: Log
    private var heard: ([UInt8], Int) -> Void = { _, _ in }
    private var unmanaged: Set<Int> = []

    init(name: [UInt8], log: Log) throws {
        client = try SequencerClient(name: name)
        self.log = log
    }

    /// Past the kernel's limit of ports the daemon takes the error for a number (244), and so does the double.
    func createPort(_ name: [UInt8], exported: Bool) -> Int {
        Int(UInt8(truncatingIfNeeded: client.createPort(name, exported: exported)))
    }

    func deletePort(_ port: Int) { client.deletePort(port) }

    func send(_ bytes: [UInt8], from port: Int) {
        do {
            try client.sendOrDrop(bytes, from: port) { log.error("local_alsa_peer.cpp:62", "Error: \($0)") }
        } catch { log.error("local_alsa_peer.cpp:62", "Error: \("\(error)")") }
    }

    func follow(_ loop: EventLoop, heard: @escaping ([UInt8], Int) -> Void) throws {
        self.heard = heard
        let port = SequencerAddress(
            client: client.client, port: createPort(Array("Announcements".utf8), exported: false))
        log.debug("aseq.cpp:408", "Connect alsa ports \(text(.announce)) -> \(text(port))")
        try client.connect(.announce, to: port)
        try loop.watch(client.descriptor, .read) { [unowned self] _ in receive() }
    }

    func receive() {
        while let event = client.nextEvent() { handle(event) }
    }

    private func handle(_ event: SequencerClient.Event) {
        switch event {
        case .midi(let port, let bytes): heard(bytes, port)
        case .subscribed(let source, let sender, let destination):
            let (mine, other) = sender.client == client.client ? (sender, destination) : (destination, sender)
            log.info("aseq.cpp:161", "Event source if \(source)")
            log.info("aseq.cpp:165", "New ALSA connection \(client.name(of: other)) from port \(other) -> \(mine)")
            if mine.client != client.client {
                log.info("aseq.cpp:169", "This connection is not to me. Ignore.")
            } else if other.client == client.client {
                log.info(
                    "aseq.cpp:178", "New ALSA connection from port \(client.name(of: mine)) (\(mine)) (internal)")
            }
        case .unsubscribed(let sender, let destination):
            let (mine, other) = sender.client == client.client ? (sender, destination) : (destination, sender)
            log.debug("aseq.cpp:186", "Disconnected \(other) -> \(mine)")
            if mine.client != client.client {
                log.info("aseq.cpp:190", "This disconnection is not to me. Ignore.")
            }
        case .portStarted(let port):
            let type = port.client < 128 ? "TYPE_HARDWARE" : "TYPE_SOFTWARE"
            log.debug("aseq.cpp:225", "Client start \(client.name(of: port)) \(type) \(text(port))")
        case .portExited(let port):
            log.debug("aseq.cpp:230", "Client exit \(text(port))")
            log.debug("hwautoannounce.cpp:152", "HwAutoAnnounce::removed_client_announcement \(text(port))")
        case .other(let type):
            if unmanaged.insert(type).inserted {
                log.warning("aseq.cpp:241", "This event type \(type) is not managed yet")
            }
        }
    }

    private func text(_ port: SequencerAddress) -> String { "port_t[\(port.client), \(port.port)]" }
}

/// No ALSA at all, where `RTPMIDID_DOUBLE_NO_ALSA=1` asks for it: for tests outside a machine with a sequencer that need
/// only log and control socket. Port numbers are given out as the kernel would; nothing sounds.
final class NoSequencer: SequencerPorts {
    private let log: Log
    private var taken: Set<Int> = []

    init(log: Log) { self.log = log }

    func createPort(_ name: [UInt8], exported: Bool) -> Int {
        let port = (0..<254).first { !taken.contains($0) } ?? 244
        taken.insert(port)
        return port
    }

    func deletePort(_ port: Int) { taken.remove(port) }
    func send(_ bytes: [UInt8], from port: Int) {}
    func receive() {}

    func follow(_ loop: EventLoop, heard: @escaping ([UInt8], Int) -> Void) {
        let port = createPort([], exported: false)
        loop.after(.zero) { [log] in
            log.info("aseq.cpp:161", "Event source if 0:1")
            log.info("aseq.cpp:165", "New ALSA connection System-Announce from port 0:1 -> 128:\(port)")
        }
    }
}

import Glibc

/// A participant that is a further, real rtpmidid with an outgoing connection, and behind it the music program that plays:
/// an ALSA client of the test, whose subscription wakes the connection.
package final class RealPlayer: Player {
    package let name: String
    private let path: String
    private let port: UInt16
    private let directory = TemporaryDirectory()
    /// Client and port bear the same name, so that the participant's is just that (see `SequencerClient.name(of:)`).
    private let music: SequencerClient
    private let musicPort: SequencerAddress
    private var daemon: RtpmididProcess?
    private var gate: SequencerAddress?
    /// Length of the daemon's log when this visit began.
    private var logStart = 0
    /// A system exclusive message that came in part.
    private var unfinished: [UInt8] = []

    package init(_ name: String, rtpmidid path: String, port: UInt16) throws {
        self.name = name
        self.path = path
        self.port = port
        music = try SequencerClient(name: Array(name.utf8))
        musicPort = SequencerAddress(client: music.client, port: music.createPort(Array(name.utf8)))
    }

    package func join() throws {
        // An invitation that nobody answers is repeated after 40 s, and then with the initiator id 0 by which two such
        // participants are taken for one.
        try eventually(within: .seconds(60), "somebody to listen on \(port)") {
            isOpen(udp: port) && isOpen(udp: port + 1)
        }
        let daemon = try self.daemon ?? startDaemon()
        self.daemon = daemon
        let client = "player-\(music.client)"
        let gate = try awaited("the ALSA port of \(client)", seen: daemon.log) {
            music.ports().first { $0.clientName == Array(client.utf8) && $0.name == Array("gate".utf8) }?.address
        }
        self.gate = gate
        logStart = daemon.logBytes.count
        try music.connect(gate, to: musicPort)
        try music.connect(musicPort, to: gate)
        try eventually(within: .seconds(60), "\(name) to be connected", seen: daemon.log) {
            visitLog.contains(" | Connected\u{1b}")
        }
    }

    private func startDaemon() throws -> RtpmididProcess {
        let daemon = try RtpmididProcess(
            path, name: "player-\(music.client)",
            sections: "[connect_to]\nname=gate\nhostname=127.0.0.1\nport=\(port)", in: directory)
        try daemon.waitUntilReady()
        return daemon
    }

    /// Nobody subscribes to the gate any more: the daemon says BYE and waits.
    package func leave() throws {
        guard let gate, let daemon else { return }
        try music.disconnect(musicPort, from: gate)
        try music.disconnect(gate, from: musicPort)
        self.gate = nil
        try eventually("\(name) to have left", seen: daemon.log) { visitLog.contains("Removed peer ") }
    }

    package func vanish() throws {
        daemon?.program.send(SIGKILL)
        try daemon?.program.finish()
        daemon = nil
        gate = nil
    }

    package func send(_ message: [UInt8]) throws { try music.send(message, from: musicPort.port) }

    package func received() throws -> [[UInt8]] {
        var messages: [[UInt8]] = []
        while let event = music.nextEvent() {
            guard case .midi(_, let bytes) = event else { continue }
            unfinished += bytes
            if unfinished.first == 0xF0, unfinished.last != 0xF7 { continue }
            messages.append(unfinished)
            unfinished = []
        }
        return messages
    }

    package func wasDismissed() throws -> Bool { visitLog.contains("Disconnect from ") }

    private var visitLog: String {
        String(decoding: daemon?.logBytes.dropFirst(logStart) ?? [], as: UTF8.self)
    }
}

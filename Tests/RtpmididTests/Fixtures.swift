import Foundation
import Rtpmidid
import Testing

/// Captures of real daemons; `Fixtures/rtpmidid/README.md` tells their origin.
enum RtpmididFixture {
    static let folder = Bundle.module.url(forResource: "Fixtures", withExtension: nil)!.appending(path: "rtpmidid")

    static func bytes(_ name: String) throws -> [UInt8] {
        if name.contains(".timed.") { return try timedLines(name).flatMap(\.line) }
        return [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    static func names(where chosen: (String) -> Bool) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter(chosen).sorted()
    }

    static func status(_ name: String) throws -> StatusReply {
        guard case .status(let status) = ControlReply(try bytes(name)) else {
            throw Mismatch(text: "\(name) is no status")
        }
        return status
    }

    struct Mismatch: Error { let text: String }

    /// A timed capture has the seconds and a blank in front of each line, and a last line `<EOF>`.
    static func timedLines(_ name: String) throws -> [(seconds: Double, line: [UInt8])] {
        try [UInt8](Data(contentsOf: folder.appending(path: name))).split(separator: 0x0a).compactMap { line in
            let rest = line.drop { $0 == 0x20 }
            let number = rest.prefix { $0 != 0x20 }
            guard let seconds = Double(String(decoding: number, as: UTF8.self)) else { return nil }
            let body = rest.dropFirst(number.count + 1)
            return body.elementsEqual("<EOF>".utf8) ? nil : (seconds, Array(body) + [0x0a])
        }
    }
}

/// Reads the whole log; facts with their lines' ranges.
func facts(
    of log: [UInt8], format: LogFormat? = nil, at offset: UInt64 = 0
) -> [(fact: LogFact, range: Range<UInt64>)] {
    var reader = LogReader(at: offset, format: format)
    var facts: [(LogFact, Range<UInt64>)] = []
    _ = reader.read(log) { facts.append(($0, $1)) }
    return facts
}

/// A log that a test makes up, in the form of 26.01.
struct MadeLog {
    var bytes: [UInt8] = []
    private var nextID = 1

    init() {
        add("control_socket.cpp:79", "Control socket ready at /run/x.sock")
        add("rtpserver.cpp:52", "Listening RTP MIDI connections at :::5004 / :::5005, with name: 'hub'")
        added("network_rtpmidi_multi_listener_t")
        add("main.cpp:171", "Waiting for connections.")
    }

    /// As the daemon writes a record, cut at its limit.
    mutating func add(_ location: String, _ message: String) { add(location, Array(message.utf8)) }

    mutating func add(_ location: String, _ message: [UInt8]) { bytes += Self.record(location, message) }

    static func record(_ location: String, _ message: [UInt8]) -> [UInt8] {
        let padded = location + String(repeating: " ", count: max(0, 32 - location.utf8.count))
        return Array((Array("[INFO ] \(padded) | ".utf8) + message).prefix(1008)) + Array("\u{1b}[0m\n".utf8)
    }

    static func record(_ location: String, _ message: String) -> String {
        String(decoding: record(location, Array(message.utf8)), as: UTF8.self)
    }

    mutating func added(_ type: String) {
        add("midirouter.cpp:52", "Added peer type=\(type) peer_id=\(nextID)")
        nextID += 1
    }

    static func invitationMessage(_ name: String, initiator: UInt32, ssrc: UInt32, channel: String) -> String {
        let hex = { (value: UInt32) in String(value, radix: 16, uppercase: true) }
        return
            "Got connection request from remote_name=\"\(name)\", initiator_id=\(hex(initiator))  ssrc=\(hex(ssrc)), "
            + "local_name=\"\(name)\", at port=\(channel)_PORT"
    }

    mutating func invite(_ name: String, initiator: UInt32 = 0xABCD, ssrc: UInt32, channel: String) {
        add("rtppeer.cpp:191", Self.invitationMessage(name, initiator: initiator, ssrc: ssrc, channel: channel))
    }

    /// Returns the two router ids.
    @discardableResult
    mutating func port(_ name: String, _ port: Int) -> (alsa: Int, network: Int) {
        add("local_alsa_peer.cpp:33", "Created alsapeer \(name), port \(port)")
        let ids = (nextID, nextID + 1)
        added("local_alsa_peer_t")
        added("network_rtpmidi_peer_t")
        add("midirouter.cpp:149", "Connect \(ids.0) -> \(ids.1)")
        add("midirouter.cpp:149", "Connect \(ids.1) -> \(ids.0)")
        return ids
    }

    @discardableResult
    mutating func join(_ name: String, initiator: UInt32 = 0xABCD, ssrc: UInt32, port: Int) -> (alsa: Int, network: Int)
    {
        invite(name, initiator: initiator, ssrc: ssrc, channel: "CONTROL")
        invite(name, initiator: initiator, ssrc: ssrc, channel: "MIDI")
        return self.port(name, port)
    }

    mutating func warnAlreadyConnected() {
        bytes += Array("\u{1b}[1;33m".utf8)
        bytes += Array(
            MadeLog.record(
                "rtppeer.cpp:176",
                "This peer is already connected. But OK, I will accept it anew. Might happen on some split brain situations."
            ).replacing("[INFO ]", with: "[WARN ]").utf8)
    }

    mutating func latency(_ name: String, _ milliseconds: String) {
        add("rtppeer.cpp:307", "Latency \(name): \(milliseconds) ms (server / 3)")
    }

    mutating func bye(_ name: String) {
        add("rtppeer.cpp:241", "Disconnect from \(name), CONTROL_PORT port. Status CONNECTED -> MIDI_CONNECTED")
        add("rtppeer.cpp:241", "Disconnect from \(name), MIDI_PORT port. Status MIDI_CONNECTED -> NOT_CONNECTED")
    }

    mutating func remove(_ ids: (alsa: Int, network: Int)) {
        for id in [ids.alsa, ids.network] {
            add("midirouter.cpp:89", "Remove peer_id=\(id)")
            add("midirouter.cpp:106", "Removed peer \(id)")
            add("midirouter.cpp:89", "Remove peer_id=\(id)")
        }
    }

    /// What tracker and book make of it.
    func tracked(suspicion: Suspicion? = nil) -> (tracker: JoinTracker, events: [JoinTracker.Event]) {
        var tracker = JoinTracker(suspicion: suspicion)
        var events: [JoinTracker.Event] = []
        for (fact, range) in facts(of: bytes) { events += tracker.note(fact, at: range) }
        return (tracker, events)
    }
}

import Foundation
import Linux

/// One line that the control socket answered. The only place where the hub meets rtpmidid's JSON.
package enum ControlReply: Equatable, Sendable {
    case status(StatusReply)
    /// `"ok"`, which is also the answer to removing an unknown id.
    case done
    /// The names of the commands.
    case help([String])
    /// `<id>.status` of an ALSA peer.
    case alsaPeer(name: RawText, port: Int)
    case refused(String)
    /// The daemon says that it closes the connection, or that the request was too long.
    case closing(String)
    /// Not JSON, too large, or nothing that this hub knows.
    case unreadable(String)

    static let mostNodes = 4_096

    package init(_ line: [UInt8]) {
        guard line.count <= ControlSocket.longest else {
            self = .unreadable("the reply has \(line.count) bytes")
            return
        }
        do {
            self = try JSONDecoder().decode(Envelope.self, from: Data(line)).reply
        } catch {
            self = .unreadable("the reply is not the JSON it should be")
        }
    }
}

/// Lenient decoding: a field that is missing or of another type is nil.
extension KeyedDecodingContainer {
    fileprivate func maybe<T: Decodable>(_ type: T.Type, _ key: Key) -> T? {
        (try? decodeIfPresent(type, forKey: key)) ?? nil
    }

    fileprivate func list<T: Decodable>(_ type: T.Type, _ key: Key) -> [T]? {
        maybe([Tolerant<T>].self, key)?.prefix(ControlReply.mostNodes).compactMap(\.value)
    }
}

/// An array element that may be anything.
private struct Tolerant<T: Decodable>: Decodable {
    let value: T?
    init(from decoder: any Decoder) throws { value = try? T(from: decoder) }
}

private struct Word: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringLiteral text: String) { stringValue = text }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

private struct Envelope: Decodable {
    let reply: ControlReply

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Word.self)
        if let event = fields.maybe(String.self, "event") {
            reply = event == "close" ? .closing(fields.maybe(String.self, "detail") ?? "") : .unreadable(event)
        } else if let text = fields.maybe(String.self, "error") {
            reply = .refused(text)
        } else if let error = fields.maybe(OldError.self, "error") {
            reply = .refused(error.detail)
        } else if let word = fields.maybe(String.self, "result") {
            reply = word == "ok" ? .done : .unreadable(word)
        } else if let commands = fields.list(Command.self, "result"), !commands.isEmpty {
            reply = .help(commands.map(\.name))
        } else if let result = fields.maybe(Result.self, "result") {
            reply = result.reply
        } else {
            reply = .unreadable("a reply without a result")
        }
    }
}

/// 21.07 to 23.10: `{"code":2,"detail":"Unknown command"}`
private struct OldError: Decodable { let detail: String }
private struct Command: Decodable { let name: String }

private struct Result: Decodable {
    let reply: ControlReply

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Word.self)
        if let commands = fields.list(String.self, "commands") {
            reply = .help(commands)
        } else if let error = fields.maybe(String.self, "error") {
            reply = .refused(error)
        } else if fields.contains("router") || fields.contains("version") {
            reply = .status(Self.status(fields))
        } else if let name = fields.maybe(String.self, "name"), let port = fields.maybe(Int.self, "port") {
            reply = .alsaPeer(name: RawText(name), port: port)
        } else if fields.contains("peer") {
            // A session that was made just now.
            reply = .done
        } else {
            reply = .unreadable("a result of another kind")
        }
    }

    private static func status(_ fields: KeyedDecodingContainer<Word>) -> StatusReply {
        var status = StatusReply()
        status.versionText = fields.maybe(String.self, "version").map { String($0.prefix(64)) }
        status.version = status.versionText.flatMap { RtpmididVersion($0) }
        if let nodes = fields.list(Node.self, "router") {
            status.listsParticipants = true
            status.listener = nodes.lazy.compactMap(\.listener).first
            status.group(nodes.map(\.node))
        } else if let server = fields.list(Server.self, "servers")?.first {
            // 21.07 to 23.10 give the MIDI port.
            status.listener = StatusReply.Listener(
                name: server.name.map { RawText($0) }, controlPort: server.port.flatMap { $0 > 0 ? $0 - 1 : nil },
                midiPort: server.port)
        }
        return status
    }
}

private struct Server: Decodable {
    let name: String?
    let port: UInt16?
}

private struct Node: Decodable {
    let node: StatusReply.RawNode
    let listener: StatusReply.Listener?

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Word.self)
        let kind: StatusReply.RawNode.Kind
        // The second name of each is 23.12's.
        switch try fields.decode(String.self, forKey: "type") {
        case "network_rtpmidi_peer_t", "network:rtpmidi:peer": kind = .network
        case "local_alsa_peer_t", "local:alsa:listener": kind = .alsa
        case "network_rtpmidi_client_t": kind = .client
        case "network_rtpmidi_multi_listener_t", "network:rtpmidi:multi:listener": kind = .listener
        default: kind = .other
        }
        let stats = fields.maybe(Stats.self, "stats")
        let id = try fields.decode(Int.self, forKey: "id")
        let name = fields.maybe(String.self, "name").map { RawText($0) }
        node = StatusReply.RawNode(
            id: id, kind: kind, name: name, port: fields.maybe(Int.self, "port"),
            sendsTo: fields.list(Int.self, "send_to") ?? [], sent: stats?.sent, received: stats?.recv,
            session: kind == .network || kind == .client
                ? fields.maybe(Peer.self, "peer")?.session(fallback: name) : nil,
            listed: kind == .listener ? (fields.list(Peer.self, "peers") ?? []).map { $0.session(fallback: nil) } : [])
        let ports = fields.maybe(Ports.self, "listening")
        listener =
            kind == .listener
            ? StatusReply.Listener(
                id: id, name: (ports?.name).map { RawText($0) } ?? name, controlPort: ports?.control,
                midiPort: ports?.midi)
            : nil
    }
}

private struct Stats: Decodable {
    let recv: Int?
    let sent: Int?
}

private struct Ports: Decodable {
    let name: String?
    let control: UInt16?
    let midi: UInt16?

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Word.self)
        name = fields.maybe(String.self, "name")
        control = fields.maybe(UInt16.self, "control_port")
        midi = fields.maybe(UInt16.self, "midi_port")
    }
}

private struct Peer: Decodable {
    private let name: String?
    private let ssrc: UInt32?
    private let address: String?
    private let port: UInt16?
    private let localPort: UInt16?
    private let state: StatusReply.State
    private let latency: StatusReply.Latency?
    private let sequence: [Int?]

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Word.self)
        let remote = try? fields.nestedContainer(keyedBy: Word.self, forKey: "remote")
        let local = try? fields.nestedContainer(keyedBy: Word.self, forKey: "local")
        name = remote?.maybe(String.self, "name")
        ssrc = remote?.maybe(UInt32.self, "ssrc")
        port = remote?.maybe(UInt16.self, "port")
        localPort = local?.maybe(UInt16.self, "port")
        address = remote?.maybe(String.self, "hostname").map { host in
            String((host.hasPrefix("::ffff:") && host.contains(".") ? host.dropFirst(7) : host[...]).prefix(255))
        }
        sequence = [
            local?.maybe(Int.self, "sequence_number"), local?.maybe(Int.self, "sequence_number_ack"),
            remote?.maybe(Int.self, "sequence_number"),
        ]
        let word = fields.maybe(String.self, "status") ?? fields.maybe(Int.self, "status").map { String($0) }
        switch word {
        case "0", "NOT_CONNECTED": state = .none
        case "1", "CONTROL_CONNECTED": state = .controlOnly
        case "2", "MIDI_CONNECTED": state = .midiOnly
        case "3", "CONNECTED": state = .connected
        default: state = .untold
        }
        if let figures = try? fields.nestedContainer(keyedBy: Word.self, forKey: "latency_ms"),
            let last = Self.microseconds(figures.maybe(Double.self, "last"))
        {
            latency = StatusReply.Latency(
                last: last, average: Self.microseconds(figures.maybe(Double.self, "average")) ?? last,
                deviation: Self.microseconds(figures.maybe(Double.self, "stddev")) ?? 0)
        } else {
            latency = nil
        }
    }

    /// Microseconds from JSON's milliseconds. Nil for a figure that no clock can have measured.
    private static func microseconds(_ milliseconds: Double?) -> Int? {
        guard let milliseconds, milliseconds.isFinite, 0...1e9 ~= milliseconds else { return nil }
        return Int((milliseconds * 1000).rounded())
    }

    func session(fallback: RawText?) -> StatusReply.Session {
        StatusReply.Session(
            name: name.map { RawText($0) } ?? fallback ?? RawText([]), ssrc: ssrc, address: address, port: port,
            localPort: localPort, state: state, latency: latency, sequence: sequence)
    }
}

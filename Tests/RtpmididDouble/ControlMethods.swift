import Linux

/// The methods of the control socket. What is thrown is an exception that the real daemon lets pass to its poller: no
/// answer, and the connection stays open.
struct ControlMethods {
    let daemon: Daemon

    struct ToPoller: Error { let what: String }
    /// An exception inside a method: becomes the answer's `error`.
    private struct Failure: Error { let what: String }

    private static let descriptions = [
        ("status", "Return status of the daemon"),
        ("router.remove", "Remove a peer from the router"),
        ("router.connect", "Connects two peers at the router. Unidirectional connection."),
        ("router.disconnect", "Disconnects two peers at the router. Unidirectional connection."),
        (
            "connect",
            "Connect to a peer send params: [hostname] | [hostname, port] | [name, hostname, port] | "
                + #"{"name": name, "hostname": hostname, "port": port}"#
        ),
        ("router.create", "Create a new peer of the specific type and params"),
        ("mdns.remove", "Delete a mdns announcement"),
        ("export.rawmidi", "Exports a rawmidi device to ALSA"),
        ("help", "Return help text"),
    ]

    /// The answer without its newline; nil for none.
    func answer(_ request: [UInt8]) throws(ToPoller) -> [UInt8]? {
        let parsed: JSON
        do throws(JSONParser.Failure) {
            parsed = try JSONParser.parse(request)
        } catch {
            if daemon.settings.version == "24.12" { throw ToPoller(what: error.what) }
            return try? JSON.object(["error": .text(error.what)]).written()
        }
        guard case .object(let fields) = parsed else {
            throw ToPoller(
                what:
                    "[json.exception.type_error.305] cannot use operator[] with a string argument with \(parsed.typeName)"
            )
        }
        guard case .string(let method) = fields["method"] ?? .null else {
            throw ToPoller(
                what:
                    "[json.exception.type_error.302] type must be string, but is \((fields["method"] ?? .null).typeName)"
            )
        }
        var answer: [String: JSON] = ["id": fields["id"] ?? .null]
        do {
            let name = String(decoding: method, as: UTF8.self)
            answer.merge(try result(of: name, fields["params"] ?? .null)) { _, new in new }
            return try JSON.object(answer).written()
        } catch let error as JSON.NotUTF8 {
            log.error("control_socket.cpp:444", "Error running method: \(error.what)")
            throw ToPoller(what: error.what)
        } catch let error as Failure {
            log.error("control_socket.cpp:444", "Error running method: \(error.what)")
            answer["error"] = .text(error.what)
            return try? JSON.object(answer).written()
        } catch {
            return nil
        }
    }

    private var log: Log { daemon.log }
    private var router: Router { daemon.router }

    /// `result` or `error`.
    private func result(of method: String, _ params: JSON) throws(Failure) -> [String: JSON] {
        switch method {
        case "status": return ["result": status]
        case "help":
            let list = Self.descriptions.map { JSON.object(["name": .text($0.0), "description": .text($0.1)]) }
            return ["result": .array(list)]
        case "router.remove":
            guard case .array(let items) = params else {
                throw Failure(
                    what: "[json.exception.type_error.305] cannot use operator[] with a numeric argument with "
                        + params.typeName)
            }
            router.remove(try number(items.first ?? .null))
            return ["result": .text("ok")]
        case "router.connect", "router.disconnect":
            guard case .object(let fields) = params else {
                throw Failure(
                    what: "[json.exception.type_error.305] cannot use operator[] with a string argument with "
                        + params.typeName)
            }
            let (from, to) = (try number(fields["from"] ?? .null), try number(fields["to"] ?? .null))
            method == "router.connect" ? router.connect(from, to) : router.disconnect(from, to)
            return ["result": .text("ok")]
        case "connect": return ["result": connect(params)]
        case "router.create": return ["result": try create(params)]
        case "mdns.remove": return ["result": .text("ok")]
        case "export.rawmidi":
            // The double has no devices; these are the words for an empty request.
            throw Failure(what: "[json.exception.type_error.302] type must be string, but is number")
        default: return try peerCommand(method)
        }
    }

    /// `<id>.<command>`; anything else is unknown.
    private func peerCommand(_ method: String) throws(Failure) -> [String: JSON] {
        guard let dot = method.firstIndex(of: "."), method[..<dot].allSatisfy(\.isNumber) else {
            log.error("control_socket.cpp:441", "Error running method: Unknown method '\(method)'")
            return ["error": .text("Unknown method '\(method)'")]
        }
        guard let id = Int(method[..<dot]) else { throw Failure(what: "stoi") }
        guard let node = router[id] else { return ["error": .text("Unknown peer '\(id)'")] }
        let command = method[method.index(after: dot)...]
        log.error("midipeer.cpp:32", "Unknown command: \(command)")
        switch command {
        case "status": return ["result": .object(fields(of: node))]
        case "help": return ["result": .array([.object([:])])]
        default: return ["error": .text("Command not implemented")]
        }
    }

    private func number(_ value: JSON) throws(Failure) -> Int {
        guard case .integer(let number) = value else {
            throw Failure(what: "[json.exception.type_error.302] type must be number, but is \(value.typeName)")
        }
        return number
    }

    private func connect(_ params: JSON) -> JSON {
        let strings: [[UInt8]]
        switch params {
        case .array(let items): strings = items.map(text)
        case .object(let fields): strings = ["name", "hostname", "port"].map { text(fields[$0] ?? .null) }
        default: strings = []
        }
        guard (1...3).contains(strings.count) else {
            return .array([
                .text("error"),
                .text(
                    "Need 1 param (hostname:hostname:5004), 2 params (hostname:port), 3 params (name,hostname,port) or "
                        + "a dict{name, hostname, port}"),
            ])
        }
        let host = strings.count == 3 ? strings[1] : strings[0]
        let port = strings.count == 1 ? Array("5004".utf8) : strings[strings.count - 1]
        daemon.addWaiter(strings[0], endpoints: [.object(["hostname": .string(host), "port": .string(port)])])
        return .array([.text("ok")])
    }

    private func text(_ value: JSON) -> [UInt8] {
        switch value {
        case .string(let bytes): bytes
        case .integer(let number): Array(String(number).utf8)
        default: []
        }
    }

    private func create(_ params: JSON) throws(Failure) -> JSON {
        guard case .object(let fields) = params, case .string(let type) = fields["type"] ?? .null else {
            throw Failure(what: "[json.exception.type_error.302] type must be string, but is null")
        }
        switch String(decoding: type, as: UTF8.self) {
        case "list":
            return .object([
                "local_rawmidi_t": .object(["name": .text("Name of the peer"), "device": .text("Path to the device")]),
                "network_rtpmidi_client_t": .object([
                    "name": .text("Name of the peer"), "hostname": .text("Hostname of the server"),
                    "port": .text("Port of the server"),
                ]),
                "network_rtpmidi_listener_t": .object([
                    "name": .text("Name of the peer"), "udp_port": .text("UDP port to listen [random]"),
                ]),
                "local_alsa_peer_t": .object(["name": .text("Name of the peer")]),
            ])
        case "network_rtpmidi_client_t":
            let name = text(fields["name"] ?? .null)
            guard
                let address = SocketAddress(
                    host: String(decoding: text(fields["hostname"] ?? .null), as: UTF8.self), port: 0),
                case .integer(let port) = fields["port"] ?? .null,
                let session = try? OutgoingSession(
                    name, to: address, port: UInt16(truncatingIfNeeded: port), daemon: daemon)
            else {
                throw Failure(what: "[json.exception.type_error.302] type must be string, but is null")
            }
            let id = router.add(.client(session))
            session.begin(as: id)
            return .object(router[id].map(self.fields) ?? [:])
        case "local_alsa_peer_t":
            let name = text(fields["name"] ?? .null)
            let id = router.add(.alsa(name: name, port: daemon.createPort(for: name)))
            return .object(router[id].map(self.fields) ?? [:])
        default:
            log.error("control_socket.cpp:342", "Unknown peer type or non construtible yet: \(type)")
            return .object(["error": .text("Unknown peer type")])
        }
    }

    // MARK: status

    private var status: JSON {
        .object([
            "version": .text(daemon.settings.version),
            "settings": .object([
                "alsa_name": .string(daemon.settings.alsaName), "control_filename": .text(daemon.settings.control),
            ]),
            "mdns": .object([
                "status": .text("Available"),
                "announcements": .array(
                    daemon.listeners.map { .object(["name": .string($0.name), "port": .integer($0.controlPort ?? 0)]) }),
                "remote_announcements": .array([]),
            ]),
            "router": .array(
                router.all.map { node in
                    var fields = fields(of: node)
                    fields["id"] = .integer(node.id)
                    fields["send_to"] = .array(node.sendsTo.map { .integer($0) })
                    fields["stats"] = .object(["recv": .integer(node.received), "sent": .integer(node.sent)])
                    fields["type"] = .text(node.type)
                    return .object(fields)
                }),
        ])
    }

    private func fields(of node: Node) -> [String: JSON] {
        switch node.kind {
        case .listener(let listener): listener.json
        case .announce(let name, _): ["name": .string(name), "connections": .null]
        case .alsa(let name, let port): ["name": .string(name), "port": .integer(port)]
        case .session(let session): ["name": .string(session.remoteName), "peer": session.json]
        case .client(let session): ["name": .string(session.remoteName), "peer": session.json]
        case .waiter(let name, _, let endpoints):
            [
                "name": .string(Array("[WATING] <-> ".utf8) + name), "endpoints": .array(endpoints),
                "connection_count": .integer(0), "status": .text("WAITING"),
            ]
        }
    }
}

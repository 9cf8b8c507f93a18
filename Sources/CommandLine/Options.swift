package import Hub
package import Linux
package import Rooms

/// The options of `run`, `start`, `demo` and those that only need the state directory; each overrides the configuration
/// file.
package struct Options: Equatable, Sendable {
    package var config: String?
    package var state: String?
    package var ports: [UInt16] = []
    package var policy: Policy?
    package var engine: Configuration.EngineChoice?
    package var rtpmidid: String?
    package var listen: Sockets.Address?
    package var web: String?

    /// The hub that a command shows or gives orders to; nil for the one on this machine.
    package var hub: HubURL?

    package var json = false
    package var follow = false
    package var unlessStopped = false
    /// Whether it is `demo`, which sends no alerts.
    package var isDemo = false
    /// Though the hub is locked for a show, and of `failover` whatever else stands against it.
    package var force = false
    /// Of `failover drill`: which hub, and of that which is muted for how many seconds.
    package var mute: DrillOrder.Muted?
    package var kill: String?
    package var last = false
    /// Of `restart`.
    package var atUnlock = false
    /// Of `alert`.
    package var test = false
    /// Of `monitor`.
    package var once = false
    package var room: String?
    /// Of `focus` and `input`: what was chosen is given up.
    package var release = false
    /// Of `notes-off`: notes, 0 to 127.
    package var from: UInt8?
    package var to: UInt8?
    package var limit: Int?
    /// Of `engine`: files that the hub names.
    package var plan: String?
    package var control: String?
    package var sessions: String?
    /// Of `join` and `ping`.
    package var name: String?
    package var dump = false
    package var play: String?
    package var record: String?
    package var status = false
    var clone: JoinPort.Clone?
    package var device: String?
    package var thru = false
    package var oneHub = false
    /// Of `decode`.
    package var replay = false
    /// Words that are no options.
    package var operands: [String] = []

    package init() {}

    /// A wrong word on the command line, in one line with what would be right.
    package struct Misuse: Error, Equatable, CustomStringConvertible {
        package let description: String
        package init(_ description: String) { self.description = description }
    }

    /// The words behind the command. Only options in `allowed` are known to it, and other words only where it takes them.
    package init(_ arguments: some Sequence<String>, allowed: Set<String>, operands: Bool = false) throws(Misuse) {
        var rest = Array(arguments)[...]
        while let word = rest.popFirst() {
            var name = word
            var attached: String?
            if word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
                name = String(word[..<equals])
                attached = String(word[word.index(after: equals)...])
            }
            if name == "--connectall" { name = "--connect-all" }
            guard name.hasPrefix("-"), word != "-" else {
                guard operands else { throw Misuse("unexpected \"\(word)\"") }
                self.operands.append(word)
                continue
            }
            guard allowed.contains(name) else {
                let near = Nearest.of(name, among: allowed).map { "; did you mean \($0)?" }
                throw Misuse("unknown option \(name)\(near ?? "")")
            }
            if Self.flags.contains(name), attached != nil { throw Misuse("\(name) takes no value") }
            switch name {
            case "--json": json = true
            case "--follow": follow = true
            case "--once": once = true
            case "--test": test = true
            case "--force": force = true
            case "--at-unlock": atUnlock = true
            case "--last": last = true
            case "--release": release = true
            case "--unless-stopped": unlessStopped = true
            case "--connect-all": policy = .all
            case "--replay": replay = true
            case "--dump": dump = true
            case "--status": status = true
            case "--thru": thru = true
            case "--one-hub": oneHub = true
            case "--clone":
                // Its value may be left out.
                let value = attached ?? (rest.first.map { $0.hasPrefix("-") } ?? true ? nil : rest.removeFirst())
                clone = value.map { JoinPort.Clone($0) } ?? .first
                guard clone != nil else { throw Misuse("--clone: its value must be the name of a controller") }
            default:
                guard let value = attached ?? rest.popFirst(), !value.isEmpty else {
                    throw Misuse("\(name) needs a value")
                }
                try apply(name, value)
            }
        }
    }

    /// Those without a value.
    static let flags: Set<String> = [
        "--json", "--follow", "--unless-stopped", "--once", "--test", "--connect-all", "--replay", "--dump",
        "--one-hub", "--release", "--status", "--thru", "--force", "--at-unlock",
        "--last",
    ]

    private mutating func apply(_ name: String, _ value: String) throws(Misuse) {
        do throws(ConfigurationError) {
            switch name {
            case "--config": config = value
            case "--state": state = value
            case "--port": ports.append(try Configuration.port(Int(value), as: "\"\(value)\""))
            case "--policy": policy = try Configuration.policy(value)
            case "--engine": engine = try Configuration.engine(value)
            case "--rtpmidid": rtpmidid = value
            case "--listen": listen = try Configuration.address(value)
            case "--web": web = value
            case "--hub":
                guard let url = HubURL(value) else {
                    throw ConfigurationError("\"\(value)\" is no http://HOST[:PORT] and no https://HOST[:PORT]")
                }
                hub = url
            case "--room": room = value
            case "--mute": mute = try Self.muted(value)
            case "--kill": kill = value
            case "--from": from = try Self.note(value)
            case "--to": to = try Self.note(value)
            case "--plan": plan = value
            case "--control": control = value
            case "--sessions": sessions = value
            case "--name": self.name = value
            case "--play": play = value
            case "--record": record = value
            case "--device": device = value
            case "--limit":
                guard let number = Int(value), (1...10000).contains(number) else {
                    throw ConfigurationError("\"\(value)\" is no number from 1 to 10000")
                }
                limit = number
            default: preconditionFailure("\(name) is allowed somewhere but not read")
            }
        } catch { throw Misuse("\(name): \(error.description)") }
    }

    /// `HUB` or `HUB:SECONDS`.
    private static func muted(_ text: String) throws(ConfigurationError) -> DrillOrder.Muted {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last, let seconds = Int64(last) else {
            return .init(hub: text, seconds: DrillOrder.usualSeconds)
        }
        guard DrillOrder.seconds.contains(seconds) else {
            throw ConfigurationError(
                "\(seconds) is no number of seconds from \(DrillOrder.seconds.lowerBound) to \(DrillOrder.seconds.upperBound)"
            )
        }
        return .init(hub: parts.dropLast().joined(separator: ":"), seconds: Int(seconds))
    }

    private static func note(_ text: String) throws(ConfigurationError) -> UInt8 {
        guard let note = UInt8(text), note < 128 else { throw ConfigurationError("\"\(text)\" is no note (0 to 127)") }
        return note
    }

    /// The file's configuration (the standard one where no file is named and none lies in /etc) with these options laid
    /// over it.
    package func configuration() throws(ConfigurationError) -> Configuration {
        let standard = "/etc/midihub/midihub.json5"
        var result = Configuration()
        if let config {
            result = try Configuration(file: config)
        } else if File.exists(standard) {
            result = try Configuration(file: standard)
        }
        // The rooms of the machine's own hub are not those of a demo.
        if isDemo, config == nil {
            (result.rooms, result.policy, result.maximum, result.devices) = ([], .auto, nil, [])
        }
        if !ports.isEmpty { result.rooms = rooms(of: result) }
        if let policy {
            for index in result.rooms.indices { result.rooms[index].policy = policy }
        }
        if let engine { result.engine = engine }
        if let rtpmidid { result.rtpmidid = rtpmidid }
        if let listen { result.listen = listen }
        if let web { result.web = web }
        if isDemo { (result.alerts, result.failover) = (nil, nil) }
        // Of rooms that `--port` leaves out.
        let served = Set(result.rooms.map(\.name))
        result.devices.removeAll { one in one.room.map { !served.contains($0) } ?? false }
        try result.check()
        try result.checkEngine()
        return result
    }

    /// `--port` says which ports are served and nothing else: one that the file has is in its room there, as the file has
    /// it, and any other is a room as if it stood in the file's `ports`.
    private func rooms(of file: Configuration) -> [Configuration.Room] {
        let known = file.rooms.compactMap { room in
            var room = room
            room.ports = room.ports.filter(ports.contains)
            return room.ports.isEmpty ? nil : room
        }
        let others = ports.filter { port in !known.contains { $0.ports.contains(port) } }
        return known
            + others.map { .init(name: "\($0)", ports: [$0], policy: file.policy, maximum: file.maximum) }
    }

    /// The options as words again, for the process that `start` puts in the background. Paths become absolute.
    package func arguments(relativeTo directory: String) -> [String] {
        func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(directory)/\(path)" }
        var arguments: [String] = []
        if let config { arguments += ["--config", absolute(config)] }
        for port in ports { arguments += ["--port", "\(port)"] }
        if let policy { arguments += ["--policy", policy.rawValue] }
        if let engine { arguments += ["--engine", engine.rawValue] }
        if let rtpmidid { arguments += ["--rtpmidid", absolute(rtpmidid)] }
        if let listen { arguments += ["--listen", listen.description] }
        if let web { arguments += ["--web", absolute(web)] }
        return arguments
    }
}

import EngineProtocol
import Foundation
import Linux
import Rooms
import Store

/// The configuration while its file is read: what a room does not say it has from the file's `policy` and `maximum`, which
/// may stand behind it.
struct ConfigurationDraft {
    struct Room {
        var ports: [UInt16]?
        var policy: Policy?
        var maximum: Int?
        var controllers: [String]?
        var focusBy: FocusBy?
        var inputs: [Input]?

        func described(_ name: String, _ common: Configuration) -> Configuration.Room {
            var room = Configuration.Room(
                name: name, ports: ports ?? [], policy: policy ?? common.policy, maximum: maximum ?? common.maximum)
            room.focus = controllers.map { Focus(controllers: $0, byTouch: focusBy == .touch ? true : nil) }
            room.inputs = inputs ?? []
            return room
        }
    }

    private var configuration = Configuration()
    private var ports: [UInt16]?
    private var rooms: [(name: String, room: Room)]?
    private var policy: Policy?
    private var maximum: Int?
    /// The lines of what `Configuration.check` may find wrong.
    private(set) var lines: [String: Int] = [:]

    func finished() throws(ConfigurationError) -> Configuration {
        var result = configuration
        if ports != nil, rooms != nil {
            let line = lines["ports and rooms"].map { "line \($0): " } ?? ""
            throw ConfigurationError("\(line)ports and rooms: give one of the two, not both")
        }
        result.policy = policy ?? .auto
        result.maximum = maximum
        let described = rooms ?? (ports ?? [5004]).map { ("\($0)", Room(ports: [$0])) }
        result.rooms = described.map { name, room in room.described(name, result) }.sorted { one, other in
            rooms != nil && (one.ports.first ?? 0, one.name) < (other.ports.first ?? 0, other.name)
        }
        return result
    }

    /// Every key of the file. A key that is not in this table is an error; the manual is made from the table.
    static let settings: [Setting<ConfigurationDraft>] = [
        Setting(
            key: "name", example: #""MIDI Hub""#, summary: "What players see: 1 to 63 bytes."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.name = try value.text()
            draft.lines["name"] = value.line
        },
        Setting(
            key: "location", example: #""Frankfurt""#,
            summary: "Added to the name; \"auto\" asks the cloud's metadata service. Without it nothing is added."
        ) { draft, value throws(ConfigurationError) in
            let text = try value.text()
            draft.configuration.location = text == "auto" ? .auto : text.isEmpty ? .none : .named(text)
        },
        Setting(
            key: "ports", example: "[5004, 5006]",
            summary:
                "A room for each UDP port; each takes its own number and the next one. Without ports and rooms there is one room on 5004."
        ) { draft, value throws(ConfigurationError) in
            draft.ports = try value.ports()
            draft.lines["ports and rooms"] = value.line
            for port in draft.ports ?? [] { draft.lines["port \(port)"] = value.line }
        },
        Setting(
            key: "rooms", example: #"{ "Main": { ports: [5004] } }"#,
            summary: "Rooms with names, of 1 to 60 bytes, in place of ports."
        ) { draft, value throws(ConfigurationError) in
            draft.lines["ports and rooms"] = value.line
            draft.rooms = try value.members().map { name, value throws(ConfigurationError) in
                var room = Room()
                try value.read(roomSettings, into: &room)
                guard let ports = room.ports else { throw value.wrong("\"ports\" is missing") }
                if room.focusBy != nil, room.controllers == nil {
                    throw value.wrong("\"focusBy\" says how somebody gets the focus, but \"focus\" names no controller")
                }
                draft.lines["room \"\(Output.safe(name))\""] = value.line
                for port in ports { draft.lines["port \(port)"] = value.line }
                return (name, room)
            }
        },
        Setting(
            key: "policy", example: #""auto""#,
            summary:
                "Who hears whom in rooms that do not say it: auto (everyone hears everyone else, but a name whose last word is In or Rec only receives, and one whose last word is Out or Sen only sends), named (only senders and receivers), all, or pair (two ports: who is on the first is heard by who is on the second)."
        ) { draft, value throws(ConfigurationError) in draft.policy = try value.checked(Configuration.policy) },
        Setting(
            key: "maximum", example: "\(RoomPlan.usualMaximum)",
            summary: "How many participants a room takes that does not say it: 1 to 1000."
        ) { draft, value throws(ConfigurationError) in draft.maximum = try value.maximum() },
        Setting(
            key: "engineProcesses", example: "2",
            summary:
                "How many processes the embedded engine is: 1 to 64, at most one a room. Rooms are spread over them, so that more than one core carries MIDI; one that ends touches its own rooms only. Takes effect at the next start."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.engineProcesses = try value.whole(1...64, "processes (1 to 64)")
        },
        Setting(
            key: "maximumPerAddress", example: "\(EnginePlan.usualMaximumPerAddress)",
            summary:
                "How many participants may come from one address, in all rooms together: 1 to 1000. All behind one router are one address, and so is an IPv6 network of 64 bits. A name that is there already may come once more, since its session of before may not have ended yet. This machine itself is not limited."
        ) { draft, value throws(ConfigurationError) in draft.configuration.maximumPerAddress = try value.maximum() },
        Setting(
            key: "listen", example: #""127.0.0.1:8080""#,
            summary: "Where the page is served: an address and a TCP port."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.listen = try value.checked(Configuration.address)
        },
        Setting(
            key: "hosts", example: #"["hub.example.org"]"#,
            summary: "Names that the page is reached by, as behind a proxy: without scheme and port."
        ) { draft, value throws(ConfigurationError) in draft.configuration.hosts = try value.checkedList(host) },
        Setting(
            key: "origins", example: #"["https://studio.example.org"]"#,
            summary: "Web pages of elsewhere that may use the API: scheme, name and, where it is not the usual, port."
        ) { draft, value throws(ConfigurationError) in draft.configuration.origins = try value.checkedList(origin) },
        Setting(
            key: "web", example: #""/usr/share/midihub/web""#,
            summary: "The pages' directory, where it is not found by itself."
        ) { draft, value throws(ConfigurationError) in draft.configuration.web = try value.checked(path) },
        Setting(
            key: "token", example: #""choose-16-or-more-characters""#,
            summary:
                "By which things may be changed over HTTP: one word of at least 16 ASCII letters, digits and signs. Without it one is made at the first start and kept in the file token of the state directory. MIDIHUB_TOKEN in the environment goes before both."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.token = try value.checked(Configuration.token)
        },
        Setting(
            key: "engine", example: #""auto""#,
            summary:
                "What carries the MIDI: rtpmidid, embedded, or auto: rtpmidid where it is installed, the ALSA sequencer opens and it can do all that is configured here, else embedded."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.engine = try value.checked(Configuration.engine)
        },
        Setting(
            key: "rtpmidid", example: #""/usr/bin/rtpmidid""#,
            summary: "The rtpmidid to run, where it is not the one on PATH."
        ) { draft, value throws(ConfigurationError) in draft.configuration.rtpmidid = try value.checked(path) },
        Setting(
            key: "allow", example: #"["192.0.2.0/24"]"#,
            summary:
                "Addresses and ranges that are let in, and no others but this machine itself. Without it everybody is."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.allow = try value.checkedList(Configuration.range)
            if draft.configuration.allow.isEmpty {
                throw value.wrong("is empty, so nobody would be let in; without it everybody is")
            }
        },
        Setting(
            key: "deny", example: #"["192.0.2.66"]"#, summary: "Addresses and ranges that are never let in."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.deny = try value.checkedList(Configuration.range)
        },
        Setting(
            key: "address", example: #""192.0.2.1""#,
            summary: "The one address of this machine to listen on; without it all."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.address = try value.checked { text throws(ConfigurationError) in
                guard SocketAddress(host: text, port: 0) != nil else {
                    throw ConfigurationError("\"\(text)\" is no numeric address such as 192.0.2.7 or ::1")
                }
                return text
            }
        },
        Setting(
            key: "alerts", example: #"{ url: "https://hooks.example.org/" }"#,
            summary: "A message to a webhook when something is wrong, and when that is over."
        ) { draft, value throws(ConfigurationError) in
            var settings = AlertSettings(url: "")
            try value.read(AlertSettings.settings, into: &settings)
            guard !settings.url.isEmpty else { throw value.wrong("\"url\" is missing") }
            draft.configuration.alerts = settings
        },
        Setting(
            key: "history", example: "\(Retention.size >> 20)",
            summary:
                "How many MiB the database may take: 16 to 65536. Events are kept for 90 days, the last 100,000 of them; visits and their round trips for 31 days, the last 50,000. Where that takes more, visits of less than a minute go first, then the oldest round trips and events, and at last the visits of those who stayed."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.history = Int64(try value.whole(16...65536, "MiB (16 to 65536)")) << 20
        },
        Setting(
            key: "tcp", example: #"{ port: 8141, room: "Main" }"#,
            summary:
                "Clients of network-midi-hub, which send text over TCP, are members of that room; or a list of such ports, each with its room. They hear neither programs, channel pressure nor system exclusive, which those clients cannot take. Whoever connects is let in, as allow and deny have it."
        ) { draft, value throws(ConfigurationError) in
            for one in value.oneOrMore() {
                var tcp = Configuration.TCP(port: 8141)
                try one.read(Configuration.tcpSettings, into: &tcp)
                draft.configuration.tcp.append(tcp)
                draft.lines["TCP port \(tcp.port)"] = one.line
            }
        },
        Setting(
            key: "devices", example: #"[{ match: "APC40*", room: "Main" }]"#,
            summary:
                "Instruments and controllers plugged into this machine that are members of a room: heard by the others, and what they send reaches its lights and sounds."
        ) { draft, value throws(ConfigurationError) in
            let list = try ConfigurationDevice.list(value)
            draft.configuration.devices = list.map(\.device)
            for (index, one) in list.enumerated() { draft.lines["device \(index)"] = one.line }
        },
        Setting(
            key: "connect", example: #"[{ to: "studio.example.org:5004", room: "Main", name: "Desk" }]"#,
            summary:
                "Peers that only listen, which a room invites: hardware interfaces, a Mac's session, another hub. `midihub connections` shows how it is with each."
        ) { draft, value throws(ConfigurationError) in
            let list = try ConfigurationConnection.list(value)
            draft.configuration.connect = list.map(\.connection)
            for (index, one) in list.enumerated() { draft.lines["connection \(index)"] = one.line }
        },
        Setting(
            key: "discover", example: #"[{ match: "Stage*", room: "Main" }]"#,
            summary:
                "Sessions that are announced on the local network and that a room invites by itself. true: all but other MIDI Hubs, into the first room. false: nothing is looked for. Without it they are only offered, on the page and by `midihub connections`."
        ) { draft, value throws(ConfigurationError) in
            let list = try ConfigurationDiscovery.read(value)
            draft.configuration.discover = list?.map(\.rule)
            for (index, one) in (list ?? []).enumerated() { draft.lines["discovery \(index)"] = one.line }
        },
        Setting(
            key: "failover", example: #"{ with: "hub-b.example.org:5004", secret: "…", role: "main" }"#,
            summary:
                "The other one of two hubs that are a pair: who stands on both hears one of them, and the other one takes over when that is gone. `midihub failover` shows how it is."
        ) { draft, value throws(ConfigurationError) in
            draft.configuration.failover = try ConfigurationFailover.read(value)
            draft.lines["failover"] = value.line
        },
    ]

    static let roomSettings: [Setting<Room>] = [
        Setting(
            key: "ports", example: "[5006, 5008]",
            summary: "Its UDP ports: who is on any of them is in the room. Needed."
        ) { room, value throws(ConfigurationError) in room.ports = try value.ports() },
        Setting(
            key: "policy", example: #""all""#, summary: "As above, of this room."
        ) { room, value throws(ConfigurationError) in room.policy = try value.checked(Configuration.policy) },
        Setting(
            key: "maximum", example: "8", summary: "As above, of this room."
        ) { room, value throws(ConfigurationError) in room.maximum = try value.maximum() },
        Setting(
            key: "focus", example: #"["APC40"]"#,
            summary:
                "Names of participants, or of inputs, that are controllers with lights or motor faders: only the one participant who has the focus feeds back to them. It is given by `midihub focus NAME`."
        ) { room, value throws(ConfigurationError) in room.controllers = try value.names(atLeast: 1) },
        Setting(
            key: "focusBy", example: #""touch""#,
            summary:
                "How else somebody gets the focus: order (not at all), or touch: the first who plays while nobody has it, or only somebody who does not answer any more."
        ) { room, value throws(ConfigurationError) in room.focusBy = try value.checked(FocusBy.named) },
        Setting(
            key: "inputs", example: #"{ "APC": { of: ["APC left", "APC right"] } }"#,
            summary:
                "Controllers that are one, the same twice, by a name of their own; see below."
        ) { room, value throws(ConfigurationError) in room.inputs = try value.inputs() },
    ]

    @Sendable private static func path(_ text: String) throws(ConfigurationError) -> String {
        guard !text.isEmpty else { throw ConfigurationError("must name a file") }
        return text
    }

    /// As it stands in a Host header (RFC 9110 section 7.2), without the port.
    @Sendable private static func host(_ text: String) throws(ConfigurationError) -> String {
        func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                || "-._".unicodeScalars.contains(scalar)
        }
        guard !text.isEmpty, text.unicodeScalars.allSatisfy(isNamePart) else {
            throw ConfigurationError("\"\(text)\" is no name such as hub.example.org, without scheme, port and path")
        }
        return text
    }

    /// RFC 6454 section 6.2: scheme, host and port, nothing behind.
    @Sendable private static func origin(_ text: String) throws(ConfigurationError) -> String {
        let parts = URLComponents(string: text)
        guard let parts, ["http", "https"].contains(parts.scheme), parts.host?.isEmpty == false, parts.path.isEmpty,
            parts.query == nil, parts.fragment == nil, parts.user == nil
        else { throw ConfigurationError("\"\(text)\" is no origin such as https://studio.example.org") }
        return text
    }
}

extension ConfigurationValue {
    fileprivate func maximum() throws(ConfigurationError) -> Int { try whole(1...1000, "participants (1 to 1000)") }
}

import Client
import Devices
import Glibc
import Hub
import Linux
import Rooms

/// What `midihub join` is to do: by its options, else by the file `join.json5`, whose keys are called the same.
struct JoinSettings: Equatable {
    var hosts: [Initiator.Host] = []
    var room: String?
    var name: String?
    var clone: JoinPort.Clone?
    var device: DevicePattern?
    var thru = false
    /// Not its partner, too, where the one hub that is named has one.
    var oneHub = false
    var play: String?
    var record: String?

    /// `$XDG_CONFIG_HOME/midihub/join.json5`, else below `~/.config`; nil where neither is known.
    static var path: String? {
        let environment = Programs.environment
        let home = environment["HOME"].map { "\($0)/.config" }
        // A path that is not absolute is to be ignored (XDG Base Directory Specification).
        let base = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home
        return base.map { "\($0)/midihub/join.json5" }
    }

    /// The options laid over the file, where there is one.
    init(_ options: Options, file: String? = path) throws(ConfigurationError) {
        if let file, File.exists(file) {
            self = try Configuration.read(file) { text throws(ConfigurationError) in try Self(text: text) }
        }
        if !options.operands.isEmpty {
            // Another hub has other rooms.
            (hosts, room) = ([], nil)
            for word in options.operands { try add(word) }
        }
        if let room = options.room {
            do throws(ConfigurationError) { self.room = try Self.checked(room: room) } catch {
                throw ConfigurationError("--room: \(error.description)")
            }
        }
        if let name = options.name {
            do throws(ConfigurationError) { self.name = try Self.checked(name: name) } catch {
                throw ConfigurationError("--name: \(error.description)")
            }
        }
        if let clone = options.clone { self.clone = clone }
        if let device = options.device {
            do throws(ConfigurationError) { self.device = try Self.pattern(device) } catch {
                throw ConfigurationError("--device: \(error.description)")
            }
        }
        if options.thru { thru = true }
        if options.oneHub { oneHub = true }
        if device != nil, clone != nil {
            throw ConfigurationError(
                "device and clone: a controller of this machine needs no port with another one's names; give one of the two"
            )
        }
        if let play = options.play { self.play = play }
        if let record = options.record { self.record = record }
    }

    init(text: String) throws(ConfigurationError) {
        self.init()
        try ConfigurationValue(text: text).read(Self.settings, into: &self)
    }
    private init() {}

    static let settings: [Setting<JoinSettings>] = [
        Setting(
            key: "hosts", example: #"["hub.example.org", "192.0.2.7:5006"]"#,
            summary: "The hubs, at most \(HubGroup.most); without it the one that is announced on this network."
        ) { settings, value throws(ConfigurationError) in
            for word in try value.list() {
                try word.checked { text throws(ConfigurationError) in try settings.add(text) }
            }
        },
        Setting(
            key: "room", example: #""Main""#, summary: "Which one of the rooms that are announced."
        ) { settings, value throws(ConfigurationError) in settings.room = try value.checked(checked(room:)) },
        Setting(
            key: "name", example: #""Piano""#, summary: "What the others see: this machine's name where it is absent."
        ) { settings, value throws(ConfigurationError) in settings.name = try value.checked(checked(name:)) },
        Setting(
            key: "clone", example: "true",
            summary:
                "Whether the ALSA port is to be called as a controller in the room is called there; or that controller's name."
        ) { settings, value throws(ConfigurationError) in
            if let flag = try? value.flag() {
                settings.clone = flag ? .first : nil
            } else {
                guard let clone = (try? value.text()).flatMap({ JoinPort.Clone($0) }) else {
                    throw value.wrong("must be true or the name of a controller in quotes")
                }
                settings.clone = clone
            }
        },
        Setting(
            key: "device", example: #""APC40*""#,
            summary:
                "The instrument of this machine that plays, by its ALSA names as `midihub devices` lists them: * is any text, ? any one letter. It is in the room as long as it is plugged in."
        ) { settings, value throws(ConfigurationError) in settings.device = try value.checked(pattern) },
        Setting(
            key: "thru", example: "true", summary: "Whether what is played here also comes out of the port here."
        ) { settings, value throws(ConfigurationError) in settings.thru = try value.flag() },
        Setting(
            key: "oneHub", example: "true",
            summary: "Whether to stand on the named hub alone, where that has a partner (`failover`)."
        ) { settings, value throws(ConfigurationError) in settings.oneHub = try value.flag() },
        Setting(
            key: "play", example: #""/home/me/music.mid""#, summary: "A standard MIDI file to be sent."
        ) { settings, value throws(ConfigurationError) in settings.play = try value.text() },
        Setting(
            key: "record", example: #""/home/me/recorded.mid""#,
            summary: "A standard MIDI file that is to be written at the end."
        ) { settings, value throws(ConfigurationError) in settings.record = try value.text() },
    ]

    private mutating func add(_ word: String) throws(ConfigurationError) {
        guard let host = Initiator.Host(word) else {
            throw ConfigurationError("\"\(Output.safe(word))\" is no HOST or HOST:PORT")
        }
        guard !hosts.contains(host) else { return }
        guard hosts.count < HubGroup.most else {
            throw ConfigurationError("at most \(HubGroup.most) hubs at once")
        }
        hosts.append(host)
    }

    @Sendable private static func pattern(_ text: String) throws(ConfigurationError) -> DevicePattern {
        guard let pattern = DevicePattern(text) else {
            throw ConfigurationError("a device's name has 1 to 128 characters, none of them a control character")
        }
        return pattern
    }

    @Sendable private static func checked(room: String) throws(ConfigurationError) -> String {
        guard !room.isEmpty else { throw ConfigurationError("must be the name of a room") }
        return room
    }

    @Sendable private static func checked(name: String) throws(ConfigurationError) -> String {
        guard !Probe.isNamed(name) else {
            throw ConfigurationError(
                "\"\(name)\" is who measures the way to a hub (`midihub ping`), and is not heard")
        }
        guard !name.isEmpty, name.utf8.count <= 63, Output.safe(name) == name else {
            throw ConfigurationError("a name must have 1 to 63 octets and no control characters")
        }
        return name
    }

    /// The name that the others see.
    var shownName: String { name ?? Self.machineName }

    private static var machineName: String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 && $0 != 46 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // Some peers cut names at 24 octets.
        let short = String(host.prefix(24))
        return short.isEmpty ? "midihub" : short
    }
}

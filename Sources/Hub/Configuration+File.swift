package import Linux
package import Rooms
import Store

extension Configuration {
    /// Reads a file in any of the three formats, told apart by their content.
    package init(file path: String) throws(ConfigurationError) {
        self = try Self.read(path) { text throws(ConfigurationError) in try Configuration(text: text) }
    }

    /// What `parse` makes of a file's text; its errors get the file's name.
    package static func read<Value>(
        _ path: String, _ parse: (String) throws(ConfigurationError) -> Value
    ) throws(ConfigurationError) -> Value {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try File.read(path, limit: 1 << 20)
        } catch { throw ConfigurationError("\(path): \(error.reason)") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
            throw ConfigurationError("\(path): \(isUTF16 ? "UTF-16: it must be saved as UTF-8" : "not UTF-8 text")")
        }
        do throws(ConfigurationError) {
            return try parse(text)
        } catch { throw ConfigurationError("\(path): \(error.description)") }
    }

    /// As `init(file:)`, from the text itself; errors carry no file name.
    package init(text: String) throws(ConfigurationError) {
        // Editors on Windows begin a file with a byte order mark.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        if text.contains(where: \.isNumber), text.allSatisfy({ $0.isASCII && ($0.isNumber || Self.isSeparator($0)) }) {
            try self.init(portList: text)
            return
        }
        let value = try ConfigurationValue(text: text)
        if let groups = value.groups(besides: ConfigurationDraft.settings.map(\.key)) {
            try self.init(groups: groups)
        } else {
            try self.init(json5: value)
        }
    }

    private static func isSeparator(_ character: Character) -> Bool { character == "," || character.isWhitespace }

    /// The older list `5004,5006`, or a number a line: one room a port.
    private init(portList: String) throws(ConfigurationError) {
        self.init()
        rooms = []
        var lines: [String: Int] = [:]
        for (line, numbers) in zip(1..., portList.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline))
        {
            for word in numbers.split(whereSeparator: Self.isSeparator) {
                do throws(ConfigurationError) {
                    let port = try Self.port(Int(word), as: String(word))
                    lines["port \(port)"] = line
                    rooms.append(Room(name: "\(port)", ports: [port], policy: .auto))
                } catch { throw ConfigurationError("line \(line): the port list: \(error.description)") }
            }
        }
        try check(lines)
    }

    /// The older groups `{"GroupOne": [5040, 5042]}`: one room an entry, the first port in, the second out.
    private init(groups: [(name: String, value: ConfigurationValue)]) throws(ConfigurationError) {
        self.init()
        rooms = []
        var lines: [String: Int] = [:]
        for (name, value) in groups {
            let ports = try value.ports()
            guard ports.count == 2 else {
                throw value.wrong("has \(Output.count(ports.count, "port")), must have two: [in, out]")
            }
            lines["room \"\(name)\""] = value.line
            for port in ports { lines["port \(port)"] = value.line }
            rooms.append(Room(name: name, ports: ports, policy: .pair))
        }
        rooms.sort { ($0.ports[0], $0.name) < ($1.ports[0], $1.name) }
        try check(lines)
    }

    private init(json5 file: ConfigurationValue) throws(ConfigurationError) {
        var draft = ConfigurationDraft()
        try file.read(ConfigurationDraft.settings, into: &draft)
        self = try draft.finished()
        try check(draft.lines)
    }

    /// What no single setting can tell: ports that collide, rooms without any. `lines` has where a room, a port or the name
    /// stands, as they are called here.
    package func check(_ lines: [String: Int] = [:]) throws(ConfigurationError) {
        func wrong(_ what: String, _ text: String) -> ConfigurationError {
            ConfigurationError((lines[what].map { "line \($0): " } ?? "") + "\(what): \(text)")
        }
        guard !rooms.isEmpty else { throw ConfigurationError("no port and no room is configured") }
        var taken: [UInt16: String] = [:]
        var names: Set<String> = []
        for room in rooms {
            let what = "room \"\(Output.safe(room.name))\""
            guard names.insert(room.name).inserted else { throw wrong(what, "is there twice") }
            guard !room.ports.isEmpty else { throw wrong(what, "has no port") }
            guard !room.name.isEmpty, room.name.utf8.count <= 60,
                !room.name.unicodeScalars.contains(where: { $0.value < 32 })
            else { throw wrong(what, "a name has 1 to 60 bytes and no control characters") }
            if room.policy == .pair, room.ports.count != 2 {
                throw wrong(what, "policy pair needs exactly two ports, [in, out]")
            }
            for port in room.ports {
                for used in [port, port + 1] {
                    guard let other = taken.updateValue("\(port)", forKey: used) else { continue }
                    throw wrong(
                        "port \(port)",
                        "overlaps with port \(other) (each takes its own number and the next one; step by 2)")
                }
            }
        }
        let clean = name.unicodeScalars.allSatisfy { $0.value >= 32 }
        guard !name.isEmpty, name.utf8.count <= 63, clean else {
            throw wrong("name", "has 1 to 63 bytes and no control characters")
        }
        try checkTCP(wrong)
        try checkDevices { index, text in
            ConfigurationError((lines["device \(index)"].map { "line \($0): " } ?? "") + "devices: \(text)")
        }
        try checkFailover { text in
            ConfigurationError((lines["failover"].map { "line \($0): " } ?? "") + "failover: \(text)")
        }
        try checkConnections { index, text in
            ConfigurationError((lines["connection \(index)"].map { "line \($0): " } ?? "") + "connect: \(text)")
        }
        try checkDiscovery { index, words in
            ConfigurationError((lines["discovery \(index)"].map { "line \($0): " } ?? "") + "discover: \(words)")
        }
    }

    // MARK: Words of the file and of options

    package static func port(_ number: Int?, as written: String) throws(ConfigurationError) -> UInt16 {
        guard let number, (1...65534).contains(number) else {
            throw ConfigurationError("\(written) is no port (1 to 65534; the next number is used too)")
        }
        return UInt16(number)
    }

    /// As it is sent, in an Authorization header: one word (RFC 6750 section 2.1).
    static func token(_ text: String) throws(ConfigurationError) -> String {
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ConfigurationError(
                "cannot be sent: it must be one word of ASCII letters, digits and signs, without blanks")
        }
        guard text.utf8.count >= 16 else { throw ConfigurationError("shorter than 16 characters") }
        return text
    }

    package static func policy(_ text: String) throws(ConfigurationError) -> Policy {
        guard let policy = Policy(rawValue: text) else {
            throw ConfigurationError("\"\(text)\" is none of auto, named, all, pair")
        }
        return policy
    }

    package static func engine(_ text: String) throws(ConfigurationError) -> EngineChoice {
        guard let choice = EngineChoice(rawValue: text) else {
            throw ConfigurationError("\"\(text)\" is none of auto, rtpmidid, embedded")
        }
        return choice
    }

    static func range(_ text: String) throws(ConfigurationError) -> AddressRange {
        guard let range = AddressRange(text) else {
            throw ConfigurationError("\"\(text)\" is no address and no range such as 192.0.2.0/24")
        }
        return range
    }

    package static func address(_ text: String) throws(ConfigurationError) -> Sockets.Address {
        guard let address = Sockets.Address(text) else {
            throw ConfigurationError("\"\(text)\" is no ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080")
        }
        return address
    }
}

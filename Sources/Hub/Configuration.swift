package import Engine
import Foundation
package import Linux
package import Rooms

/// What the hub is told to do: `midihub.json5`, one of the two older `midiports` formats, and the options that override it.
package struct Configuration: Equatable, Sendable {
    package struct Room: Equatable, Sendable {
        package var name: String
        /// UDP control ports; the data port of each is one higher.
        package var ports: [UInt16]
        package var policy: Policy
        /// How many may be in it; only the embedded engine can turn others away.
        package var maximum: Int
        package init(name: String, ports: [UInt16], policy: Policy, maximum: Int = 250) {
            (self.name, self.ports, self.policy, self.maximum) = (name, ports, policy, maximum)
        }
    }

    package enum EngineChoice: String, Sendable, CaseIterable { case auto, rtpmidid, embedded }

    package enum Location: Equatable, Sendable {
        case none
        /// Asked of the cloud's metadata service at start.
        case auto
        case named(String)
    }

    package var name = "MIDI Hub"
    package var location = Location.none
    package var rooms = [Room(name: "5004", ports: [5004], policy: .auto)]
    package var engine = EngineChoice.auto
    /// The daemon's path; nil searches PATH and the usual places.
    package var rtpmidid: String?
    package var listen = Sockets.Address(host: "127.0.0.1", port: 8080)
    /// Host names that the page is reached by, behind a proxy.
    package var hosts: [String] = []
    /// Web pages of elsewhere that may use the API: `https://studio.example.org`, with the port where it is not the usual.
    package var origins: [String] = []
    package var web: String?
    package var token: String?
    /// Who is let in by the embedded engine: every address, or only those in `allow`; never those in `deny`.
    package var allow: [AddressRange] = []
    package var deny: [AddressRange] = []
    /// The one address of this machine on which the embedded engine listens; nil for all.
    package var address: String?
    package var alerts: AlertSettings?

    package init() {}

    /// Every port with its room and its place in that room.
    package var ports: [(port: UInt16, room: Room, index: Int)] {
        rooms.flatMap { room in room.ports.enumerated().map { ($0.element, room, $0.offset) } }
    }
}

/// A configuration that cannot be used: one line with file, place and reason.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

extension Configuration {
    /// Reads a file in any of the three formats, told apart by their content.
    package init(file path: String) throws(ConfigurationError) {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try File.read(path, limit: 1 << 20)
        } catch { throw ConfigurationError("\(path): \(error.reason)") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError("\(path): not UTF-8 text")
        }
        do throws(ConfigurationError) {
            try self.init(text: text)
        } catch { throw ConfigurationError("\(path): \(error.description)") }
    }

    /// As `init(file:)`, from the text itself; errors carry no file name.
    package init(text: String) throws(ConfigurationError) {
        let digits = text.filter { !$0.isWhitespace }
        if !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ",") }) {
            try self.init(portList: digits)
        } else if let groups = try? JSONDecoder().decode([String: [Int]].self, from: Data(text.utf8)), !groups.isEmpty {
            try self.init(groups: groups)
        } else {
            try self.init(json5: text)
        }
        try check()
    }

    /// The older list `5004,5006`: one room a port.
    private init(portList: String) throws(ConfigurationError) {
        self.init()
        rooms = []
        for word in portList.split(separator: ",") {
            let port = try Self.port(Int(word) ?? 0, "the port list")
            rooms.append(Room(name: "\(port)", ports: [port], policy: .auto))
        }
    }

    /// The older groups `{"GroupOne": [5040, 5042]}`: one room an entry, the first port in, the second out.
    private init(groups: [String: [Int]]) throws(ConfigurationError) {
        self.init()
        rooms = []
        for (name, ports) in groups.sorted(by: { ($0.value.first ?? 0, $0.key) < ($1.value.first ?? 0, $1.key) }) {
            guard ports.count == 2 else {
                throw ConfigurationError("group \"\(name)\": has \(ports.count) ports, must have two: [in, out]")
            }
            var room = Room(name: name, ports: [], policy: .pair)
            for port in ports { room.ports.append(try Self.port(port, "group \"\(name)\"")) }
            rooms.append(room)
        }
    }

    private init(json5 text: String) throws(ConfigurationError) {
        self.init()
        let file: FileFormat
        do {
            let decoder = JSONDecoder()
            decoder.allowsJSON5 = true
            file = try decoder.decode(FileFormat.self, from: Data(text.utf8))
        } catch let error as DecodingError {
            if let place = JSON5Place.ofError(in: text) { throw ConfigurationError("not JSON5: \(place)") }
            throw ConfigurationError(Self.words(for: error))
        } catch { throw ConfigurationError("\(error)") }

        if let value = file.name { name = value }
        if let value = file.location { location = value == "auto" ? .auto : value.isEmpty ? .none : .named(value) }
        if let value = file.rtpmidid { rtpmidid = value }
        if let value = file.hosts { hosts = value }
        if let value = file.origins {
            origins = try value.map { text throws(ConfigurationError) in try Self.origin(text) }
        }
        if let value = file.web { web = value }
        if let value = file.token {
            guard value.utf8.count >= 16 else { throw ConfigurationError("token: shorter than 16 characters") }
            token = value
        }
        if let value = file.engine { engine = try Self.engine(value) }
        if let value = file.allow { allow = try Self.ranges(value, "allow") }
        if let value = file.deny { deny = try Self.ranges(value, "deny") }
        if let value = file.address {
            guard SocketAddress(host: value, port: 0) != nil else {
                throw ConfigurationError("address: \"\(value)\" is no numeric address such as 192.0.2.7 or ::1")
            }
            address = value
        }
        if let value = file.alerts { alerts = try AlertSettings.checked(value) }
        let maximum = try Self.maximum(file.maximum, "maximum") ?? Room(name: "", ports: [], policy: .auto).maximum
        if let value = file.listen { listen = try Self.address(value) }
        let common = try file.policy.map { text throws(ConfigurationError) in try Self.policy(text) } ?? .auto
        guard file.ports == nil || file.rooms == nil else {
            throw ConfigurationError("ports and rooms: give one of the two, not both")
        }
        if let ports = file.ports {
            rooms = []
            for number in ports {
                let port = try Self.port(number, "ports")
                rooms.append(Room(name: "\(port)", ports: [port], policy: common, maximum: maximum))
            }
        } else if let described = file.rooms {
            rooms = []
            for (name, room) in described.sorted(by: {
                ($0.value.ports.first ?? 0, $0.key) < ($1.value.ports.first ?? 0, $1.key)
            }) {
                var made = Room(name: name, ports: [], policy: common, maximum: maximum)
                if let most = try Self.maximum(room.maximum, "rooms.\(name).maximum") { made.maximum = most }
                if let text = room.policy { made.policy = try Self.policy(text) }
                for number in room.ports { made.ports.append(try Self.port(number, "rooms.\(name).ports")) }
                rooms.append(made)
            }
        } else {
            rooms = rooms.map { Room(name: $0.name, ports: $0.ports, policy: common, maximum: maximum) }
        }
    }

    /// What no single field can tell: ports that collide, rooms without any.
    package func check() throws(ConfigurationError) {
        guard !rooms.isEmpty else { throw ConfigurationError("no port and no room is configured") }
        var taken: [UInt16: String] = [:]
        for room in rooms {
            guard !room.ports.isEmpty else { throw ConfigurationError("room \"\(room.name)\": has no port") }
            guard !room.name.isEmpty, room.name.utf8.count <= 60,
                !room.name.unicodeScalars.contains(where: { $0.value < 32 })
            else {
                throw ConfigurationError("room \"\(room.name)\": a name has 1 to 60 bytes and no control characters")
            }
            if room.policy == .pair, room.ports.count != 2 {
                throw ConfigurationError("room \"\(room.name)\": policy pair needs exactly two ports, [in, out]")
            }
            for port in room.ports {
                for used in [port, port + 1] {
                    if let other = taken.updateValue("\(port)", forKey: used) {
                        throw ConfigurationError(
                            "port \(port): overlaps with port \(other) (each takes its own number and the next one; step by 2)"
                        )
                    }
                }
            }
        }
        let clean = name.unicodeScalars.allSatisfy { $0.value >= 32 }
        guard !name.isEmpty, name.utf8.count <= 63, clean else {
            throw ConfigurationError("name: has 1 to 63 bytes and no control characters")
        }
    }

    static func port(_ number: Int, _ place: String) throws(ConfigurationError) -> UInt16 {
        guard (1...65534).contains(number) else {
            throw ConfigurationError("\(place): \(number) is no port (1 to 65534; the next number is used too)")
        }
        return UInt16(number)
    }

    static func policy(_ text: String) throws(ConfigurationError) -> Policy {
        guard let policy = Policy(rawValue: text) else {
            throw ConfigurationError("policy: \"\(text)\" is none of auto, named, all, pair")
        }
        return policy
    }

    private static func ranges(_ texts: [String], _ place: String) throws(ConfigurationError) -> [AddressRange] {
        var ranges: [AddressRange] = []
        for text in texts {
            guard let range = AddressRange(text) else {
                throw ConfigurationError("\(place): \"\(text)\" is no address and no range such as 192.0.2.0/24")
            }
            ranges.append(range)
        }
        return ranges
    }

    private static func maximum(_ number: Int?, _ place: String) throws(ConfigurationError) -> Int? {
        guard let number else { return nil }
        guard (1...1000).contains(number) else {
            throw ConfigurationError("\(place): \(number) is no number of participants (1 to 1000)")
        }
        return number
    }

    /// RFC 6454 section 6.2: scheme, host and port, nothing behind.
    private static func origin(_ text: String) throws(ConfigurationError) -> String {
        let parts = URLComponents(string: text)
        guard let parts, ["http", "https"].contains(parts.scheme), parts.host?.isEmpty == false, parts.path.isEmpty,
            parts.query == nil, parts.fragment == nil, parts.user == nil
        else {
            throw ConfigurationError("origins: \"\(text)\" is no origin such as https://studio.example.org")
        }
        return text
    }

    static func engine(_ text: String) throws(ConfigurationError) -> EngineChoice {
        guard let choice = EngineChoice(rawValue: text) else {
            throw ConfigurationError("engine: \"\(text)\" is none of auto, rtpmidid, embedded")
        }
        return choice
    }

    static func address(_ text: String) throws(ConfigurationError) -> Sockets.Address {
        guard let address = Sockets.Address(text) else {
            throw ConfigurationError("listen: \"\(text)\" is no ADDRESS:PORT such as 127.0.0.1:8080 or [::1]:8080")
        }
        return address
    }

    /// Foundation's decoding errors as one line with the place.
    private static func words(for error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
            return path.isEmpty ? "the file" : path
        }
        switch error {
        case .typeMismatch(let type, let context): return "\(place(context)): must be \(article(for: type))"
        case .valueNotFound(let type, let context): return "\(place(context)): is null, must be \(article(for: type))"
        case .keyNotFound(let key, let context): return "\(place(context)): \"\(key.stringValue)\" is missing"
        case .dataCorrupted(let context): return "\(place(context)): \(context.debugDescription)"
        @unknown default: return "\(error)"
        }
    }

    private static func article(for type: Any.Type) -> String {
        switch type {
        case is String.Type: "text in quotes"
        case is Int.Type: "a whole number"
        case is Double.Type: "a number"
        default: "\(type)".hasPrefix("Array") ? "a list in [ ]" : "an object in { }"
        }
    }
}

/// The JSON5 file as it is written. Unknown keys are errors: a misspelt one would be silently without effect.
private struct FileFormat: Decodable {
    struct Room: Decodable {
        enum CodingKeys: String, CodingKey, CaseIterable { case ports, policy, maximum }
        var ports: [Int]
        var policy: String?
        var maximum: Int?
        init(from decoder: any Decoder) throws {
            try refuseUnknownKeys(decoder, known: CodingKeys.allCases.map(\.rawValue))
            let values = try decoder.container(keyedBy: CodingKeys.self)
            ports = try values.decode([Int].self, forKey: .ports)
            policy = try values.decodeIfPresent(String.self, forKey: .policy)
            maximum = try values.decodeIfPresent(Int.self, forKey: .maximum)
        }
    }
    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, location, ports, rooms, policy, engine, rtpmidid, listen, hosts, origins, web, token, allow, deny
        case address, maximum, alerts
    }
    var name, location, policy, engine, rtpmidid, listen, web, token, address: String?
    var ports: [Int]?
    var rooms: [String: Room]?
    var hosts, origins, allow, deny: [String]?
    var maximum: Int?
    var alerts: AlertsFormat?

    init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, known: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) throws -> String? { try values.decodeIfPresent(String.self, forKey: key) }
        (name, location, policy, engine) = (try text(.name), try text(.location), try text(.policy), try text(.engine))
        (rtpmidid, listen, web, token) = (try text(.rtpmidid), try text(.listen), try text(.web), try text(.token))
        ports = try values.decodeIfPresent([Int].self, forKey: .ports)
        rooms = try values.decodeIfPresent([String: Room].self, forKey: .rooms)
        hosts = try values.decodeIfPresent([String].self, forKey: .hosts)
        origins = try values.decodeIfPresent([String].self, forKey: .origins)
        allow = try values.decodeIfPresent([String].self, forKey: .allow)
        deny = try values.decodeIfPresent([String].self, forKey: .deny)
        address = try text(.address)
        maximum = try values.decodeIfPresent(Int.self, forKey: .maximum)
        alerts = try values.decodeIfPresent(AlertsFormat.self, forKey: .alerts)
    }
}

private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

func refuseUnknownKeys(_ decoder: any Decoder, known: [String]) throws {
    for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
        throw DecodingError.dataCorrupted(
            .init(
                codingPath: decoder.codingPath + [key],
                debugDescription: "unknown key; known are \(known.sorted().joined(separator: ", "))"))
    }
}

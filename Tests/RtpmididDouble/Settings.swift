import Glibc

/// An exception that the real daemon does not catch: it ends by SIGABRT with these words on standard error.
struct Uncaught: Error {
    let type: String
    let what: Text

    init(_ what: Text, type: String = "rtpmidid::exception") {
        self.what = what
        self.type = type
    }
}

/// An option that does not exist: one ERROR record and exit code 1.
struct UnknownArgument: Error { let argument: String }

/// What command line and ini file say, by the rules of rtpmidid 26.01, or 24.12 where asked.
struct Settings {
    struct Announce {
        var name: [UInt8] = []
        var port = ""
    }

    var alsaName = Array("rtpmidid".utf8)
    var control = "/var/run/rtpmidid/control.sock"
    var logLevel = Log.Level.info
    var announces: [Announce] = []
    var alsaAnnounces: [[UInt8]] = []
    /// Names of the `[connect_to]` sections: each gives an ALSA port that waits for a subscriber.
    var connectTo: [[UInt8]] = []
    let version: String

    init(version: String) { self.version = version }

    /// Takes the options from left to right; a last one without its value is dropped. `--version` with any value and
    /// `--help` print and exit.
    mutating func parse(_ arguments: [String]) throws {
        var waiting: String?
        for argument in arguments {
            if let option = waiting {
                waiting = nil
                try set(option, argument)
            } else if argument == "--help" {
                help()
            } else if options.contains(argument) {
                waiting = argument
            } else if let option = options.first(where: { argument.hasPrefix($0 + "=") }) {
                try set(option, String(argument.dropFirst(option.count + 1)))
            } else {
                throw UnknownArgument(argument: argument)
            }
        }
    }

    private var options: [String] {
        let common = [
            "--ini", "--port", "--name", "--alsa-name", "--rtpmidid-name", "--control", "--rtpmidi-discover",
            "--rawmidi",
            "--version",
        ]
        return version == "24.12" ? common : common + ["--log-level"]
    }

    private func help() -> Never {
        print("A test double of rtpmidid v\(version). Options:\n  --help")
        for option in options { print("  \(option) VALUE") }
        exit(0)
    }

    private mutating func set(_ option: String, _ value: String) throws {
        switch option {
        case "--ini": try load(value)
        case "--port":
            if announces.isEmpty { announces = [Announce(name: hostName)] }
            announces[0].port = value
        case "--name":
            if announces.isEmpty { announces = [Announce()] }
            announces[0].name = Array(value.utf8)
            alsaAnnounces = [Array(value.utf8)] + alsaAnnounces.dropFirst()
            alsaName = Array(value.utf8)
        case "--alsa-name": alsaAnnounces = [Array(value.utf8)] + alsaAnnounces.dropFirst()
        case "--rtpmidid-name":
            if announces.isEmpty { announces = [Announce()] }
            announces[0].name = Array(value.utf8)
        case "--control": control = value
        case "--log-level": logLevel = try level(value)
        case "--version":
            print("rtpmidid version \(version)/2")
            exit(0)
        default: break  // --rtpmidi-discover and --rawmidi: the double discovers nothing and has no devices
        }
    }

    private func level(_ word: String) throws -> Log.Level {
        guard let level = Log.Level(word: word) else {
            throw Uncaught(
                "Invalid log level value: \(word). Valid values: debug, info, warning, error, or 0-3")
        }
        return level
    }

    // MARK: The ini file

    private var keys: [String: Set<String>] {
        [
            "general": version == "24.12" ? ["alsa_name", "control"] : ["alsa_name", "control", "log_level"],
            "rtpmidi_announce": ["name", "port"],
            "rtpmidi_discover": ["enabled", "name_positive_regex", "name_negative_regex"],
            "alsa_announce": ["name"],
            "connect_to": ["hostname", "port", "name", "local_udp_port"],
            "alsa_hw_auto_export": ["type", "name_positive_regex", "name_negative_regex"],
            "rawmidi": ["device", "name", "hostname", "remote_udp_port", "local_udp_port"],
        ]
    }

    private mutating func load(_ path: String) throws {
        guard let bytes = fileBytes(path) else { throw Uncaught("Cannot open ini file: \(path)") }
        var section = ""
        for (index, whole) in bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            // "#" begins a comment anywhere, also inside a value.
            let line = trimmed(whole.prefix { $0 != UInt8(ascii: "#") })
            if line.isEmpty { continue }
            if line[0] == UInt8(ascii: "[") {
                guard line.last == UInt8(ascii: "]") else { throw Uncaught("Invalid section: \(line)") }
                section = String(decoding: line[1..<(line.count - 1)], as: UTF8.self)
                try begin(section)
                continue
            }
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { throw Uncaught("Invalid line: \(line)") }
            let key = String(decoding: trimmed(line[..<equals]), as: UTF8.self)
            let value = substituted(trimmed(line[(equals + 1)...]))
            let location = "Error parsing INI configuration at \(path):\(index + 1)"
            guard let known = keys[section] else {
                throw Uncaught("\(location): Invalid section: \(section)", type: "rtpmidid::ini_exception")
            }
            guard known.contains(key) else {
                throw Uncaught("\(location): Invalid key: \(key)", type: "rtpmidid::ini_exception")
            }
            let types = ["none", "hardware", "software", "system", "all"]
            if key == "type", !types.contains(String(decoding: value, as: UTF8.self)) {
                throw Uncaught("\(location): Invalid value: \(value)", type: "rtpmidid::ini_exception")
            }
            try set(section, key, value)
        }
    }

    private mutating func begin(_ section: String) throws {
        switch section {
        case "rtpmidi_announce": announces.append(Announce())
        case "alsa_announce": alsaAnnounces.append([])
        case "connect_to": connectTo.append([])
        default: if keys[section] == nil { throw Uncaught("Invalid section: \(section)") }
        }
    }

    private mutating func set(_ section: String, _ key: String, _ value: [UInt8]) throws {
        let text = String(decoding: value, as: UTF8.self)
        switch (section, key) {
        case ("general", "alsa_name"): alsaName = value
        case ("general", "control"): control = text
        case ("general", "log_level"): logLevel = try level(text)
        case ("rtpmidi_announce", "name"): announces[announces.count - 1].name = value
        case ("rtpmidi_announce", "port"): announces[announces.count - 1].port = text
        case ("alsa_announce", "name"): alsaAnnounces[alsaAnnounces.count - 1] = value
        case ("connect_to", "name"): connectTo[connectTo.count - 1] = value
        default: break
        }
    }

    private var hostName: [UInt8] {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    }

    private func substituted(_ value: [UInt8]) -> [UInt8] {
        let mark = Array("{{hostname}}".utf8)
        var rest = value[...]
        var result: [UInt8] = []
        while let byte = rest.first {
            if rest.starts(with: mark) {
                result += hostName
                rest = rest.dropFirst(mark.count)
            } else {
                result.append(byte)
                rest = rest.dropFirst()
            }
        }
        return result
    }
}

/// Without the blanks (isspace(3)) at both ends.
func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> [UInt8] {
    func blank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
    return Array(Array(bytes.drop(while: blank).reversed()).drop(while: blank).reversed())
}

private func fileBytes(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return bytes
}

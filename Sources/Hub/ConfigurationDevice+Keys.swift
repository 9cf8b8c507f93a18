import Devices
package import Rooms

extension ConfigurationValue {
    /// By which names of some kind are told.
    func pattern() throws(ConfigurationError) -> DevicePattern {
        try checked { text throws(ConfigurationError) in
            guard let pattern = DevicePattern(text) else {
                throw ConfigurationError("has 1 to 128 characters, none of them a control character")
            }
            return pattern
        }
    }
}

/// As the configuration has them.
extension ConfigurationDevice {
    static let settings: [Setting<Draft>] = [
        Setting(
            key: "match", example: #""APC40*""#,
            summary:
                "Which ones, by their ALSA names (`midihub devices` lists them): the client's, the port's, or both with a colon between, and behind it, to tell equal ones apart, @ and the place where it is plugged in; * is any text, ? any one letter, capitals do not count. What is no instrument (Midi Through, System, programs, rtpmidid's ports) is taken by its whole name alone, without * and ?; MIDI Hub's own ports never are. Of two lines that take one device the first has it. Needed."
        ) { draft, value throws(ConfigurationError) in
            draft.pattern = try value.pattern()
        },
        Setting(
            key: "room", example: #""Main""#, summary: "The room that they are in. Needed where there are several."
        ) { draft, value throws(ConfigurationError) in
            draft.room = try value.text()
        },
        Setting(
            key: "name", example: #""APC40""#,
            summary:
                "What it is called there; without it, as ALSA calls its client. A second one of that name is called \"APC40 2\"."
        ) { draft, value throws(ConfigurationError) in
            draft.name = try value.checked { text throws(ConfigurationError) in
                guard (1...58).contains(text.utf8.count), text.unicodeScalars.allSatisfy({ $0.value >= 32 }),
                    !Probe.isNamed(text)
                else {
                    throw ConfigurationError("a device's name has 1 to 58 bytes and no control characters")
                }
                return text
            }
        },
    ]

    /// While it is read.
    struct Draft {
        var pattern: DevicePattern?
        var room: String?
        var name: String?
    }

    static func list(_ value: ConfigurationValue) throws(ConfigurationError) -> [(device: Self, line: Int)] {
        try value.list().map { item throws(ConfigurationError) in
            var draft = Draft()
            try item.read(settings, into: &draft)
            guard let pattern = draft.pattern else { throw item.wrong("\"match\" is missing") }
            return (Self(pattern: pattern, room: draft.room, name: draft.name), item.line)
        }
    }
}

extension Configuration {
    /// The devices that are members of a room, as a carrier is told. What a line before one of them takes is not taken there,
    /// whatever process carries that line's room.
    package func devices(of room: Room) -> [DevicePlan]? {
        let plans = devices.enumerated().filter { ($1.room ?? rooms.first?.name) == room.name }.map { index, device in
            let before = devices[..<index].map(\.pattern.description)
            return DevicePlan(
                match: device.pattern.description, name: device.name, except: before.isEmpty ? nil : before)
        }
        return plans.isEmpty ? nil : plans
    }

    /// `wrong` says it with the line of that entry, counted from 0.
    func checkDevices(_ wrong: (Int, String) -> ConfigurationError) throws(ConfigurationError) {
        for (index, device) in devices.enumerated() {
            let names = rooms.map { "\"\(Output.safe($0.name))\"" }.joined(separator: ", ")
            if let room = device.room, !rooms.contains(where: { $0.name == room }) {
                throw wrong(index, "there is no room \"\(Output.safe(room))\": there is \(names)")
            }
            if device.room == nil, rooms.count > 1 {
                throw wrong(index, "\"room\" is missing: there are several, \(names)")
            }
        }
        if !devices.isEmpty, let own = deniedOwnAddress {
            throw wrong(0, "deny keeps this machine itself (\(own)) out, where devices join from")
        }
    }
}

import Client
import Devices
import Rooms

extension ConfigurationDiscovery {
    static let settings: [Setting<Draft>] = [
        Setting(
            key: "match", example: #""Stage*""#,
            summary:
                "What it is announced as; * is any text, ? any one letter, capitals do not count. Another MIDI Hub's room is let in by its whole name alone, without * and ?. Of two lines that take one session the first has it. Needed."
        ) { draft, value throws(ConfigurationError) in
            draft.pattern = try value.pattern()
        },
        Setting(
            key: "room", example: #""Main""#, summary: "The room that invites it. Needed where there are several."
        ) { draft, value throws(ConfigurationError) in draft.room = try value.text() },
    ]

    /// While it is read.
    struct Draft {
        var pattern: DevicePattern?
        var room: String?
    }

    /// true and false, or a list. nil: nothing is looked for.
    static func read(_ value: ConfigurationValue) throws(ConfigurationError) -> [(rule: Self, line: Int)]? {
        if let isWanted = try? value.flag() { return isWanted ? everybody.map { ($0, value.line) } : nil }
        return try value.list("must be true, false or a list in [ ]").map { item throws(ConfigurationError) in
            var draft = Draft()
            try item.read(settings, into: &draft)
            guard let pattern = draft.pattern else { throw item.wrong("\"match\" is missing") }
            return (Self(pattern: pattern, room: draft.room), item.line)
        }
    }
}

extension Configuration {
    /// The room into which a session is let by itself; nil where it is not.
    func room(letting session: AnnouncedSession) -> Room? {
        guard let rule = (discover ?? []).first(where: { $0.takes(session) }) else { return nil }
        return rule.room.map { name in rooms.first { $0.name == name } } ?? rooms.first
    }

    /// `wrong` says it with the line of that entry, counted from 0.
    func checkDiscovery(_ wrong: (Int, String) -> ConfigurationError) throws(ConfigurationError) {
        let rules = discover ?? []
        let names = rooms.map { "\"\(Output.safe($0.name))\"" }.joined(separator: ", ")
        for (index, rule) in rules.enumerated() {
            if rule.room == nil, rooms.count > 1, rules != ConfigurationDiscovery.everybody {
                throw wrong(index, "\"room\" is missing: there are several, \(names)")
            }
            guard let room = rule.room.map({ name in rooms.first { $0.name == name } }) ?? rooms.first else {
                throw wrong(index, "there is no room \"\(Output.safe(rule.room ?? ""))\": there is \(names)")
            }
            if room.policy == .pair {
                throw wrong(
                    index, "room \(Output.safe(room.name)) is a pair, whose two ports each have their own direction")
            }
        }
    }
}

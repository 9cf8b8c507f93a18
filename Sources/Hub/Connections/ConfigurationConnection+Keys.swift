import Client
import Rooms

extension ConfigurationConnection {
    static let settings: [Setting<Draft>] = [
        Setting(
            key: "to", example: #""studio.example.org:5004""#,
            summary:
                "Where it listens: a name or an address, and its control port where that is not 5004. The next port must be reachable too. Needed."
        ) { draft, value throws(ConfigurationError) in
            draft.host = try value.checked { text throws(ConfigurationError) in try Configuration.host(text) }
        },
        Setting(
            key: "room", example: #""Main""#, summary: "The room that invites it. Needed where there are several."
        ) { draft, value throws(ConfigurationError) in draft.room = try value.text() },
        Setting(
            key: "name", example: #""Desk""#,
            summary: "What the others see it as, whatever it calls itself; without it, its host."
        ) { draft, value throws(ConfigurationError) in
            draft.name = try value.checked { text throws(ConfigurationError) in
                if let text = Invitee.wrongName(text) { throw ConfigurationError(text) }
                return text
            }
        },
    ]

    /// While it is read.
    struct Draft {
        var host: Initiator.Host?
        var room: String?
        var name: String?
    }

    static func list(_ value: ConfigurationValue) throws(ConfigurationError) -> [(connection: Self, line: Int)] {
        try value.list().map { item throws(ConfigurationError) in
            var draft = Draft()
            try item.read(settings, into: &draft)
            guard let host = draft.host else { throw item.wrong("\"to\" is missing") }
            return (Self(host: host, room: draft.room, name: draft.name), item.line)
        }
    }
}

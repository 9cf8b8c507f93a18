import Client
import EngineProtocol
import Linux

/// As the configuration has it.
extension ConfigurationFailover {
    /// While it is read.
    struct Draft {
        var with: Initiator.Host?
        var secret: String?
        var role: Role?
        var preset: Preset?
        var osc: OSC?
        var note: NoteTrigger?
        var changes: [@Sendable (inout Settings) -> Void] = []
    }

    static let settings: [Setting<Draft>] = [
        Setting(
            key: "with", example: #""hub-b.example.org:5004""#,
            summary:
                "The other hub: a name or an address, and the control port of one of its rooms where that is not 5004. Both UDP and TCP of that number and UDP of the next must get through, both ways. Needed."
        ) { draft, value throws(ConfigurationError) in draft.with = try value.checked(Configuration.host) },
        Setting(
            key: "secret", example: #""at least 16 characters""#,
            summary:
                "The same at both hubs, 16 characters at least: all that goes between them is encrypted by it. It is shown and logged nowhere. MIDIHUB_FAILOVER_SECRET in the environment goes before it. Needed, here or there."
        ) { draft, value throws(ConfigurationError) in draft.secret = try value.checked(secret) },
        Setting(
            key: "role", example: #""main""#,
            summary:
                "main or backup, and the other one at the other hub: of two that could speak the main hub does. Needed."
        ) { draft, value throws(ConfigurationError) in draft.role = try value.choice() },
        Setting(
            key: "preset", example: #""show""#,
            summary:
                "rehearsal (\(Preset.rehearsal.summary): switchBack auto after 10, lockout 0), show (\(Preset.show.summary): confirm true), or manual (\(Preset.manual.summary): whenUnsure wait, confirm true). A key beside it goes before it."
        ) { draft, value throws(ConfigurationError) in draft.preset = try value.choice() },
        Setting(
            key: "switchBack", example: #""manual""#,
            summary:
                "manual: the backup hub, once it speaks, goes on until a person switches. auto: it gives back by itself when the main hub has been well for `after` seconds; what a person has ordered it leaves as it is."
        ) { draft, value throws(ConfigurationError) in
            let choice: SwitchBack = try value.choice()
            draft.changes.append { $0.switchBack = choice }
        },
        Setting(
            key: "after", example: "60", summary: "Seconds, of switchBack auto: 5 to 86400."
        ) { draft, value throws(ConfigurationError) in
            let seconds = try value.whole(5...86_400, "seconds, 5 to 86400")
            draft.changes.append { $0.after = seconds }
        },
        Setting(
            key: "lockout", example: "5",
            summary: "Seconds after a switch within which another one is refused, unless it is forced: 0 to 600."
        ) { draft, value throws(ConfigurationError) in
            let seconds = try value.whole(0...600, "seconds, 0 to 600")
            draft.changes.append { $0.lockout = seconds }
        },
        Setting(
            key: "confirm", example: "false",
            summary: "true: an order to switch counts when it is given twice within \(Settings.confirmation) seconds."
        ) { draft, value throws(ConfigurationError) in
            let flag = try value.flag()
            draft.changes.append { $0.confirm = flag }
        },
        Setting(
            key: "whenUnsure", example: #""take""#,
            summary:
                "Where the other hub has fallen silent and nobody can say whether it lives: take (over), or wait for a person. Where its process has ended it is taken over in any case."
        ) { draft, value throws(ConfigurationError) in
            let choice: WhenUnsure = try value.choice()
            draft.changes.append { $0.whenUnsure = choice }
        },
        Setting(
            key: "silence", example: #""auto""#,
            summary:
                "After how many milliseconds without a word the other hub counts as silent: 10 to 60000, or auto: 40 with real-time priority, 150 without."
        ) { draft, value throws(ConfigurationError) in
            if (try? value.text()) == "auto" { return draft.changes.append { $0.silence = nil } }
            let milliseconds = try value.whole(10...60_000, "milliseconds (10 to 60000), or \"auto\"")
            draft.changes.append { $0.silence = milliseconds }
        },
        Setting(
            key: "drillEvery", example: "30",
            summary:
                "Days after which an alert (not-drilled) tells that no drill of the two hubs has passed: 1 to 3650. Nothing is told without it."
        ) { draft, value throws(ConfigurationError) in
            let days = try value.whole(1...3650, "days, 1 to 3650")
            draft.changes.append { $0.drillEvery = days }
        },
        Setting(
            key: "osc", example: #"{ listen: "192.0.2.1:5588", allow: ["192.0.2.7"] }"#,
            summary:
                "Orders by Open Sound Control (OSC 1.0, over UDP): the message /midihub/failover/switch, without an argument or with one that is not 0, is an order to switch, as any other."
        ) { draft, value throws(ConfigurationError) in
            var osc = OSCDraft()
            try value.read(oscSettings, into: &osc)
            guard let listen = osc.listen else { throw value.wrong("\"listen\" is missing") }
            draft.osc = OSC(listen: listen, allow: osc.allow)
        },
        Setting(
            key: "note", example: "{ channel: 16, note: 127, above: 100, guard: 0 }",
            summary:
                "A note that is an order to switch, as any other, whoever plays it; nobody hears it, nor its guard. `midihub failover learn` has one played instead. The same at both hubs."
        ) { draft, value throws(ConfigurationError) in
            var note = NoteDraft()
            try value.read(noteSettings, into: &note)
            guard let number = note.note else { throw value.wrong("\"note\" is missing") }
            guard number != note.guardNote else { throw value.wrong("the note and its guard are the same") }
            draft.note = NoteTrigger(
                channel: note.channel ?? 1, note: number, above: note.above ?? 0, guardNote: note.guardNote)
        },
    ]

    /// While it is read.
    struct NoteDraft {
        var channel: Int?
        var note: Int?
        var above: Int?
        var guardNote: Int?
    }

    static let noteSettings: [Setting<NoteDraft>] = [
        Setting(key: "channel", example: "16", summary: "Its channel, 1 to 16; 1 unless it is given.") {
            draft, value throws(ConfigurationError) in draft.channel = try value.whole(1...16, "a channel, 1 to 16")
        },
        Setting(key: "note", example: "127", summary: "Its number, 0 to 127. Needed.") {
            draft, value throws(ConfigurationError) in draft.note = try value.whole(0...127, "a note, 0 to 127")
        },
        Setting(key: "above", example: "100", summary: "Only harder strokes count: 0 (each does) to 126.") {
            draft, value throws(ConfigurationError) in draft.above = try value.whole(0...126, "a velocity, 0 to 126")
        },
        Setting(
            key: "guard", example: "0",
            summary: "A note of the same channel: only while the same participant holds it does the other one count."
        ) { draft, value throws(ConfigurationError) in draft.guardNote = try value.whole(0...127, "a note, 0 to 127") },
    ]

    /// While it is read.
    struct OSCDraft {
        var listen: Sockets.Address?
        var allow: [AddressRange] = []
    }

    static let oscSettings: [Setting<OSCDraft>] = [
        Setting(
            key: "listen", example: #""192.0.2.1:5588""#, summary: "An address of this machine and a UDP port. Needed."
        ) { draft, value throws(ConfigurationError) in
            draft.listen = try value.checked { text throws(ConfigurationError) in
                let address = try Configuration.address(text)
                guard SocketAddress(host: address.host, port: 0) != nil, address.port > 0 else {
                    throw ConfigurationError("\"\(text)\" is no ADDRESS:PORT such as 192.0.2.1:5588")
                }
                return address
            }
        },
        Setting(
            key: "allow", example: #"["192.0.2.7", "198.51.100.0/24"]"#,
            summary: "Addresses and ranges whose orders count. Without it nobody's do."
        ) { draft, value throws(ConfigurationError) in draft.allow = try value.checkedList(Configuration.range) },
    ]

    /// `environment` may have the secret.
    static func read(
        _ value: ConfigurationValue, environment: [String: String] = Programs.environment
    ) throws(ConfigurationError) -> Self {
        var draft = Draft()
        try value.read(settings, into: &draft)
        guard let with = draft.with else {
            throw value.wrong("\"with\" is missing: the other hub, as in \"hub-b.example.org:5004\"")
        }
        guard let role = draft.role else {
            throw value.wrong("\"role\" is missing: \"main\" at one hub, \"backup\" at the other")
        }
        if let text = environment[variable], !text.isEmpty {
            do throws(ConfigurationError) { draft.secret = try secret(text) } catch {
                throw ConfigurationError("\(variable) \(error.description)")
            }
        }
        guard let secret = draft.secret else {
            throw value.wrong(
                "\"secret\" is missing: the same at both hubs, as `openssl rand -hex 16` makes one; or set \(variable)")
        }
        var result = Self(with: with, secret: secret, role: role)
        (result.preset, result.settings) = (draft.preset, draft.preset?.settings ?? Settings())
        for change in draft.changes { change(&result.settings) }
        (result.osc, result.note) = (draft.osc, draft.note)
        return result
    }
}

extension ConfigurationValue {
    /// One of a few words.
    fileprivate func choice<Choice: RawRepresentable & CaseIterable>() throws(ConfigurationError) -> Choice
    where Choice.RawValue == String {
        try checked { text throws(ConfigurationError) in
            guard let choice = Choice(rawValue: text) else {
                let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
                throw ConfigurationError("\"\(Output.safe(text))\" is none of \(all)")
            }
            return choice
        }
    }
}

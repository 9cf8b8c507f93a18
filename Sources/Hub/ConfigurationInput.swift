import Rooms

/// How somebody gets the focus, apart from an order.
enum FocusBy: String {
    case order, touch

    @Sendable static func named(_ text: String) throws(ConfigurationError) -> FocusBy {
        guard let one = FocusBy(rawValue: text) else {
            throw ConfigurationError("\"\(text)\" is none of order, touch")
        }
        return one
    }
}

/// An input of a room while its entry is read.
struct ConfigurationInput {
    var of: [String]?
    var firstOnly: Bool?
    var picksUp: Bool?

    static let settings: [Setting<ConfigurationInput>] = [
        Setting(
            key: "of", example: #"["APC left", "APC right"]"#, summary: "The participants' names: two at least. Needed."
        ) { draft, value throws(ConfigurationError) in draft.of = try value.names(atLeast: 2) },
        Setting(
            key: "live", example: #""first""#,
            summary:
                "both: all of them are heard, which is so without this. first: one at a time is, the first of them that is here or the one of `midihub input`, and the next one when it goes or falls silent."

        ) { draft, value throws(ConfigurationError) in
            draft.firstOnly = try value.checked { text throws(ConfigurationError) in
                switch text {
                case "both": nil
                case "first": true
                default: throw ConfigurationError("\"\(text)\" is none of both, first")
                }
            }
        },
        Setting(
            key: "pickup", example: "true",
            summary:
                "true: a knob's value is ignored until it passes the one that the others have left. The embedded engine only."

        ) { draft, value throws(ConfigurationError) in draft.picksUp = try value.flag() ? true : nil },
    ]
}

extension ConfigurationValue {
    /// Participants' names, each once.
    func names(atLeast fewest: Int) throws(ConfigurationError) -> [String] {
        let names = try checkedList { text throws(ConfigurationError) in
            guard (1...256).contains(text.unicodeScalars.count) else {
                throw ConfigurationError("a name has 1 to 256 characters")
            }
            return text
        }
        guard names.count >= fewest else {
            throw wrong("must have \(fewest == 1 ? "a name" : "\(fewest) names") at least")
        }
        guard Set(names).count == names.count else { throw wrong("names one of them twice") }
        return names
    }

    /// In the order of their names, so that a plan that has not changed is the same file.
    func inputs() throws(ConfigurationError) -> [Input] {
        var taken: Set<String> = []
        return try members().map { name, value throws(ConfigurationError) in
            var draft = ConfigurationInput()
            try value.read(ConfigurationInput.settings, into: &draft)
            guard (1...256).contains(name.unicodeScalars.count), Output.safe(name) == name else {
                throw value.wrong("an input's name has 1 to 256 characters, none of them a control character")
            }
            guard let of = draft.of else { throw value.wrong("\"of\" is missing") }
            for one in of where !taken.insert(one).inserted {
                throw value.wrong("\"\(one)\" is in another input, too")
            }
            return Input(name: name, of: of, firstOnly: draft.firstOnly, picksUp: draft.picksUp)
        }.sorted { $0.name < $1.name }
    }
}

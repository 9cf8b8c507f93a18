/// As the configuration has them.
extension AlertSettings {
    static let settings: [Setting<AlertSettings>] = [
        Setting(
            key: "url", example: #""https://hooks.example.org/""#,
            summary: "The webhook's address. It may hold a secret, and is shown and logged nowhere. Needed."
        ) { settings, value throws(ConfigurationError) in settings.url = try value.checked(address) },
        Setting(
            key: "rtt", example: "100",
            summary: "Milliseconds of a participant's round trip that are too many; 0 for never."
        ) { settings, value throws(ConfigurationError) in
            settings.rtt = try value.number(0...60_000, "milliseconds, 0 for never")
        },
        Setting(
            key: "loss", example: "2",
            summary:
                "Percent of a participant's packets in the last minute that are too many to be lost (the embedded engine knows it); 0 for never."
        ) { settings, value throws(ConfigurationError) in
            settings.loss = try value.number(0...100, "percent, 0 for never")
        },
        Setting(
            key: "disk", example: "95",
            summary: "Percent of the state directory's disk in use that are too many; 0 for never."
        ) { settings, value throws(ConfigurationError) in
            settings.disk = try value.number(0...100, "percent in use, 0 for never")
        },
        Setting(
            key: "for", example: "30",
            summary: "Seconds that a figure must be over its limit, and below it again: 1 to 3600."
        ) { settings, value throws(ConfigurationError) in
            settings.patience = try value.number(1...3600, "seconds, 1 to 3600")
        },
    ]

    @Sendable private static func address(_ url: String) throws(ConfigurationError) -> String {
        let rest = ["https://", "http://"].first(where: url.hasPrefix).map { url.dropFirst($0.count) }
        // Not repeated: it may hold a secret.
        guard let rest, !rest.isEmpty, url.unicodeScalars.allSatisfy({ (0x21...0x7E).contains($0.value) }) else {
            throw ConfigurationError("must be an address that begins with https:// or http://")
        }
        return url
    }
}

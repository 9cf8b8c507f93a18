/// What is told to whom outside, and from which figures on.
package struct AlertSettings: Equatable, Sendable {
    /// The webhook's; may hold a secret, and is shown and logged nowhere.
    package var url: String
    /// Milliseconds; 0 for never, here and below.
    package var rtt = 100.0
    /// Percent of a participant's packets in the last minute.
    package var loss = 2.0
    /// How long a figure must be over its limit, and below it again, in seconds.
    package var patience = 30.0
    /// Percent of the state directory's disk that are used.
    package var disk = 95.0

    package init(url: String) { self.url = url }

    static func checked(_ file: AlertsFormat) throws(ConfigurationError) -> AlertSettings {
        guard let url = file.url else { throw ConfigurationError("alerts: \"url\" is missing") }
        let rest = ["https://", "http://"].first(where: url.hasPrefix).map { url.dropFirst($0.count) }
        // Not repeated: it may hold a secret.
        guard let rest, !rest.isEmpty, url.unicodeScalars.allSatisfy({ (0x21...0x7E).contains($0.value) }) else {
            throw ConfigurationError("alerts.url: must be an address that begins with https:// or http://")
        }
        var settings = AlertSettings(url: url)
        settings.rtt = try number(file.rtt, else: settings.rtt, 0...60_000, "rtt", "milliseconds, 0 for never")
        settings.loss = try number(file.loss, else: settings.loss, 0...100, "loss", "percent, 0 for never")
        settings.disk = try number(file.disk, else: settings.disk, 0...100, "disk", "percent in use, 0 for never")
        settings.patience = try number(file.for, else: settings.patience, 1...3600, "for", "seconds, 1 to 3600")
        return settings
    }

    private static func number(
        _ value: Double?, else standard: Double, _ range: ClosedRange<Double>, _ name: String, _ unit: String
    ) throws(ConfigurationError) -> Double {
        guard let value else { return standard }
        guard range.contains(value) else {
            throw ConfigurationError("alerts.\(name): \(value) is no number of \(unit)")
        }
        return value
    }
}

/// As it is written in the configuration.
struct AlertsFormat: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case url, rtt, loss, `for`, disk }
    var url: String?
    var rtt, loss, `for`, disk: Double?

    init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, known: CodingKeys.allCases.map(\.rawValue))
        let values = try decoder.container(keyedBy: CodingKeys.self)
        url = try values.decodeIfPresent(String.self, forKey: .url)
        rtt = try values.decodeIfPresent(Double.self, forKey: .rtt)
        loss = try values.decodeIfPresent(Double.self, forKey: .loss)
        `for` = try values.decodeIfPresent(Double.self, forKey: .for)
        disk = try values.decodeIfPresent(Double.self, forKey: .disk)
    }
}

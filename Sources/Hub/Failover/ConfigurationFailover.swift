package import Client
package import EngineProtocol
package import Linux

/// The other one of two hubs that are a pair, and how the two go about it.
package struct ConfigurationFailover: Equatable, Sendable {
    package enum Role: String, Codable, Sendable, CaseIterable { case main, backup }
    package enum SwitchBack: String, Codable, Sendable, CaseIterable { case manual, auto }
    package enum WhenUnsure: String, Codable, Sendable, CaseIterable { case take, wait }

    /// Settings that belong together. A key that stands beside it goes before it.
    package enum Preset: String, Codable, Sendable, CaseIterable {
        case rehearsal, show, manual

        package var settings: Settings {
            switch self {
            case .rehearsal: Settings(switchBack: .auto, after: 10, lockout: 0)
            case .show: Settings(confirm: true)
            case .manual: Settings(confirm: true, whenUnsure: .wait)
            }
        }

        /// What it means, a sentence each.
        package var consequences: [String] { settings.consequences }

        package var summary: String {
            switch self {
            case .rehearsal: "orders go at once, and what was taken over goes back by itself"
            case .show: "what fails is taken over at once; nothing goes back by itself, and no order by mistake"
            case .manual: "where it is unsure whether the other hub lives, a person decides"
            }
        }
    }

    /// What a person may want otherwise. Times in seconds.
    package struct Settings: Equatable, Sendable {
        package var switchBack = SwitchBack.manual
        package var after = 60
        package var lockout = 5
        package var confirm = false
        package var whenUnsure = WhenUnsure.take
        /// In milliseconds; nil: as short as this machine allows.
        package var silence: Int?
        /// In days; nil: it is not told how long ago the last drill was.
        package var drillEvery: Int?

        /// How long the first of two orders holds.
        package static let confirmation = 3

        /// What that means, a sentence each.
        package var consequences: [String] {
            [
                switchBack == .auto
                    ? "When the main hub has been back and well for \(after) s, it speaks again by itself."
                    : "When the main hub is back, the backup hub goes on speaking until a person switches.",
                whenUnsure == .take
                    ? "Where nobody can say whether a hub that has fallen silent lives, the other one takes over: if only the cable between them is cut, both speak."
                    : "Where nobody can say whether a hub that has fallen silent lives, the other one waits: if its power has failed, nobody speaks until a person switches with force.",
                confirm
                    ? "An order counts when it is given twice within \(Self.confirmation) s: no slip of a finger switches."
                    : "An order counts at once: a slip of a finger switches.",
                lockout > 0
                    ? "Within \(lockout) s of a switch another one is refused, unless it is forced."
                    : "Orders may follow each other at once.",
                silence.map { "A hub counts as silent after \($0) ms." }
                    ?? "A hub counts as silent as soon as this machine can tell: after 40 ms with real-time priority, 150 ms without.",
            ]
        }

        /// What of that is risky, a sentence each.
        package var warnings: [String] {
            var all: [String] = []
            if let silence, silence < 40 {
                all.append(
                    "A silence of \(silence) ms is shorter than the pauses of a busy machine or network: the other hub may be taken for dead though it lives."
                )
            }
            if let silence, silence > 2_000 {
                all.append(
                    "With a silence of \(silence) ms nobody hears anything for so long when a hub loses its power.")
            }
            if switchBack == .auto, after < 30 {
                all.append(
                    "A main hub that comes and goes takes the word again after \(after) s, each time it is back.")
            }
            if !confirm, lockout == 0 {
                all.append("A button that is pressed twice switches there and back: for rehearsals, not for a show.")
            }
            if whenUnsure == .wait {
                all.append("When the hub that speaks loses its power, nobody speaks until a person acts.")
            }
            return all
        }
    }

    /// Orders by Open Sound Control.
    package struct OSC: Equatable, Sendable {
        package var listen: Sockets.Address
        /// Who may give them; nobody else.
        package var allow: [AddressRange]
        package init(listen: Sockets.Address, allow: [AddressRange]) { (self.listen, self.allow) = (listen, allow) }
    }

    /// Where the other hub listens: the control port of one of its rooms.
    package var with: Initiator.Host
    /// What both share; shown and logged nowhere.
    package var secret: String
    package var role: Role
    package var preset: Preset?
    package var settings = Settings()
    package var osc: OSC?
    package var note: NoteTrigger?

    package init(with: Initiator.Host, secret: String, role: Role) {
        (self.with, self.secret, self.role) = (with, secret, role)
    }

    /// `HOST:PORT`.
    var address: String { Sockets.Address(host: with.name, port: with.port).description }

    /// The environment's variable that has the secret; it goes before the file's.
    package static let variable = "MIDIHUB_FAILOVER_SECRET"

    /// Why rtpmidid can be no half of a pair.
    package static let notOnRtpmidid =
        "there is no pair on rtpmidid: ALSA hides its packets, so that nobody could tell which of them a player has heard"

    static func secret(_ text: String) throws(ConfigurationError) -> String {
        guard (16...1024).contains(text.utf8.count) else {
            throw ConfigurationError("has \(text.utf8.count) characters, and needs 16 to 1024")
        }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) else {
            throw ConfigurationError("must have no control characters")
        }
        return text
    }
}

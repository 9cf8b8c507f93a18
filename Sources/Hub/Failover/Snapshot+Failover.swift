package import EngineProtocol
import Rooms

extension Snapshot {
    /// How it is with the other hub of a pair.
    package struct Failover: Codable, Equatable, Sendable {
        package struct Partner: Codable, Equatable, Sendable {
            package enum Alike: String, Codable, Sendable { case same, differs }
            /// A TCP connection to it stands; datagrams come from it.
            package var connected = false
            package var linked = false
            /// Since when both are so.
            package var since: Int64?
            package var phase: String?
            /// nil where it is not known.
            package var speaks: Bool?
            package var muted = false
            package var configuration: Alike?
            package var version: String?
            package var roundTrip: Double?
            /// How long nothing has come from it.
            package var silence: Double?
            /// `HOST:PORT`; with the token only.
            package var with: String?
            /// What it is called, where it tells.
            package var name: String?
        }

        package struct Member: Codable, Equatable, Sendable {
            package enum Place: String, Codable, Sendable { case both, this, partner }
            package var name: String
            package var room: String
            package var on: Place
            /// Its number: of its visit at this hub, or at the other one where it is there alone. With both, two sessions of one
            /// participant are paired by hand.
            package var id: Int64?
            /// It may be any of several at the other hub.
            package var ambiguous: Bool?
        }

        package struct Settings: Codable, Equatable, Sendable {
            package var preset: ConfigurationFailover.Preset?
            package var switchBack: ConfigurationFailover.SwitchBack
            /// Seconds.
            package var after: Int
            package var lockout: Int
            package var confirm: Bool
            package var whenUnsure: ConfigurationFailover.WhenUnsure
            /// Milliseconds; absent where it is as short as the machine allows.
            package var silence: Int?
            /// The note that is an order to switch; whether it was learned.
            package var note: NoteTrigger?
            package var learned: Bool?
            /// After how many days without a drill that passed an alert tells so.
            package var drillEvery: Int?
            /// What that means, a sentence each.
            package var consequences: [String]
            /// What of it is risky, a sentence each; and what else could be chosen. An older hub does not say.
            package var warnings: [String]?
            package var presets: [Choice]?
        }

        package struct Choice: Codable, Equatable, Sendable {
            package var preset: ConfigurationFailover.Preset
            package var summary: String
            package var consequences: [String]

            static let all = ConfigurationFailover.Preset.allCases.map {
                Choice(preset: $0, summary: $0.summary, consequences: $0.consequences)
            }
        }

        package var role: ConfigurationFailover.Role
        /// A word of `HubRole.Phase`.
        package var phase: String
        /// nil while it is being found out, and where engines differ.
        package var speaks: Bool?
        /// When it came to be so, and why (a word of `HubRole.Reason`).
        package var since: Int64?
        package var reason: String?
        package var epoch: UInt32
        /// This hub is not to speak: somebody works on it.
        package var muted: Bool
        /// After so long without a word the other hub counts as silent.
        package var limit: Double?
        package var partner: Partner
        /// What is wrong between the two. It may name addresses.
        package var trouble: String?
        /// How it is, in one sentence.
        package var sentence: String
        /// Nothing is wrong: an order to switch goes. Else why not.
        package var ready: Bool
        package var obstacles: [String]
        /// An order has been given once; the second one goes until then.
        package var armedUntil: Int64?
        /// Of this hub since its start, by reason.
        package var switches: [String: Int]
        package var participants: [Member]
        package var settings: Settings
        /// The drill that is on; the last ones, the newest first, those who heard with the newest only; and when the last
        /// one passed. An older hub does not say.
        package var drilling: DrillPlan?
        package var drills: [DrillReport]?
        package var drilledAt: Int64?
        private static let mostDrills = 10

        package var withoutAddress: Failover {
            var copy = self
            copy.partner.with = nil
            return copy
        }
    }
}

extension Snapshot.Failover {
    init(
        _ failover: ConfigurationFailover, _ watch: FailoverWatch, isMuted: Bool, members: [Member],
        learned: LearnedNote? = nil, drills all: [DrillReport] = [], at now: Int64
    ) {
        let (status, set) = (watch.status, failover.settings)
        role = failover.role
        (phase, speaks) = ((status?.phase ?? .starting).word, watch.isSpeaking)
        (since, reason, epoch) = (status?.since, status?.reason?.rawValue, status?.epoch ?? 0)
        (muted, limit) = (isMuted, status?.limit)
        partner = Partner(
            connected: status?.isConnected ?? false, linked: status?.isLinked ?? false, since: watch.upSince,
            muted: status?.isPartnerHeldBack ?? false, version: status?.partnerVersion, with: failover.address,
            name: status?.partnerName)
        if watch.isUp {
            (partner.phase, partner.speaks) = (status?.partnerPhase?.word, status?.partnerPhase?.isSpeaking)
        }
        if status?.isConnected ?? false {
            partner.configuration = status?.isAlike.map { $0 ? .same : .differs }
            (partner.roundTrip, partner.silence) = (status?.roundTrip, status?.silentFor)
        }
        trouble = status?.trouble
        obstacles = watch.obstacles(at: now)
        ready = obstacles.isEmpty
        armedUntil = watch.armedUntil
        switches = Dictionary(uniqueKeysWithValues: watch.switches.map { ($0.key.rawValue, $0.value) })
        participants = members
        settings = Settings(
            preset: failover.preset, switchBack: set.switchBack, after: set.after, lockout: set.lockout,
            confirm: set.confirm, whenUnsure: set.whenUnsure, silence: set.silence, drillEvery: set.drillEvery,
            consequences: set.consequences, warnings: set.warnings, presets: Choice.all)
        let played = learned?.instead(of: failover.note)
        (settings.note, settings.learned) = (played ?? failover.note, played.map { _ in true })
        if let note = settings.note { settings.consequences.append(note.sentence) }
        drilling = status?.drilling
        drills = all.prefix(Self.mostDrills).enumerated().map { index, report in
            var report = report
            report.text = "\(report.title.prefix(1).uppercased())\(report.title.dropFirst()). \(report.sentence)"
            if index > 0 { report.hearers = [] }
            return report
        }
        drilledAt = all.first(where: \.passed)?.ended
        sentence = Self.sentence(watch, isMuted: isMuted, members: members)
    }

    /// For musicians.
    private static func sentence(_ watch: FailoverWatch, isMuted: Bool, members: [Member]) -> String {
        guard let status = watch.status else { return "The engine does not tell of the other hub yet." }
        if !watch.isUp {
            switch status.phase {
            case .starting: return "The two hubs are finding each other."
            case .asking, .suspect:
                return "The other hub is silent, and nobody can say whether it lives: this one does not speak."
            case .alone, .active, .standby, .fenced:
                return status.isConnected
                    ? "No redundancy: nothing comes from the other hub over UDP."
                    : "No redundancy: the other hub is away."
            }
        }
        if isMuted { return "This hub is muted for maintenance: nobody takes over from the other one." }
        if status.isPartnerHeldBack ?? false {
            return "The other hub is muted for maintenance: nobody takes over from this one."
        }
        if status.isAlike == false {
            return "The hubs' configurations differ: who stands on both may not hear the same after a switch."
        }
        if watch.isMixed { return "Each hub speaks in some of the rooms: switch, and one of them does in all." }
        let both = members.count { $0.on == .both }
        let single = members.count - both
        var text = "Either hub may go now: the other one goes on"
        if both > 0 { text += " for the \(both) who \(both == 1 ? "stands" : "stand") on both" }
        return text + (single == 0 ? "." : "; \(single) \(single == 1 ? "is" : "are") on one hub only.")
    }

    /// What this hub does at the moment, and how it is where that is no notice.
    package var line: String {
        let does = speaks.map { $0 ? "speaks" : "stands by" } ?? (phase == "starting" ? "is starting" : "waits")
        return "This hub (\(role.rawValue)) \(does).\(notices.isEmpty ? " \(sentence)" : "")"
    }

    /// What somebody should look at though this hub is well.
    var notices: [String] { isRedundant && partner.configuration == .same || phase == "starting" ? [] : [sentence] }

    /// Whether a hub may go without being missed.
    package var isRedundant: Bool { partner.connected && partner.linked && !muted && !partner.muted }
}

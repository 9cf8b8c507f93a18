import EngineProtocol
import Rooms

/// What the hub makes of what its engines tell of the other hub of a pair: what has happened, whether an order goes, and when
/// the backup hub gives back by itself. A plain value; instants are Unix milliseconds.
struct FailoverWatch {
    enum News: Hashable {
        case joined
        case lost
        /// From now on this hub speaks, or does no longer.
        case switched(speaks: Bool, HubRole.Reason?)
    }

    /// What is to be ordered twice.
    enum Ordered: Hashable { case `switch`, drill }

    enum Decision: Hashable {
        /// Each reason for itself.
        case refused([String])
        /// The same order once more until then, and it goes.
        case armed(until: Int64)
        case go
    }

    /// How long the partner must have been there before an order goes.
    private static let settling: Int64 = 5_000

    /// What the engines told last, all together; nil where none tells.
    private(set) var status: EngineStatus.Failover?
    /// Of several engines some speak and some do not.
    private(set) var isMixed = false
    /// Since when everything is well between the two.
    private(set) var upSince: Int64?
    private(set) var switches: [HubRole.Reason: Int] = [:]
    private(set) var armedUntil: Int64?
    private var armed: Ordered?
    private var speaks: Bool?
    private var lastSwitch: Int64?

    init() {}

    var isUp: Bool { status.map { $0.isConnected && $0.isLinked } ?? false }
    /// Who is at the other hub alone, as far as it is there.
    var elsewhere: [PartnerLine.Member] { status.flatMap { $0.isConnected ? $0.elsewhere : nil } ?? [] }
    /// Whether this hub speaks, as far as that is settled.
    var isSpeaking: Bool? { isMixed ? nil : status?.phase.isSpeaking }

    // MARK: What happens

    mutating func see(_ all: [EngineStatus.Failover], at now: Int64) -> [News] {
        let wasUp = isUp
        (status, isMixed) = (Self.combined(all), Set(all.compactMap(\.phase.isSpeaking)).count > 1)
        var news: [News] = []
        if isUp != wasUp {
            upSince = isUp ? now : nil
            // Where no engine tells any more, the other hub may be well.
            if isUp || status != nil { news.append(isUp ? .joined : .lost) }
        }
        guard let status, let speaks = isSpeaking else { return news }
        if let before = self.speaks, before != speaks {
            news.append(.switched(speaks: speaks, status.reason))
            if let reason = status.reason { switches[reason, default: 0] += 1 }
            lastSwitch = now
        }
        self.speaks = speaks
        return news
    }

    /// Of several engines what is worst.
    private static func combined(_ all: [EngineStatus.Failover]) -> EngineStatus.Failover? {
        func rank(_ phase: HubRole.Phase) -> Int {
            switch phase {
            case .active, .standby: 0
            case .alone: 1
            case .starting: 2
            case .asking, .suspect: 3
            case .fenced: 4
            }
        }
        guard var worst = all.max(by: { rank($0.phase) < rank($1.phase) }) else { return nil }
        worst.isConnected = all.allSatisfy(\.isConnected)
        // One that waits to hear of its partner has heard nothing for too long.
        worst.isLinked = all.allSatisfy { $0.isLinked && $0.phase != .asking && $0.phase != .suspect }
        worst.isAlike =
            all.contains { $0.isAlike == false } ? false : all.allSatisfy { $0.isAlike ?? false } ? true : nil
        worst.trouble = all.lazy.compactMap(\.trouble).first
        worst.silentFor = all.compactMap(\.silentFor).max()
        worst.roundTrip = all.compactMap(\.roundTrip).max()
        worst.drilling = all.lazy.compactMap(\.drilling).first
        worst.partnerName = all.lazy.compactMap(\.partnerName).first
        worst.elsewhere = all.flatMap { $0.elsewhere ?? [] }
        return worst
    }

    // MARK: Orders

    /// Why the other hub is not to speak in place of the one that does, each reason for itself; none where all is well.
    func obstacles(at now: Int64) -> [String] {
        guard let status else { return ["the engine does not tell of the other hub yet"] }
        var reasons: [String] = []
        if status.drilling != nil { reasons.append("a drill is on") }
        if !status.isConnected {
            reasons.append("the other hub is away\(status.trouble.map { " (\($0))" } ?? "")")
        } else if !status.isLinked {
            reasons.append("nothing comes from the other hub over UDP")
        } else if let upSince, now - upSince < Self.settling {
            reasons.append("the other hub has been there for less than \(Self.settling / 1000) s")
        }
        if status.isConnected, status.isAlike != true {
            reasons.append(
                status.isAlike == nil
                    ? "it is not known whether both hubs have the same configuration"
                    : "the hubs' configurations differ")
        }
        switch isSpeaking {
        case true?:
            if status.isPartnerHeldBack ?? false { reasons.append("the other hub is muted for maintenance") }
        case false?:
            if status.isHeldBack ?? false { reasons.append("this hub is muted for maintenance") }
        case nil:
            if !isMixed { reasons.append("which hub speaks is just being found out") }
        }
        return reasons
    }

    /// A person orders that the other hub speaks, or a drill. `against`: what else is to be said against it.
    mutating func order(
        _ settings: ConfigurationFailover.Settings, _ what: Ordered = .switch, force: Bool, against: [String] = [],
        at now: Int64
    ) -> Decision {
        let isArmed = armed == what && armedUntil.map { now <= $0 } ?? false
        (armed, armedUntil) = (nil, nil)
        guard !force else { return .go }
        var reasons = obstacles(at: now) + against
        if let lastSwitch, now - lastSwitch < Int64(settings.lockout) * 1000 {
            reasons.append("the last switch was less than \(settings.lockout) s ago")
        }
        guard reasons.isEmpty else { return .refused(reasons) }
        guard settings.confirm, !isArmed else { return .go }
        let until = now + Int64(ConfigurationFailover.Settings.confirmation) * 1000
        (armed, armedUntil) = (what, until)
        return .armed(until: until)
    }

    /// An engine has taken an order.
    mutating func ordered(at now: Int64) { lastSwitch = now }

    /// Whether the first of two orders is still waiting for the second.
    mutating func disarm(at now: Int64) -> Bool {
        guard let until = armedUntil, now > until else { return false }
        (armed, armedUntil) = (nil, nil)
        return true
    }

    /// Whether this hub is to give back to the main hub now. What a person has ordered stays as it is.
    func returns(_ failover: ConfigurationFailover, at now: Int64) -> Bool {
        let settings = failover.settings
        guard failover.role == .backup, settings.switchBack == .auto, isSpeaking == true, status?.reason != .order,
            let upSince, now - upSince >= Int64(settings.after) * 1000,
            lastSwitch.map({ now - $0 >= Int64(max(settings.lockout, 1)) * 1000 }) ?? true
        else { return false }
        return obstacles(at: now).isEmpty
    }
}

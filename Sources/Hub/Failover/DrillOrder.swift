package import EngineProtocol

/// A person wants a drill.
package struct DrillOrder: Hashable, Sendable {
    /// One that says nothing for so many seconds.
    package struct Muted: Hashable, Sendable {
        package var hub: String
        package var seconds: Int
        package init(hub: String, seconds: Int) { (self.hub, self.seconds) = (hub, seconds) }
    }

    package var kind: DrillPlan.Kind
    /// Of `mute` and `kill`: which hub, as a person names it.
    package var hub: String?
    /// Of `mute`.
    package var seconds: Int

    package static let usualSeconds = 5
    package static let seconds: ClosedRange<Int64> = 1...Int64(DrillPlan.longest / 1000)

    package init(_ kind: DrillPlan.Kind, hub: String? = nil, seconds: Int = usualSeconds) {
        (self.kind, self.hub, self.seconds) = (kind, hub, seconds)
    }

    /// Whether the main hub is meant; nil where no hub is called so, or both are.
    func isMain(_ role: ConfigurationFailover.Role, own: String, partner: String?) -> Bool? {
        let isMain = role == .main
        switch hub {
        case "here": return isMain
        case "partner": return !isMain
        case "main": return true
        case "backup": return false
        case own where own != partner: return isMain
        case partner where own != partner && partner != nil: return !isMain
        default: return nil
        }
    }
}

import EngineProtocol
import Foundation

extension EngineStatus.Link {
    /// What the death of this hub would mean now, for those who stand on other hubs too: nothing of it is an estimate, all was
    /// counted in the last minute. nil where there are none.
    static func sentence(of links: [EngineStatus.Link]) -> String? {
        let redundant = links.filter { $0.hubs > 1 }
        guard !redundant.isEmpty else { return nil }
        let lost = redundant.map(\.byThisOnly).max() ?? 0
        let later = redundant.map(\.laterWithoutThis).max() ?? 0
        return "If this hub died now: \(lost) lost, \(milliseconds(later)) ms later, for the \(redundant.count) "
            + "who \(redundant.count == 1 ? "is" : "are") on other hubs too."
    }

    /// What is said of one of them; nil where it is on this hub alone.
    var remark: String? {
        guard hubs > 1 else { return nil }
        if byBoth + byThisOnly + byOthersOnly == 0 { return "on \(hubs) hubs; has heard nothing in the last minute" }
        var text =
            "on \(hubs) hubs; in the last minute \(byBoth) events by both, \(byThisOnly) by this hub only, "
            + "\(byOthersOnly) by others only"
        if asked > 0 { text += ", \(asked) asked for again" }
        if repaired > 0 { text += ", \(repaired) repaired" }
        if lost > 0 { text += ", \(lost) lost" }
        text += "; \(Self.milliseconds(skewMedian)) ms apart (99 of 100 within \(Self.milliseconds(skewP99)))"
        text +=
            ". If this hub died now: \(byThisOnly) lost, \(Self.milliseconds(laterWithoutThis)) ms later"
        return text
    }

    private static func milliseconds(_ value: Double) -> String { String(format: "%.1f", value) }
}

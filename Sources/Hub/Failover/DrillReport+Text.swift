package import EngineProtocol

/// For people.
extension DrillReport {
    /// What was done.
    package var title: String {
        let hub = hub.map { "the \($0.rawValue) hub" } ?? "a hub"
        switch kind {
        case .handover: return "handed over and back"
        case .mute: return "\(hub) said nothing for \((duration ?? 0) / 1000) s"
        case .kill: return "the engine of \(hub) was killed"
        }
    }

    /// What came of it.
    package var sentence: String {
        var parts = [trouble ?? measured]
        let numbered = hearers.filter { $0.kind == .numbered && $0.lost != nil }
        if !numbered.isEmpty {
            let lost = numbered.reduce(0) { $0 + ($1.lost ?? 0) }
            parts.append("\(numbered.count) who merge both hubs say that they lost \(lost)")
        }
        let single = hearers.count { $0.kind == .single }
        if single > 0 { parts.append("\(single) on one hub only \(single == 1 ? "is" : "are") not counted") }
        let rest = hearers.count { $0.kind != .single && $0.lost == nil }
        if rest > 0 { parts.append("of \(rest) it was not measured") }
        return "\(passed ? "Passed" : "Failed"): \(parts.joined(separator: "; "))."
    }

    /// Nothing is told that is finer than what was measured.
    package static func milliseconds(_ late: Double) -> String { late < 0.1 ? "less than 0.1 ms" : "\(late) ms" }

    /// Of those who stand on both hubs and cannot merge.
    private var measured: String {
        let paired = hearers.filter { $0.kind == .paired && $0.lost != nil }
        func sum(_ figure: (Hearer) -> Int?) -> Int { paired.reduce(0) { $0 + (figure($1) ?? 0) } }
        let events = sum(\.events)
        guard events > 0 else {
            return "nobody played to who stands on both hubs, so that it was not measured whether something gets lost"
        }
        var text =
            "of \(events) messages for \(paired.count) on both hubs \(sum(\.lost)) got lost and \(sum(\.doubled)) came twice"
        if sum(\.doubtful) > 0 { text += ", of \(sum(\.doubtful)) nobody knows" }
        if sum(\.again) > 0 { text += "; \(sum(\.again)) that begin nothing were sent once more, to be sure" }
        if let late = paired.compactMap(\.late).max() { text += "; the latest waited \(Self.milliseconds(late))" }
        if let held = paired.compactMap(\.held).max(), held > 0 {
            text += "; \(held) \(held == 1 ? "note" : "notes") sounded on"
        }
        return text
    }
}

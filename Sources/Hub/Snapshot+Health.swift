import EngineProtocol
import Foundation

/// How the hub is: one sentence for musicians, and what is wrong.
extension Snapshot.Health {
    static func judge(
        engines: [Snapshot.Engine], participants: [Snapshot.Participant], store: Snapshot.Store,
        carrierProblems: [Snapshot.Problem], startedAt: Int64, now: Int64
    ) -> Self {
        var problems = carrierProblems
        for engine in engines where engine.state == .failed || engine.state == .down {
            // What is missing on the whole machine is said once.
            if let reason = engine.reason, problems.contains(where: { $0.what == reason }) { continue }
            let what =
                "Port \(engine.port) (room \(engine.room)) is not served: \(engine.reason ?? "its engine is down")"
            problems.append(.init(what: what, fix: engine.fix))
        }
        if store.state == .stopped {
            problems.append(
                .init(what: "Nothing is recorded: \(store.reason ?? "the store is down"). MIDI goes on.", fix: nil))
        }
        var sentence = sentence(
            engines, participants, isTakingOver: isTakingOver(engines, startedAt: startedAt, now: now))
        let serves = engines.contains { $0.state == .up }
        let unsettled = engines.filter { $0.state == .starting || $0.state == .stopping }.map { "\($0.port)" }
        if serves, !unsettled.isEmpty {
            sentence += " Not served at the moment: port \(unsettled.joined(separator: ", "))."
        }
        if let redundancy = EngineStatus.Link.sentence(of: participants.compactMap(\.link)) {
            sentence += " \(redundancy)"
        }
        return .init(
            ok: problems.isEmpty && engines.allSatisfy { $0.state == .up }, sentence: sentence, problems: problems)
    }

    /// A hub that has adopted engines does not know who is on them for its first seconds.
    package static func isTakingOver(_ engines: [Snapshot.Engine], startedAt: Int64, now: Int64) -> Bool {
        now - startedAt < 4000 && engines.contains(where: \.adopted)
    }

    private static func sentence(
        _ engines: [Snapshot.Engine], _ participants: [Snapshot.Participant], isTakingOver: Bool
    ) -> String {
        let here = participants.filter { ($0.state == .present || $0.state == .silent) && $0.echo == nil }
        let serving = engines.filter { $0.state == .up }.count
        guard serving > 0 else {
            return engines.contains { $0.state == .starting } ? "Starting." : "No port is served."
        }
        guard !here.isEmpty else {
            return isTakingOver
                ? "The hub has just begun, on running engines: who is here is not known yet."
                : "Ready. Nobody is here yet."
        }
        let rooms = Set(here.map(\.room))
        let players = Output.count(here.count, "participant")
        // At least one: `here` is not empty.
        let whereabouts = rooms.count == 1 ? "in \(rooms.first!)" : "in \(rooms.count) rooms"
        var sentence = "\(players) \(whereabouts)"
        if let farthest = here.compactMap({ $0.rtt?.last }).max() {
            sentence += ", \(here.count == 1 ? "" : "all ")within \(Int(farthest.rounded(.up))) ms"
        }
        let silent = here.filter { $0.state == .silent }.map(\.name)
        for one in here {
            guard let loss = one.loss, loss >= 0.001 else { continue }
            let percent = (loss * 1000).rounded() / 10
            sentence += "; \(one.name) lost \(percent) % in the last minute"
        }
        let muted = here.filter { $0.muted ?? false }.map(\.name)
        if !muted.isEmpty { sentence += "; muted for a feedback loop: \(muted.joined(separator: ", "))" }
        if !silent.isEmpty { sentence += "; silent: \(silent.joined(separator: ", "))" }
        return sentence + "."
    }
}

import EngineProtocol
import Foundation
import Rooms
import Store

/// Drills of two hubs: ordered as a switch is, measured by the engines, kept in the store of each hub.
extension Hub {
    func drill(_ order: DrillOrder, force: Bool, _ author: Author, _ reply: @escaping Reply) {
        guard let failover = context.configuration.failover else {
            return reply(.noPartner)
        }
        let now = Timestamp.now.milliseconds
        var plan = DrillPlan(id: now, kind: order.kind)
        if order.kind != .handover {
            let partner = failoverWatch.status?.partnerName
            plan.isMain = order.isMain(failover.role, own: context.configuration.name, partner: partner)
            guard plan.isMain != nil else {
                return reply(
                    .invalid("Which hub? One of here, partner, main and backup, or a name that only one of them has."))
            }
        }
        if order.kind == .mute { plan.duration = order.seconds * 1000 }
        var against: [String] = []
        let isSpeaker = failoverWatch.isSpeaking.map { ($0 == (failover.role == .main)) == plan.isMain } ?? false
        if order.kind == .mute, isSpeaker, failover.settings.whenUnsure == .wait {
            against.append("where it is unsure whether a hub lives nobody takes over here, so that nobody would speak")
        }
        let decision = failoverWatch.order(failover.settings, .drill, force: force, against: against, at: now)
        publishSoon()
        guard decision == .go else { return refuse(decision, "the drill begins", reply) }
        carrier.drill(plan) { [weak self] failure in
            guard let self else { return }
            if let failure { return reply(.conflict("No drill: \(failure).")) }
            failoverWatch.ordered(at: now)
            let text = "A drill has begun: \(plan.text)"
            context.note(.pairOrder, address: author.address, "\(text)\(force ? ", forced" : ""), by \(author)")
            reply(.accepted("\(text)."))
        }
    }

    /// What engines tell of drills: each tells of those who are with it.
    func takeDrills() {
        let told = carrier.pairs.compactMap(\.status.drill)
        for id in Set(told.map(\.id)).sorted() {
            guard var report = told.first(where: { $0.id == id }) else { continue }
            for other in told.filter({ $0.id == id }).dropFirst() { report.merge(other) }
            take(report)
        }
    }

    private func take(_ report: DrillReport) {
        let known = drills.firstIndex { $0.id == report.id }
        if let known {
            // Of several engines one forgets it before the other.
            guard drills[known] != report, report.hearers.count >= drills[known].hearers.count else { return }
            drills[known] = report
        } else {
            drills.append(report)
            drills.sort { $0.id > $1.id }
            drills.removeLast(max(0, drills.count - Int(Retention.drillCount)))
        }
        context.recorder.add(report.change)
        guard known == nil else { return }
        context.note(
            .drill, severity: report.passed ? .info : .warning, "A drill, \(report.title). \(report.sentence)")
    }
}

extension DrillReport {
    var change: Change { .drill(Drill(id: id, passed: passed, report: JSON.text(self))) }

    /// nil where it was written by another program.
    init?(_ drill: Drill) {
        guard let report = try? JSONDecoder().decode(Self.self, from: Data(drill.report.utf8)) else { return nil }
        self = report
    }
}

extension DrillPlan {
    /// For people.
    fileprivate var text: String {
        let hub = "the \(isMain ?? true ? "main" : "backup") hub"
        switch kind {
        case .handover: return "the hub that speaks hands over, and is handed back to"
        case .mute: return "\(hub) says nothing for \((duration ?? 0) / 1000) s"
        case .kill: return "the engine of \(hub) is killed"
        }
    }
}

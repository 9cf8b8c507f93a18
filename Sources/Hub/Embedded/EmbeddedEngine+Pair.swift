import EngineProtocol
import Rooms
import Store

/// The other hub of a pair, as an embedded engine tells of it.
extension EmbeddedEngine {
    /// It has told how it is, and when that was.
    func told(_ pair: EngineStatus.Failover?, at moment: Timestamp = .now) {
        guard plan.failover != nil || failover != nil else { return }
        // It may have been told to have another partner, or none, and have said this before.
        failover = plan.failover == nil ? nil : pair
        context.pairChanged(moment)
    }

    var pairReport: PairReport? {
        guard run.isReady, let failover else { return nil }
        return PairReport(
            status: failover, onBoth: Set((failover.paired ?? []).compactMap { attendance[$0]?.visit.id }))
    }

    /// Every second: how long the other hub has been silent is told by the status alone.
    func watchPair() { if plan.failover != nil, run.isReady { requestStatus() } }
}

extension EmbeddedCarrier {
    var pairs: [PairReport] { embedded.compactMap(\.pairReport) }

    /// Where some of the engines speak, those hand over; where none does, all take over.
    func switchHubs(because reason: HubRole.Reason?, _ done: @escaping (String?) -> Void) {
        let speaking = embedded.filter { $0.failover?.phase.isSpeaking ?? false }
        let asked = speaking.isEmpty ? embedded : speaking
        var request = EngineControl.Request(.switch)
        request.reason = reason
        ask(request, asked, done)
    }

    /// Each engine has a partner of its own.
    func drill(_ plan: DrillPlan, _ done: @escaping (String?) -> Void) {
        var request = EngineControl.Request(.drill)
        request.drill = plan
        ask(request, embedded, done)
    }

    /// `done` gets the first failure.
    private func ask(
        _ request: EngineControl.Request, _ asked: [EmbeddedEngine], _ done: @escaping (String?) -> Void
    ) {
        var (failure, waiting): (String?, Int) = (nil, asked.count)
        for engine in asked {
            engine.ask(request) { reply in
                failure = failure ?? (reply == nil ? "the engine does not answer" : reply?.error)
                waiting -= 1
                if waiting == 0 { done(failure) }
            }
        }
        if asked.isEmpty { done("no engine runs") }
    }
}

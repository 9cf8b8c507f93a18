import EngineProtocol
import Linux
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
        func visits(_ ids: [UInt64]?) -> Set<Int64> { Set((ids ?? []).compactMap { attendance[$0]?.visit.id }) }
        return PairReport(
            status: failover, onBoth: visits(failover.paired), ambiguous: visits(failover.ambiguous))
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
        ask(asked, request, done)
    }

    func learnNote(_ done: @escaping (String?) -> Void) { ask(embedded, EngineControl.Request(.learn), done) }

    func seat(of participant: Int64) -> Pairing.Seat? {
        let one = embedded.lazy.flatMap(\.attendance.all).first { $0.visit.id == participant }
        guard let reported = one?.reported, let host = Sockets.Address(reported.address)?.host else { return nil }
        return Pairing.Seat(name: reported.name, host: host, ssrc: reported.ssrc)
    }

    /// Each engine has a partner of its own.
    func drill(_ plan: DrillPlan, _ done: @escaping (String?) -> Void) {
        var request = EngineControl.Request(.drill)
        request.drill = plan
        ask(embedded, request, done)
    }

    /// `done` gets the first failure.
    private func ask(
        _ asked: [EmbeddedEngine], _ request: EngineControl.Request, _ done: @escaping (String?) -> Void
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

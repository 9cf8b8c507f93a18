import EngineProtocol
import Linux
import Rooms

/// Of two hubs the other one is to speak, since a person wants it so: nothing gets lost, and nothing comes twice.
extension EngineLoop {
    /// How often it is looked whether a line has arrived.
    private static let arrivalTime: UInt64 = 10

    /// An order: the other hub is to speak. Gives why not.
    func switchHubs(_ reason: HubRole.Reason = .order) -> String? {
        guard let pair else { return pairTrouble.map { "there is no pair: \($0)" } ?? "this hub has no partner" }
        guard pair.isUp else { return "the partner is not there" }
        guard pair.role.speaks else {
            if pair.role.isHeldBack { return "this hub is held back for maintenance" }
            guard pair.role.phase == .standby else { return "which hub speaks is just being found out" }
            var line = PartnerLine(.yield)
            line.reason = reason
            pair.partner.send(line)
            return nil
        }
        if pair.role.partner?.isHeldBack ?? false { return "the partner is held back for maintenance" }
        handOver(reason)
        return nil
    }

    /// Hands over as soon as the partner hears of that at once: nobody would speak until then.
    func handOver(_ reason: HubRole.Reason) {
        guard let pair else { return }
        pair.handover = (reason, until: now + Self.second)
        wakePair(by: attendHandover(pair))
    }

    /// Gives when to look again.
    func attendHandover(_ pair: Pair) -> UInt64 {
        guard let (reason, until) = pair.handover else { return .max }
        if !pair.partner.hasArrived, now < until { return now + Self.arrivalTime }
        pair.handover = nil
        if pair.partner.hasArrived {
            yield(reason)
        } else {
            news.send(.problem("The other hub is not made to speak: nothing arrives there of what it is told"))
        }
        return .max
    }

    /// Hands over to the partner: a person wants it so.
    func yield(_ reason: HubRole.Reason) {
        guard let pair, pair.isUp else { return }
        let epoch = pair.role.epoch
        var actions: [HubRole.Action] = []
        change(pair) {
            actions = $0.yield(reason, at: now)
            return actions
        }
        // What was sent last is on its way by now.
        if !actions.isEmpty { pair.partner.send(PartnerLine(.speak, epoch: epoch, reason)) }
    }

    func hold(back isHeldBack: Bool) {
        guard let pair, pair.role.isHeldBack != isHeldBack else { return }
        if isHeldBack { yield(.maintenance) }
        change(pair) { $0.holdBack(isHeldBack, at: now) }
    }
}

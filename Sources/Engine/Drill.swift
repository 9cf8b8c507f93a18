import EngineProtocol

/// A drill that is on, at one of the two engines that take part. Times are in ticks of 100 µs.
final class Drill {
    enum Step {
        /// Of the engine that does not lead: it notes what happens until it is told that it is over.
        case following
        /// Of the one that leads: the partner is asked; before anything is done; something is done, and awaited; between
        /// there and back; awaited once more; after it; the partner is asked what it has noted.
        case asking, before, acting, between, returning, after, closing
    }

    let plan: DrillPlan
    var step: Step
    /// When the step is over, or has taken too long.
    var due: UInt64
    /// Whether this hub spoke as it began.
    let spoke: Bool
    /// The connection with the partner has ended since.
    var hasLostPartner = false
    /// Until then this hub says nothing.
    var silentUntil: UInt64?
    /// Until then the partner does.
    var partnerSilentUntil: UInt64 = 0
    /// Who stood at the partner alone as it began.
    let elsewhere: [PartnerLine.Member]
    var theirs: DrillRecord?

    init(_ plan: DrillPlan, _ step: Step, spoke: Bool, due: UInt64, elsewhere: [PartnerLine.Member]) {
        (self.plan, self.step, self.spoke, self.due, self.elsewhere) = (plan, step, spoke, due, elsewhere)
    }

    var leads: Bool { if case .following = step { false } else { true } }
    /// How long it goes on before, between and after what is done.
    var pause: UInt64 { UInt64(min(max(plan.pause ?? 1_000, 1), 10_000)) * 10 }
    /// For how long a hub says nothing.
    var silence: UInt64 { UInt64(min(max(plan.duration ?? 0, 1), DrillPlan.longest)) * 10 }
}

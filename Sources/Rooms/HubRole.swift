/// Which of two hubs speaks to those who stand on both and cannot merge what they hear. A plain value that is told what
/// happens and answers what is to be done; times are in ticks of 100 µs.
///
/// | phase | event | then |
/// |---|---|---|
/// | starting | the partner speaks | standby |
/// | starting | nobody speaks | the one with the higher epoch speaks, of equal ones the main hub |
/// | starting | no partner, or none in time | alone |
/// | alone, active | the partner speaks under a higher epoch, or an equal one and is the main hub | standby |
/// | active | our own loop slept, or nobody was heard for a while | fenced: the partner is asked who speaks |
/// | fenced | it answers | standby where it speaks, else active |
/// | fenced | no answer | alone |
/// | active | it is to seem to hang, in a drill | fenced, and asks when that is over |
/// | active | the partner has ended or is silent | alone |
/// | standby | the partner has ended | alone, at once |
/// | standby | the partner is silent | asking: whoever stands on both is asked |
/// | standby | the partner is silent, and this hub's own cable is pulled | alone, for whoever is on this machine |
/// | alone | the cable is plugged in again | fenced: the partner is asked who speaks |
/// | asking | one of them hears the partner | suspect: only what is between the hubs is cut |
/// | asking | nobody does, or nobody is there to ask | alone, or suspect where that is wished |
/// | standby | the partner hands over, or nobody speaks for a while | active |
///
/// Whoever begins to speak does so under a new epoch, but for a hub whose cable is pulled: under one that is less.
package struct HubRole: Sendable {
    package enum Phase: UInt8, Codable, Sendable {
        case starting, alone, active, fenced, standby, asking, suspect
    }

    /// Why a hub began to speak, or ceased to. Words of the log and of the API.
    package enum Reason: String, Codable, Sendable, CaseIterable {
        /// There is no partner; the partner's process has ended; it said that it stops; nothing came from it any more.
        case alone, ended, stopped, silent
        /// A person's order, a drill, or the return to the main hub after a while.
        case order, drill, returned
        /// This hub has just started; nobody spoke; both did.
        case started, nobody, split
        /// It had been asleep; and nobody had taken over meanwhile.
        case slept, awake
        /// It is not to speak: somebody works on it.
        case maintenance
    }

    package enum Action: Hashable, Sendable {
        case speak(Reason)
        case mute(Reason)
        /// It does not speak, as before, but for another reason.
        case stand(Reason)
        /// Ask the partner how it is, at once.
        case askPartner
        /// Ask whoever stands on both hubs whether it hears the partner.
        case askWitnesses
    }

    /// What the partner tells of itself, many times a second.
    package struct Word: Hashable, Sendable {
        package var epoch: UInt32
        package var phase: Phase
        /// It is not to speak.
        package var isHeldBack: Bool
        package init(epoch: UInt32, phase: Phase, isHeldBack: Bool = false) {
            (self.epoch, self.phase, self.isHeldBack) = (epoch, phase, isHeldBack)
        }
        package var speaks: Bool { phase == .alone || phase == .active }
    }

    /// How long a partner may take to answer at the start, one who was asked after a sleep, and witnesses.
    private static let startTime: UInt64 = 3_000
    private static let fenceTime: UInt64 = 500
    private static let witnessTime: UInt64 = 200
    /// How long nobody may speak, as in a handover, before somebody does; and when a suspicion is looked at again.
    private static let nobodyTime: UInt64 = 2_500
    private static let suspicionTime: UInt64 = 5_000

    package let isMain: Bool
    /// After so many ticks without a word the partner counts as silent.
    package var silence: UInt64
    /// Where nobody can say whether a silent partner lives: take over.
    package var takesWhenUnsure: Bool

    package private(set) var phase = Phase.starting
    package private(set) var epoch: UInt32 = 0
    /// It is not to speak.
    package private(set) var isHeldBack = false
    package private(set) var partner: Word?
    package private(set) var lastHeard: UInt64 = 0
    /// Something has come from it, and it has not ended.
    private var hasHeard = false
    /// Something has come from it, and it has neither ended nor fallen silent.
    package var isLinked: Bool { hasHeard && phase != .asking && phase != .suspect }
    /// It has fallen silent while this hub spoke, or this hub's cable was pulled: it may speak by now.
    package private(set) var isCutOff = false
    private var deadline: UInt64?
    private var nobodySince: UInt64?
    private var fencedAt: UInt64 = 0
    /// It only seems to have been asleep.
    private var isDrilled = false

    package init(isMain: Bool, silence: UInt64, takesWhenUnsure: Bool = true, now: UInt64) {
        (self.isMain, self.silence, self.takesWhenUnsure) = (isMain, silence, takesWhenUnsure)
        deadline = now + Self.startTime
    }

    package var speaks: Bool { word.speaks }
    package var word: Word { Word(epoch: epoch, phase: phase, isHeldBack: isHeldBack) }

    /// When `wake` is to be called.
    package var due: UInt64 {
        let silent = hasHeard && (phase == .active || phase == .standby) ? lastHeard + silence + 1 : .max
        return min(deadline ?? .max, silent)
    }

    // MARK: What happens

    /// The partner has said how it is, in a beat.
    /// - Parameter asked: when we said last what it had heard of us as it said this.
    package mutating func heard(_ word: Word, asked: UInt64, at now: UInt64) -> [Action] {
        (lastHeard, hasHeard, isCutOff) = (now, true, false)
        return learned(word, asked: asked, at: now)
    }

    /// The same by another way than beats, on whose silence nothing can be built.
    package mutating func learned(_ word: Word, asked: UInt64 = 0, at now: UInt64) -> [Action] {
        partner = word
        switch phase {
        case .starting:
            if word.speaks { return stand(by: word) + [.stand(.started)] }
            return isPreferred(to: word) ? speak(.active, .started, now) : []
        case .alone, .active:
            nobodySince = nil
            guard word.speaks, !outranks(word) else {
                phase = .active
                return []
            }
            return stand(by: word) + [.mute(.split)]
        case .fenced:
            // What it had said before we asked is worth nothing, unless it has taken over: its epoch tells that.
            guard fencedAt != .max, asked >= fencedAt || word.speaks && word.epoch > epoch else { return [] }
            if word.speaks, !outranks(word) { return stand(by: word) + [.stand(isDrilled ? .drill : .slept)] }
            (phase, deadline) = (.active, nil)
            return [.speak(.awake)]
        case .standby, .asking, .suspect:
            if phase != .standby { (phase, deadline) = (.standby, nil) }
            if word.speaks {
                nobodySince = nil
                epoch = max(epoch, word.epoch)
                return []
            }
            let since = nobodySince ?? now
            nobodySince = since
            guard word.phase == .starting || now >= since + Self.nobodyTime, isPreferred(to: word) else { return [] }
            return speak(.active, .nobody, now)
        }
    }

    /// Its process has ended, as the end of its connection tells.
    package mutating func partnerEnded(_ reason: Reason, at now: UInt64) -> [Action] {
        (hasHeard, isCutOff) = (false, false)
        switch phase {
        case .active: phase = .alone
        case .starting, .fenced, .standby, .asking, .suspect: return speak(.alone, reason, now)
        case .alone: break
        }
        return []
    }

    /// There is nobody where the partner should be.
    package mutating func foundNoPartner(at now: UInt64) -> [Action] {
        phase == .starting ? speak(.alone, .alone, now) : []
    }

    /// Our own loop did not run for a while, or heard nobody: others may have taken over meanwhile.
    package mutating func slept(at now: UInt64) -> [Action] {
        switch phase {
        case .active:
            (phase, fencedAt, deadline, isDrilled) = (.fenced, now, now + Self.fenceTime, false)
            return [.mute(.slept), .askPartner]
        case .standby, .asking, .suspect:
            (phase, lastHeard, deadline) = (.standby, now, nil)
            return []
        case .starting, .alone, .fenced: return []
        }
    }

    /// Something came again after a silence of everybody: it was this hub that was cut off.
    package mutating func returned(at now: UInt64) -> [Action] {
        guard phase == .alone, isCutOff else { return [] }
        (phase, fencedAt, deadline, isDrilled) = (.fenced, now, now + Self.fenceTime, false)
        return [.mute(.slept), .askPartner]
    }

    /// One who stands on both hears the partner.
    package mutating func witnessed(at now: UInt64) -> [Action] {
        guard phase == .asking else { return [] }
        (phase, deadline) = (.suspect, now + Self.suspicionTime)
        return []
    }

    /// Does what is due.
    /// - Parameters:
    ///   - witnesses: how many stand on both hubs.
    ///   - isUnplugged: this hub's own cable is pulled: whoever is elsewhere is the partner's.
    package mutating func wake(at now: UInt64, witnesses: Int, isUnplugged: Bool = false) -> [Action] {
        guard due <= now else { return [] }
        switch phase {
        case .starting: return speak(.alone, .alone, now)
        case .fenced: return speak(.alone, .awake, now, isNew: false)
        case .active:
            (phase, hasHeard, isCutOff) = (.alone, false, true)
            return []
        case .standby where isUnplugged, .suspect where isUnplugged, .asking where isUnplugged:
            // Whoever else speaks goes before it when the cable is plugged in again.
            (isCutOff, epoch) = (true, max(epoch, 1) - 1)
            return speak(.alone, .silent, now, isNew: false)
        case .standby, .suspect:
            guard witnesses > 0 else {
                if takesWhenUnsure { return speak(.alone, .silent, now) }
                (phase, deadline) = (.suspect, now + Self.suspicionTime)
                return []
            }
            (phase, deadline) = (.asking, now + Self.witnessTime)
            return [.askWitnesses]
        case .asking: return speak(.alone, .silent, now)
        case .alone: return []
        }
    }

    // MARK: Orders

    /// For a drill: it says nothing from now on, as if it hung, until `goOn`. Who does not speak stands by meanwhile.
    package mutating func hang(at now: UInt64) -> [Action] {
        guard phase == .active else { return [] }
        // Nothing that the partner says meanwhile is an answer.
        (phase, fencedAt, deadline, isDrilled) = (.fenced, .max, nil, true)
        return [.mute(.drill)]
    }

    package mutating func goOn(at now: UInt64) -> [Action] {
        guard phase == .fenced, isDrilled else { return [] }
        (fencedAt, deadline) = (now, now + Self.fenceTime)
        return [.askPartner]
    }

    /// Ceases to speak, for the partner to go on. Nothing where it does not speak, or nobody would go on.
    package mutating func yield(_ reason: Reason, at now: UInt64) -> [Action] {
        guard phase == .active, let partner, !partner.isHeldBack else { return [] }
        (phase, lastHeard, nobodySince) = (.standby, now, now)
        return [.mute(reason)]
    }

    /// The partner has ceased to speak, for us to go on.
    package mutating func take(_ reason: Reason, after epoch: UInt32, at now: UInt64) -> [Action] {
        guard !speaks else { return [] }
        self.epoch = max(self.epoch, epoch)
        return speak(.active, reason, now)
    }

    /// From now on it is not to speak, or may again.
    package mutating func holdBack(_ isHeldBack: Bool, at now: UInt64) -> [Action] {
        self.isHeldBack = isHeldBack
        guard isHeldBack, speaks else { return [] }
        (phase, lastHeard, nobodySince) = (.standby, now, now)
        return [.mute(.maintenance)]
    }

    // MARK: Inside

    private func outranks(_ word: Word) -> Bool { epoch != word.epoch ? epoch > word.epoch : isMain }

    private func isPreferred(to word: Word) -> Bool {
        if isHeldBack || word.isHeldBack { return !isHeldBack }
        return outranks(word)
    }

    private mutating func stand(by word: Word) -> [Action] {
        (phase, epoch, deadline, nobodySince) = (.standby, max(epoch, word.epoch), nil, nil)
        return []
    }

    private mutating func speak(_ phase: Phase, _ reason: Reason, _ now: UInt64, isNew: Bool = true) -> [Action] {
        guard !isHeldBack else {
            (self.phase, deadline) = (.suspect, now + Self.suspicionTime)
            return []
        }
        (self.phase, deadline, nobodySince) = (phase, nil, nil)
        if phase == .alone { hasHeard = false }
        if isNew { epoch = max(epoch, partner?.epoch ?? 0) + 1 }
        return [.speak(reason)]
    }
}

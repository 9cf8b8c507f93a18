package import Rooms

extension EngineStatus {
    /// How it is with the other one of two hubs. Instants are Unix milliseconds, durations milliseconds.
    package struct Failover: Codable, Equatable, Sendable {
        package var phase: HubRole.Phase
        package var epoch: UInt32
        /// Since when it is so, and why.
        package var since: Int64
        package var reason: HubRole.Reason?
        package var isHeldBack: Bool?
        /// After so long without a word the partner counts as silent.
        package var limit: Double
        /// The partner's connection stands; datagrams come from it.
        package var isConnected: Bool
        package var isLinked: Bool
        package var partnerPhase: HubRole.Phase?
        package var partnerVersion: String?
        /// What the other hub is called.
        package var partnerName: String?
        /// The partner is not to speak; nil is no, or not known.
        package var isPartnerHeldBack: Bool?
        /// Whether both have the same rooms and settings; nil where that is not known.
        package var isAlike: Bool?
        package var roundTrip: Double?
        package var silentFor: Double?
        /// What is wrong between the two, in words.
        package var trouble: String?
        /// Participants that stand on both hubs, by their numbers here, and who is at the partner alone.
        package var paired: [UInt64]?
        package var elsewhere: [PartnerLine.Member]?
        /// Participants here that may be any of several at the partner.
        package var ambiguous: [UInt64]?
        /// What was chosen at the partner and is not in the hub's plan yet.
        package var choices: [String: RoomChoices]?
        package var learned: LearnedNote?
        /// The drill that is on, and for a minute what came of the last one.
        package var drilling: DrillPlan?
        package var drill: DrillReport?

        package init(
            phase: HubRole.Phase, epoch: UInt32, since: Int64, reason: HubRole.Reason? = nil, limit: Double,
            isConnected: Bool, isLinked: Bool
        ) {
            (self.phase, self.epoch, self.since, self.reason) = (phase, epoch, since, reason)
            (self.limit, self.isConnected, self.isLinked) = (limit, isConnected, isLinked)
        }
    }
}

import EngineProtocol

/// What one engine tells of the other hub.
struct PairReport {
    var status: EngineStatus.Failover
    /// The visits of those who stand on both hubs.
    var onBoth: Set<Int64> = []
    /// Of those who may be any of several at the other hub.
    var ambiguous: Set<Int64> = []
}

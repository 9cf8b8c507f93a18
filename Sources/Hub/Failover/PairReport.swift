import EngineProtocol

/// What one engine tells of the other hub.
struct PairReport {
    var status: EngineStatus.Failover
    /// The visits of those who stand on both hubs.
    var onBoth: Set<Int64> = []
}

import EngineProtocol
import Rooms
package import Store
import Synchronization

/// What a hub finds in the store when it begins.
package struct RestoredState: Sendable {
    /// How far back the round trips reach that people are shown.
    package static let recently: Duration = .seconds(600)

    var offsets: [String: TailOffset] = [:]
    var openVisits: [Visit] = []
    /// Round trips of the open visits so far, also those that nobody has judged yet.
    var roundTrips: [Int64: LatencySummary] = [:]
    /// The round trips of the last minutes of the open visits.
    package var recentRoundTrips: [Int64: [LatencyPoint]] = [:]
    /// The latest events, oldest first.
    package var recentEvents: [EventRecord] = []
    /// By room.
    var blocks: [String: Set<Block>] = [:]
    var claims = Claims()
    var choices = Choices()
    /// This hub, one of a pair, is muted.
    var isMuted = false
    /// The setting in the store that is there while that is so.
    static let mutedKey = "failover-muted"
    /// Of two hubs, the newest first.
    var drills: [DrillReport] = []
    var nextVisit: Int64 = 1
    /// When the last hub was surely running; 1970 where none has recorded it.
    var lastAlive = Timestamp(milliseconds: 0)
    var notices: [String] = []

    /// What cannot be read is left out, so that the hub begins in any case.
    static func load(_ database: Database?) -> RestoredState {
        // Without a store, ids must still differ from those of an earlier one that may come back.
        guard let database else { return RestoredState(nextVisit: Timestamp.now.milliseconds) }
        return blocking {
            var memory = RestoredState()
            memory.notices = await database.drainNotices()
            for offset in (try? await database.offsets()) ?? [] { memory.offsets[offset.log] = offset }
            memory.openVisits = (try? await database.openVisits()) ?? []
            let now = Timestamp.now
            memory.recentEvents = ((try? await database.events(limit: 1000)) ?? []).reversed()
            for (room, from, to) in (try? await database.blocks()) ?? [] {
                memory.blocks[room, default: []].insert(Block(from: from, to: to))
            }
            memory.claims = Claims(recorded: try? await database.setting(Claims.key))
            memory.choices = Choices(recorded: try? await database.setting(Choices.key))
            memory.isMuted = (try? await database.setting(Self.mutedKey)) != nil
            memory.drills = ((try? await database.drills(limit: Retention.drillCount)) ?? []).compactMap(
                DrillReport.init)
            for visit in memory.openVisits {
                let recent = LatencyFilter(visit: visit.id, from: now.advanced(by: .zero - Self.recently), to: now)
                memory.recentRoundTrips[visit.id] = try? await database.latency(recent, limit: 600).points.map(\.point)
                memory.roundTrips[visit.id] = try? await database.latencySummary(of: visit, includingUnconfirmed: true)
            }
            memory.nextVisit = (try? await database.nextVisitID()) ?? Timestamp.now.milliseconds
            if let text = try? await database.setting(StoreWriter.aliveKey), let time = Int64(text) {
                memory.lastAlive = Timestamp(milliseconds: time)
            }
            return memory
        }
    }
}

/// The database of the moment, for the HTTP side: the recorder may begin another.
final class DatabaseReference: Sendable {
    private let current: Mutex<Database?>
    init(_ database: Database?) { current = Mutex(database) }
    var database: Database? { current.withLock { $0 } }
    func replace(_ database: Database?) { current.withLock { $0 = database } }
}

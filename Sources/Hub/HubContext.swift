import EngineProtocol
import Linux
import Store

/// How a visit ended, in words that follow the participant's name.
enum VisitEnd {
    case left(String)
    /// Without a goodbye.
    case lost(String)
}

/// What every part on the hub's loop shares. Made once, by `Hub`; nothing in it outlives the loop.
final class HubContext {
    let state: StateDirectory
    let loop: EventLoop
    let recorder: StoreWriter
    var configuration: Configuration
    /// nil where the hub is not locked for a show.
    var showLock: ShowLock?
    let logs: LogWatch
    /// Those who take part through this process.
    var relays = Relays()
    /// Something that the page shows has changed.
    var changed: () -> Void = {}
    /// A participant has played so many notes (with rtpmidid: messages).
    var played: (Int64, Int) -> Void = { _, _ in }
    /// Somebody has left without a goodbye.
    var lost: (Visit, String) -> Void = { _, _ in }
    /// Somebody in this room, of this name, sends back what the echo gives it.
    var echoReturned: (String, String) -> Void = { _, _ in }
    /// Somebody in this room, of this name, has played while nobody has the focus.
    var touched: (String, String) -> Void = { _, _ in }
    /// A visit is over, or its participant has fallen silent.
    var isMissing: (Visit) -> Void = { _ in }

    /// An engine has told how it is with the other hub of a pair, and when that was so.
    var pairChanged: (Timestamp) -> Void = { _ in }

    /// A participant of that name has played the note that is an order to switch two hubs, and when; or the one that is to be.
    var triggered: (String, Timestamp) -> Void = { _, _ in }
    var learned: (String, NoteTrigger) -> Void = { _, _ in }

    /// What the names of hosts mean, looked up on threads of their own.
    let names: Mailbox<(String, Result<[SocketAddress], ResolveError>)>
    var resolved: (String, Result<[SocketAddress], ResolveError>) -> Void = { _, _ in }

    /// When the hub before this one was surely running: what is read after an outage happened after that.
    let lastAlive: Timestamp
    /// Of the visits that the hub before this one left open: their round trips so far.
    let earlierRoundTrips: [Int64: LatencySummary]

    private var nextVisit: Int64
    private var offsets: [String: TailOffset]
    private var openVisits: [Visit]
    private let prints: Bool

    init(
        state: StateDirectory, loop: EventLoop, recorder: StoreWriter, configuration: Configuration,
        memory: RestoredState,
        prints: Bool
    ) throws(Errno) {
        (self.state, self.loop, self.recorder, self.configuration) = (state, loop, recorder, configuration)
        (nextVisit, lastAlive, earlierRoundTrips) = (memory.nextVisit, memory.lastAlive, memory.roundTrips)
        (offsets, openVisits) = (memory.offsets, memory.openVisits)
        showLock = ShowLock.load(state)
        logs = try LogWatch(loop)
        names = try Mailbox()
        self.prints = prints
        try loop.receive(names) { [unowned self] in resolved($0, $1) }
    }

    /// How far the log of an engine was read when the hub before this one ended.
    func removeOffset(of engine: String) -> TailOffset? { offsets.removeValue(forKey: engine) }

    /// The visits on that engine that were open when the hub before this one ended. Whoever takes them must end them.
    func removeOpenVisits(of engine: String) -> [Visit] {
        defer { openVisits.removeAll { $0.engine == engine } }
        return openVisits.filter { $0.engine == engine }
    }

    /// Ends the visits that no engine has taken. Their engines neither run nor are wanted any more.
    func abandonOpenVisits() {
        for visit in openVisits {
            close(visit, .left("left: its engine ended while the hub was away"), at: whileAway(visit))
        }
        openVisits = []
    }

    func makeVisitID() -> Int64 {
        defer { nextVisit += 1 }
        return nextVisit
    }

    /// Records an event, and says it on standard output. `text` has no address, which belongs in `address`; it begins with
    /// the participant's name where that is in it.
    func note(
        _ kind: EventKind, severity: EventRecord.Severity = .info, at when: TimeRange? = nil, room: String? = nil,
        engine: String? = nil, visit: Visit? = nil, participant: String? = nil, address: String? = nil, _ text: String
    ) {
        let when = when ?? TimeRange(.now)
        let text = ShownName.showing(participant ?? visit?.name, in: text)
        recorder.add(
            .event(
                EventRecord(
                    at: when, kind: kind, severity: severity, room: room ?? visit?.room,
                    engine: engine ?? visit?.engine,
                    participant: participant ?? visit?.name, visit: visit?.id, text: text, address: address)))
        if kind == .lost, let visit { lost(visit, text) }
        let whereabouts = address.map { " (\($0))" } ?? ""
        if prints { Output.log("\(Output.time(when.latest.milliseconds))  \(Output.safe(text + whereabouts))") }
        changed()
    }

    /// It goes otherwise than before with somebody whom a room invites.
    func note(_ call: EngineStatus.Call, engine: String, at moment: Timestamp) {
        if call.state == .refused || call.state == .unreachable {
            note(
                .notConnected, severity: .warning, at: TimeRange(moment), room: call.room, engine: engine,
                participant: call.name, address: call.address,
                "\(call.name) is not connected (room \(call.room)): \(call.reason ?? call.state.rawValue). It is tried again"
            )
        }
        changed()
    }

    // MARK: Visits

    /// Puts the end of a visit on record.
    func close(_ visit: Visit, _ end: VisitEnd, at when: TimeRange) {
        let (kind, severity, text): (EventKind, EventRecord.Severity, String) =
            switch end {
            case .left(let text): (.left, .info, text)
            case .lost(let text): (.lost, .warning, text)
            }
        var visit = visit
        (visit.left, visit.reason) = (when, text)
        recorder.add(.visit(visit))
        note(kind, severity: severity, at: when, visit: visit, "\(visit.name) \(text) (room \(visit.room))")
        isMissing(visit)
    }

    /// The time of an event that no hub has seen: after the last hub was surely running, and after the visit's beginning.
    func whileAway(_ visit: Visit) -> TimeRange {
        TimeRange(earliest: max(lastAlive, visit.joined.earliest), latest: .now)
    }
}

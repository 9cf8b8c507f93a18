import EngineProtocol
package import HTTP
package import Hub
package import Linux
import Rooms
package import Store
import Synchronization

/// Every route of the hub, in one place: reading comes from the board and the store, changing goes to the hub's loop
/// as a command.
package struct Routes: Sendable {
    let board: SnapshotStore
    let access: AccessControl
    /// The store may be replaced while the hub runs.
    let database: @Sendable () -> Database?
    let requests: Mailbox<HubRequest>
    let webDirectory: String?
    let counters: HubCounters
    private let summary = LatencyCache()

    package init(
        board: SnapshotStore, access: AccessControl, database: @escaping @Sendable () -> Database?,
        requests: Mailbox<HubRequest>,
        webDirectory: String?, counters: HubCounters = HubCounters()
    ) {
        (self.board, self.access, self.database) = (board, access, database)
        (self.requests, self.webDirectory, self.counters) = (requests, webDirectory, counters)
    }

    package func router() -> Router {
        var router = Router()
        router.before = { [access] in access.refuse($0) }
        router.beforeChange = { [access] in access.refuseChange($0) }
        if !access.origins.isEmpty { router.after = { [access] in access.admitOrigin($0, &$1) } }
        router.files = webDirectory.map {
            StaticFiles(directory: $0, pages: ["/": "index.html", "/test": "test.html"])
        }
        addLegacy(to: &router)
        addLists(to: &router)
        addCommands(to: &router)
        addFocus(to: &router)
        addFailover(to: &router)
        addTrying(to: &router)
        addLock(to: &router)
        addStream(to: &router)
        router.on(.get, "/metrics") { [board, access, counters] _, _, responder in
            responder.send(Metrics.response(board.snapshot, counters, wrongTokens: access.wrongTokenCount))
        }
        router.on(.get, "/healthz") { [board] request, _, responder in
            let health = board.snapshot.health
            let sentence = ([health.sentence] + health.problems.map(\.what)).joined(separator: "\n") + "\n"
            responder.send(.text(sentence, status: health.ok ? .ok : .unavailable))
        }
        if webDirectory == nil {
            router.on(.get, "/") { _, _, responder in
                responder.send(
                    .text("MIDI Hub runs, but its pages' directory web/ was not found: name it with --web DIR.\n"))
            }
        }
        return router
    }

    /// The two routes of the older hubs; any page may read them.
    private func addLegacy(to router: inout Router) {
        router.on(.get, "/participants") { [board] request, _, responder in
            let body = board.body("/participants") { snapshot in
                var byPort: [String: [String]] = [:]
                for room in snapshot.rooms { for port in room.ports { byPort["\(port)"] = [] } }
                for one in snapshot.participants where one.state != .duplicate {
                    byPort["\(one.port)", default: []].append(one.name)
                }
                return JSON.text(byPort)
            }
            responder.send(Self.answer(body, for: request, anyPage: true))
        }
        router.on(.get, "/latency") { [summary] request, _, responder in
            if let kept = summary.fresh {
                responder.send(Self.json(kept, for: request, anyPage: true))
                return
            }
            answer(responder) { database throws(StoreError) in
                let since = Timestamp.now.advanced(by: .seconds(-86_400))
                let rows = try await database.latencySummary(since: since).map(API.LegacyLatency.init)
                summary.keep(rows)
                return Self.json(rows, for: request, anyPage: true)
            }
        }
    }

    private func addCommands(to router: inout Router) {
        router.on(.post, "/api/v1/panic", query: ["room", "all"]) { request, _, responder in
            guard let all = Self.number(request.query["all"], 0...1, else: 0) else {
                return responder.send(
                    .problem(.badRequest, "all is 1, for every note, or 0, for those that sound."))
            }
            give(.panic(room: request.query["room"], all: all == 1), request, responder)
        }
        for (word, command) in [("kick", MemberCommand.kick), ("unmute", .unmute), ("release", .release)] {
            let query: Set = command == .release ? [] : Self.forcible
            router.on(.post, "/api/v1/participants/{id}/\(word)", query: query) { request, parameters, responder in
                guard let id = Self.participant(parameters, responder) else { return }
                give(.member(id, command), request, responder)
            }
        }
        router.on(.post, "/api/v1/participants/{id}/notes-off", query: ["from", "to"]) {
            request, parameters, responder in
            guard let id = Self.participant(parameters, responder) else { return }
            guard let from = Self.number(request.query["from"], 0...127, else: 0),
                let to = Self.number(request.query["to"], 0...127, else: 127)
            else {
                return responder.send(.problem(.badRequest, "from and to are notes, 0 to 127."))
            }
            give(.member(id, .notesOff(UInt8(min(from, to))...UInt8(max(from, to)))), request, responder)
        }
        for method in [Method.post, .delete] {
            router.on(method, "/api/v1/rooms/{name}/blocks", query: ["from", "to", "force"]) {
                request, parameters, responder in
                guard let from = request.query["from"], let to = request.query["to"],
                    [from, to].allSatisfy({ (1...256).contains($0.unicodeScalars.count) })
                else {
                    let sentence = "from and to are participants' names of 1 to 256 characters, both needed."
                    return responder.send(.problem(.badRequest, sentence))
                }
                let command = Command.block(
                    room: parameters["name"], Block(from: from, to: to), isBlocked: method == .post)
                give(command, request, responder)
            }
        }
        router.on(.post, "/api/v1/rooms/{name}/connections", query: ["to", "name", "force"]) {
            request, parameters, responder in
            do throws(ConfigurationError) {
                let host = try Configuration.host(request.query["to"] ?? "")
                give(.connect(room: parameters["name"], host, name: request.query["name"]), request, responder)
            } catch { responder.send(.problem(.badRequest, "to: \(error).")) }
        }
        router.on(.post, "/api/v1/rooms/{name}/let-in", query: ["announced", "name", "force"]) {
            request, parameters, responder in
            guard let announced = request.query["announced"], !announced.isEmpty else {
                return responder.send(
                    .problem(.badRequest, "announced is what it is announced as on the local network, and needed."))
            }
            give(
                .letIn(room: parameters["name"], announced: announced, name: request.query["name"]), request, responder)
        }
        router.on(.delete, "/api/v1/rooms/{name}/connections", query: ["name", "force"]) {
            request, parameters, responder in
            guard let name = request.query["name"] else {
                return responder.send(
                    .problem(.badRequest, "name is what the others see the peer as, or its HOST:PORT, and needed."))
            }
            give(.disconnect(room: parameters["name"], name: name), request, responder)
        }
        router.on(.post, "/api/v1/engines/{name}/restart", query: Self.forcible) { request, parameters, responder in
            give(.restart(engine: parameters["name"]), request, responder)
        }
        router.on(.post, "/api/v1/reload", query: Self.forcible) { request, _, responder in
            give(.reload, request, responder)
        }
        router.on(.post, "/api/v1/alerts/test", query: []) { request, _, responder in
            give(.testAlert, request, responder)
        }
        router.on(.post, "/api/v1/stop", query: Self.forcible) { request, _, responder in
            guard request.viaSocket else {
                return responder.send(
                    .problem(.forbidden, "The hub is stopped on its own machine: midihub stop."))
            }
            give(.stop, request, responder)
        }
    }

    /// The routes that the page /test needs.
    private func addTrying(to router: inout Router) {
        for method in [Method.post, .delete] {
            let isPost = method == .post
            router.on(method, "/api/v1/rooms/{name}/piano", query: isPost ? ["player", "keys", "force"] : ["player"]) {
                request, parameters, responder in
                guard let player = request.query["player"], PianoKey.isPlayer(player),
                    let strokes = Stroke.list(request.query["keys"] ?? "")
                else {
                    let sentence =
                        "player is 1 to 64 letters and digits, keys are up to 64 of NOTE:VELOCITY with commas between."
                    return responder.send(.problem(.badRequest, sentence))
                }
                let key = PianoKey(room: parameters["name"], player: player)
                give(isPost ? .piano(key, strokes) : .leavePiano(key), request, responder)
            }
            router.on(method, "/api/v1/rooms/{name}/echo", query: isPost ? ["seconds", "force"] : Self.forcible) {
                request, parameters, responder in
                let room = parameters["name"]
                if !isPost { return give(.endEcho(room: room), request, responder) }
                guard let seconds = Self.number(request.query["seconds"], 1...Hub.longestEcho, else: Hub.longestEcho)
                else {
                    return responder.send(.problem(.badRequest, "seconds is 1 to \(Hub.longestEcho)."))
                }
                give(.echo(room: room, seconds: seconds), request, responder)
            }
        }
    }

    /// Of a command that is refused while the hub is locked, unless it is forced.
    static let forcible: Set = ["force"]

    /// Sends a command to the hub and answers with its reply.
    func give(_ command: Command, _ request: Request, _ responder: Responder) {
        guard let force = Self.number(request.query["force"], 0...1, else: 0) else {
            return responder.send(
                .problem(.badRequest, "force is 1, to have it done though the hub is locked, or 0."))
        }
        let author = Author(address: request.client?.host, insists: force == 1)
        requests.send(.command(command, by: author) { responder.send(Self.response($0)) })
    }

    private static func response(_ reply: CommandReply) -> Response {
        if let played = reply.played {
            return .json(JSON.bytes(API.Played(text: reply.text, name: played.name, echo: played.echo)))
        }
        switch reply.outcome {
        case .done: return .json(JSON.bytes(API.Done(text: reply.text)))
        case .accepted:
            let done = API.Done(done: reply.armedUntil == nil, text: reply.text, armedUntil: reply.armedUntil)
            return .json(JSON.bytes(done), status: .accepted)
        case .invalid: return .problem(.badRequest, reply.text)
        case .notFound: return .problem(.notFound, reply.text)
        case .conflict: return .problem(.conflict, reply.text)
        case .locked: return .problem(.locked, reply.text)
        case .unavailable: return .problem(.unavailable, reply.text)
        }
    }

    private func addStream(to router: inout Router) {
        router.on(.get, "/api/v1/stream", query: ["views"]) { [access] request, _, responder in
            if let refusal = access.refuseRead(request) { return responder.send(refusal) }
            guard let wanted = StreamView.parse(request.query["views"]) else {
                let sentence = StreamView.allCases.map(\.rawValue).joined(separator: ", ")
                responder.send(.problem(.badRequest, "views is a list of \(sentence) and event, with commas between."))
                return
            }
            // A browser that reconnects sends the last id it has seen. Anything that is no number counts as an id from
            // before all events.
            let last = request.headers["Last-Event-ID"].flatMap { $0.isEmpty ? nil : Int64($0) ?? -1 }
            responder.send(
                .stream(
                    Subscription(
                        topics: wanted.topics, events: wanted.events, lastEventID: last,
                        isFull: access.holdsToken(request))))
        }
    }

    /// nil where that has been answered.
    private static func participant(_ parameters: Router.Parameters, _ responder: Responder) -> Int64? {
        if let id = Int64(parameters["id"]), id > 0 { return id }
        responder.send(.problem(.notFound, "There is no participant \"\(parameters["id"])\": it is a whole number."))
        return nil
    }

    /// Runs a question to the store off the server's thread.
    func answer(
        _ responder: Responder, _ work: @escaping @Sendable (Database) async throws(StoreError) -> Response
    ) {
        guard let database = database() else {
            responder.send(.problem(.unavailable, "The store is down; the hub records nothing at the moment."))
            return
        }
        Task {
            do throws(StoreError) {
                responder.send(try await work(database))
            } catch {
                responder.send(
                    .problem(.unavailable, "The store could not answer: \(StoreWriter.text(for: error))."))
            }
        }
    }

    static func json(_ value: some Encodable, for request: Request, anyPage: Bool = false) -> Response {
        answer(JSON.bytes(value), for: request, anyPage: anyPage)
    }

    static func answer(_ body: [UInt8], for request: Request, anyPage: Bool = false) -> Response {
        var response = Response.json(body)
        if anyPage { response.headers["Access-Control-Allow-Origin"] = "*" }
        return response.conditional(on: request)
    }

    static func number(_ text: String?, _ range: ClosedRange<Int64>, else standard: Int64) -> Int64? {
        guard let text else { return standard }
        return Int64(text).flatMap { range.contains($0) ? $0 : nil }
    }

    /// `.some(nil)` where it is not given; nil where it is not a number of that range.
    static func optionalNumber(_ text: String?, _ range: ClosedRange<Int64>) -> Int64?? {
        guard let text else { return .some(nil) }
        return Int64(text).flatMap { range.contains($0) ? .some(.some($0)) : nil }
    }
}

/// The day's latencies, which anybody may ask for, are summed up at most once a second.
private final class LatencyCache: Sendable {
    private let kept = Mutex<(rows: [API.LegacyLatency], at: ContinuousClock.Instant)?>(nil)

    var fresh: [API.LegacyLatency]? {
        kept.withLock { $0.flatMap { $0.at.duration(to: .now) < .seconds(1) ? $0.rows : nil } }
    }

    func keep(_ rows: [API.LegacyLatency]) { kept.withLock { $0 = (rows, .now) } }
}

import Devices
import EngineProtocol
import HTTP
import Hub
import Linux
import Store

/// What the API tells: the snapshot's lists, and what the store has of the past.
extension Routes {
    /// Whole numbers that every JSON reader takes as they are.
    private static let numbers: ClosedRange<Int64> = 0...9_007_199_254_740_991

    func addLists(to router: inout Router) {
        router.on(.get, "/api/v1/openapi.json", query: []) { request, _, responder in
            responder.send(Self.answer(OpenAPI.document, for: request))
        }
        router.on(.get, "/api/v1/status", query: []) { [board] request, _, responder in
            responder.send(Self.answer(board.body("status") { JSON.text(API.Status($0)) }, for: request))
        }
        router.on(.get, "/api/v1/rooms", query: Paging.parameters) { [board] request, _, responder in
            answer(request, responder, "rooms", board) { snapshot, paging in
                let numbered = Array(zip(snapshot.rooms, Int64(1)...))
                let (part, next) = paging.part(of: numbered) { .init($0.1) }
                return JSON.text(API.Rooms(rooms: part.map(\.0), next: next))
            }
        }
        router.on(.get, "/api/v1/participants", query: Paging.parameters) { [board, access] request, _, responder in
            if let refusal = access.refuseRead(request) { return responder.send(refusal) }
            let isFull = access.holdsToken(request)
            answer(request, responder, isFull ? "participants and addresses" : "participants", board) {
                snapshot, paging in
                let (part, next) = paging.part(of: snapshot.participants) { .init($0.id) }
                return JSON.text(
                    API.Participants(participants: isFull ? Array(part) : part.map(\.withoutAddress), next: next))
            }
        }
        router.on(.get, "/api/v1/wires", query: Paging.parameters) { [board] request, _, responder in
            answer(request, responder, "wires", board) { snapshot, paging in
                let (part, next) = paging.part(of: snapshot.pairs) { .init($0.from, $0.to) }
                return JSON.text(
                    API.Wires(
                        wires: part.filter { $0.reason == nil }, cells: part.filter { $0.reason != nil }, next: next))
            }
        }
        router.on(.get, "/api/v1/connections", query: Paging.parameters) { [board, access] request, _, responder in
            if let refusal = access.refuseRead(request) { return responder.send(refusal) }
            let isFull = access.holdsToken(request)
            answer(request, responder, isFull ? "connections and addresses" : "connections", board) {
                snapshot, paging in
                let numbered = Array(zip(snapshot.connections, Int64(1)...))
                let (part, next) = paging.part(of: numbered) { .init($0.1) }
                let offers = isFull ? snapshot.offers : snapshot.offers.map(\.withoutAddress)
                return JSON.text(
                    API.Connections(
                        connections: part.map { isFull ? $0.0 : API.hidden($0.0) },
                        offers: paging.after == nil ? offers : nil, next: next))
            }
        }
        router.on(.get, "/api/v1/sounding", query: Paging.parameters) { [requests] request, _, responder in
            guard let paging = Paging(request.query) else { return responder.send(Self.noPage) }
            requests.send(
                .sounding { all in
                    let (part, next) = paging.part(of: API.Sounds.list(all)) { .init($0.participant) }
                    responder.send(.json(JSON.bytes(API.SoundsList(sounding: Array(part), next: next))))
                })
        }
        router.on(.get, "/api/v1/alerts", query: []) { [requests] _, _, responder in
            requests.send(.alerts { responder.send(.json(JSON.bytes(API.Alerts($0)))) })
        }
        router.on(.get, "/api/v1/devices", query: ["match"]) { [requests] request, _, responder in
            let pattern = request.query["match"].map { DevicePattern($0) }
            if case .some(.none) = pattern {
                return responder.send(
                    .problem(.badRequest, "match is a pattern of 1 to 128 characters without control characters."))
            }
            requests.send(.devices(pattern ?? nil) { responder.send(.json(JSON.bytes($0))) })
        }
        addLatency(to: &router)
        addEvents(to: &router)
    }

    private static let noPage = Response.problem(
        .badRequest, "limit is 1 to 1000, cursor the `next` of the answer before.")

    /// A list out of the snapshot; the one that is mostly asked for, its beginning, is encoded once for all.
    private func answer(
        _ request: Request, _ responder: Responder, _ name: String, _ board: SnapshotStore,
        _ encode: (Snapshot, Paging) -> String
    ) {
        guard let paging = Paging(request.query) else {
            return responder.send(Self.noPage)
        }
        let body =
            paging.isAsked
            ? Array(encode(board.snapshot, paging).utf8) : board.body(name) { encode($0, paging) }
        responder.send(Self.answer(body, for: request))
    }

    private func addLatency(to router: inout Router) {
        let parameters = Paging.parameters.union(["from", "to", "step", "participant", "room"])
        router.on(.get, "/api/v1/latency", query: parameters) { request, _, responder in
            let query = request.query
            let now = Timestamp.now
            guard
                let from = Self.number(
                    query["from"], Self.numbers, else: now.advanced(by: .seconds(-3600)).milliseconds),
                let to = Self.number(query["to"], Self.numbers, else: now.milliseconds),
                let step = Self.number(query["step"], 0...86_400_000, else: 0),
                let visit = Self.optionalNumber(query["participant"], 1...Self.numbers.upperBound),
                let paging = Paging(query, limits: 1...10_000, standard: 5000)
            else {
                let sentence =
                    "from and to are Unix milliseconds, step milliseconds up to a day, participant an id, "
                    + "limit 1 to 10000, cursor the `next` of the answer before."
                return responder.send(.problem(.badRequest, sentence))
            }
            let filter = LatencyFilter(
                visit: visit, room: query["room"], from: Timestamp(milliseconds: from), to: Timestamp(milliseconds: to),
                step: step)
            // The second number of a cursor is a time; it is 0 where the whole visit has been listed.
            let position = paging.after.map { cursor in
                LatencyPage.Position(
                    visit: cursor.major, at: cursor.minor == 0 ? nil : Timestamp(milliseconds: cursor.minor))
            }
            answer(responder) { database throws(StoreError) in
                let page = try await database.latency(filter, after: position, limit: paging.limit)
                let next = page.next.map { Paging.Cursor($0.visit, $0.at?.milliseconds ?? 0).description }
                return Self.json(API.Samples(samples: page.points.map(API.Sample.init), next: next), for: request)
            }
        }
    }

    private func addEvents(to router: inout Router) {
        router.on(.get, "/api/v1/events", query: Paging.parameters.union(["after", "kind"])) {
            [access] request, _, responder in
            if let refusal = access.refuseRead(request) { return responder.send(refusal) }
            let isFull = access.holdsToken(request)
            let query = request.query
            guard let paging = Paging(query, standard: 50),
                let after = Self.optionalNumber(query["after"], Self.numbers)
            else {
                let sentence = "limit is 1 to 1000, after an event's id, cursor the `next` of the answer before."
                return responder.send(.problem(.badRequest, sentence))
            }
            let kinds = query["kind"].map { $0.split(separator: ",").map(String.init) } ?? []
            answer(responder) { database throws(StoreError) in
                let filter = EventFilter(kinds: kinds)
                let position = paging.after?.major
                // One more than asked for shows whether there is more.
                let events =
                    if let after {
                        try await database.events(
                            after: max(after, position ?? after), limit: paging.limit + 1, where: filter)
                    } else { try await database.events(before: position, limit: paging.limit + 1, where: filter) }
                let part = events.prefix(paging.limit)
                let next = part.count < events.count ? part.last.map { "\($0.id)" } : nil
                return Self.json(
                    API.Events(events: part.map { API.Event($0, isFull: isFull) }, next: next), for: request)
            }
        }
    }
}

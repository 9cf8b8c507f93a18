import CommandLine
import Devices
import EngineProtocol
import Foundation
import HTTP
import Linux
import Rooms
import Sequencer
import Store
import Synchronization
import TestSupport
import TestTraits
import Testing

@testable import Hub
@testable import WebAPI

extension Author {
    /// The address where there is one.
    fileprivate var origin: String { address ?? description }
}

extension HTTPAnswer {
    /// What the hub replied.
    fileprivate var reply: String { (try? object()["text"] as? String) ?? text }
}

/// All routes, over loopback and over the hub's own socket. Commands are answered by a loop of the test's.
@Suite(.ownThread) struct RoutesTests {
    private static let token = "0123456789abcdef"

    /// The HTTP side of a hub, where each command is answered by what it says.
    private final class Stage {
        let directory = TemporaryDirectory()
        let board = SnapshotStore()
        let address: Sockets.Address
        let database: Database?
        private let server: Server
        let routes: [String]
        private let over: Mailbox<Bool>
        private var thread: WorkerThread?

        init(web: Bool = true, store: Bool = true) throws {
            let socket = try Sockets.listen(.init(host: "127.0.0.1", port: 0))
            address = Sockets.localAddress(socket)
            database = store ? try Database(path: directory.file("hub.sqlite")) : nil
            directory.write("index.html", "page")
            let requests = try Mailbox<HubRequest>()
            let routes = Routes(
                board: board,
                access: AccessControl(
                    token: RoutesTests.token, hosts: ["hub.example"],
                    origins: ["https://studio.example"]),
                database: { [database] in database }, requests: requests, webDirectory: web ? directory.path : nil)
            self.routes = routes.router().routes
            // The store's tasks may have to wait until other tests have left the threads that run tasks.
            var limits = Limits()
            limits.answerTime = .seconds(600)
            server = try Server(
                router: routes.router(), limits: limits,
                listeners: [.tcp(socket), .unix(try Sockets.listen(unix: directory.file("hub.sock"), mode: 0o600))])
            let over = try Mailbox<Bool>()
            self.over = over
            thread = try WorkerThread("requests") { [board] in Stage.answer(requests, until: over, board) }
            try server.start()
        }

        private static func answer(_ requests: Mailbox<HubRequest>, until over: Mailbox<Bool>, _ board: SnapshotStore) {
            guard let loop = try? EventLoop() else { return }
            try? loop.receive(over) { _ in loop.stop() }
            try? loop.receive(requests) { request in
                switch request {
                case .command(let command, let author, let reply):
                    if let room = room(of: command), !board.snapshot.rooms.contains(where: { $0.name == room }) {
                        return reply(CommandReply(.notFound, "There is no room \"\(room)\"."))
                    }
                    reply(CommandReply(.done, "\(text(command)) by \(author.origin)"))
                case .sounding(let answer): answer([:])
                case .alerts(let answer): answer(AlertState(settings: nil, told: [], waiting: 3))
                case .devices(let pattern, let answer): answer(DeviceList(devices, problem: nil, pattern: pattern))
                }
            }
            try? loop.run()
        }

        private static let devices = [
            Device(
                address: .init(client: 24, port: 0), client: "APC40", port: "APC40 MIDI 1", card: 1,
                place: "/sys/usb1/1-1.2"),
            Device(
                address: .init(client: 14, port: 0), client: "Midi Through", port: "Midi Through Port-0",
                exclusion: .kernel),
            Device(address: .init(client: 130, port: 0), client: "rtpmidid", port: "Piano", exclusion: .rtpmidid),
        ]

        private static func room(of command: Command) -> String? {
            switch command {
            case .panic(let room, _): room
            case .block(let room, _, _): room
            case .piano(let key, _), .leavePiano(let key): key.room
            case .echo(let room, _), .endEcho(let room), .focus(let room, _), .choose(let room, _, _),
                .connect(let room, _, _), .letIn(let room, _, _),
                .disconnect(let room, _):
                room
            case .reload, .member, .failover, .drill, .pair, .unpair, .restart, .testAlert, .stop, .lock, .unlock,
                .putOffRestart:
                nil
            }
        }

        private static func text(_ command: Command) -> String {
            switch command {
            case .reload: "reload"
            case .panic(let room, let all): "panic\(all ? " all" : "") \(room ?? "everywhere")"
            case .member(let id, .kick): "kick \(id)"
            case .member(let id, .unmute): "unmute \(id)"
            case .member(let id, .release): "release \(id)"
            case .member(let id, .notesOff(let notes)): "notes-off \(id) \(notes)"
            case .block(let room, let block, let isBlocked):
                "\(isBlocked ? "block" : "unblock") \(room): \(block.from ?? "?") to \(block.to ?? "?")"
            case .piano(let key, let strokes):
                "\(key.player) plays \(strokes.map { "\($0.note):\($0.velocity)" }) in \(key.room)"
            case .leavePiano(let key): "\(key.player) leaves \(key.room)"
            case .echo(let room, let seconds): "echo \(room) \(seconds) s"
            case .endEcho(let room): "no echo \(room)"
            case .focus(let room, let member): "focus of \(room) to \(member ?? "nobody")"
            case .choose(let room, let input, let member): "\(input) of \(room) by \(member ?? "the first")"
            case .connect(let room, let host, let name): "connect \(host) to \(room) as \(name ?? "itself")"
            case .letIn(let room, let announced, let name): "let \(announced) into \(room) as \(name ?? "itself")"
            case .disconnect(let room, let name): "disconnect \(name) from \(room)"
            case .failover(let order, let force): "failover \(order)\(force ? " forced" : "")"
            case .pair(let here, let there): "pair \(here) with \(there)"
            case .unpair(let here): "unpair \(here)"
            case .drill(let order, let force):
                "drill \(order.kind) \(order.hub ?? "both") \(order.seconds) s\(force ? " forced" : "")"
            case .restart(let engine): "restart \(engine)"
            case .testAlert: "a test of alerts"
            case .stop: "stop"
            case .lock(let name): "lock by \(name ?? "whoever says so")"
            case .unlock: "unlock"
            case .putOffRestart: "put off a restart"
            }
        }

        deinit {
            server.stop()
            over.send(true)
            thread.take()?.join()
        }

        func ask(_ method: String = "GET", _ path: String, _ headers: [String: String] = [:]) throws -> HTTPAnswer {
            try http(method, path, at: address, headers: headers, timeout: 600)
        }

        func show(_ change: (inout Snapshot) throws -> Void) rethrows {
            var snapshot = board.snapshot
            try change(&snapshot)
            board.publish(snapshot)
        }
    }

    private static let bearer = ["Authorization": "Bearer \(token)"]
    private static let reading = [
        "/", "/participants", "/latency", "/healthz", "/api/v1/status", "/api/v1/rooms", "/api/v1/participants",
        "/api/v1/latency", "/api/v1/wires", "/api/v1/events", "/api/v1/openapi.json", "/metrics",
    ]
    private static let changing = [
        "/api/v1/panic", "/api/v1/engines/rtpmidid-5004/restart", "/api/v1/reload", "/api/v1/stop",
        "/api/v1/participants/7/kick", "/api/v1/participants/7/unmute", "/api/v1/participants/7/release",
        "/api/v1/participants/7/notes-off",
    ]

    private func decode<Value: Decodable>(_ json: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(json.utf8))
    }

    private func participants(_ list: [(id: Int, name: String, state: String)]) throws -> [Snapshot.Participant] {
        try list.map { one in
            try decode(
                """
                {"id": \(one.id), "name": "\(one.name)", "room": "Hall", "port": 5004, "engine": "rtpmidid-5004",
                "state": "\(one.state)", "since": 1, "sends": true, "receives": true, "address": "192.0.2.7", "ssrc": 9}
                """)
        }
    }

    private func room(_ name: String, _ ports: [Int]) throws -> Snapshot.Room {
        try decode(#"{"name": "\#(name)", "policy": "auto", "ports": \#(ports), "participants": 0, "wires": 0}"#)
    }

    @Test func `devices are listed, and what a pattern takes is marked`() throws {
        let stage = try Stage()
        func list(_ query: String) throws -> [DeviceList.Entry] {
            let list: DeviceList = try decode(stage.ask("GET", "/api/v1/devices\(query)", [:]).text)
            return list.devices
        }
        #expect(try list("").map(\.client) == ["APC40", "Midi Through"])
        #expect(try list("").map(\.matches) == [nil, nil])
        #expect(try list("?match=*").map(\.matches) == [true, false])
        #expect(try list("?match=apc40@1-1.2").map(\.matches) == [true, false])
        // What is rtpmidid's is shown only to whoever names it.
        #expect(try list("?match=Piano").map(\.matches) == [false, false, true])
        #expect(try stage.ask("GET", "/api/v1/devices?match=", [:]).status == 400)
    }

    // MARK: Who may

    @Test(arguments: changing)
    func `whatever changes something needs the token`(path: String) throws {
        let stage = try Stage()
        for headers in [
            [:], ["Authorization": "Bearer 0123456789abcdee"], ["Authorization": "Basic \(Self.token)"],
            ["Authorization": Self.token], ["Cookie": "token=\(Self.token)"],
        ] {
            let answer = try stage.ask("POST", path, headers)
            #expect(answer.status == 401, "\(headers)")
            #expect(answer.headers["www-authenticate"] == "Bearer")
            #expect(!answer.text.contains(Self.token))
        }
        let status = try stage.ask("POST", path, Self.bearer).status
        #expect(status == (path.hasSuffix("/stop") ? 403 : 200), "a hub is stopped on its own machine only")
        #expect(
            try Client.post(path, at: .socket(path: stage.directory.file("hub.sock")), timeout: .seconds(600)).status
                == 200)
    }

    @Test func `a page of a configured origin may read and, with the token, change; another may read the older routes`()
        throws
    {
        let stage = try Stage()
        let (ours, another) = (["Origin": "https://studio.example"], ["Origin": "https://elsewhere.example"])
        func allowed(_ method: String, _ path: String, _ headers: [String: String]) throws -> String? {
            try stage.ask(method, path, headers).headers["access-control-allow-origin"]
        }
        for path in ["/api/v1/status", "/api/v1/nothing", "/participants"] {
            #expect(try allowed("GET", path, ours) == "https://studio.example")
        }
        #expect(try allowed("GET", "/api/v1/status", another) == nil)
        #expect(try allowed("GET", "/api/v1/status", [:]) == nil)
        #expect(try allowed("GET", "/participants", another) == "*")
        #expect(try allowed("POST", "/api/v1/reload", ours) == "https://studio.example", "a refusal can be read too")
        #expect(try stage.ask("POST", "/api/v1/reload", ours.merging(Self.bearer) { $1 }).status == 200)
        let asked = ["Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"]
        let preflight = try stage.ask("OPTIONS", "/api/v1/rooms/Hall/blocks", ours.merging(asked) { $1 })
        #expect(preflight.status == 204)
        #expect(preflight.headers["access-control-allow-methods"]?.contains("DELETE") == true)
        #expect(preflight.headers["access-control-allow-headers"] == "Authorization, Last-Event-ID")
        #expect(try stage.ask("OPTIONS", "/api/v1/reload", another).headers["access-control-allow-methods"] == nil)
    }

    @Test func `wrong tokens wait, and meanwhile the right one is answered from the same address`() throws {
        let stage = try Stage()
        let head = "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.66\r\n"
        final class Guess {
            let socket: Descriptor
            init(_ address: Sockets.Address, _ text: String) throws {
                socket = try Sockets.connect(address)
                try socket.writeAll(Array(text.utf8), socket: true)
            }
        }
        let guesses = try (0..<20).map {
            try Guess(stage.address, "\(head)Authorization: Bearer guess\($0)\r\n\r\n")
        }
        let here = ["X-Forwarded-For": "192.0.2.66"]
        try eventually("no more to wait at once") {
            let answer = try stage.ask(
                "POST", "/api/v1/reload", here.merging(["Authorization": "Bearer guess"]) { $1 })
            return answer.status == 429 && answer.headers["retry-after"] != nil
        }
        let right = try stage.ask("POST", "/api/v1/reload", here.merging(Self.bearer) { $1 })
        #expect(right.reply == "reload by 192.0.2.66")
        #expect(try stage.ask("GET", "/api/v1/participants", ["Authorization": "Bearer guess"]).status == 401)
        #expect(guesses.count == 20, "held to here")
    }

    @Test(arguments: [
        "panic?all=2", "participants/7/notes-off?from=128", "participants/7/notes-off?notes=9", "reload?all=1",
        "rooms/Hall/blocks?from=A", "rooms/Hall/blocks?from=A&to=", "rooms/Hall/blocks",
        "rooms/Hall/blocks?from=A&from=B&to=C", "rooms/Hall/blocks?from=A&to=\(String(repeating: "x", count: 257))",
        "rooms/Hall/piano", "rooms/Hall/piano?player=a-b", "rooms/Hall/piano?player=a&keys=60",
        "rooms/Hall/piano?player=a&keys=60:128", "rooms/Hall/piano?player=a&keys=+60:1",
        "rooms/Hall/piano?player=a&keys=60:1,", "rooms/Hall/echo?seconds=0", "rooms/Hall/echo?seconds=1801",
    ])
    func `a command that makes no sense is 400 with a sentence`(query: String) throws {
        let stage = try Stage()
        try stage.show { $0.rooms = [try room("Hall", [5004])] }
        let answer = try stage.ask("POST", "/api/v1/\(query)", Self.bearer)
        #expect(answer.status == 400)
        #expect(try #require(try answer.object()["detail"] as? String).count > 20)
    }

    @Test func `the piano and the echo of a room are as they were asked for`() throws {
        let stage = try Stage()
        try stage.show { $0.rooms = [try room("Hall", [5004])] }
        func reply(_ method: String, _ path: String) throws -> String {
            try stage.ask(method, "/api/v1/rooms/\(path)", Self.bearer).reply
        }
        #expect(
            try reply("POST", "Hall/piano?player=a1&keys=60:100,60:0")
                == #"a1 plays ["60:100", "60:0"] in Hall by 127.0.0.1"#)
        #expect(try reply("POST", "Hall/piano?player=a1") == "a1 plays [] in Hall by 127.0.0.1")
        #expect(try reply("DELETE", "Hall/piano?player=a1") == "a1 leaves Hall by 127.0.0.1")
        #expect(try reply("POST", "Hall/echo") == "echo Hall 1800 s by 127.0.0.1")
        #expect(try reply("DELETE", "Hall/echo") == "no echo Hall by 127.0.0.1")
        for (method, path) in [("POST", "piano?player=a"), ("DELETE", "piano?player=a"), ("POST", "echo")] {
            #expect(try stage.ask(method, "/api/v1/rooms/Hall/\(path)").status == 401)
            #expect(try stage.ask(method, "/api/v1/rooms/Attic/\(path)", Self.bearer).status == 404)
        }
    }

    @Test(arguments: reading)
    func `reading needs no token, and takes GET and HEAD only`(path: String) throws {
        let stage = try Stage()
        #expect(try [200, 503].contains(stage.ask("GET", path).status))
        let head = try stage.ask("HEAD", path)
        #expect([200, 503].contains(head.status))
        #expect(head.body.isEmpty)
        for method in ["POST", "PUT", "DELETE", "PATCH", "BREW"] {
            for headers in [[:], Self.bearer] {
                let answer = try stage.ask(method, path, headers)
                #expect(answer.status == 405, "\(method) \(headers)")
                #expect(answer.headers["allow"] == "GET, HEAD, OPTIONS")
            }
        }
    }

    @Test(arguments: changing)
    func `what changes something cannot be asked for by a link`(path: String) throws {
        let stage = try Stage()
        for method in ["GET", "HEAD", "PUT"] {
            let answer = try stage.ask(method, path, Self.bearer)
            #expect(answer.status == 405)
            #expect(answer.headers["allow"] == "OPTIONS, POST")
        }
    }

    @Test(arguments: reading + changing)
    func `a name that is not the hub's is refused on every route`(path: String) throws {
        let stage = try Stage()
        let method = Self.changing.contains(path) ? "POST" : "GET"
        for host in ["evil.example", "evil.example:8080", "hub.example.evil"] {
            let answer = try stage.ask(method, path, Self.bearer.merging(["Host": host]) { $1 })
            #expect(answer.status == 421)
            #expect(answer.headers["access-control-allow-origin"] == nil)
        }
        #expect(try stage.ask(method, path, Self.bearer.merging(["Host": "HUB.example:443"]) { $1 }).status != 421)
    }

    @Test func `only the two lists of the older hubs may be read by any page`() throws {
        let stage = try Stage()
        let origin = ["Origin": "https://elsewhere.example"]
        for path in Self.reading {
            let answer = try stage.ask("GET", path, origin)
            let isOpen = path == "/participants" || path == "/latency"
            #expect(answer.headers["access-control-allow-origin"] == (isOpen ? "*" : nil), "\(path)")
            guard isOpen else { continue }
            #expect(try stage.ask("HEAD", path, origin).headers["access-control-allow-origin"] == "*")
            let tag = try #require(answer.headers["etag"])
            let again = try stage.ask("GET", path, origin.merging(["If-None-Match": tag]) { $1 })
            #expect(again.status == 304)
            #expect(again.headers["access-control-allow-origin"] == "*", "the browser checks this answer, too")
        }
    }

    @Test func `addresses and SSRCs are shown with the token only`() throws {
        let stage = try Stage()
        try stage.show { $0.participants = try participants([(1, "Piano", "present")]) }
        let path = "/api/v1/participants"
        #expect(try !stage.ask("GET", path).text.contains("192.0.2.7"))
        #expect(try stage.ask("GET", path, Self.bearer).text.contains("192.0.2.7"))
        let near = try Client.get(path, at: .socket(path: stage.directory.file("hub.sock")), timeout: .seconds(600))
        #expect(String(decoding: near.body, as: UTF8.self).contains("192.0.2.7"))
        #expect(try stage.ask("GET", path, Self.bearer).text.contains("\"ssrc\""))
        for path in Self.reading where path != "/api/v1/openapi.json" {
            let text = try stage.ask("GET", path).text
            #expect(!text.contains("192.0.2.7") && !text.contains("ssrc"), "\(path)")
        }
    }

    // MARK: What is answered

    @Test func `the older list of participants has every port of every room, and names as they are`() throws {
        let stage = try Stage()
        try stage.show {
            $0.rooms = [try room("Hall", [5004, 5006]), try room("Attic", [5008])]
            $0.participants = try participants([
                (1, "Piano", "present"), (2, "<script>alert(1)</script>", "silent"), (3, "Piano", "duplicate"),
                (4, "Gone", "ghost"),
            ])
        }
        let answer = try stage.ask("GET", "/participants")
        #expect(answer.headers["content-type"] == "application/json")
        let object = try #require(try answer.json() as? [String: [String]])
        #expect(object == ["5004": ["Piano", "<script>alert(1)</script>", "Gone"], "5006": [], "5008": []])
    }

    @Test func `the older list of latencies is all strings, in milliseconds with one decimal`() async throws {
        let stage = try Stage()
        let now = Timestamp.now
        let visit = Visit(
            id: 1, room: "Hall", engine: "rtpmidid-5004", port: 5004, name: "Piano \"1\"", joined: TimeRange(now))
        let database = try #require(stage.database)
        try await database.commit(
            [.visit(visit)]
                + [12_340, 20_000, 7_650].enumerated().map { index, micros in
                    .latency(
                        LatencySample(
                            visit: 1, at: TimeRange(now.advanced(by: .seconds(index - 10))), roundTrip: Int64(micros),
                            trust: .confirmed))
                })
        let rows = try #require(try stage.ask("GET", "/latency").json() as? [[String: String]])
        #expect(
            rows == [
                [
                    "clientName": "Piano \"1\"", "clientPort": "5004",
                    "timestamp": "\(now.advanced(by: .seconds(-8)).milliseconds / 1000)", "averageLatency": "13.3",
                    "minLatency": "7.7", "maxLatency": "20.0", "lastLatency": "7.7",
                ]
            ])
    }

    @Test func `health is 200 with a sentence, or 503 with the reasons`() throws {
        let stage = try Stage()
        stage.show { $0.health.sentence = "Ready." }
        let well = try stage.ask("GET", "/healthz")
        #expect(well.status == 200 && well.text == "Ready.\n")
        try stage.show {
            $0.health = try decode(
                #"{"ok": false, "sentence": "No port is served.", "problems": [{"what": "rtpmidid is not installed"}]}"#
            )
        }
        let ill = try stage.ask("GET", "/healthz")
        #expect(ill.status == 503)
        #expect(ill.text == "No port is served.\nrtpmidid is not installed\n")
    }

    @Test func `events have addresses for the token and for hub.sock alone`() async throws {
        let stage = try Stage()
        let database = try #require(stage.database)
        try await database.commit([
            .event(
                EventRecord(at: TimeRange(.now), kind: .refused, text: "Second was not let in", address: "192.0.2.7")),
            // Text as earlier versions wrote it.
            .event(EventRecord(at: TimeRange(.now), kind: .panic, text: "Panic in all rooms, by 192.0.2.8")),
        ])
        let path = "/api/v1/events"
        let open = try stage.ask("GET", path)
        #expect(!open.text.contains("192.0.2."))
        #expect(open.text.contains("Second was not let in") && open.text.contains("Panic in all rooms, by (address)"))
        let socket = Client.Endpoint.socket(path: stage.directory.file("hub.sock"))
        let near = try Client.get(path, at: socket, timeout: .seconds(600)).body
        for text in [try stage.ask("GET", path, Self.bearer).text, String(decoding: near, as: UTF8.self)] {
            #expect(text.contains(#""address":"192.0.2.7""#) && text.contains("by 192.0.2.8"))
        }
        #expect(try stage.ask("GET", path, ["Authorization": "Bearer 0123456789abcdeX"]).status == 401)
    }

    @Test func `the stream is full for the token and for hub.sock alone, and refused for a wrong token`() throws {
        let routes = Routes(
            board: SnapshotStore(), access: AccessControl(token: Self.token, hosts: []), database: { nil },
            requests: try Mailbox<HubRequest>(), webDirectory: nil)
        let router = routes.router()
        func answer(_ authorization: String?, viaSocket: Bool = false) -> Response? {
            var request = Request(path: "/api/v1/stream", viaSocket: viaSocket)
            request.headers["Authorization"] = authorization
            let answers = Mutex<[Response]>([])
            router.route(request, Responder { response in answers.withLock { $0.append(response) } })
            return answers.withLock { $0.first }
        }
        #expect(answer(nil)?.stream?.isFull == false)
        #expect(answer("Bearer \(Self.token)")?.stream?.isFull == true)
        #expect(answer(nil, viaSocket: true)?.stream?.isFull == true)
        let wrong = answer("Bearer 0123456789abcdeX")
        #expect(wrong?.status == .unauthorized && wrong?.stream == nil)
    }

    @Test func `the stream's events have addresses for the token alone`() {
        var views = StreamViews(points: [:])
        let record = EventRecord(
            id: 1, at: TimeRange(.now), kind: .refused, text: "Second was not let in", address: "192.0.2.7")
        let events = views.recorded([record]).events
        #expect(events.map { String(decoding: $0.bytes, as: UTF8.self).contains("192.0.2.7") } == [false])
        #expect(events.map { String(decoding: $0.full, as: UTF8.self).contains("192.0.2.7") } == [true])
    }

    @Test func `people get text on a page where there is nothing, and programs get JSON`() throws {
        let stage = try Stage()
        for (path, headers, status) in [("/nothing", [:], 404), ("/", ["Host": "elsewhere.example"], 421)] {
            let page = try stage.ask("GET", path, headers.merging(["Accept": "text/html,*/*;q=0.8"]) { $1 })
            #expect(page.status == status)
            #expect(page.text.hasPrefix("<!doctype html>"))
            #expect(page.headers["content-type"] == "text/html; charset=utf-8")
            let answer = try stage.ask("GET", path, headers)
            #expect(answer.status == status)
            #expect(try answer.object()["detail"] is String)
        }
    }

    @Test func `events are asked for by kind and after an id, and read on from where an answer ends`() async throws {
        let stage = try Stage()
        let database = try #require(stage.database)
        try await database.commit(
            (1...5).map { number in
                .event(
                    EventRecord(
                        at: TimeRange(.now), kind: number == 3 ? .lost : .joined, severity: .info,
                        text: "event \(number)"))
            })
        func texts(_ query: String) throws -> [String] {
            let object = try stage.ask("GET", "/api/v1/events\(query)").object()
            return try #require(object["events"] as? [[String: Any]]).map { $0["text"] as? String ?? "" }
        }
        #expect(try Set(texts("")) == Set((1...5).map { "event \($0)" }))
        #expect(try texts("?kind=lost") == ["event 3"])
        #expect(try texts("?kind=lost,joined&after=1") == ["event 2", "event 3", "event 4", "event 5"])
        #expect(try texts("?after=3") == ["event 4", "event 5"])
        #expect(try texts("?cursor=3") == ["event 2", "event 1"])
        for (query, wanted) in [("limit=2", [5, 4, 3, 2, 1]), ("limit=2&after=1", [2, 3, 4, 5])] {
            let read = try pages(stage, "/api/v1/events?\(query)", "events")
            #expect(read.items.map { $0["id"] as? Int } == wanted)
            #expect(read.pages == (wanted.count + 1) / 2)
        }
    }

    @Test(arguments: [
        "events?limit=0", "events?limit=1001", "events?limit=x", "events?before=1", "events?after=-1", "events?cursor=",
        "events?limit=1&limit=2", "rooms?limit=0", "wires?cursor=1-2-3", "participants?cursor=-1", "status?pretty=1",
        "participants?cursor=1234567890123456789",
        "latency?from=yesterday", "latency?step=-1", "latency?step=86400001", "latency?limit=0",
        "latency?participant=0", "latency?participant=Piano", "latency?to=",
    ])
    func `a question that makes no sense is 400 with a sentence`(query: String) throws {
        let answer = try Stage().ask("GET", "/api/v1/\(query)")
        #expect(answer.status == 400)
        #expect(try #require(try answer.object()["detail"] as? String).count > 20)
    }

    /// All pages of a list.
    private func pages(_ stage: Stage, _ path: String, _ key: String) throws -> (items: [[String: Any]], pages: Int) {
        var items: [[String: Any]] = []
        var (cursor, pages) = ("", 0)
        while true {
            let answer = try stage.ask("GET", path + cursor).object()
            items += try #require(answer[key] as? [[String: Any]])
            pages += 1
            guard let next = answer["next"] as? String else { return (items, pages) }
            cursor = "&cursor=\(next)"
        }
    }

    @Test func `lists come whole, or a page at a time`() throws {
        let stage = try Stage()
        try stage.show {
            $0.participants = try participants((1...5).map { ($0, "P\($0)", "present") })
            $0.rooms = try ["B", "A", "C"].map { try room($0, [5004]) }
            $0.wires = try [(2, 1), (1, 3), (1, 2)].map { try wire($0, nil) }
            $0.pairs = ($0.wires + (try [(2, 3), (3, 1)].map { try wire($0, "blocked") }))
                .sorted { ($0.from, $0.to) < ($1.from, $1.to) }
        }
        #expect(try stage.ask("GET", "/api/v1/participants").object()["next"] == nil)
        for limit in 1...6 {
            let people = try pages(stage, "/api/v1/participants?limit=\(limit)", "participants")
            #expect(people.items.map { $0["id"] as? Int } == [1, 2, 3, 4, 5])
            #expect(people.pages == (5 + limit - 1) / limit)
            let rooms = try pages(stage, "/api/v1/rooms?limit=\(limit)", "rooms")
            #expect(rooms.items.map { $0["name"] as? String } == ["B", "A", "C"], "in the configuration's order")
            let wires = try pages(stage, "/api/v1/wires?limit=\(limit)", "wires")
            #expect(wires.items.map { [$0["from"] as? Int, $0["to"] as? Int] } == [[1, 2], [1, 3], [2, 1]])
            #expect(wires.pages == (5 + limit - 1) / limit, "what is no wire counts too")
            #expect(try pages(stage, "/api/v1/wires?limit=\(limit)", "cells").items.count == 2)
        }
        // A participant who leaves between two pages causes no gap.
        try stage.show { $0.participants = try participants([(1, "P1", "present"), (4, "P4", "present")]) }
        let rest = try stage.ask("GET", "/api/v1/participants?cursor=3").object()
        #expect((rest["participants"] as? [[String: Any]])?.map { $0["id"] as? Int } == [4])
    }

    @Test func `commands show everyone, however many pages that takes`() throws {
        let stage = try Stage()
        try stage.show { $0.participants = try participants((1...2500).map { ($0, "P\($0)", "present") }) }
        let client = HubClient(StateDirectory(stage.directory.path))
        #expect(client.participants()?.map(\.id) == Array(1...2500))
    }

    private func wire(_ ends: (Int, Int), _ reason: String?) throws -> Snapshot.Wire {
        let tail = reason.map { #", "reason": "\#($0)""# } ?? ""
        return try decode(
            #"{"room": "B", "from": \#(ends.0), "to": \#(ends.1), "fromName": "a", "toName": "b"\#(tail)}"#)
    }

    @Test func `latency is told of those who are gone too, by room, participant, time and step, a page at a time`()
        async throws
    {
        let stage = try Stage()
        let database = try #require(stage.database)
        let hour: Int64 = 3_600_000
        func visit(_ id: Int64, _ room: String, _ from: Int64, _ to: Int64?) -> Change {
            .visit(
                Visit(
                    id: id, room: room, engine: "e", port: 5004, name: "P\(id)",
                    joined: TimeRange(Timestamp(milliseconds: from)),
                    left: to.map { TimeRange(Timestamp(milliseconds: $0)) }))
        }
        try await database.commit(
            [visit(1, "Hall", hour, 2 * hour), visit(2, "Hall", hour, nil), visit(3, "Attic", hour, nil)]
                + (1...3).flatMap { id in
                    (0..<10).map { number in
                        .latency(
                            LatencySample(
                                visit: id, at: TimeRange(Timestamp(milliseconds: hour + Int64(number) * 1000)),
                                roundTrip: Int64(number) * 1000, trust: .confirmed))
                    }
                })
        func points(_ query: String) throws -> (items: [[String: Any]], pages: Int) {
            try pages(stage, "/api/v1/latency?from=\(hour)&\(query)", "samples")
        }
        for limit in [1, 3, 10, 11, 30] {
            let all = try points("limit=\(limit)")
            #expect(
                all.items.map { $0["participant"] as? Int } == [1, 2, 3].flatMap { Array(repeating: $0, count: 10) })
            #expect(all.items.prefix(10).map { $0["rtt"] as? Double } == (0..<10).map(Double.init))
        }
        #expect(try points("room=Attic").items.map { $0["name"] as? String } == Array(repeating: "P3", count: 10))
        #expect(try points("participant=1&to=\(hour + 2000)").items.map { $0["rtt"] as? Double } == [0, 1, 2])
        for limit in [1, 2, 100] {
            let steps = try points("participant=2&step=4000&limit=\(limit)").items
            #expect(steps.map { $0["samples"] as? Int } == [4, 4, 2])
            #expect(steps.map { $0["max"] as? Double } == [3, 7, 9])
        }
        #expect(try points("participant=9").items.isEmpty)
        #expect(try points("to=\(hour - 1)").items.isEmpty)
    }

    @Test func `without a store, what needs it says so and the rest answers`() throws {
        let stage = try Stage(store: false)
        for path in ["/latency", "/api/v1/latency", "/api/v1/events"] {
            let answer = try stage.ask("GET", path)
            #expect(answer.status == 503)
            #expect(try #require(try answer.object()["detail"] as? String).hasPrefix("The store is down"))
        }
        #expect(try stage.ask("GET", "/participants").status == 200)
    }

    @Test func `without its pages the hub says how to name them`() throws {
        let answer = try Stage(web: false).ask("GET", "/")
        #expect(answer.status == 200)
        #expect(answer.text.contains("--web DIR"))
    }

    @Test func `the description has every route, and every schema is closed and typed`() throws {
        let stage = try Stage()
        let answer = try stage.ask("GET", "/api/v1/openapi.json")
        let contract = try Contract(answer.body)
        #expect(contract.routes == stage.routes)
        #expect(contract.openPaths == ["Anything"], "what a description may say is not ours to describe")
        #expect(answer.text.contains("\"version\": \"\(Version.text)\""))
        #expect(!answer.text.contains("@"), "a place is kept for the version alone")
    }

    /// A new route that changes something fails here until its place is decided, too.
    @Test func `every route that changes something may be refused by the lock and be forced, or is always obeyed`()
        throws
    {
        let stage = try Stage()
        let contract = try Contract(try stage.ask("GET", "/api/v1/openapi.json").body)
        let obeyed: Set = [
            "POST /api/v1/panic", "POST /api/v1/participants/{id}/release", "POST /api/v1/participants/{id}/notes-off",
            "DELETE /api/v1/rooms/{name}/piano", "POST /api/v1/alerts/test", "POST /api/v1/lock",
            "DELETE /api/v1/lock", "POST /api/v1/lock/restart",
        ]
        // The lock lets them pass, and force is about the two hubs.
        let forHubs: Set = ["POST /api/v1/failover/switch", "POST /api/v1/failover/unmute"]
        for route in contract.routes where !route.hasPrefix("GET") {
            #expect(contract.may(route, answer: 423) == !obeyed.union(forHubs).contains(route), "\(route)")
            let words = route.split(separator: " ").map(String.init)
            let path = words[1].replacing("{id}", with: "7").replacing("{name}", with: "Hall")
                .replacing("{input}", with: "Keys")
            // What is no parameter of a route is refused as such.
            let text = try stage.ask(words[0], "\(path)?force=1", Self.bearer).text
            let isUnknown = text.contains("This takes no parameters.") || text.contains("The parameters are ")
            #expect(isUnknown == obeyed.contains(route), "\(route): \(text)")
        }
        for wrong in ["2", "", "yes"] {
            #expect(try stage.ask("POST", "/api/v1/reload?force=\(wrong)", Self.bearer).status == 400)
        }
    }

    @Test func `the lock is told to everybody, and given and lifted with the token`() throws {
        let stage = try Stage()
        #expect(try stage.ask("GET", "/api/v1/lock").text == #"{"locked":false}"#)
        stage.show { $0.lock = .init(since: 7, by: "Anna", putOff: ["the hub restarts"]) }
        let lock = try stage.ask("GET", "/api/v1/lock").object()
        #expect(lock["by"] as? String == "Anna" && lock["since"] as? Int == 7 && lock["locked"] as? Bool == true)
        #expect(lock["putOff"] as? [String] == ["the hub restarts"])
        let status = try stage.ask("GET", "/api/v1/status").object()
        #expect((status["lock"] as? [String: Any])?["by"] as? String == "Anna")
        #expect(try stage.ask("POST", "/api/v1/lock?by=Anna").status == 401)
        #expect(try stage.ask("DELETE", "/api/v1/lock").status == 401)
        #expect(try stage.ask("POST", "/api/v1/lock?by=Anna", Self.bearer).reply == "lock by Anna by 127.0.0.1")
        #expect(try stage.ask("DELETE", "/api/v1/lock", Self.bearer).reply == "unlock by 127.0.0.1")
        #expect(try stage.ask("GET", "/metrics").text.contains("\nmidihub_locked 1\n"))
    }

    // MARK: Commands

    @Test func `commands carry who asked, and what for`() throws {
        let stage = try Stage()
        try stage.show { $0.rooms = [try room("Hall & Attic", [5004])] }
        #expect(try stage.ask("POST", "/api/v1/panic", Self.bearer).reply == "panic everywhere by 127.0.0.1")
        #expect(
            try stage.ask("POST", "/api/v1/panic?room=Hall%20%26%20Attic", Self.bearer).reply
                == "panic Hall & Attic by 127.0.0.1")
        let unknown = try stage.ask("POST", "/api/v1/panic?room=Cellar", Self.bearer)
        #expect(unknown.status == 404)
        #expect(try stage.ask("POST", "/api/v1/panic?all=1", Self.bearer).reply == "panic all everywhere by 127.0.0.1")
        #expect(try stage.ask("POST", "/api/v1/participants/7/kick", Self.bearer).reply == "kick 7 by 127.0.0.1")
        #expect(try stage.ask("POST", "/api/v1/participants/7/unmute", Self.bearer).reply == "unmute 7 by 127.0.0.1")
        #expect(try stage.ask("POST", "/api/v1/participants/7/release", Self.bearer).reply == "release 7 by 127.0.0.1")
        #expect(
            try stage.ask("POST", "/api/v1/participants/7/notes-off?from=60&to=72", Self.bearer).reply
                == "notes-off 7 60...72 by 127.0.0.1")
        let blocks = "/api/v1/rooms/Hall%20%26%20Attic/blocks?from=A%20B&to=%C3%9C"
        #expect(try stage.ask("POST", blocks, Self.bearer).reply == "block Hall & Attic: A B to Ü by 127.0.0.1")
        #expect(try stage.ask("DELETE", blocks, Self.bearer).reply == "unblock Hall & Attic: A B to Ü by 127.0.0.1")
        #expect(try stage.ask("DELETE", blocks).status == 401)
        #expect(try stage.ask("POST", "/api/v1/failover/switch", Self.bearer).reply == "failover switch by 127.0.0.1")
        #expect(
            try stage.ask("POST", "/api/v1/failover/mute?force=1", Self.bearer).reply
                == "failover mute forced by 127.0.0.1")
        #expect(try stage.ask("POST", "/api/v1/failover/unmute").status == 401)
        #expect(try stage.ask("POST", "/api/v1/failover/switch?force=yes", Self.bearer).status == 400)
        let pairings = "/api/v1/failover/pairings"
        #expect(
            try stage.ask("POST", "\(pairings)?here=7&there=3", Self.bearer).reply == "pair 7 with 3 by 127.0.0.1")
        #expect(try stage.ask("DELETE", "\(pairings)?here=7", Self.bearer).reply == "unpair 7 by 127.0.0.1")
        for (method, query) in [("POST", ""), ("POST", "?here=7"), ("POST", "?here=x&there=3"), ("DELETE", "")] {
            #expect(try stage.ask(method, pairings + query, Self.bearer).status == 400)
        }
        let drill = "/api/v1/failover/drill"
        for (query, text) in [
            ("", "drill handover both 5 s"), ("?mute=partner&seconds=7", "drill mute partner 7 s"),
            ("?kill=Hall%20A&force=1", "drill kill Hall A 5 s forced"),
        ] {
            #expect(try stage.ask("POST", drill + query, Self.bearer).reply == "\(text) by 127.0.0.1")
        }
        for wrong in ["?mute=a&seconds=31", "?mute=a&seconds=0", "?force=2"] {
            #expect(try stage.ask("POST", drill + wrong, Self.bearer).status == 400, "\(wrong)")
        }
        // Each of them is as it should be, and they do not go together.
        for wrong in ["?mute=a&kill=b", "?seconds=5", "?kill=a&seconds=5"] {
            #expect(try stage.ask("POST", drill + wrong, Self.bearer).status == 409, "\(wrong)")
        }
        #expect(try stage.ask("POST", drill).status == 401)
        let connections = "/api/v1/rooms/Hall%20%26%20Attic/connections?"
        for (query, text) in [
            ("to=desk.example.org:5006&name=D%C3%A9sk", "connect desk.example.org:5006 to Hall & Attic as Désk"),
            ("to=%5B2001:db8::7%5D", "connect [2001:db8::7] to Hall & Attic as itself"),
        ] {
            #expect(try stage.ask("POST", connections + query, Self.bearer).reply == "\(text) by 127.0.0.1")
        }
        let letIn = "/api/v1/rooms/Hall%20%26%20Attic/let-in?"
        #expect(
            try stage.ask("POST", letIn + "announced=%3Cb%3E%20%C3%A9&name=D", Self.bearer).reply
                == "let <b> é into Hall & Attic as D by 127.0.0.1")
        #expect(try stage.ask("POST", letIn + "announced=A").status == 401)
        for wrong in ["", "announced=", "to=a"] {
            #expect(try stage.ask("POST", letIn + wrong, Self.bearer).status == 400)
        }
        #expect(
            try stage.ask("DELETE", connections + "name=Desk", Self.bearer).reply
                == "disconnect Desk from Hall & Attic by 127.0.0.1")
        #expect(try stage.ask("DELETE", connections + "name=Desk").status == 401)
        for wrong in ["", "to=", "to=desk:0", "to=desk:65535", "to=a%20b", "to=a%22b", "name=Desk"] {
            #expect(try stage.ask("POST", connections + wrong, Self.bearer).status == 400)
        }
        #expect(try stage.ask("POST", "/api/v1/rooms/Cellar/blocks?from=A&to=B", Self.bearer).status == 404)
        let focus = "/api/v1/rooms/Hall%20%26%20Attic/focus"
        #expect(
            try stage.ask("POST", "\(focus)?member=A%20B", Self.bearer).reply
                == "focus of Hall & Attic to A B by 127.0.0.1")
        #expect(try stage.ask("DELETE", focus, Self.bearer).reply == "focus of Hall & Attic to nobody by 127.0.0.1")
        let live = "/api/v1/rooms/Hall%20%26%20Attic/inputs/%C3%9C/live"
        #expect(
            try stage.ask("POST", "\(live)?member=A", Self.bearer).reply == "Ü of Hall & Attic by A by 127.0.0.1")
        #expect(try stage.ask("DELETE", live, Self.bearer).reply == "Ü of Hall & Attic by the first by 127.0.0.1")
        for path in [focus, live] {
            #expect(try stage.ask("POST", "\(path)?member=A").status == 401)
            #expect(try stage.ask("POST", path, Self.bearer).status == 400)
        }
        #expect(
            try stage.ask(
                "POST", "/api/v1/reload", Self.bearer.merging(["X-Forwarded-For": "1.2.3.4, 192.0.2.9"]) { $1 }
            )
            .reply == "reload by 192.0.2.9")
        #expect(
            try stage.ask("POST", "/api/v1/reload", Self.bearer.merging(["X-Forwarded-For": "a <b>"]) { $1 }).reply
                == "reload by 127.0.0.1")
        #expect(
            try stage.ask("POST", "/api/v1/engines/a%20b/restart", Self.bearer).reply == "restart a b by 127.0.0.1")
        let near = try Client.post(
            "/api/v1/engines/one/restart", at: .socket(path: stage.directory.file("hub.sock")), timeout: .seconds(600))
        #expect(String(decoding: near.body, as: UTF8.self).contains("restart one by the command line"))
    }

    @Test func `the other hub's address is told with the token only`() throws {
        let stage = try Stage()
        #expect(try stage.ask("GET", "/api/v1/failover").status == 404)
        let failover = try #require(
            try Configuration(
                text: "{ failover: { with: \"192.0.2.9\", secret: \"sixteen characters\", role: \"main\" } }"
            ).failover)
        var watch = FailoverWatch()
        var status = EngineStatus.Failover(
            phase: .active, epoch: 3, since: 1, reason: .silent, limit: 150, isConnected: true, isLinked: true)
        (status.trouble, status.isAlike, status.silentFor) = ("192.0.2.9:5004 says no", true, 12)
        _ = watch.see([status], at: 0)
        var desk = DrillReport.Hearer(name: "Desk", room: "Hall", kind: .paired)
        (desk.events, desk.lost, desk.doubled, desk.late, desk.held, desk.again) = (9, 0, 0, 0.3, 1, 2)
        let drill = DrillReport(
            .init(id: 7, kind: .mute, isMain: true, duration: 5_000), ended: 9, trouble: nil, hearers: [desk])
        stage.show {
            $0.failover = .init(failover, watch, isMuted: false, members: [], drills: [drill], at: 6_000)
        }
        let hidden = try stage.ask("GET", "/api/v1/failover")
        #expect(hidden.status == 200 && !hidden.text.contains("192.0.2.9") && !hidden.text.contains("sixteen"))
        #expect(try hidden.object()["speaks"] as? Bool == true && hidden.object()["ready"] as? Bool == true)
        let full = try stage.ask("GET", "/api/v1/failover", Self.bearer)
        #expect(full.text.contains("\"with\":\"192.0.2.9:5004\"") && !full.text.contains("sixteen"))
        let drills = try #require(full.object()["drills"] as? [[String: Any]])
        #expect((drills[0]["hearers"] as? [[String: Any]])?.first?["late"] as? Double == 0.3)
        #expect((drills[0]["text"] as? String)?.hasPrefix("The main hub said nothing for 5 s. Passed") ?? false)
        #expect(try stage.ask("GET", "/metrics").text.contains("midihub_failover_silence_seconds 0.012"))
        #expect(try stage.ask("GET", "/api/v1/status").text.contains("This hub (main) speaks. Either hub may go now"))
    }
}

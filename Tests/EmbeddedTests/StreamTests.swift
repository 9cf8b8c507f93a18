import Foundation
import Glibc
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

/// The stream and the orders of a whole hub with the embedded engine and participants.
@Suite struct StreamTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)

    /// One who views the stream: reads what has come, never waits.
    private final class Viewer {
        private let socket: Descriptor
        private var unread: [UInt8] = []
        private(set) var messages: [(view: String, id: Int64?, data: [String: Any])] = []

        init(_ hub: HubUnderTest, _ query: String = "", headers: String = "") throws {
            socket = try Sockets.connect(hub.web)
            let request = "GET /api/v1/stream\(query) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n"
            try socket.writeAll(Array(request.utf8), socket: true)
            _ = fcntl(socket.number, F_SETFL, O_NONBLOCK)
        }

        func read() throws {
            var buffer = [UInt8](repeating: 0, count: 65536)
            while case .bytes(let count) = try buffer.withUnsafeMutableBytes({ try socket.read(into: $0) }) {
                unread += buffer[..<count]
            }
            let text = String(decoding: unread, as: UTF8.self)
            let parts = text.components(separatedBy: "\n\n")
            unread = Array((parts.last ?? "").utf8)
            for part in parts.dropLast() {
                var (view, id, data) = ("", Int64?.none, "")
                for line in part.components(separatedBy: "\n") {
                    if line.hasPrefix("event: ") { view = String(line.dropFirst(7)) }
                    if line.hasPrefix("id: ") { id = Int64(line.dropFirst(4)) }
                    if line.hasPrefix("data: ") { data = String(line.dropFirst(6)) }
                }
                guard !view.isEmpty else { continue }
                let object = try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]
                messages.append((view, id, object ?? [:]))
            }
        }

        /// All items of a view that ever came.
        func items(_ view: String) -> [[String: Any]] {
            messages.filter { $0.view == view }.flatMap { message in
                ["all", "changed"].flatMap { message.data[$0] as? [[String: Any]] ?? [] }
            }
        }
        var events: [(id: Int64?, kind: String)] {
            messages.filter { $0.view == "event" }.map { ($0.id, $0.data["kind"] as? String ?? "") }
        }
    }

    @Test func `who joins, plays, is measured and leaves is told of`() throws {
        let hub = try HubUnderTest.running()
        let viewer = try Viewer(hub)
        let players = try hub.here("Piano", "Drums")
        func until(_ what: String, _ condition: () throws -> Bool) throws {
            try pumping(players, what, seen: "\(viewer.messages)") {
                try viewer.read()
                return try condition()
            }
        }
        try until("both") {
            Set(viewer.items("participants").compactMap { $0["name"] as? String }) == ["Piano", "Drums"]
        }
        try until("the wires") { viewer.items("wires").count >= 2 }
        try until("the joining events") { viewer.events.count { $0.kind == "joined" } == 2 }
        try until("a round trip") { !viewer.items("latency").isEmpty }
        let piano = try #require(viewer.items("participants").first { $0["name"] as? String == "Piano" }?["id"] as? Int)
        let drums = try #require(viewer.items("participants").first { $0["name"] as? String == "Drums" }?["id"] as? Int)
        try until("the notes") {
            players[0].play(note)
            return viewer.items("activity").contains { $0["participant"] as? Int == piano }
        }
        #expect(!viewer.items("activity").contains { $0["participant"] as? Int != piano })

        let seen = try #require(viewer.events.last?.id)
        players[0].leave()
        try until("the leaving") {
            // Where everything has changed, a snapshot is sent in place of changes.
            viewer.messages.contains {
                $0.view == "participants"
                    && ($0.data["removed"] as? [Int] == [piano]
                        || ($0.data["all"] as? [[String: Any]])?.map { $0["id"] as? Int } == [drums])
            }
        }
        try until("its event") { viewer.events.contains { $0.kind == "left" } }
        let ids = viewer.events.compactMap(\.id)
        #expect(ids == Array(ids[0]...ids[ids.count - 1]), "each of them, in order")

        let back = try Viewer(hub, "?views=event", headers: "Last-Event-ID: \(seen)\r\n")
        try eventually("what was missed") {
            try back.read()
            return back.events.contains { $0.kind == "left" }
        }
        #expect(back.events.first?.id == seen + 1)
    }

    @Test func `a block holds over restarts until it is lifted, and says so in its cell`() throws {
        let hub = try HubUnderTest.running()
        let room = "\(hub.ports[0])"
        let players = try hub.here("Piano", "Drums")
        players[0].play(note)
        try pumping(players, "the note") { players[1].heard == [note] }
        #expect(try hub.post("/api/v1/rooms/\(room)/blocks?from=Piano&to=Drums").status == 200)
        try pumping(players, "its end, by the block") {
            players[1].heard.last == .noteOff(Channel(truncating: 0), note: 60, velocity: 64)
        }
        try hub.awaitWires([["Drums", "Piano"]])
        #expect(try hub.list("/api/v1/wires", "cells").map { $0["reason"] as? String } == ["blocked"])
        try hub.awaitEvent("block", containing: "Drums no longer hears Piano", "by somebody with the token")

        #expect(try hub.command("stop").code == 0)
        try hub.start()
        try hub.awaitEngines()
        let again = try hub.here("Piano", "Drums")
        try hub.awaitWires([["Drums", "Piano"]])
        #expect(try hub.delete("/api/v1/rooms/\(room)/blocks?from=Piano&to=Drums").status == 200)
        try hub.awaitWires([["Drums", "Piano"], ["Piano", "Drums"]])
        again[0].play(note)
        try pumping(again, "the note") { again[1].heard == [note] }
    }

    @Test func `one is sent away, one is sent note-offs, and a room everything`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Piano", "Drums")
        try pumping(players, "both") { try hub.participants().count == 2 }
        func id(_ name: String) throws -> Int {
            try #require(try hub.participants().first { $0["name"] as? String == name }?["id"] as? Int)
        }
        #expect(try hub.post("/api/v1/participants/\(id("Drums"))/notes-off?from=60&to=61").status == 200)
        try pumping(players, "the note-offs") { players[1].heard.count == 32 }
        #expect(players[1].heard.contains(.noteOff(Channel(truncating: 9), note: 61, velocity: 64)))
        #expect(players[0].heard.isEmpty)

        #expect(try hub.post("/api/v1/panic?all=1").status == 200)
        try pumping(players, "everything") { players.allSatisfy { $0.heard.count >= 2048 } }

        #expect(try hub.post("/api/v1/participants/\(id("Piano"))/kick").status == 200)
        try pumping(players, "the goodbye") { players[0].ended == .bye }
        try hub.awaitEvent("kick", containing: "Piano", "by somebody with the token")
        #expect(try hub.post("/api/v1/participants/9999/kick").status == 404)
    }

    @Test func `whoever changes something is in the event log with the address that the proxy here gives`() throws {
        let hub = try HubUnderTest.embedded()
        try hub.start()
        try hub.awaitEngines()
        let players = try hub.here("Piano", "Drums")
        try pumping(players, "both") { try hub.participants().count == 2 }
        let id = try #require(try hub.participants().first?["id"] as? Int)
        let token = text(of: "\(hub.state)/token").trimmingCharacters(in: .whitespacesAndNewlines)
        let blocks = "rooms/\(hub.ports[0])/blocks?from=a&to=b"
        let orders = [
            ("POST", "panic", "panic"), ("POST", "participants/\(id)/notes-off", "notes-off"),
            ("POST", "participants/\(id)/release", "release"),
            ("POST", blocks, "block"),
            ("DELETE", blocks, "unblock"), ("POST", "participants/\(id)/kick", "kick"), ("POST", "reload", "reload"),
            ("POST", "engines/embedded/restart", "restart"),
        ]
        for (number, (method, path, kind)) in orders.enumerated() {
            let author = "192.0.2.\(number + 1)"
            let headers = ["Authorization": "Bearer \(token)", "X-Forwarded-For": "203.0.113.9, \(author)"]
            let answer = try http(method, "/api/v1/\(path)", at: hub.web, headers: headers)
            #expect([200, 202].contains(answer.status), "\(path): \(answer.text)")
            try hub.awaitEvent(kind, containing: "by somebody with the token")
            let told = try http("GET", "/api/v1/events?kind=\(kind)", at: hub.web, headers: headers)
            #expect(told.text.contains("\"address\":\"\(author)\""))
        }
        #expect(try !hub.get("/api/v1/events?limit=1000").text.contains("192.0.2."))
        #expect(try hub.texts().allSatisfy { !$0.contains(token) })
    }

    @Test func `what the hub answers is as its description says`() throws {
        let port = freeUDPPortPair()
        let controllers = #"focus: ["Lights"], inputs: { Keys: { of: ["Left", "Right"], live: "first" } }"#
        let note = "{ channel: 16, note: 127, above: 100, guard: 0 }"
        let partner = #"{ with: "127.0.0.1:9", secret: "sixteen characters", role: "main", note: \#(note) }"#
        let rooms = #"{ "\#(port)": { ports: [\#(port)], \#(controllers) } }"#
        let hub = try HubUnderTest(
            ports: [port], configuration: "{ rooms: \(rooms), address: \"127.0.0.1\", failover: \(partner) }",
            options: ["--engine", "embedded"])
        try hub.start()
        try hub.awaitEngines()
        let contract = try Contract(hub.get("/api/v1/openapi.json").body)
        let players = try hub.here("Piano in", "Drums")
        try pumping(players, "both to be measured") {
            try hub.participants().count { $0["rtt"] != nil && $0["jitter"] != nil } == 2
        }
        let token = text(of: "\(hub.state)/token").trimmingCharacters(in: .whitespacesAndNewlines)
        let bearer = ["Authorization": "Bearer \(token)"]
        var asked: Set<String> = []
        func check(_ method: String, _ path: String, _ real: String? = nil, _ headers: [String: String] = [:]) throws {
            let answer = try http(method, real ?? path, at: hub.web, headers: headers)
            #expect(contract.faults(of: answer, to: method, path) == [])
            asked.insert("\(method) \(path)")
        }
        let lists = [
            "/participants", "/latency", "/healthz", "/api/v1/openapi.json", "/api/v1/status", "/api/v1/rooms",
            "/api/v1/participants", "/api/v1/wires", "/api/v1/latency", "/api/v1/events", "/api/v1/sounding",
            "/metrics", "/api/v1/alerts", "/api/v1/failover", "/api/v1/lock",
        ]
        for path in lists {
            try check("GET", path)
            try check("GET", path, nil, bearer)
            try check("GET", path, nil, ["Host": "elsewhere.example"])
        }
        #expect(try hub.list("/api/v1/wires", "wires").count == 1)
        #expect(try hub.list("/api/v1/wires", "cells").first?["reason"] as? String != nil)
        #expect(try !hub.list("/api/v1/latency", "samples").isEmpty)
        for query in ["?limit=1", "?cursor=3&limit=2", "?kind=joined", "?limit=x"] {
            try check("GET", "/api/v1/events", "/api/v1/events\(query)")
        }
        for query in ["", "?match=*", "?match=%01"] { try check("GET", "/api/v1/devices", "/api/v1/devices\(query)") }
        try check("GET", "/api/v1/latency", "/api/v1/latency?step=-1")
        try check("GET", "/api/v1/stream", "/api/v1/stream?views=none")

        let room = hub.ports[0]
        let id = try #require(try hub.participants().first?["id"] as? Int)
        let orders = [
            ("POST", "/api/v1/panic", "/api/v1/panic?all=1"), ("POST", "/api/v1/panic", "/api/v1/panic?room=no"),
            ("POST", "/api/v1/participants/{id}/notes-off", "/api/v1/participants/\(id)/notes-off?to=9"),
            ("POST", "/api/v1/participants/{id}/notes-off", "/api/v1/participants/\(id)/notes-off?to=200"),
            ("POST", "/api/v1/participants/{id}/release", "/api/v1/participants/\(id)/release"),
            ("POST", "/api/v1/participants/{id}/release", "/api/v1/participants/99999/release"),
            ("POST", "/api/v1/participants/{id}/kick", "/api/v1/participants/\(id)/kick"),
            ("POST", "/api/v1/participants/{id}/kick", "/api/v1/participants/99999/kick"),
            ("POST", "/api/v1/participants/{id}/unmute", "/api/v1/participants/\(id)/unmute"),
            ("POST", "/api/v1/participants/{id}/unmute", "/api/v1/participants/99999/unmute"),
            ("POST", "/api/v1/rooms/{name}/blocks", "/api/v1/rooms/\(room)/blocks?from=a&to=b"),
            ("POST", "/api/v1/rooms/{name}/blocks", "/api/v1/rooms/\(room)/blocks?from=a"),
            ("DELETE", "/api/v1/rooms/{name}/blocks", "/api/v1/rooms/\(room)/blocks?from=a&to=b"),
            ("DELETE", "/api/v1/rooms/{name}/blocks", "/api/v1/rooms/none/blocks?from=a&to=b"),
            ("POST", "/api/v1/rooms/{name}/focus", "/api/v1/rooms/\(room)/focus?member=Drums"),
            ("POST", "/api/v1/rooms/{name}/focus", "/api/v1/rooms/\(room)/focus?member=Nobody"),
            ("POST", "/api/v1/rooms/{name}/focus", "/api/v1/rooms/\(room)/focus"),
            ("GET", "/api/v1/rooms", "/api/v1/rooms"), ("GET", "/api/v1/participants", "/api/v1/participants"),
            ("DELETE", "/api/v1/rooms/{name}/focus", "/api/v1/rooms/\(room)/focus"),
            (
                "POST", "/api/v1/rooms/{name}/inputs/{input}/live",
                "/api/v1/rooms/\(room)/inputs/Keys/live?member=Drums"
            ),
            ("DELETE", "/api/v1/rooms/{name}/inputs/{input}/live", "/api/v1/rooms/\(room)/inputs/Keys/live"),
            ("POST", "/api/v1/rooms/{name}/connections", "/api/v1/rooms/\(room)/connections?to=127.0.0.1:9"),
            ("POST", "/api/v1/rooms/{name}/connections", "/api/v1/rooms/\(room)/connections?to=a%20b"),
            ("GET", "/api/v1/connections", "/api/v1/connections"),
            ("POST", "/api/v1/rooms/{name}/let-in", "/api/v1/rooms/\(room)/let-in?announced=nobody"),
            ("DELETE", "/api/v1/rooms/{name}/connections", "/api/v1/rooms/\(room)/connections?name=127.0.0.1:9"),
            ("DELETE", "/api/v1/rooms/{name}/connections", "/api/v1/rooms/\(room)/connections?name=nobody"),
            ("POST", "/api/v1/failover/switch", "/api/v1/failover/switch"),
            ("POST", "/api/v1/failover/switch", "/api/v1/failover/switch?force=2"),
            ("POST", "/api/v1/failover/mute", "/api/v1/failover/mute"),
            ("POST", "/api/v1/failover/mute", "/api/v1/failover/mute?force=1"),
            ("POST", "/api/v1/failover/unmute", "/api/v1/failover/unmute"),
            // Whoever learns waits for ten seconds.
            ("POST", "/api/v1/failover/learn", "/api/v1/failover/learn?force=2"),
            ("POST", "/api/v1/failover/pairings", "/api/v1/failover/pairings?here=\(id)&there=3"),
            ("POST", "/api/v1/failover/pairings", "/api/v1/failover/pairings?here=\(id)"),
            ("DELETE", "/api/v1/failover/pairings", "/api/v1/failover/pairings?here=\(id)"),
            ("DELETE", "/api/v1/failover/pairings", "/api/v1/failover/pairings"),
            ("POST", "/api/v1/failover/drill", "/api/v1/failover/drill"),
            ("POST", "/api/v1/failover/drill", "/api/v1/failover/drill?mute=partner&seconds=99"),
            ("POST", "/api/v1/rooms/{name}/echo", "/api/v1/rooms/\(room)/echo"),
            ("POST", "/api/v1/rooms/{name}/echo", "/api/v1/rooms/\(room)/echo?seconds=0"),
            ("POST", "/api/v1/rooms/{name}/piano", "/api/v1/rooms/\(room)/piano?player=a&keys=60:100,60:0"),
            ("POST", "/api/v1/rooms/{name}/piano", "/api/v1/rooms/\(room)/piano?player=a&keys=60"),
            ("DELETE", "/api/v1/rooms/{name}/piano", "/api/v1/rooms/\(room)/piano?player=a"),
            ("DELETE", "/api/v1/rooms/{name}/echo", "/api/v1/rooms/\(room)/echo"),
            ("POST", "/api/v1/alerts/test", "/api/v1/alerts/test"), ("POST", "/api/v1/reload", "/api/v1/reload"),
            ("POST", "/api/v1/stop", "/api/v1/stop"),
            ("POST", "/api/v1/engines/{name}/restart", "/api/v1/engines/none/restart"),
            ("POST", "/api/v1/engines/{name}/restart", "/api/v1/engines/embedded/restart"),
        ]
        for (method, path, real) in orders {
            try check(method, path, real, bearer)
            try check(method, path, real)
        }
        // And while it is locked for a show.
        try check("POST", "/api/v1/lock/restart", nil, bearer)
        for query in ["", "?by=", "?by=Anna"] { try check("POST", "/api/v1/lock", "/api/v1/lock\(query)", bearer) }
        for (method, path, real) in orders { try check(method, path, real, bearer) }
        for path in ["/api/v1/lock", "/api/v1/status"] { try check("GET", path) }
        try check("DELETE", "/api/v1/lock", nil, bearer)
        #expect(asked.sorted() == contract.routes, "every route was asked")
    }
}

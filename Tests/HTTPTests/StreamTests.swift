import Glibc
import HTTP
import Linux
import Synchronization
import Testing

/// The stream over loopback: what every viewer gets, and what a slow one does not cost.
@Suite(.serialized) struct StreamTests {
    private static let first = Topics(rawValue: 1)
    private static let second = Topics(rawValue: 2)

    private static func router() -> Router {
        var router = Router.sample
        router.on(.get, "/stream") { request, _, responder in
            let topics = request.query["topics"].flatMap { UInt32($0) } ?? 3
            responder.send(
                .stream(
                    Subscription(
                        topics: Topics(rawValue: topics), events: request.query["events"] != nil,
                        lastEventID: request.headers["Last-Event-ID"].flatMap { Int64($0) },
                        isFull: request.query["full"] != nil)))
        }
        return router
    }

    private static func state(_ topic: Topics, _ text: String, change: String? = nil) -> StreamUpdate.State {
        StreamUpdate.State(topic: topic, change: change.map { Array("data: \($0)\n\n".utf8) }) {
            Array("data: whole \(text)\n\n".utf8)
        }
    }

    private static func update(_ states: [StreamUpdate.State] = [], events: ClosedRange<Int64>? = nil) -> StreamUpdate {
        var update = StreamUpdate()
        update.states = states
        update.events = events.map { $0.map { .init(id: $0, bytes: Array("id: \($0)\ndata: \($0)\n\n".utf8)) } } ?? []
        return update
    }

    private static func view(_ fixture: Fixture, _ query: String = "", _ headers: String = "") throws -> Peer {
        let peer = try fixture.connect()
        try peer.send("GET /stream\(query) HTTP/1.1\r\nHost: a\r\n\(headers)\r\n")
        let head = try peer.readAnswer()
        try #require(head.status == 200)
        #expect(head["Content-Type"] == "text/event-stream")
        #expect(head["Content-Length"] == nil && head["Connection"] == "close")
        return peer
    }

    @Test func `a viewer gets the whole of its topics, then what changes`() throws {
        let fixture = try Fixture(Self.router())
        fixture.server.publish(Self.update([Self.state(Self.first, "A"), Self.state(Self.second, "B")]))
        let both = try Self.view(fixture)
        let one = try Self.view(fixture, "?topics=2")
        #expect(try both.readMessages(3) == ["retry: 1000", "data: whole A", "data: whole B"])
        #expect(try one.readMessages(2) == ["retry: 1000", "data: whole B"])
        fixture.server.publish(Self.update([Self.state(Self.first, "A2", change: "A to A2")]))
        fixture.server.publish(Self.update([Self.state(Self.second, "B2")]))
        #expect(try both.readMessages(2) == ["data: A to A2", "data: whole B2"])
        #expect(try one.readMessages(1) == ["data: whole B2"])
        #expect(fixture.server.viewers == 2)
    }

    @Test func `events come all and in order, go on after the last one seen, and say where they cannot`() throws {
        let fixture = try Fixture(Self.router())
        fixture.server.publish(Self.update(events: 1...3))
        let new = try Self.view(fixture, "?topics=0&events")
        #expect(try new.readMessages(1) == ["retry: 1000\nid: 3"])
        fixture.server.publish(Self.update(events: 4...5))
        #expect(try new.readMessages(2) == ["id: 4\ndata: 4", "id: 5\ndata: 5"])

        let back = try Self.view(fixture, "?topics=0&events", "Last-Event-ID: 2\r\n")
        #expect(try back.readMessages(4) == ["retry: 1000"] + (3...5).map { "id: \($0)\ndata: \($0)" })

        fixture.server.publish(Self.update(events: 6...3000))
        #expect(try new.readMessages(2995).last == "id: 3000\ndata: 3000")
        for strange in [5, 3001, -7] {
            let late = try Self.view(fixture, "?topics=0&events", "Last-Event-ID: \(strange)\r\n")
            #expect(try late.readMessages(2) == ["retry: 1000", "event: reset\nid: 3000\ndata: {}"])
        }
        var again = Self.update(events: 1...1)
        again.resets = true
        fixture.server.publish(again)
        #expect(try new.readMessages(1) == ["event: reset\nid: 1\ndata: {}"])
        fixture.server.publish(Self.update(events: 2...2))
        #expect(try new.readMessages(1) == ["id: 2\ndata: 2"])
    }

    @Test func `a viewer who does not read gets the newest when it does, and nobody waits for it`() throws {
        var limits = Limits()
        limits.beat = .seconds(3600)
        let fixture = try Fixture(Self.router(), limits: limits)
        func big(_ number: Int) -> String { "\(number) " + String(repeating: "x", count: 200_000) }
        fixture.server.publish(Self.update([Self.state(Self.first, big(0))]))
        let slow = try Self.view(fixture)
        let quick = try Self.view(fixture)
        _ = try quick.readMessages(2)
        for number in 1...100 {
            fixture.server.publish(Self.update([Self.state(Self.first, big(number), change: big(number))]))
            #expect(try quick.readMessages(1)[0].hasPrefix("data: \(number) "))
        }
        var seen: [String] = []
        repeat { seen += try slow.readMessages(1).map { String($0.prefix(20)) } } while !seen.last!.contains("100 x")
        #expect(seen.count < 60, "what the kernel holds, then the whole as it is now: \(seen)")
        #expect(seen.last?.hasPrefix("data: whole 100 ") == true)
        fixture.server.publish(Self.update([Self.state(Self.first, "", change: "on")]))
        #expect(try slow.readMessages(1) == ["data: on"])
    }

    @Test func `one who takes nothing for too long is let go`() throws {
        var limits = Limits()
        limits.readerTime = .milliseconds(200)
        let fixture = try Fixture(Self.router(), limits: limits)
        let stuck = try Self.view(fixture)
        fixture.server.publish(Self.update([Self.state(Self.first, String(repeating: "x", count: 20_000_000))]))
        try wait("the stuck viewer to be let go") { fixture.server.viewers == 0 }
        withExtendedLifetime(stuck) {}
    }

    @Test func `viewers stand beside the connections, and have a limit of their own`() throws {
        var limits = Limits()
        (limits.connections, limits.streams) = (2, 3)
        let fixture = try Fixture(Self.router(), limits: limits)
        let viewers = try (0..<3).map { _ in try Self.view(fixture) }
        let other = try fixture.connect()
        try other.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try other.readAnswer().status == 503)
        try other.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try other.readAnswer().text == "hello")
        viewers[0].endSending()
        try viewers[0].readToEnd()
        _ = try Self.view(fixture)
    }

    @Test func `who may see all gets events as they are, at once and when it comes back`() throws {
        let fixture = try Fixture(Self.router())
        var update = StreamUpdate()
        update.events = [.init(id: 1, bytes: Array("data: open\n\n".utf8), full: Array("data: full\n\n".utf8))]
        let (open, full) = (try Self.view(fixture, "?events"), try Self.view(fixture, "?events&full"))
        for peer in [open, full] { #expect(try peer.readMessages(1) == ["retry: 1000\nid: 0"]) }
        fixture.server.publish(update)
        #expect(try open.readMessages(1) == ["data: open"])
        #expect(try full.readMessages(1) == ["data: full"])
        let again = try Self.view(fixture, "?events&full", "Last-Event-ID: 0\r\n")
        #expect(try again.readMessages(2) == ["retry: 1000", "data: full"])
    }

    @Test func `the viewers of one address shut out nobody`() throws {
        var limits = Limits()
        limits.streams = 12
        let fixture = try Fixture(Self.router(), limits: limits)
        func view(for address: String) throws -> Peer {
            let peer = try fixture.connect()
            try peer.send("GET /stream HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: \(address)\r\n\r\n")
            return peer
        }
        let crowd = try (0..<12).map { _ in try view(for: "192.0.2.66") }
        for peer in crowd { #expect(try peer.readAnswer().status == 200) }
        #expect(try view(for: "192.0.2.66").readAnswer().status == 503)
        let newcomer = try view(for: "192.0.2.1")
        #expect(try newcomer.readAnswer().status == 200)
        try crowd[0].readToEnd()
        // A viewer on this machine has a place beside them.
        let near = try Self.view(fixture)
        #expect(fixture.server.viewers == 13)
        withExtendedLifetime((crowd, newcomer, near)) {}
    }

    @Test func `a topic is watched for as long as somebody views it`() throws {
        let fixture = try Fixture(Self.router())
        let both = try Self.view(fixture)
        let one = try Self.view(fixture, "?topics=2")
        try wait("both topics") { fixture.server.isWatched(Self.first) && fixture.server.isWatched(Self.second) }
        both.endSending()
        try both.readToEnd()
        try wait("the end of one") { !fixture.server.isWatched(Self.first) }
        #expect(fixture.server.isWatched(Self.second))
        one.endSending()
        try one.readToEnd()
        try wait("the end of both") { !fixture.server.isWatched(Self.second) }
    }

    @Test func `HEAD asks what the stream is like and does not begin it`() throws {
        let fixture = try Fixture(Self.router())
        let peer = try fixture.connect()
        try peer.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try String(decoding: peer.readToEnd(), as: UTF8.self).contains("text/event-stream"))
        #expect(fixture.server.viewers == 0)
    }

    @Test func `a silent stream shows that it is alive, and ends with the server`() throws {
        var limits = Limits()
        limits.beat = .milliseconds(20)
        let fixture = try Fixture(Self.router(), limits: limits)
        let viewer = try Self.view(fixture)
        #expect(try viewer.readMessages(3) == ["retry: 1000", ": beat", ": beat"])
        fixture.server.stop()
        try viewer.readToEnd()
    }

    @Test func `five hundred viewers see the same, each all of it`() throws {
        let fixture = try Fixture(Self.router())
        let viewers = try (0..<500).map { _ in try Self.view(fixture, "?events") }
        for number in Int64(1)...50 {
            fixture.server.publish(
                Self.update([Self.state(Self.first, "", change: "to \(number)")], events: number...number))
        }
        for viewer in viewers {
            var events: [String] = []
            while events.last != "id: 50\ndata: 50" {
                events += try viewer.readMessages(1).filter { $0.hasPrefix("id: ") }
            }
            #expect(events == (1...50).map { "id: \($0)\ndata: \($0)" })
        }
    }
}

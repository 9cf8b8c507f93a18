import Glibc
import HTTP
import Linux
import Synchronization
import Testing

private let hello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

/// Raw bytes in and out, over real sockets.
struct ServerTests {
    @Test func `a request is answered and the connection kept`() throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        for _ in 0..<3 {
            try peer.send(hello)
            let answer = try peer.readAnswer()
            #expect(answer.status == 200)
            #expect(answer.text == "hello")
            #expect(answer["X-Content-Type-Options"] == "nosniff")
            #expect(answer["Date"]?.hasSuffix(" GMT") == true)
        }
        #expect(fixture.server.requests == 3)
        #expect(fixture.server.connections == 1)
        #expect(fixture.server.refused == 0)
        fixture.server.stop()
        #expect(fixture.server.connections == 0)
    }

    @Test func `a request split at every byte is answered`() throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        let bytes = Array("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".utf8)
        for cut in 1..<bytes.count {
            try peer.send(Array(bytes[..<cut]))
            try peer.send(Array(bytes[cut...]))
            #expect(try peer.readAnswer().text == "abc")
        }
        for byte in bytes { try peer.send([byte]) }
        #expect(try peer.readAnswer().text == "abc")
    }

    @Test func `pipelined requests are answered in their order, also those answered late`() throws {
        let waiting = Waiting()
        var router = Router.sample
        router.on(.get, "/late") { _, _, responder in waiting.add(responder) }
        let fixture = try Fixture(router)
        let peer = try fixture.connect()
        let count = 300
        let rooms = (0..<count).map { "GET /rooms/\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        try peer.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n" + rooms)
        try waiting.next().send(.text("late"))
        #expect(try peer.readAnswer().text == "late")
        for room in 0..<count { #expect(try peer.readAnswer().text == "\(room)") }
    }

    @Test func `an answer that has to wait holds up nobody else, and is dropped for one who has gone`() throws {
        var router = Router.sample
        let delay = Duration.milliseconds(300)
        router.on(.get, "/slow") { _, _, responder in
            var response = Response.text("slow")
            response.delay = delay
            responder.send(response)
        }
        let fixture = try Fixture(router)
        let (slow, quick) = (try fixture.connect(), try fixture.connect())
        let began = ContinuousClock.now
        for _ in 0..<3 { try fixture.connect().send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n") }
        try slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" + hello)
        try quick.send(hello)
        #expect(try quick.readAnswer().text == "hello")
        #expect(try slow.readAnswer().text == "slow")
        #expect(began.duration(to: .now) >= delay)
        #expect(try slow.readAnswer().text == "hello", "what came behind it")
        try wait("those who have gone are forgotten") { fixture.server.connections == 2 }
    }

    @Test func `an answer may come from another thread, after the handler has returned`() throws {
        let waiting = Waiting()
        var router = Router()
        router.on(.get, "/late") { _, _, responder in waiting.add(responder) }
        let fixture = try Fixture(router)
        let peers = try (0..<3).map { _ in try fixture.connect() }
        var responders: [Responder] = []
        for peer in peers {
            try peer.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
            responders.append(try waiting.next())
        }
        for index in [2, 0, 1] {
            responders[index].send(.text("\(index)"))
            #expect(try peers[index].readAnswer().text == "\(index)")
        }
    }

    @Test func `a handler that lets its responder go is answered for, at once or later`() throws {
        let waiting = Waiting()
        var router = Router()
        router.on(.get, "/now") { _, _, _ in }
        router.on(.get, "/later") { _, _, responder in waiting.add(responder) }
        let fixture = try Fixture(router)
        let peer = try fixture.connect()
        try peer.send("GET /now HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.readAnswer().status == 500)
        try peer.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try waiting.next()
        #expect(try peer.readAnswer().status == 500)
    }

    @Test func `a peer that is gone when the answer comes harms nobody`() throws {
        let waiting = Waiting()
        var router = Router.sample
        router.on(.get, "/late") { _, _, responder in waiting.add(responder) }
        let fixture = try Fixture(router)
        var peer: Peer? = try fixture.connect()
        try peer?.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
        let responder = try waiting.next()
        peer = nil
        responder.send(Response(.ok, body: [UInt8](repeating: 0, count: 3_000_000)))
        try wait("the connection is given up") { fixture.server.connections == 0 }
        let next = try fixture.connect()
        try next.send(hello)
        #expect(try next.readAnswer().text == "hello")
    }

    @Test func `HEAD has the length and no body`() throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        try peer.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" + hello)
        let head = try peer.readAnswer(bodyless: true)
        #expect(head["Content-Length"] == "5")
        #expect(try peer.readAnswer().text == "hello")
        try peer.send("HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n" + hello)
        #expect(try peer.readAnswer(bodyless: true).status == 404)
        #expect(try peer.readAnswer().text == "hello")
    }

    @Test func `the wrong method is told the right ones`() throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        try peer.send("DELETE /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try peer.readAnswer()
        #expect(answer.status == 405)
        #expect(answer["Allow"] == "GET, HEAD, OPTIONS")
        try peer.send("OPTIONS /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.readAnswer().status == 204)
    }

    @Test(arguments: ["GET /hello HTTP/1.0\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"])
    func `HTTP 1_0 and Connection close end the connection in order`(request: String) throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        try peer.send(request)
        let all = String(decoding: try peer.readToEnd(), as: UTF8.self)
        #expect(all.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(all.contains("\r\nConnection: close\r\n"))
        #expect(all.hasSuffix("\r\n\r\nhello"))
    }

    @Test func `HTTP 1_0 may keep the connection`() throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        for _ in 0..<2 {
            try peer.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try peer.readAnswer()["Connection"] == "keep-alive")
        }
    }

    @Test func `a peer that ends its side after asking is answered`() throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        try peer.send(hello)
        peer.endSending()
        #expect(String(decoding: try peer.readToEnd(), as: UTF8.self).hasSuffix("hello"))
        try wait("the connection is closed") { fixture.server.connections == 0 }
    }

    @Test func `a peer that waits for 100 gets it, then its answer`() throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        try peer.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(try peer.readAnswer().status == 100)
        try peer.send("abc")
        #expect(try peer.readAnswer().text == "abc")
    }

    @Test func `a conditional request over the wire`() throws {
        var router = Router()
        router.on(.get, "/json") { request, _, responder in
            responder.send(.json(Array("{}".utf8)).conditional(on: request))
        }
        let fixture = try Fixture(router)
        let peer = try fixture.connect()
        try peer.send("GET /json HTTP/1.1\r\nHost: a\r\n\r\n")
        let tag = try #require(try peer.readAnswer()["ETag"])
        try peer.send("GET /json HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\", W/\(tag)\r\n\r\n")
        let answer = try peer.readAnswer()
        #expect(answer.status == 304)
        #expect(answer["Content-Length"] == nil)
        try peer.send("GET /json HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.readAnswer().text == "{}")
    }

    @Test func `a path escape gets nothing, encoded or not`() throws {
        let outer = try Directory()
        try outer.make("web")
        try outer.write("secret", "secret")
        try outer.write("web/index.html", "index")
        try outer.link("web/out", to: "..")
        var router = Router()
        router.files = StaticFiles(directory: "\(outer.path)/web")
        let fixture = try Fixture(router)
        for path in [
            "/../secret", "/%2e%2e/secret", "/%2e%2e%2fsecret", "/..%2fsecret", "/%252e%252e/secret", "//secret",
            "/out/secret", "/x/../../secret", "/..;/secret", "/..\\secret", "/..%5csecret", "/%c0%ae%c0%ae/secret",
            "/web",
        ] {
            let peer = try fixture.connect()
            try peer.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = try peer.readAnswer()
            #expect([400, 404].contains(answer.status), "\(path)")
            #expect(!answer.text.contains("secret\n"), "\(path)")
        }
        let peer = try fixture.connect()
        try peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.readAnswer().text == "index")
    }

    @Test func `requests over the unix socket have full rights and no peer, others have a peer`() throws {
        let directory = try Directory()
        let path = "\(directory.path)/hub.sock"
        let tcp = try Sockets.listen(try #require(Sockets.Address("127.0.0.1:0")))
        let address = Sockets.localAddress(tcp)
        var router = Router()
        router.on(.get, "/who") { request, _, responder in
            responder.send(.text("\(request.viaSocket) \(request.peer?.host ?? "nobody")"))
        }
        let server = try Server(
            router: router, listeners: [.tcp(tcp), .unix(try Sockets.listen(unix: path, mode: 0o660))])
        try server.start()
        let who = "GET /who HTTP/1.1\r\nHost: a\r\n\r\n"
        let near = try Peer(unix: path)
        try near.send(who)
        #expect(try near.readAnswer().text == "true nobody")
        let far = try Peer(address)
        try far.send(who)
        #expect(try far.readAnswer().text == "false 127.0.0.1")
        server.stop()
        #expect(try near.readToEnd().isEmpty)
    }

    @Test func `a body larger than every buffer arrives whole, and what is asked behind it is answered`() throws {
        let body = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var router = Router()
        router.on(.get, "/large") { _, _, responder in responder.send(Response(.ok, body: body)) }
        let fixture = try Fixture(router)
        let peer = try fixture.connect()
        try peer.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.readAnswer().body == body)
        #expect(try peer.readAnswer().status == 404)
    }
}

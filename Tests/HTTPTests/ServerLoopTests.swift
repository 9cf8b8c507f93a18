import Glibc
import HTTP
import Linux
import Synchronization
import Testing

private let hello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
private let late = "GET /late HTTP/1.1\r\nHost: a\r\n\r\n"

/// What hostile and unlucky peers meet, and how a server stops.
struct ServerLoopTests {
    @Test(arguments: [
        ("GARBAGE\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\u{2}\0\u{1}", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ])
    func `a bad request gets a sentence and an orderly end`(request: String, status: Int) throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        try peer.send(request)
        let answer = try peer.readAnswer()
        #expect(answer.status == status)
        #expect(answer["Content-Type"] == "application/problem+json")
        #expect(answer["Connection"] == "close")
        #expect(answer.text.contains("\"detail\": \""))
        #expect(try peer.readToEnd().isEmpty)
        #expect(fixture.server.refused == 1)
    }

    @Test func `a body too large is refused, and the answer survives the body`() throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        try peer.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        // More than the buffers of both ends hold: were it left unread, the peer would be reset.
        try peer.send([UInt8](repeating: 0x61, count: 1_000_000))
        #expect(try peer.readAnswer().status == 413)
        #expect(try peer.readToEnd().isEmpty)
    }

    @Test(arguments: [
        ("/" + String(repeating: "a", count: 9000), "", 414), ("/", String(repeating: "a", count: 9000), 431),
    ])
    func `what is too long is refused by its name`(path: String, header: String, status: Int) throws {
        let fixture = try Fixture()
        let peer = try fixture.connect()
        try peer.send("GET \(path) HTTP/1.1\r\nHost: a\r\nX: \(header)\r\n\r\n")
        #expect(try peer.readAnswer().status == status)
        #expect(try peer.readToEnd().isEmpty)
    }

    @Test func `peers that send too slowly get 408, and others are served meanwhile`() throws {
        var limits = Limits()
        limits.requestTime = .milliseconds(300)
        let fixture = try Fixture(limits: limits)
        let slow = try (0..<20).map { _ in try fixture.connect() }
        for peer in slow { try peer.send("GET /hello HTTP/1.1\r\nHos") }
        let other = try fixture.connect()
        try other.send(hello)
        #expect(try other.readAnswer().text == "hello")
        for peer in slow {
            #expect(try peer.readAnswer().status == 408)
            #expect(try peer.readToEnd().isEmpty)
        }
        #expect(fixture.server.refused == 20)
    }

    @Test func `an idle connection is closed without a word`() throws {
        var limits = Limits()
        limits.idleTime = .milliseconds(100)
        let fixture = try Fixture(limits: limits)
        let silent = try fixture.connect()
        #expect(try silent.readToEnd().isEmpty)
        let kept = try fixture.connect()
        try kept.send(hello)
        #expect(try kept.readAnswer().status == 200)
        #expect(try kept.readToEnd().isEmpty)
        #expect(fixture.server.refused == 0)
    }

    @Test func `a peer that never reads is closed, and others are served meanwhile`() throws {
        var limits = Limits()
        limits.readerTime = .milliseconds(300)
        var router = Router.sample
        let body = [UInt8](repeating: 1, count: 20_000_000)
        router.on(.get, "/large") { _, _, responder in responder.send(Response(.ok, body: body)) }
        let fixture = try Fixture(router, limits: limits)
        let stuck = try fixture.connect()
        try stuck.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        let other = try fixture.connect()
        try other.send(hello)
        #expect(try other.readAnswer().text == "hello")
        try wait("the stuck one is closed") { fixture.server.requests == 2 && fixture.server.connections <= 1 }
        #expect((try? stuck.readToEnd().count) ?? 0 < body.count)
    }

    @Test func `a handler that never answers is answered for`() throws {
        let waiting = Waiting()
        var limits = Limits()
        limits.answerTime = .milliseconds(100)
        var router = Router()
        router.on(.get, "/never") { _, _, responder in waiting.add(responder) }
        let fixture = try Fixture(router, limits: limits)
        let peer = try fixture.connect()
        try peer.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try peer.readAnswer().status == 503)
        #expect(try peer.readToEnd().isEmpty)
        try waiting.next().send(.text("late"))
        let next = try fixture.connect()
        try next.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try next.readAnswer().status == 404)
    }

    @Test func `of 300 that ask at once 256 are served and each of the others is told 503`() throws {
        let waiting = Waiting()
        let fixture = try Fixture(waiting.router)
        let peers = try (0..<300).map { _ in
            let peer = try fixture.connect()
            try peer.send(late)
            return peer
        }
        // A connection that has been answered gives its place to a later one.
        try wait("the others to be refused") { fixture.server.refused == 44 }
        for _ in 0..<256 { try waiting.next().send(.text("hello")) }
        var statuses: [Int: Int] = [:]
        for (index, peer) in peers.enumerated() {
            let answer = try peer.readAnswer()
            statuses[answer.status, default: 0] += 1
            if answer.status == 503 {
                #expect(answer["Retry-After"] != nil, "peer \(index)")
                #expect(try peer.readToEnd().isEmpty, "peer \(index)")
            }
        }
        #expect(statuses == [200: 256, 503: 44])
        #expect(fixture.server.refused == 44)
    }

    @Test func `a crowd larger than the server can linger with is told 503 too`() throws {
        let waiting = Waiting()
        var limits = Limits()
        limits.connections = 1
        let fixture = try Fixture(waiting.router, limits: limits)
        let first = try fixture.connect()
        try first.send(late)
        let responder = try waiting.next()
        defer { responder.send(.text("at last")) }
        let crowd = try (0..<180).map { _ in try fixture.connect() }
        for peer in crowd { #expect(try peer.readAnswer().status == 503) }
        #expect(fixture.server.refused == 180)
        #expect(fixture.server.connections < 180)
    }

    @Test func `without descriptors for more connections the server goes on when there are some`() async {
        // In a process of its own, as the limit is the process's.
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let first = try fixture.connect()
            var limit = rlimit(rlim_cur: 40, rlim_max: 40)
            try retrying("setrlimit") { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
            var peers: [Peer] = []
            while let peer = try? fixture.connect() { peers.append(peer) }
            try #require(peers.count > 8 && peers.count < 40)
            // Room for the other end of each that stays.
            peers.removeFirst(peers.count * 2 / 3)
            for peer in peers + [first] {
                try peer.send(hello)
                #expect(try peer.readAnswer().text == "hello")
            }
        }
    }

    @Test func `a place given up is a place for the next`() throws {
        let waiting = Waiting()
        var limits = Limits()
        limits.connections = 1
        let fixture = try Fixture(waiting.router, limits: limits)
        for _ in 0..<5 {
            do {
                let peer = try fixture.connect()
                try peer.send(late)
                let responder = try waiting.next()
                let second = try fixture.connect()
                #expect(try second.readAnswer().status == 503)
                responder.send(.text("hello"))
                #expect(try peer.readAnswer().status == 200)
            }
            try wait("both are gone") { fixture.server.connections == 0 }
        }
    }

    @Test func `idle connections of one address keep nobody out`() throws {
        let fixture = try Fixture()
        let idle = try (0..<260).map { _ in
            let peer = try fixture.connect()
            try peer.send(Self.get("/hello", for: "192.0.2.66"))
            #expect(try peer.readAnswer().status == 200)
            return peer
        }
        let newcomer = try fixture.connect()
        try newcomer.send(Self.get("/hello", for: "192.0.2.1"))
        #expect(try newcomer.readAnswer().status == 200)
        // The oldest connections were closed without an answer; the others stay open.
        for peer in idle[..<5] { #expect(try peer.readToEnd().isEmpty) }
        try idle[5].send(Self.get("/hello", for: "192.0.2.66"))
        #expect(try idle[5].readAnswer().status == 200)
        #expect(fixture.server.refused == 0)
    }

    @Test func `one address that asks on every connection gets no more of them than others leave`() throws {
        let waiting = Waiting()
        var limits = Limits()
        limits.connections = 12
        let fixture = try Fixture(waiting.router, limits: limits)
        func ask(for address: String) throws -> Peer {
            let peer = try fixture.connect()
            try peer.send(Self.get("/late", for: address))
            return peer
        }
        let greedy = try (0..<12).map { _ in try ask(for: "192.0.2.66") }
        var responders = try (0..<12).map { _ in try waiting.next() }
        #expect(try ask(for: "192.0.2.66").readAnswer().status == 503)
        let modest = try (1...4).map { try ask(for: "192.0.2.\($0)") }
        responders += try (0..<4).map { _ in try waiting.next() }
        for peer in greedy[..<4] { #expect(try peer.readToEnd().isEmpty) }
        // A browser may have eight: those stay.
        #expect(try ask(for: "192.0.2.5").readAnswer().status == 503)
        for responder in responders { responder.send(.text("at last")) }
        for peer in greedy[4...] + modest { #expect(try peer.readAnswer().text == "at last") }
    }

    @Test func `strangers who hold every place lock out neither this machine nor the unix socket`() throws {
        let waiting = Waiting()
        var limits = Limits()
        limits.connections = 2
        let directory = try Directory()
        let path = "\(directory.path)/hub.sock"
        let tcp = try Sockets.listen(try #require(Sockets.Address("127.0.0.1:0")))
        let address = Sockets.localAddress(tcp)
        let server = try Server(
            router: waiting.router, limits: limits,
            listeners: [.tcp(tcp), .unix(try Sockets.listen(unix: path, mode: 0o660))])
        try server.start()
        let strangers = try (0..<2).map { _ in try Peer(address) }
        for stranger in strangers { try stranger.send(Self.get("/late", for: "192.0.2.66")) }
        let responders = try strangers.map { _ in try waiting.next() }
        defer { for responder in responders { responder.send(.text("at last")) } }
        let third = try Peer(address)
        try third.send(Self.get("/hello", for: "192.0.2.66"))
        #expect(try third.readAnswer().status == 503)
        for near in [try Peer(unix: path), try Peer(address)] {
            try near.send(hello)
            #expect(try near.readAnswer().status == 200)
        }
    }

    /// As a proxy on this machine asks for somebody.
    private static func get(_ path: String, for address: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: \(address)\r\n\r\n"
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `random bytes bring nothing down`(seed: UInt64) throws {
        var random = Seeded(state: seed)
        let fixture = try Fixture()
        let words = ["GET ", "/hello", " HTTP/1.1", "\r\n", "Host: a", "\r\n\r\n", "Content-Length: 3", "\0", "%", ":"]
        for _ in 0..<60 {
            let peer = try fixture.connect()
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1..<40, using: &random) {
                if Bool.random(using: &random) {
                    bytes += words.randomElement(using: &random)!.utf8
                } else {
                    bytes.append(.random(in: 0...255, using: &random))
                }
            }
            try? peer.send(bytes)
            peer.endSending()
            // Each ends in an orderly way: with an answer, or without one where nothing was requested.
            let all = try peer.readToEnd()
            #expect(all.isEmpty || all.starts(with: "HTTP/1.1 ".utf8))
        }
        let peer = try fixture.connect()
        try peer.send(hello)
        #expect(try peer.readAnswer().text == "hello")
    }

    // MARK: Stopping

    @Test func `stop finishes answers under way, ends idle connections, and frees the port`() throws {
        let waiting = Waiting()
        var limits = Limits()
        limits.stopTime = .seconds(20)
        let fixture = try Fixture(waiting.router, limits: limits)
        let idle = try fixture.connect()
        try idle.send(hello)
        _ = try idle.readAnswer()
        let half = try fixture.connect()
        try half.send("GET /hello HT")
        let asked = try fixture.connect()
        try asked.send(late)
        let responder = try waiting.next()

        let stopped = Atomic(false)
        let flag = Flag(stopped)
        let server = fixture.server
        let stopper = try WorkerThread("stopper") {
            server.stop()
            flag.raise()
        }
        #expect(try idle.readToEnd().isEmpty)
        #expect(try half.readAnswer().status == 503)
        #expect(try half.readToEnd().isEmpty)
        #expect(!flag.isUp)
        responder.send(.text("at last"))
        let answer = try asked.readAnswer()
        #expect(answer.text == "at last")
        #expect(answer["Connection"] == "close")
        #expect(try asked.readToEnd().isEmpty)
        // The server drains what we might still send until it sees us go; both are objects that close when let go.
        half.endSending()
        asked.endSending()
        stopper.join()
        #expect(flag.isUp)
        #expect(server.connections == 0)
        #expect(throws: Errno.self) { _ = try Sockets.connect(fixture.address) }
    }

    @Test func `stop does not wait for an answer that never comes`() throws {
        let waiting = Waiting()
        var limits = Limits()
        limits.stopTime = .milliseconds(50)
        var router = Router()
        router.on(.get, "/never") { _, _, responder in waiting.add(responder) }
        let fixture = try Fixture(router, limits: limits)
        let peer = try fixture.connect()
        try peer.send("GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        let responder = try waiting.next()
        fixture.server.stop()
        #expect(try peer.readToEnd().isEmpty)
        responder.send(.text("to nobody"))
        fixture.server.stop()
    }

    @Test func `a server never started, or let go while running, leaves nothing behind`() throws {
        let listener = try Sockets.listen(try #require(Sockets.Address("127.0.0.1:0")))
        let address = Sockets.localAddress(listener)
        do { _ = try Server(router: .sample, listeners: [.tcp(listener)]) }
        #expect(throws: Errno.self) { _ = try Sockets.connect(address) }
        let next: Sockets.Address
        do { next = try Fixture().address }
        #expect(throws: Errno.self) { _ = try Sockets.connect(next) }
    }
}

private final class Flag: Sendable {
    private let up: Atomic<Bool>
    init(_ up: consuming Atomic<Bool>) { self.up = up }
    func raise() { up.store(true, ordering: .releasing) }
    var isUp: Bool { up.load(ordering: .acquiring) }
}

import HTTP
import Testing

private let post =
    "POST /echo?a=1 HTTP/1.1\r\nHost: hub:8080\r\nX-Long:  spaced value \t\r\nContent-Length: 4\r\n\r\nbody"

struct RequestParserTests {
    static let table: [(String, Seen)] = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", .request(.get, "/", body: "")),
        ("GET / HTTP/1.0\r\n\r\n", .request(.get, "/", body: "")),
        ("GET / HTTP/1.7\r\nHost: a\r\n\r\n", .request(.get, "/", body: "")),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .request(.get, "/", body: "")),
        ("GET / HTTP/1.1\r\nhOsT:a\r\n\r\n", .request(.get, "/", body: "")),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .request(.get, "/", body: "")),
        ("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", .request(.get, "/", body: "")),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", .request(.other, "/", body: "")),
        ("get / HTTP/1.1\r\nHost: a\r\n\r\n", .request(.other, "/", body: "")),
        ("GET http://a:1/x?y HTTP/1.1\r\nHost: A:1\r\n\r\n", .request(.get, "/x", body: "")),
        ("GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", .request(.get, "/", body: "")),
        ("GET http://a?b=c HTTP/1.1\r\nHost: a\r\n\r\n", .request(.get, "/", body: "")),
        ("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0003\r\n\r\nabc", .request(.put, "/", body: "abc")),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{e9}\r\n\r\n", .request(.get, "/", body: "")),

        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", .refused(400)),
        ("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET http://b/x HTTP/1.0\r\n\r\n", .refused(400)),
        ("GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET /\r\n\r\n", .refused(400)),
        ("GET\r\n\r\n", .refused(400)),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET / / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .refused(400)),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.x\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET / HTTP/11\r\nHost: a\r\n\r\n", .refused(400)),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .refused(505)),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .refused(505)),
        ("GET / HTTP/1.1\nHost: a\n\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", .refused(400)),
        ("\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \u{1}\r\n\r\n", .refused(400)),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", .refused(400)),
        ("\u{16}\u{3}\u{1}", .refused(400)),
        ("\0", .refused(400)),

        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .refused(501)),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", .refused(400)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\n\r\n", .refused(400)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .refused(400)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", .refused(400)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", .refused(400)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", .refused(400)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", .refused(400)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .refused(400)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", .refused(400)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", .refused(413)),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\n", .refused(413)),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", .refused(417)),
    ]

    @Test(arguments: table)
    func `each request is served or refused as the table says`(text: String, expected: Seen) {
        #expect(Seen.feeding([Array(text.utf8)]) == expected)
    }

    @Test(arguments: table)
    func `the outcome is the same split at every byte and byte by byte`(text: String, expected: Seen) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            #expect(Seen.feeding([Array(bytes[..<cut]), Array(bytes[cut...])]) == expected, "cut at \(cut)")
        }
        #expect(Seen.feeding(bytes.map { [$0] }) == expected)
    }

    @Test func `truncated at every length it is incomplete`() {
        let bytes = Array(post.utf8)
        for length in 0..<bytes.count {
            #expect(Seen.feeding([Array(bytes[..<length])]) == .incomplete, "at \(length)")
        }
        #expect(Seen.feeding([bytes]) == .request(.post, "/echo", body: "body"))
    }

    @Test func `all of a request comes out`() throws {
        var parser = RequestParser()
        parser.append(post)
        guard case .request(let request) = parser.next(viaSocket: true) else {
            Issue.record("no request")
            return
        }
        #expect(request.headers.all.map(\.name) == ["Host", "X-Long", "Content-Length"])
        #expect(request.headers["x-long"] == "spaced value")
        #expect(request.query["a"] == "1")
        #expect(request.viaSocket)
        #expect(request.peer == nil)
        #expect(!parser.hasBegun)
    }

    @Test func `requests behind one another come out in order, wherever they are cut`() {
        let one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
        let two = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET"
        let bytes = Array((one + two + one).utf8)
        let expected: [Seen] = [
            .request(.get, "/1", body: ""), .request(.post, "/2", body: "GET"), .request(.get, "/1", body: ""),
        ]
        for cut in 0...bytes.count {
            var parser = RequestParser()
            var seen: [Seen] = []
            for piece in [bytes[..<cut], bytes[cut...]] {
                parser.append(Array(piece))
                while true {
                    let outcome = Seen(parser.next())
                    if outcome == .incomplete { break }
                    seen.append(outcome)
                }
            }
            #expect(seen == expected, "cut at \(cut)")
        }
    }

    @Test(arguments: [
        ("HTTP/1.1", "", Persistence.keepAlive), ("HTTP/1.1", "Connection: close\r\n", .close),
        ("HTTP/1.1", "Connection: Upgrade, CLOSE\r\n", .close),
        ("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", .close),
        ("HTTP/1.0", "", .close), ("HTTP/1.0", "Connection: Keep-Alive\r\n", .keepAliveRequested),
    ])
    func `version and Connection decide whether the connection stays`(
        version: String, line: String, expected: Persistence
    ) {
        var parser = RequestParser()
        parser.append("GET / \(version)\r\nHost: a\r\n\(line)\r\n")
        _ = parser.next()
        #expect(parser.persistence == expected)
    }

    @Test(arguments: [("HTTP/1.1", true), ("HTTP/1.0", false)])
    func `a peer that waits for 100 is told once, and only by HTTP 1_1`(version: String, expected: Bool) {
        var parser = RequestParser()
        parser.append("POST / \(version)\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n")
        let pieces = ["", "\r\n", "", "ab"]
        var told: [Bool] = []
        var seen: [Seen] = []
        for piece in pieces {
            parser.append(piece)
            seen.append(Seen(parser.next()))
            told.append(parser.shouldSendContinue())
        }
        #expect(seen == [.incomplete, .incomplete, .incomplete, .request(.post, "/", body: "ab")])
        #expect(told == [false, expected, false, false])
    }

    // MARK: Limits

    private static func target(_ count: Int) -> [UInt8] {
        Array("GET /".utf8) + [UInt8](repeating: 0x61, count: count - 1) + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    }

    @Test func `the target's limit is exact`() {
        #expect(Seen.feeding([Self.target(8192)]) != .refused(414))
        #expect(Seen.feeding([Self.target(8193)]) == .refused(414))
        #expect(Seen.feeding([Self.target(100_000)]) == .refused(414))
        #expect(
            Seen.feeding([Array(Self.target(100_000).prefix(9000))]) == .refused(414), "without waiting for the end")
        #expect(Seen.feeding([[UInt8](repeating: 0x61, count: 9000)]) == .refused(400), "no method that long")
    }

    private static func headers(_ count: Int) -> [UInt8] {
        let rest = count - "Host: a\r\nX: \r\n\r\n".utf8.count
        return Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [UInt8](repeating: 0x61, count: rest)
            + Array("\r\n\r\n".utf8)
    }

    @Test func `the headers' limit is exact`() {
        #expect(Seen.feeding([Self.headers(8192)]) == .request(.get, "/", body: ""))
        #expect(Seen.feeding([Self.headers(8193)]) == .refused(431))
        #expect(
            Seen.feeding([Array(Self.headers(100_000).prefix(8300))]) == .refused(431), "without waiting for the end")
    }

    @Test func `limits are the same byte by byte`() {
        for bytes in [Self.target(8192), Self.target(8193), Self.headers(8192), Self.headers(8193)] {
            #expect(Seen.feeding(bytes.map { [$0] }) == Seen.feeding([bytes]))
        }
    }

    @Test func `the body's limit is exact`() {
        var limits = Limits()
        limits.bodyBytes = 3
        let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "
        #expect(Seen.feeding([Array("\(head)3\r\n\r\nabc".utf8)], limits: limits) == .request(.post, "/", body: "abc"))
        #expect(Seen.feeding([Array("\(head)4\r\n\r\n".utf8)], limits: limits) == .refused(413))
    }

    // MARK: Noise

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `random bytes and random damage never trap, and split or whole they come to the same`(seed: UInt64) {
        var random = Seeded(state: seed)
        let alphabet = Array("GET / HTTP/1.1\r\n\r\nHost: a:%2e\0\u{16}Content-Length: 5".utf8)
        for round in 0..<600 {
            var bytes: [UInt8]
            if round % 2 == 0 {
                bytes = (0..<Int.random(in: 0..<120, using: &random)).map { _ in
                    Bool.random(using: &random)
                        ? alphabet.randomElement(using: &random)! : .random(in: 0...255, using: &random)
                }
            } else {
                bytes = Array(post.utf8)
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
                }
            }
            let whole = Seen.feeding([bytes])
            #expect(Seen.feeding(bytes.map { [$0] }) == whole, "seed \(seed), \(bytes)")
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `a stream of requests comes to the same however it is cut, damaged or not`(seed: UInt64) {
        var random = Seeded(state: seed)
        for round in 0..<60 {
            var bytes: [UInt8] = []
            for number in 0..<Int.random(in: 1...12, using: &random) {
                let body = String(repeating: "b", count: .random(in: 0...40, using: &random))
                let filler = String(repeating: "f", count: .random(in: 0...60, using: &random))
                let blank = number > 0 && Bool.random(using: &random) ? "\r\n" : ""
                let target = Bool.random(using: &random) ? "/\(number)" : "http://a/\(number)"
                let length = "Content-Length: \(body.utf8.count)"
                bytes += "\(blank)POST \(target) HTTP/1.1\r\nX: \(filler)\r\nHost: a\r\n\(length)\r\n\r\n\(body)".utf8
            }
            if round % 2 == 1 {
                bytes[.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            var cuts = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                Int.random(in: 0...bytes.count, using: &random)
            }
            cuts = ([0] + cuts + [bytes.count]).sorted()
            let pieces = zip(cuts, cuts.dropFirst()).map { Array(bytes[$0..<$1]) }
            let whole = Seen.all([bytes])
            #expect(Seen.all(pieces) == whole, "seed \(seed), round \(round), cuts \(cuts)")
            if round % 2 == 0 { #expect(whole.allSatisfy { if case .request = $0 { true } else { false } }) }
        }
    }
}

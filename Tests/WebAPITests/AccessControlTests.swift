import HTTP
import Hub
import Linux
import Testing
import WebAPI

@Suite struct AccessTests {
    let access = AccessControl(token: "0123456789abcdef", hosts: ["Hub.example.org"])

    private func request(
        _ method: HTTP.Method = .get, host: String? = nil, token: String? = nil, viaSocket: Bool = false
    ) -> Request {
        var headers = Headers()
        headers["Host"] = host
        headers["Authorization"] = token.map { "Bearer \($0)" }
        return Request(method: method, path: "/", headers: headers, viaSocket: viaSocket)
    }

    @Test(arguments: [
        "localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "192.0.2.7", "hub.example.org",
        "HUB.example.org:443",
    ])
    func `names that cannot be pointed at us by others are answered`(host: String) {
        #expect(access.refuse(request(host: host)) == nil)
    }

    @Test(arguments: ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", ""])
    func `a foreign name is refused`(host: String) {
        #expect(access.refuse(request(host: host))?.status == .misdirected)
    }

    @Test func `changing needs the token, whole and right, or the hub's own socket`() {
        #expect(access.refuseChange(request(.post))?.status == .unauthorized)
        #expect(access.refuseChange(request(.post, token: "0123456789abcdee"))?.status == .unauthorized)
        #expect(access.refuseChange(request(.post, token: "0123456789abcdef0"))?.status == .unauthorized)
        #expect(access.refuseChange(request(.post, token: "0123456789abcdef")) == nil)
        #expect(access.refuseChange(request(.post, viaSocket: true)) == nil)
        #expect(!access.holdsToken(request()))
    }

    @Test func `every token that a configuration may have is taken when it is sent`() throws {
        let token = String(decoding: (UInt8(0x21)...0x7E).filter { ![0x22, 0x5C].contains($0) }, as: UTF8.self)
        let file = try Configuration(text: "{token: \"\(token)\"}")
        let access = AccessControl(token: try #require(file.token), hosts: [])
        #expect(access.holdsToken(request(token: token)))
    }

    @Test func `what shows more to who holds the token takes none, the right one, and no wrong one`() {
        #expect(access.refuseRead(request()) == nil)
        #expect(access.refuseRead(request(token: "0123456789abcdef")) == nil)
        #expect(access.refuseRead(request(token: "0123456789abcdee"))?.status == .unauthorized)
        #expect(access.wrongTokenCount == 1)
    }

    @Test func `only a wrong token waits, and the right one never does`() {
        for _ in 0..<3 { #expect(access.refuseChange(request(.post))?.delay == .zero) }
        #expect(access.refuseChange(request(.post, token: "wrong"))?.delay == .zero)
        #expect(access.refuseChange(request(.post, token: "wrong"))?.delay != .zero)
        var many: [Response?] = []
        for _ in 0..<20 { many.append(access.refuseChange(request(.post, token: "wrong"))) }
        #expect(many.last??.status == .tooManyRequests)
        #expect(many.last??.headers["Retry-After"] != nil)
        #expect(access.refuseChange(request(.post, token: "0123456789abcdef")) == nil)
    }
}

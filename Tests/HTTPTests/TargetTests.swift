import HTTP
import Testing

/// Through the parser, as targets come.
struct TargetTests {
    private static func outcome(_ target: [UInt8]) -> RequestParser.Outcome {
        var parser = RequestParser()
        parser.append(Array("GET ".utf8) + target + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        return parser.next()
    }

    @Test(arguments: [
        ("/", "/"), ("/a/b", "/a/b"), ("//a//", "//a//"), ("/a%20b", "/a b"), ("/%41", "/A"), ("/%25%32%66", "/%2f"),
        ("/a+b", "/a+b"), ("/caf%C3%A9", "/café"), ("/café", "/café"), ("/...", "/..."), ("/.a", "/.a"),
        ("/a.b", "/a.b"),
        ("/%0a", "/\n"), ("/;,:@!$&'()*", "/;,:@!$&'()*"),
    ])
    func `a path is decoded once`(target: String, path: String) {
        guard case .request(let request) = Self.outcome(Array(target.utf8)) else {
            Issue.record("refused")
            return
        }
        #expect(request.path == path)
    }

    @Test(arguments: [
        "/%", "/%4", "/%4g", "/%zz", "/a%00b", "/a%2fb", "/a%2Fb", "/..", "/.", "/a/../b", "/a/./b", "/%2e%2e/a",
        "/%2E./a",
        "/a/..", "/%ff", "/%c3", "/%ed%a0%80", "/%c0%af", "/?%", "/?a=%00", "/?a=%ff", "?a", "\\",
    ])
    func `a path that could mislead is refused`(target: String) {
        guard case .refuse(let status, let sentence) = Self.outcome(Array(target.utf8)) else {
            Issue.record("served")
            return
        }
        #expect(status == .badRequest)
        #expect(sentence.hasSuffix(".") && sentence.contains(" "))
    }

    @Test func `raw bytes that are not UTF-8 are refused`() {
        guard case .refuse(.badRequest, _) = Self.outcome([0x2F, 0xC3, 0x28]) else {
            Issue.record("served")
            return
        }
    }

    @Test func `a query is decoded pairs in their order`() {
        guard case .request(let request) = Self.outcome(Array("/x?b=1&a=2+3%2B&&b=4&flag&=v&c==&%26=%3D?".utf8)) else {
            Issue.record("refused")
            return
        }
        #expect(request.query.pairs.map(\.name) == ["b", "a", "b", "flag", "", "c", "&"])
        #expect(request.query.pairs.map(\.value) == ["1", "2 3+", "4", "", "v", "=", "=?"])
        #expect(request.query["b"] == "1")
        #expect(request.query["flag"] == "")
        #expect(request.query["B"] == nil)
    }
}

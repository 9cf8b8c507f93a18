import HTTP
import Testing

struct ResponseTests {
    private static func asking(_ lines: String...) -> Request {
        var request = Request(path: "/")
        for line in lines { request.headers.append("If-None-Match", line) }
        return request
    }

    @Test func `a problem is JSON whatever is in its words`() {
        let response = Response.problem(.notFound, "No \"\\\u{1}\n\u{1F}é\" here.", title: "Gone\u{7f}")
        #expect(response.headers["Content-Type"] == "application/problem+json")
        #expect(
            String(decoding: response.body, as: UTF8.self)
                == #"{"title": "Gone\#u{7f}", "status": 404, "detail": "No \"\\\u0001\u000a\u001fé\" here."}"# + "\n")
    }

    @Test func `the tag is the body's`() {
        func tag(_ bytes: [UInt8]) -> String? { Response.json(bytes).conditional(on: Self.asking()).headers["ETag"] }
        var tags: Set<String> = []
        for length in 0...64 {
            tags.insert(tag([UInt8](repeating: 0, count: length)) ?? "none")
            for index in 0..<length {
                var bytes = [UInt8](repeating: 0, count: length)
                bytes[index] = 1
                tags.insert(tag(bytes) ?? "none")
            }
        }
        #expect(tags.count == 65 + 64 * 65 / 2)
        #expect(tags.allSatisfy { $0.utf8.count == 18 && $0.hasPrefix("\"") && $0.hasSuffix("\"") })
        #expect(tag([1, 2, 3]) == tag([1, 2, 3]))
    }

    @Test func `a peer that has the body gets 304 without it`() throws {
        let whole = Response.json(Array("{}".utf8)).conditional(on: Self.asking())
        let tag = try #require(whole.headers["ETag"])
        #expect(whole.status == .ok)
        for line in [tag, "W/\(tag)", "\"a,b\", W/\"x\" ,\(tag)", "*", "\"\", \(tag)"] {
            let short = Response.json(Array("{}".utf8)).conditional(on: Self.asking(line))
            #expect(short.status == .notModified, "\(line)")
            #expect(short.body.isEmpty)
            #expect(short.headers["ETag"] == tag)
            #expect(short.headers["Cache-Control"] == "no-cache")
        }
        #expect(Response.json(Array("{}".utf8)).conditional(on: Self.asking("\"x\"", tag)).status == .notModified)
    }

    @Test(arguments: ["", "\"x\"", "x", "\"", "W/", "W/x", "\"x\", \""])
    func `a peer that has another body gets this one`(line: String) {
        let response = Response.json(Array("{}".utf8)).conditional(on: Self.asking(line))
        #expect(response.status == .ok)
        #expect(response.body == Array("{}".utf8))
    }

    @Test func `an error is never not modified`() {
        #expect(Response.problem(.notFound, "No.").conditional(on: Self.asking("*")).status == .notFound)
    }
}

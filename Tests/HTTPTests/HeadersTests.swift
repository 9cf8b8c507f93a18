import HTTP
import Testing

struct HeadersTests {
    @Test func `names are found without case, values come in order`() {
        var headers: Headers = ["Accept": "a", "X-One": "1"]
        headers.append("accept", "b")
        #expect(headers["ACCEPT"] == "a")
        #expect(headers.values(of: "Accept") == ["a", "b"])
        #expect(headers["Accep"] == nil)
        #expect(headers.count == 3)
    }

    @Test func `setting replaces all, nil removes all`() {
        var headers: Headers = ["A": "1", "B": "2", "a": "3"]
        headers["a"] = "4"
        #expect(headers.all.map(\.value) == ["2", "4"])
        headers["B"] = nil
        #expect(headers.all.map(\.name) == ["a"])
        headers["C"] = nil
        #expect(headers.count == 1)
    }

    @Test func `a stranger's line end begins no new header`() {
        var headers = Headers()
        headers["X-Name"] = "Piano\r\nSet-Cookie: a\0b\u{7f}é"
        #expect(headers.all.count == 1)
        #expect(headers["X-Name"] == "Piano  Set-Cookie: a b é")
    }
}

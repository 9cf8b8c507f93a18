import HTTP
import Testing

struct ResponseWriterTests {
    @Test(
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ] as [(Int64, String)])
    func `dates are written as HTTP wants them`(seconds: Int64, text: String) {
        #expect(HTTPDate.text(seconds) == text)
    }

    private static func wire(
        _ response: Response, bodyless: Bool = false, _ persistence: Persistence = .keepAlive
    ) -> (head: String, body: [UInt8]) {
        var writer = ResponseWriter()
        let wire = writer.write(.answer(response, bodyless: bodyless, persistence), now: 784_111_777)
        return (String(decoding: wire.head, as: UTF8.self), wire.body)
    }

    @Test func `an answer is these bytes`() {
        #expect(
            Self.wire(.text("hello")).head
                == """
                HTTP/1.1 200 OK\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                X-Content-Type-Options: nosniff\r
                Referrer-Policy: no-referrer\r
                X-Frame-Options: DENY\r
                Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Length: 5\r
                \r
                hello
                """)
    }

    @Test func `without its body it keeps its length`() {
        let head = Self.wire(.text("hello"), bodyless: true).head
        #expect(head.contains("Content-Length: 5\r\n"))
        #expect(head.hasSuffix("\r\n\r\n"))
    }

    @Test(arguments: [Status.noContent, .notModified])
    func `what can have no body has no length`(status: Status) {
        let (head, body) = Self.wire(Response(status, body: [1]))
        #expect(!head.contains("Content-Length"))
        #expect(head.hasSuffix("\r\n\r\n"))
        #expect(body.isEmpty)
    }

    @Test func `a large body is not copied behind the head`() {
        let body = [UInt8](repeating: 7, count: 100_000)
        let wire = Self.wire(Response(.ok, body: body))
        #expect(wire.body == body)
        #expect(wire.head.hasSuffix("Content-Length: 100000\r\n\r\n"))
    }

    @Test func `what becomes of the connection is said where it is not understood`() {
        #expect(Self.wire(.text(""), .close).head.contains("Connection: close\r\n"))
        #expect(Self.wire(.text(""), .keepAliveRequested).head.contains("Connection: keep-alive\r\n"))
        #expect(!Self.wire(.text(""), .keepAlive).head.contains("Connection:"))
    }
}

/// An answer: what a handler decides. Content-Length, Date, Connection and the security headers are added where it is
/// written (`ResponseWriter`), for every answer alike.
package struct Response: Sendable {
    package var status: Status
    package var headers: Headers
    package var body: [UInt8]
    /// Set where the answer is a stream, whose body follows for as long as the viewer is there.
    package private(set) var stream: Subscription?
    /// The peer gets it only after so long, shorter than `Limits.answerTime`; it costs the server a timer and nothing else.
    package var delay = Duration.zero

    package init(_ status: Status, headers: Headers = Headers(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// JSON already encoded. Caches must ask again, as with every answer that changes by itself.
    package static func json(_ body: [UInt8], status: Status = .ok) -> Response {
        Response(
            status, headers: ["Content-Type": "application/json", "Cache-Control": "no-cache"], body: body)
    }

    package static func html(_ body: String, status: Status = .ok) -> Response {
        Response(status, headers: ["Content-Type": "text/html; charset=utf-8"], body: Array(body.utf8))
    }

    package static func text(_ body: String, status: Status = .ok) -> Response {
        Response(status, headers: ["Content-Type": "text/plain; charset=utf-8"], body: Array(body.utf8))
    }

    /// Server-sent events of the server's `publish`. Proxies are asked to hand them on at once (nginx: X-Accel-Buffering).
    package static func stream(_ subscription: Subscription) -> Response {
        var response = Response(
            .ok,
            headers: [
                "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
            ])
        response.stream = subscription
        return response
    }

    /// An error in the form of RFC 9457: `{"title": "Not Found", "status": 404, "detail": "One sentence."}` and a line end.
    package static func problem(_ status: Status, _ detail: String, title: String? = nil) -> Response {
        let body =
            "{\"title\": \(quoted(title ?? status.phrase)), \"status\": \(status.code), \"detail\": \(quoted(detail))}\n"
        return Response(status, headers: ["Content-Type": "application/problem+json"], body: Array(body.utf8))
    }

    /// The same for a person, whose browser asks for a page (`Accept: text/html`).
    package static func problem(_ status: Status, _ detail: String, for request: Request) -> Response {
        let accepted = request.headers.values(of: "Accept").joined(separator: ",").lowercased()
        guard accepted.contains("text/html") else {
            var response = problem(status, detail)
            response.headers["Vary"] = "Accept"
            return response
        }
        func escaped(_ text: String) -> String {
            text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        }
        let title = escaped(status.phrase)
        var response = html(
            "<!doctype html><meta charset=utf-8><meta name=viewport content=\"width=device-width\">"
                + "<title>\(title)</title><h1>\(title)</h1><p>\(escaped(detail))\n", status: status)
        response.headers["Vary"] = "Accept"
        return response
    }

    /// 503, and when to try again.
    static func comeBack(_ detail: String) -> Response {
        var response = problem(.unavailable, detail)
        response.headers["Retry-After"] = "5"
        return response
    }

    /// With a strong `ETag` of the body; and if the request shows that the peer has that body already, 304 without it
    /// (RFC 9110 section 13.1.2). For answers to GET and HEAD with status 200.
    package func conditional(on request: Request) -> Response { conditional(on: request, tag: EntityTag(of: body)) }

    func conditional(on request: Request, tag: EntityTag) -> Response {
        guard status == .ok else { return self }
        var response = self
        response.headers["ETag"] = tag.description
        guard request.headers.values(of: "If-None-Match").contains(where: tag.matches) else { return response }
        response.status = .notModified
        response.body = []
        response.headers["Content-Type"] = nil
        return response
    }

    /// A JSON string (RFC 8259 section 7).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..."\u{1F}":
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// A status code, 200...599 (RFC 9110 section 15), with its phrase.
package struct Status: Hashable, Sendable {
    package let code: Int
    package init(_ code: Int) {
        precondition((200...599).contains(code), "\(code) is not the status of a final answer")
        self.code = code
    }

    package static let ok = Status(200)
    package static let accepted = Status(202)
    package static let noContent = Status(204)
    package static let notModified = Status(304)
    package static let badRequest = Status(400)
    package static let unauthorized = Status(401)
    package static let forbidden = Status(403)
    package static let notFound = Status(404)
    package static let methodNotAllowed = Status(405)
    package static let requestTimeout = Status(408)
    package static let conflict = Status(409)
    package static let contentTooLarge = Status(413)
    package static let targetTooLong = Status(414)
    package static let expectationFailed = Status(417)
    package static let misdirected = Status(421)
    package static let locked = Status(423)
    package static let tooManyRequests = Status(429)
    package static let headersTooLarge = Status(431)
    package static let internalError = Status(500)
    package static let notImplemented = Status(501)
    package static let unavailable = Status(503)
    package static let versionNotSupported = Status(505)

    package var phrase: String {
        switch code {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 303: "See Other"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Status \(code)"
        }
    }

    /// 204 and 304 end at their header (RFC 9110 sections 15.3.5 and 15.4.5): no body and no Content-Length.
    var hasBody: Bool { code != 204 && code != 304 }
}

package import Linux

/// One request, one answer, one connection, on the calling thread: how the command line talks to the hub.
///
/// It asks in HTTP/1.0, so that nobody answers in chunks (RFC 9112 section 6.1) or with 100: an answer ends at its length
/// or with the connection.
package enum Client {
    /// Where to ask.
    package enum Endpoint: Hashable, Sendable, CustomStringConvertible {
        case socket(path: String)
        case address(Sockets.Address)

        /// `http://HOST:PORT`, HOST a numeric address or localhost; a slash may follow. nil for anything else.
        package init?(url: String) {
            guard url.hasPrefix("http://") else { return nil }
            let rest = url.dropFirst("http://".count)
            guard let address = Sockets.Address(String(rest.hasSuffix("/") ? rest.dropLast() : rest)) else {
                return nil
            }
            self = .address(address)
        }

        package var description: String {
            switch self {
            case .socket(let path): path
            case .address(let address): "http://\(address)"
            }
        }
    }

    package struct Answer: Sendable {
        package var status: Int
        package var headers: Headers
        package var body: [UInt8]
    }

    package enum Failure: Error, Equatable, CustomStringConvertible {
        /// No connection, or it broke. `ENOENT` and `ECONNREFUSED` mean that nobody listens.
        case system(Errno)
        case timedOut(Endpoint)
        /// What came is no answer that we understand.
        case malformed(Endpoint, String)
        /// More than `largestAnswer`.
        case tooLarge(Endpoint)

        package var description: String {
            switch self {
            case .system(let error): "\(error)"
            case .timedOut(let endpoint): "\(endpoint) did not answer in time"
            case .malformed(let endpoint, let what): "\(endpoint): \(what)"
            case .tooLarge(let endpoint): "\(endpoint): the answer is larger than \(largestAnswer) bytes"
            }
        }
    }

    package static let largestAnswer = 64 * 1024 * 1024

    /// `path` is as it goes on the wire, with its query: put strangers' words through `encoded` first. `timeout` is for
    /// everything together.
    package static func get(
        _ path: String, at endpoint: Endpoint, headers: Headers = Headers(), timeout: Duration = .seconds(10)
    ) throws(Failure) -> Answer {
        try exchange(.get, path, [], at: endpoint, headers, timeout)
    }

    package static func post(
        _ path: String, body: [UInt8] = [], type: String = "application/json", at endpoint: Endpoint,
        headers: Headers = Headers(), timeout: Duration = .seconds(10)
    ) throws(Failure) -> Answer {
        var headers = headers
        if !body.isEmpty { headers["Content-Type"] = type }
        return try exchange(.post, path, body, at: endpoint, headers, timeout)
    }

    package static func delete(
        _ path: String, at endpoint: Endpoint, headers: Headers = Headers(), timeout: Duration = .seconds(10)
    ) throws(Failure) -> Answer {
        try exchange(.delete, path, [], at: endpoint, headers, timeout)
    }

    /// One path segment or query value, percent-encoded (RFC 3986 section 2.3).
    package static func encoded(_ word: String) -> String {
        var result = ""
        for byte in word.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    private static func exchange(
        _ method: Method, _ path: String, _ body: [UInt8], at endpoint: Endpoint, _ headers: Headers,
        _ timeout: Duration
    ) throws(Failure) -> Answer {
        guard path.hasPrefix("/"), path.utf8.allSatisfy(Grammar.isTarget) else {
            throw .malformed(endpoint, "\(path) is no path that can be asked for")
        }
        var bytes = Array("\(method.rawValue) \(path) HTTP/1.0\r\n".utf8)
        switch endpoint {
        case .socket: bytes += "Host: localhost\r\n".utf8
        case .address(let address): bytes += "Host: \(address)\r\n".utf8
        }
        bytes += headers.bytes
        if method == .post { bytes += "Content-Length: \(body.count)\r\n".utf8 }
        bytes += "\r\n".utf8
        bytes += body
        return try ClientExchange(endpoint, until: .now.advanced(by: timeout)).run(bytes)
    }
}

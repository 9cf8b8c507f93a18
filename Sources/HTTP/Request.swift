//  Module HTTP: a small HTTP/1.1 server and a smaller client. Start here, then `Router.swift`.
//
//  What it is: bytes to values (`RequestParser`), one conversation as a state machine that knows no socket
//  (`Conversation`), and one thread that does what it says (`Server`, `ServerLoop`). Routes, static files, and a blocking
//  client for the command line. What it refuses to be: a framework, TLS, HTTP/2, chunked bodies, anything with state
//  between requests. Ruled by RFC 9110 (semantics) and RFC 9112 (HTTP/1.1); where we are stricter, it says so.

package import Linux

/// What a request asks for. A method that nobody here has heard of is `other`: no route has it, so it gets 405 or 404.
package enum Method: String, Hashable, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case patch = "PATCH"
    case options = "OPTIONS"
    case other = "?"
}

/// A request that has passed the parser: whole, within the limits, and unambiguous.
package struct Request: Sendable {
    package var method: Method
    /// Percent-decoded once, valid UTF-8, starts with "/". Never has NUL, a slash that was encoded, or a segment "." or "..".
    package var path: String
    package var query: Query
    package var headers: Headers
    package var body: [UInt8]
    /// Who asks; nil over the unix socket.
    package var peer: Sockets.Address?
    /// Came over the hub's own unix socket, whose file mode says who may: full rights.
    package var viaSocket: Bool

    package init(
        method: Method = .get, path: String, query: Query = Query(), headers: Headers = Headers(), body: [UInt8] = [],
        peer: Sockets.Address? = nil, viaSocket: Bool = false
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
        self.viaSocket = viaSocket
    }
}

/// The pairs after "?", decoded, in the order sent: `a=1&b&a=2` is (a, 1), (b, ""), (a, 2).
package struct Query: Sendable, ExpressibleByDictionaryLiteral {
    package var pairs: [(name: String, value: String)]

    package init(_ pairs: [(name: String, value: String)] = []) { self.pairs = pairs }

    package init(dictionaryLiteral elements: (String, String)...) { pairs = elements.map { (name: $0.0, value: $0.1) } }

    /// The first value under that name, byte for byte.
    package subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// What is wrong with it where only these names may stand, each once; nil where nothing is.
    func fault(knowing names: Set<String>) -> String? {
        var seen: Set<String> = []
        for (name, _) in pairs {
            guard names.contains(name) else {
                return names.isEmpty
                    ? "This takes no parameters." : "The parameters are \(names.sorted().joined(separator: ", "))."
            }
            guard seen.insert(name).inserted else { return "The parameter \(name) is given twice." }
        }
        return nil
    }
}

import Glibc
package import HTTP
import Linux
import Synchronization

/// Who may do what over HTTP: host names against DNS rebinding, and the bearer token for whatever changes something.
package final class AccessControl: Sendable {
    private enum Claim { case none, right, wrong }

    private let token: [UInt8]
    private let hosts: Set<String>
    /// Web pages of elsewhere that may read and, with the token, change: scheme, name and port.
    package let origins: Set<String>
    private let wrongTokens = Mutex(AuthThrottle())

    package init(token: String, hosts: [String], origins: [String] = []) {
        precondition(!token.isEmpty, "a token that everybody knows")
        self.token = Array(token.utf8)
        self.hosts = Set(hosts.map { $0.lowercased() })
        self.origins = Set(origins.map { $0.lowercased() })
    }

    /// nil where the request may go on to its route.
    package func refuse(_ request: Request) -> Response? {
        guard !request.viaSocket, let host = request.headers["Host"], !answers(to: host) else { return nil }
        return .problem(
            .misdirected,
            "This hub does not answer to the name in the Host header; add it to `hosts` in its configuration.",
            for: request)
    }

    /// Lets a browser hand the answer to a page of a configured origin (https://fetch.spec.whatwg.org/#http-cors-protocol).
    package func admitOrigin(_ request: Request, _ response: inout Response) {
        response.headers.append("Vary", "Origin")
        guard let origin = request.headers["Origin"], origins.contains(origin.lowercased()) else { return }
        response.headers["Access-Control-Allow-Origin"] = origin
        guard request.method == .options, let allow = response.headers["Allow"] else { return }
        response.headers["Access-Control-Allow-Methods"] = allow
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Last-Event-ID"
        response.headers["Access-Control-Max-Age"] = "600"
    }

    /// nil where the request may change something.
    package func refuseChange(_ request: Request) -> Response? {
        switch claim(of: request) {
        case .right: nil
        case .wrong: refuseWrongToken(of: request)
        case .none:
            Self.unauthorized(
                "This changes something: send `Authorization: Bearer TOKEN` (the token is in the state directory).")
        }
    }

    /// nil where the request may read what shows more to who holds the token. A wrong one is not passed over, or tokens
    /// could be guessed here without the throttle.
    package func refuseRead(_ request: Request) -> Response? {
        claim(of: request) == .wrong ? refuseWrongToken(of: request) : nil
    }

    /// Full rights: over hub.sock, or with the token.
    package func holdsToken(_ request: Request) -> Bool { claim(of: request) == .right }

    /// Wrong tokens that have come since the start.
    package var wrongTokenCount: Int { wrongTokens.withLock(\.total) }

    private func claim(of request: Request) -> Claim {
        if request.viaSocket { return .right }
        let parts = request.headers["Authorization"]?.split(separator: " ", omittingEmptySubsequences: true) ?? []
        guard parts.first?.lowercased() == "bearer" else { return .none }
        return parts.count == 2 && isToken(Array(parts[1].utf8)) ? .right : .wrong
    }

    private func refuseWrongToken(of request: Request) -> Response {
        let address = request.client ?? SocketAddress(high: 0, low: 0, port: 0)
        switch wrongTokens.withLock({ $0.cost(from: address, at: .now) }) {
        case .wait(let delay):
            var response = Self.unauthorized(
                "This is not the hub's token: `Authorization: Bearer` takes the one in its state directory.")
            response.delay = delay
            return response
        case .comeBack(let delay):
            var response = Response.problem(
                .tooManyRequests, "Too many wrong tokens came from your address. The right one is taken at any time.")
            response.headers["Retry-After"] = "\(delay.components.seconds + 1)"
            return response
        }
    }

    private static func unauthorized(_ sentence: String) -> Response {
        var response = Response.problem(.unauthorized, sentence)
        // RFC 9110 section 11.6.1: a 401 names the scheme.
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    }

    /// A name that a web page elsewhere could point at us is refused; a numeric address cannot be rebound.
    private func answers(to host: String) -> Bool {
        var name = host
        if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]"),
            name[name.index(after: colon)...].allSatisfy(\.isNumber)
        {
            name = String(name[..<colon])
        }
        name = name.lowercased()
        if name == "localhost" || name.hasSuffix(".localhost") || hosts.contains(name) { return true }
        return Sockets.Address("\(name):1") != nil
    }

    /// Takes the same time wherever the difference lies, in the length too.
    private func isToken(_ given: [UInt8]) -> Bool {
        var difference = given.count ^ token.count
        for index in given.indices { difference |= Int(given[index] ^ token[index % token.count]) }
        return difference == 0
    }
}

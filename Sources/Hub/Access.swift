import Glibc
package import HTTP
package import Linux

/// Who may do what over HTTP: host names against DNS rebinding, and the bearer token for whatever changes something.
package struct Access: Sendable {
    private let token: String
    private let hosts: Set<String>

    package init(token: String, hosts: [String]) {
        self.token = token
        self.hosts = Set(hosts.map { $0.lowercased() })
    }

    /// nil where the request may go on to its route.
    package func refuse(_ request: Request) -> Response? {
        guard !request.viaSocket, let host = request.headers["Host"], !answers(to: host) else { return nil }
        return .problem(
            .misdirected,
            "This hub does not answer to the name in the Host header; add it to `hosts` in its configuration.")
    }

    /// nil where the request may change something.
    package func refuseChange(_ request: Request) -> Response? {
        if holdsToken(request) { return nil }
        var response = Response.problem(
            .unauthorized,
            "This changes something: send `Authorization: Bearer TOKEN` (the token is in the state directory).")
        // RFC 9110 section 11.6.1: a 401 names the scheme.
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    }

    /// Full rights: over hub.sock, or with the token.
    package func holdsToken(_ request: Request) -> Bool {
        if request.viaSocket { return true }
        guard let given = request.headers["Authorization"] else { return false }
        let words = given.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return false }
        return Self.same(Array(words[1].utf8), Array(token.utf8))
    }

    /// Who asks: behind a proxy on this machine, the address that it says (the last one: those before it are hearsay).
    static func address(of request: Request) -> String? {
        guard let peer = request.peer?.host, peer.hasPrefix("127.") || peer == "::1" || peer == "::ffff:127.0.0.1",
            let said = request.headers.values(of: "X-Forwarded-For").last?.split(separator: ",").last
        else { return request.peer?.host }
        let address = said.drop { $0 == " " }.prefix { $0 != " " }
        return SocketAddress(host: String(address), port: 0) == nil ? peer : String(address)
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

    /// Takes the same time wherever the difference lies.
    private static func same(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// The token of this hub: `MIDIHUB_TOKEN`, else the configuration's, else one made at the first start and kept.
    package static func token(_ configuration: Configuration, state: StateDirectory) throws(Errno) -> String {
        if let token = Programs.environment["MIDIHUB_TOKEN"], token.utf8.count >= 16 { return token }
        if let token = configuration.token { return token }
        if let kept = File.text(state.token, limit: 4096)?.split(whereSeparator: \.isWhitespace).first,
            kept.utf8.count >= 16
        {
            return String(kept)
        }
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        let token = String((0..<32).map { _ in alphabet.randomElement(using: &random)! })  // the alphabet is not empty
        try File.replace(state.token, with: Array("\(token)\n".utf8), mode: 0o600)
        return token
    }
}

/// The other one of two hubs that are a pair, as an engine is to know it.
package struct FailoverPlan: Codable, Hashable, Sendable {
    /// Where the partner listens: the control port of one of its rooms.
    package var host: String
    package var port: UInt16
    /// What both hubs share, 16 characters at least: all that goes between them is encrypted with keys drawn from it.
    package var secret: String
    /// Of two that could both speak this one does.
    package var isMain: Bool
    /// After so many milliseconds without a word the partner counts as silent; nil: as short as this machine allows.
    package var silence: Int?
    /// Where nobody can say whether a silent partner lives, do not take over; nil is no.
    package var waitsWhenUnsure: Bool?
    /// This hub is not to speak: somebody works on it; nil is no.
    package var isHeldBack: Bool?
    /// The first port of every room of this hub, also of those that other engine processes serve.
    package var ports: [String: UInt16]
    /// Of all that has to be the same at both hubs.
    package var digest: String?
    /// What this hub is called.
    package var name: String?

    package init(
        host: String, port: UInt16, secret: String, isMain: Bool, silence: Int? = nil, waitsWhenUnsure: Bool? = nil,
        isHeldBack: Bool? = nil, ports: [String: UInt16], digest: String? = nil, name: String? = nil
    ) {
        (self.host, self.port, self.secret, self.isMain) = (host, port, secret, isMain)
        (self.silence, self.waitsWhenUnsure, self.isHeldBack) = (silence, waitsWhenUnsure, isHeldBack)
        (self.ports, self.digest, self.name) = (ports, digest, name)
    }
}

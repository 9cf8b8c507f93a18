/// A peer that only listens, and that a room invites from its own ports for as long as its plan names it.
package struct Invitee: Codable, Hashable, Sendable {
    /// A name or a numeric address.
    package var host: String
    /// Its UDP control port; the data port is the next.
    package var port: UInt16
    /// What the others see it as, whatever it calls itself. Nobody else whom the room invites has it.
    package var name: String

    package init(host: String, port: UInt16, name: String) { (self.host, self.port, self.name) = (host, port, name) }

    /// `HOST:PORT`.
    package var to: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

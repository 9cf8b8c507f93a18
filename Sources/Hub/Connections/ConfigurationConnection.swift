package import Client

/// A peer that only listens and that a room invites: a line of `connect`.
package struct ConfigurationConnection: Equatable, Sendable {
    package var host: Initiator.Host
    /// nil where there is only one room.
    package var room: String?
    package var name: String?
}

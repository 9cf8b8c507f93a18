import Client
package import Devices

/// Sessions that are announced on the local network and that a room invites by itself: a line of `discover`.
package struct ConfigurationDiscovery: Equatable, Sendable {
    package var pattern: DevicePattern
    /// nil: the first one.
    package var room: String?

    /// `discover: true`.
    static let everybody = DevicePattern("*").map { [ConfigurationDiscovery(pattern: $0)] } ?? []

    /// Another hub's room only where it is named as it stands: two hubs that let each other in, or three in a circle, would
    /// play everything to each other without end.
    func takes(_ session: AnnouncedSession) -> Bool {
        pattern.matches(session.name) && (session.room == nil || pattern.isName)
    }
}

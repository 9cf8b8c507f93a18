package import Devices

/// A device of this machine, or several, that are members of a room: a line of `devices`.
package struct ConfigurationDevice: Equatable, Sendable {
    package var pattern: DevicePattern
    /// nil where there is only one room.
    package var room: String?
    package var name: String?
}

/// A session that only measures the way to a hub: `midihub ping` is one. It is known by its name, and hubs neither show,
/// wire, hear nor record it.
package enum Probe {
    /// Reserved: nobody can play under this name.
    package static let name = "midihub ping"

    package static func isNamed(_ name: String) -> Bool { name == Self.name }
}

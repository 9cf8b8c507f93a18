import CVersion

package enum Version {
    /// As in "0.1.0". Package.swift says which.
    package static let text = String(cString: midihub_version())
}

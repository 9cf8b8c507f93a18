/// A configuration that cannot be used: one line with file, line, key and reason.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

import Glibc
import Linux

/// Colour, where it helps: on a terminal that has not been told otherwise (https://no-color.org).
package struct Style: Sendable {
    package enum Ink: String, Sendable {
        case good = "32"
        case warning = "33"
        case bad = "31"
        case strong = "1"
        case faint = "2"
    }

    package let isColoured: Bool
    package init(isColoured: Bool) { self.isColoured = isColoured }

    /// Of standard output.
    package static var standard: Style {
        Style(isColoured: isatty(1) == 1 && allowsColour(Programs.environment))
    }

    package static func allowsColour(_ environment: [String: String]) -> Bool {
        (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    package func paint(_ text: String, _ ink: Ink?) -> String {
        guard isColoured, let ink, !text.isEmpty else { return text }
        return "\u{1B}[\(ink.rawValue)m\(text)\u{1B}[0m"
    }
}

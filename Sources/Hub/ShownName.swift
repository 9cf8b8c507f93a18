/// How a participant's name is shown. It comes from strangers, and may have nothing in it that can be seen.
package enum ShownName {
    package static let none = "(no name)"

    /// The name, or that there is none.
    package static func shown(_ name: String) -> String { isBlank(name) ? none : name }

    /// Blanks, controls, and what has neither width nor shape: zero-width and bidirectional characters, fillers, tags.
    package static func isBlank(_ name: String) -> Bool {
        name.unicodeScalars.allSatisfy { scalar in
            if scalar.properties.isDefaultIgnorableCodePoint || scalar == "\u{2800}" { return true }
            return switch scalar.properties.generalCategory {
            case .control, .format, .spaceSeparator, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
    }

    /// A sentence that begins with the name, with one that can be seen.
    static func showing(_ name: String?, in text: String) -> String {
        guard let name, isBlank(name), text.utf8.starts(with: name.utf8) else { return text }
        return none + String(decoding: text.utf8.dropFirst(name.utf8.count), as: UTF8.self)
    }
}

extension RtpmididLaunch {
    /// The text as a value in rtpmidid's ini and on the wire: no comment sign, no line break, nothing that the daemon
    /// replaces, no blanks around it, and not more than `longest` bytes. Nil if nothing is left.
    package static func harmless(_ text: String, longest: Int) -> String? {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .surrogate:
                scalars.append(" ")
            default:
                // `#` begins a comment anywhere, and `{{` a replacement.
                if scalar == "{", scalars.last == "{" { scalars.append(" ") }
                scalars.append(scalar == "#" ? "_" : scalar)
            }
        }
        let cut = cut(trimmed(String(scalars)), to: longest)
        let result = trimmed(cut)
        return result.isEmpty ? nil : result
    }

    /// The longest beginning of at most `longest` bytes that ends at the end of a character people see. A single
    /// character that is longer is cut between its code points.
    package static func cut(_ text: String, to longest: Int) -> String {
        guard text.utf8.count > longest else { return text }
        var kept = ""
        var size = 0
        for character in text {
            size += character.utf8.count
            if size > longest { break }
            kept.append(character)
        }
        if !kept.isEmpty { return kept }
        var scalars = String.UnicodeScalarView()
        size = 0
        for scalar in text.unicodeScalars {
            size += UTF8.width(scalar)
            if size > longest { break }
            scalars.append(scalar)
        }
        return String(scalars)
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...]
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}

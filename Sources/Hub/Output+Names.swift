/// What is shown of a name that a stranger has chosen, or of a text that one is in. JSON keeps names as they are; whoever
/// prints or sends them to people goes through here.
extension Output {
    /// For a terminal: what has no ink (control characters, escape codes among them, direction marks, zero-width and tag
    /// characters) is shown by its number, and never sent. Joiners, direction marks and variation selectors stay where
    /// scripts and emoji need them: behind a character that is not ASCII.
    package static func safe(_ text: String) -> String {
        var result = ""
        // How many may still come: an emoji has two at one place.
        var joiners = 0
        let scalars = Array(text.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            // "1", U+FE0F and a frame are a keycap.
            let isKeycap = scalar == "\u{FE0F}" && index + 1 < scalars.count && scalars[index + 1] == "\u{20E3}"
            if isInkless(scalar), !(isJoining(scalar) && (joiners > 0 || isKeycap)) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
                joiners = 0
            } else {
                result.unicodeScalars.append(scalar)
                joiners = isJoining(scalar) ? joiners - 1 : scalar.isASCII ? 0 : 2
            }
        }
        return result
    }

    /// For a chat: nothing in it is markup, a link or a call, in Slack as in those that read Markdown. The first wants `&`,
    /// `<` and `>` escaped; in the others a mark of no width takes links, addresses and mentions apart.
    package static func chat(_ text: String) -> String {
        let apart = "\u{200B}"
        var result = ""
        let scalars = Array(safe(text).unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            let next = index + 1 < scalars.count ? scalars[index + 1] : nil
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            // `[text](address)`, `[text][name]`, `@all`; `https://…` and a bare `example.org`, which become links by
            // themselves.
            case "]", "@": result += "\(scalar)\(apart)"
            case ":" where next == "/", "." where next?.properties.isAlphabetic == true: result += "\(scalar)\(apart)"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isInkless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        // A blank pattern of braille is a letter all the same.
        default: scalar.properties.isDefaultIgnorableCodePoint || scalar == "\u{2800}"
        }
    }

    /// Without ink, but of use beside another.
    package static func isJoining(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x200C...0x200F, 0x061C, 0xFE00...0xFE0F, 0xE0100...0xE01EF: true
        default: false
        }
    }
}

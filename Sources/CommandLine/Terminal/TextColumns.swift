import Hub

/// Text by the cells that a terminal gives it, as wcwidth(3) counts them: strangers' names are of any script, and a row must
/// keep its columns.
package enum TextColumns {
    /// The text in at most `width` cells, cut with "…". Invisible characters are made visible as by `Output.safe`;
    /// those that it keeps (joiners, direction marks, variation selectors) are left out, since terminals differ in
    /// their width, and the number of marks on one letter is limited. Behind right-to-left text stands a mark that has
    /// no width, so that what follows keeps its place.
    package static func fit(_ text: String, _ width: Int) -> String {
        guard width > 0 else { return "" }
        var cells: [(scalars: String, width: Int)] = []
        var used = 0
        var isCut = false
        for scalar in Output.safe(text).unicodeScalars where !Output.isJoining(scalar) {
            let own = self.width(of: scalar)
            if own == 0 {
                // Two marks are what the languages of the world need on one letter.
                if let last = cells.indices.last, cells[last].scalars.unicodeScalars.count < 3 {
                    cells[last].scalars.unicodeScalars.append(scalar)
                }
                continue
            }
            guard used + own <= width else {
                isCut = true
                break
            }
            cells.append((String(scalar), own))
            used += own
        }
        if isCut {
            while used + 1 > width, let last = cells.popLast() { used -= last.width }
            cells.append(("…", 1))
        }
        let result = cells.map(\.scalars).joined()
        return result.unicodeScalars.contains(where: isRightToLeft) ? result + "\u{200E}" : result
    }

    /// As `fit`, filled with blanks to exactly that width.
    package static func column(_ text: String, _ width: Int, right: Bool = false) -> String {
        let fitted = fit(text, width)
        let blanks = String(repeating: " ", count: max(0, width - self.width(of: fitted)))
        return right ? blanks + fitted : fitted + blanks
    }

    package static func width(of text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + width(of: $1) } }

    private static func width(of scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation { return 2 }
        return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }

    private static func isRightToLeft(_ scalar: Unicode.Scalar) -> Bool {
        [0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFF, 0x10800...0x10FFF, 0x1E800...0x1EFFF]
            .contains { $0.contains(scalar.value) }
    }

    /// The blocks of the East Asian wide (Unicode Standard Annex 11).
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
        0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F2FF, 0x20000...0x3FFFD,
    ]
}

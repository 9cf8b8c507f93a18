import CommandLine
import Hub
import RTPMIDI
import Testing

/// Strangers' names in a terminal's columns.
struct TextColumnsTests {
    @Test(arguments: [
        ("Piano", 10, "Piano     "), ("Piano", 5, "Piano"), ("Piano", 4, "Pia…"), ("Piano", 1, "…"), ("Piano", 0, ""),
        ("日本語", 6, "日本語"), ("日本語", 5, "日本…"), ("日本語", 4, "日… "), ("🥁🥁", 4, "🥁🥁"), ("🥁🥁", 3, "🥁…"),
        ("é\u{301}\u{301}\u{301}\u{301}", 3, "é\u{301}\u{301}  "),
        ("a\u{200B}b\u{E0041}c", 20, "a\\u{200b}b\\u{e0041}c"), ("ש\u{200F}ל", 2, "של\u{200E}"),
    ])
    func `a name has exactly its column`(name: String, width: Int, column: String) {
        #expect(TextColumns.column(name, width) == column)
        #expect(TextColumns.width(of: column) == width)
    }

    @Test(arguments: ["\u{1B}[2J\u{1B}]0;title\u{7}", "a\rb\nc\td", "\u{9B}31m", "\u{202E}gnp.exe", "\u{0}"])
    func `no name commands the terminal`(name: String) {
        let shown = TextColumns.fit(name, 200)
        #expect(
            shown.unicodeScalars.allSatisfy {
                $0.value >= 32 && !(127...159).contains($0.value) && !(0x202A...0x202E).contains($0.value)
            })
    }

    @Test func `right-to-left text is followed by a mark of no width, and is cut as any other`() {
        #expect(TextColumns.column("שלום", 6) == "שלום\u{200E}  ")
        #expect(TextColumns.fit("שלום עולם", 5) == "שלום…\u{200E}")
        #expect(TextColumns.width(of: TextColumns.column("שלום עולם", 5)) == 5)
    }

    @Test func `marks without end fill no screen`() {
        let zalgo = "a" + String(repeating: "\u{335}", count: 5000)
        #expect(TextColumns.fit(zalgo, 10).unicodeScalars.count == 3)
    }

    @Test(arguments: [([:], true), (["NO_COLOR": "1"], false), (["NO_COLOR": ""], true), (["TERM": "dumb"], false)])
    func `colour gives way where it is not wanted`(environment: [String: String], isAllowed: Bool) {
        #expect(Style.allowsColour(environment) == isAllowed)
    }
}

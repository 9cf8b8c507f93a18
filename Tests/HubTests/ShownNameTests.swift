import Hub
import Testing

struct ShownNameTests {
    @Test(arguments: [
        "", " ", "\t\n", "\u{A0}\u{3000}", "\u{200B}", "\u{200B}\u{200D}\u{FEFF}", "\u{202E}\u{202C}",
        "\u{2066}\u{2069}", "\u{E0041}\u{E007F}", "\u{3164}", "\u{115F}\u{1160}", "\u{2800}", "\u{FE0F}", "\u{AD}",
        "\u{0}\u{1B}", "\u{2028}",
    ])
    func `a name with nothing to see in it is shown as none`(name: String) {
        #expect(ShownName.shown(name) == "(no name)")
    }

    @Test(arguments: ["Piano", " Piano ", "\u{202E}evil\u{202C}", "محمد", "鋼琴 🎹", ".", "0"])
    func `a name that can be seen is shown as it is`(name: String) { #expect(ShownName.shown(name) == name) }
}

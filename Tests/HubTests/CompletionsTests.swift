import Hub
import Testing

/// Both are made from the table of commands; what is shown here is that nothing of it is left out.
@Suite struct CompletionsTests {
    @Test(arguments: ["bash", "zsh", "fish"])
    func `every command and option is completed`(shell: String) throws {
        let text = try #require(Completions.text(for: shell))
        for command in Subcommand.all {
            let lines = text.split(separator: "\n").filter { $0.contains(command.name) }
            #expect(!lines.isEmpty, "\(command.name)")
            for option in command.options {
                // fish writes them without their hyphens.
                let word = shell == "fish" ? " -l \(option.dropFirst(2))" : option
                #expect(lines.contains { $0.contains(word) }, "\(command.name) \(option)")
            }
        }
    }

    @Test func `another shell has none`() {
        #expect(Completions.text(for: "tcsh") == nil)
        #expect(Completions.text(for: "") == nil)
    }

    @Test func `the manual has every command and option, and no line that roff would take for its own`() {
        let plain = Manual.text.replacing("\\-", with: "-")
        for command in Subcommand.all {
            #expect(plain.contains(".SS \"midihub \(command.name)"), "\(command.name)")
            for option in command.options { #expect(plain.contains(option), "\(command.name) \(option)") }
        }
        let known = [".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".BR", ".I", ".RI", ".br", ".\\\""]
        for line in Manual.text.split(separator: "\n") where line.hasPrefix(".") || line.hasPrefix("'") {
            #expect(known.contains { line == $0 || line.hasPrefix("\($0) ") }, "\(line)")
        }
    }
}

import CommandLine
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

    @Test func `the configuration's manual has every key of the file, and no line that roff would take for its own`()
        throws
    {
        let plain = Manual.configuration.replacing("\\-", with: "-")
        // What is refused as unknown is answered with what is known.
        func known(_ text: String) throws -> [String] {
            do {
                _ = try Configuration(text: text)
            } catch {
                let list = error.description.firstRange(of: "nown are ").map { error.description[$0.upperBound...] }
                return try #require(list).split(separator: ", ").map(String.init)
            }
            return []
        }
        let keys = try known("{qqqqqq: 1}") + known("{rooms: {A: {qqqqqq: 1}}}") + known("{alerts: {qqqqqq: 1}}")
        #expect(keys.count > 20)
        for key in keys { #expect(plain.contains("\n.B \(key): "), "\(key)") }
        let requests = [".TH", ".SH", ".TP", ".PP", ".B", ".BR", ".I", ".RB", ".br", ".nf", ".fi", ".\\\""]
        for line in Manual.configuration.split(separator: "\n") where line.hasPrefix(".") || line.hasPrefix("'") {
            #expect(requests.contains { line == $0 || line.hasPrefix("\($0) ") }, "\(line)")
        }
    }

    @Test func `the example of the configuration's manual can be used as it is`() throws {
        let lines = Manual.configuration.split(separator: "\n").map(String.init)
        let (from, to) = (try #require(lines.firstIndex(of: ".nf")), try #require(lines.firstIndex(of: ".fi")))
        let example = lines[(from + 1)..<to].joined(separator: "\n")
        let text = example.replacing("\\(dq", with: "\"").replacing("\\-", with: "-")
        #expect(try Configuration(text: text).rooms.map(\.name) == ["Main"])
    }

    @Test func `the manual has every command and option, and no line that roff would take for its own`() throws {
        let plain = Manual.text.replacing("\\-", with: "-")
        for command in Subcommand.all {
            #expect(plain.contains(".SS \"midihub \(command.name)"), "\(command.name)")
            for option in command.options { #expect(plain.contains(option), "\(command.name) \(option)") }
        }
        let known = [".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".BR", ".I", ".RI", ".br", ".\\\""]
        // An option's words go on in the next line.
        let lines = plain.split(separator: "\n")
        let clone = try #require(lines.firstIndex(of: ".B --clone [NAME]"))
        #expect(lines[clone + 2].hasPrefix("there, so that") && lines[clone + 3] == ".TP")
        for line in Manual.text.split(separator: "\n") where line.hasPrefix(".") || line.hasPrefix("'") {
            #expect(known.contains { line == $0 || line.hasPrefix("\($0) ") }, "\(line)")
        }
    }
}

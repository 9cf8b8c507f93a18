package import Hub

extension Subcommand {
    /// Runs the command that the command line names.
    package static func run(_ arguments: [String]) -> ExitCode { Output.exitCode(after: obey(arguments)) }

    private static func obey(_ arguments: [String]) -> ExitCode {
        guard !arguments.isEmpty else {
            Output.line(overview)
            return .misuse
        }
        let (name, rest): (String, [String])
        do throws(Options.Misuse) {
            (name, rest) = try split(arguments)
        } catch {
            Output.complain("\(error.description) (see `midihub --help`)")
            return .misuse
        }
        switch name {
        case "help", "--help", "-h":
            Output.line(rest.first.flatMap(named)?.help ?? overview)
            return .well
        case "version", "--version":
            Output.line("midihub \(Version.text)")
            return .well
        default: break
        }
        guard let command = named(name) else {
            let near = Nearest.of(name, among: all.map(\.name)).map { "; did you mean \($0)?" } ?? ""
            Output.complain("there is no command \"\(name)\"\(near) (`midihub --help` lists them)")
            return .misuse
        }
        if rest.contains(where: { ["--help", "-h"].contains($0) }) {
            Output.line(command.help)
            return .well
        }
        do throws(Options.Misuse) {
            return command.run(try Options(rest, allowed: command.options, operands: command.takesOperands))
        } catch {
            Output.complain("\(name): \(error.description) (see `midihub \(name) --help`)")
            return .misuse
        }
    }

    /// The command, and the other words in their order: options may stand before it, too.
    package static func split(_ arguments: [String]) throws(Options.Misuse) -> (name: String, rest: [String]) {
        let options = all.reduce(into: Set(["--connectall"])) { $0.formUnion($1.options) }
        var index = 0
        while index < arguments.count, arguments[index].hasPrefix("-") {
            let word = arguments[index]
            if ["--help", "-h", "--version"].contains(word) { break }
            let name = String(word.prefix { $0 != "=" })
            guard options.contains(name) else {
                let near = Nearest.of(name, among: options).map { "; did you mean \($0)?" } ?? ""
                throw Options.Misuse("unknown option \(name)\(near)")
            }
            index += name == word && !Options.flags.contains(name) && name != "--connectall" ? 2 : 1
        }
        guard index < arguments.count else { throw Options.Misuse("there are options, but no command") }
        return (arguments[index], Array(arguments[..<index] + arguments[(index + 1)...]))
    }
}

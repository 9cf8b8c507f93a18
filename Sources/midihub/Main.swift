//  The command line: which command, what it prints, its exit code. Everything it does is in module Hub.

import Glibc
import Hub

@main
struct Main {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        guard let name = words.first, !["help", "--help", "-h"].contains(name) else {
            if words.count > 1, let command = Subcommand.named(words[1]) {
                print(command.help)
            } else {
                print(Subcommand.overview)
            }
            exit(words.isEmpty ? ExitCode.misuse.rawValue : ExitCode.well.rawValue)
        }
        if ["--version", "version"].contains(name) {
            print("midihub \(Version.text)")
            exit(ExitCode.well.rawValue)
        }
        guard let command = Subcommand.named(name) else {
            complain("there is no command \"\(name)\"; `midihub --help` lists them")
            exit(ExitCode.misuse.rawValue)
        }
        let rest = words.dropFirst()
        if rest.contains(where: { ["--help", "-h"].contains($0) }) {
            print(command.help)
            exit(ExitCode.well.rawValue)
        }
        do throws(Options.Misuse) {
            let options = try Options(rest, allowed: command.options, operands: command.takesOperands)
            exit(command.run(options).rawValue)
        } catch {
            complain("\(name): \(error.description); see `midihub \(name) --help`")
            exit(ExitCode.misuse.rawValue)
        }
    }

}

import Hub

/// Completions for shells, made from the table of commands.
package enum Completions {
    /// What stands behind an option, where that is not a file's name: a choice, or anything at all.
    private static let values: [String: [String]] = [
        "--engine": ["auto", "rtpmidid", "embedded"], "--policy": ["auto", "named", "all", "pair"],
        "--port": [], "--listen": [], "--limit": [], "--name": [], "--clone": [], "--room": [], "--hub": [],
    ]

    static func run(_ options: Options) -> ExitCode {
        guard options.operands.count == 1, let text = text(for: options.operands[0]) else {
            Output.complain("completions: for which shell? bash, zsh or fish")
            return .misuse
        }
        Output.line(text)
        return .well
    }

    /// nil for a shell that is none of the three.
    package static func text(for shell: String) -> String? {
        switch shell {
        case "bash": bash
        case "zsh": zsh
        case "fish": fish
        default: nil
        }
    }

    private static func operands(_ command: Subcommand) -> [String] {
        switch command.name {
        case "completions": ["bash", "zsh", "fish"]
        case "manual": ["midihub.json5"]
        default: []
        }
    }

    private static var bash: String {
        let commands = Subcommand.all
        let options = commands.map { command in
            "        \(command.name)) words=\"\((command.options.sorted() + operands(command) + ["--help"]).joined(separator: " "))\" ;;"
        }
        let choices = values.sorted { $0.key < $1.key }.map { option, choices in
            "        \(option)) COMPREPLY=($(compgen -W \"\(choices.joined(separator: " "))\" -- \"$word\")); return ;;"
        }
        let files = Set(commands.flatMap(\.options)).subtracting(Options.flags).subtracting(values.keys).sorted()
        return """
            # bash completion for midihub(1), made by `midihub completions bash`
            _midihub() {
                local word=${COMP_WORDS[COMP_CWORD]} words=
                if [ "$COMP_CWORD" = 1 ]; then
                    COMPREPLY=($(compgen -W "\(commands.map(\.name).joined(separator: " ")) --help --version" -- "$word"))
                    return
                fi
                case ${COMP_WORDS[COMP_CWORD-1]} in
            \(choices.joined(separator: "\n"))
                    \(files.joined(separator: "|"))) COMPREPLY=($(compgen -f -- "$word")); return ;;
                esac
                case ${COMP_WORDS[1]} in
            \(options.joined(separator: "\n"))
                esac
                COMPREPLY=($(compgen -W "$words" -- "$word"))
                [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
            }
            complete -o filenames -F _midihub midihub
            """
    }

    private static var zsh: String {
        func quoted(_ text: String) -> String { "'\(text.replacing("'", with: "'\\''"))'" }
        let commands = Subcommand.all
        let list = commands.map { "        \(quoted("\($0.name):\($0.summary.replacing(":", with: "\\:"))"))" }
        let cases = commands.map { command in
            let options = command.options.sorted().map { option in
                guard !Options.flags.contains(option) else { return quoted(option) }
                let value =
                    values[option].map { $0.isEmpty ? " " : "(\($0.joined(separator: " ")))" } ?? "_files"
                return quoted("*\(option):\(option.dropFirst(2)):\(value)")
            }
            let rest =
                operands(command).isEmpty
                ? (command.takesOperands ? ["'*:file:_files'"] : [])
                : [quoted("1:word:(\(operands(command).joined(separator: " ")))")]
            return "        \(command.name)) _arguments \((["'--help'"] + options + rest).joined(separator: " ")) ;;"
        }
        return """
            #compdef midihub
            # zsh completion for midihub(1), made by `midihub completions zsh`
            _midihub() {
                local -a commands=(
            \(list.joined(separator: "\n"))
                )
                if (( CURRENT == 2 )); then
                    _describe command commands
                    return
                fi
                local command=$words[2]
                words=("${words[@]:1}")
                (( CURRENT-- ))
                case $command in
            \(cases.joined(separator: "\n"))
                esac
            }
            if [ "$funcstack[1]" = _midihub ]; then _midihub "$@"; else compdef _midihub midihub; fi
            """
    }

    private static var fish: String {
        func quoted(_ text: String) -> String { "'\(text.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'" }
        var lines = ["# fish completion for midihub(1), made by `midihub completions fish`"]
        for command in Subcommand.all {
            let here = "-n \(quoted("__fish_seen_subcommand_from \(command.name)"))"
            lines.append(
                "complete -c midihub -f -n __fish_use_subcommand -a \(command.name) -d \(quoted(command.summary))")
            for word in operands(command) { lines.append("complete -c midihub -f \(here) -a \(word)") }
            for option in command.options.sorted() {
                let name = "complete -c midihub \(here) -l \(option.dropFirst(2))"
                guard !Options.flags.contains(option) else {
                    lines.append(name)
                    continue
                }
                let value = values[option].map { $0.isEmpty ? "-x" : "-x -a \(quoted($0.joined(separator: " ")))" }
                lines.append("\(name) \(value ?? "-r -F")")
            }
        }
        return lines.joined(separator: "\n")
    }
}

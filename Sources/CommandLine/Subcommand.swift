//  Module CommandLine: every command of `midihub`. Start here (the table), then `Subcommand+Run.swift`, `Options.swift`.
//
//  What it is: parse, call, print, exit code. What shows or changes something asks a running hub over its socket
//  (`HubClient.swift`); `run`, `engine`, `join`, `ping` and `demo` put together what the modules below offer. What it refuses
//  to be: a second place for a decision that the hub makes. Exit codes are in Hub.docc/StateDirectory.md.

package import Hub

/// One command: its help, the options it knows and what it does.
package struct Subcommand {
    package let name: String
    package let summary: String
    let explanation: String
    package let options: Set<String>
    /// Whether it takes words that are no options.
    package var takesOperands = false
    package let run: (Options) -> ExitCode

    /// Options that several commands know.
    static let local: Set = ["--state"]
    /// Also of a hub elsewhere; its token may stand in a configuration.
    static let anywhere = local.union(["--hub"])
    static let ordering = anywhere.union(["--config"])
    /// Orders that a hub refuses while it is locked for a show.
    static let changing = ordering.union(["--force"])
    static let hub: Set = [
        "--config", "--state", "--port", "--connect-all", "--policy", "--engine", "--rtpmidid", "--listen", "--web",
    ]

    package var help: String {
        var text = "midihub \(name): \(summary)\n\n\(explanation)\n"
        if options.contains("--port") { text += "\n" + Self.hubOptions }
        if options.contains("--state") { text += "\n" + Self.stateOption }
        if options.contains("--config"), !options.contains("--port") { text += Self.configOption }
        if options.contains("--hub") { text += Self.awayOption }
        if options.contains("--hub"), options.contains("--config") { text += Self.awayToken }
        if options.contains("--force") { text += Self.forceOption }
        return text
    }

    static let hubOptions =
        configOption + """
              --port N                UDP ports N and N+1 alone, in their room of the file or one of their own; repeatable (5004)
              --policy P              who hears whom: auto, named, all or pair
              --connect-all           the same as --policy all
              --engine KIND           auto, rtpmidid or embedded
              --rtpmidid PATH         the rtpmidid to run, else the one on PATH
              --listen ADDRESS:PORT   where the page is served (127.0.0.1:8080)
              --web DIR               the pages' directory

            """
    static let awayOption = """
          --hub URL               a hub elsewhere: http://HOST[:PORT] or https://HOST[:PORT] (asked by curl)

        """
    static let awayToken = """
                                  it takes orders with its token: MIDIHUB_TOKEN, else `token` of the configuration

        """
    private static let configOption = """
          --config FILE           configuration (JSON5), else /etc/midihub/midihub.json5 where it exists

        """
    private static let forceOption = """
          --force                 though the hub is locked for a show (`midihub lock`); it is on record

        """
    static let stateOption = """
          --state DIR             state directory (/var/lib/midihub for root, else $XDG_STATE_HOME/midihub)

        """
}

extension String {
    /// Filled with blanks to a width in characters.
    func padding(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}

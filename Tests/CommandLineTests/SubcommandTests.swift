import CommandLine
import Hub
import Testing

/// The words of the command line before a command has them.
@Suite struct SubcommandTests {
    @Test(arguments: [
        (["status", "--json"], "status", ["--json"]), (["--state", "/s", "status"], "status", ["--state", "/s"]),
        (["--state=/s", "--json", "status", "--hub", "x"], "status", ["--state=/s", "--json", "--hub", "x"]),
        (["--connectall", "run"], "run", ["--connectall"]), (["--help", "status"], "--help", ["status"]),
        (["--state", "status", "stop"], "stop", ["--state", "status"]), (["--version"], "--version", []),
        (["decode", "-"], "decode", ["-"]),
    ])
    func `options may stand before the command`(arguments: [String], name: String, rest: [String]) throws {
        let (found, others) = try Subcommand.split(arguments)
        #expect(found == name && others == rest)
    }

    @Test(arguments: [
        (["--sate", "x", "status"], "unknown option --sate; did you mean --state?"), (["--state", "x"], "no command"),
        (["--state"], "no command"), (["-x"], "unknown option -x"),
    ])
    func `options without a command, or that none has, are wrong use`(arguments: [String], message: String) {
        do {
            _ = try Subcommand.split(arguments)
            Issue.record("accepted")
        } catch { #expect(error.description.contains(message), "\(error.description)") }
    }

    /// What each command is while the hub is locked for a show. A new one fails here until it has its place.
    @Test func `every command either knows --force or cannot change a room`() {
        let refused: Set = [
            "stop", "restart", "reload", "kick", "unmute", "block", "unblock", "focus", "input", "connect",
            "disconnect",
        ]
        let obeyed: Set = [
            "panic", "notes-off", "alert", "lock", "unlock",  // they end sound, or reach nobody in a room
            "status", "participants", "latency", "events", "monitor", "connections", "doctor", "devices", "ping",
            "run", "start", "demo", "engine", "listener",  // they begin something; a hub that runs is left alone
            "join", "decode", "completions", "manual",
            "failover",  // a show is what the other hub is there for: of its words the lock refuses "mute" and "drill"
        ]
        for command in Subcommand.all {
            #expect(refused.contains(command.name) != obeyed.contains(command.name), "\(command.name)")
            let knows = refused.contains(command.name) || command.name == "failover"
            #expect(command.options.contains("--force") == knows, "\(command.name)")
        }
        #expect(Set(Subcommand.all.map(\.name)) == refused.union(obeyed))
    }
}

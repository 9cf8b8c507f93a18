import Hub

/// The manual pages, made from the same words as `--help`, and from the tables by which the configuration is read, so that
/// they agree.
package enum Manual {
    static func run(_ options: Options) -> ExitCode {
        switch options.operands {
        case []: Output.line(text)
        case ["midihub.json5"]: Output.line(configuration)
        default:
            Output.complain("manual: there is one of midihub, and one of midihub.json5")
            return .misuse
        }
        return .well
    }

    /// midihub(1), in man(7).
    package static var text: String {
        let commands = Subcommand.all.map { command in
            let options = command.options.filter { $0 != "--state" && !Subcommand.hubOptions.contains("\($0) ") }
            let synopsis =
                (command.options.contains("--port") ? ["[HUB OPTIONS]"] : [])
                + (command.options.contains("--state") ? ["[--state DIR]"] : [])
                + options.sorted().map { "[\($0)\(Options.flags.contains($0) ? "" : " …")]" }
            return """
                .SS "midihub \(command.name) \(escaped(synopsis.joined(separator: " ")))"
                \(escaped(command.summary.prefix(1).uppercased() + command.summary.dropFirst())).
                .PP
                \(body(command.explanation))
                """
        }
        return """
            .\\" Made by `midihub manual`.
            .TH MIDIHUB 1 "" "midihub \(Version.text)" "MIDI Hub"
            .SH NAME
            midihub \\- a hub for RTP-MIDI (AppleMIDI): players in different places play together
            .SH SYNOPSIS
            .B midihub
            .I COMMAND
            .RI [ OPTIONS ]
            .br
            .B midihub
            .I COMMAND
            .B \\-\\-help
            .SH DESCRIPTION
            Musicians in different places each send MIDI over the internet to one small hub, and everyone in a room hears everyone
            else. A web page shows who is there and how far away each one is in milliseconds. The hub supervises the engine that
            carries the MIDI: rtpmidid where it is installed and the kernel has the ALSA sequencer, else its own.
            .SH COMMANDS
            \(commands.joined(separator: "\n"))
            .SH "HUB OPTIONS"
            Each overrides the configuration.
            .PP
            \(body(Subcommand.hubOptions + Subcommand.stateOption))
            .PP
            Of the commands that show or give orders:
            .PP
            \(body(Subcommand.awayOption))
            .PP
            Orders need that hub's token:
            .B MIDIHUB_TOKEN
            or the one in a configuration.
            .SH "EXIT STATUS"
            .TP
            .B 0
            Well.
            .TP
            .B 1
            The answer is no: something is missing (doctor), no hub runs or it serves no port (status).
            .TP
            .B 64
            Wrong use.
            .TP
            .B 69
            A needed thing is missing or taken, or the output could not be written.
            .TP
            .B 70
            A bug of the program.
            .SH ENVIRONMENT
            .TP
            .B MIDIHUB_TOKEN
            The token by which things may be changed over HTTP, in place of the one in the configuration or the state directory.
            .TP
            .B MIDIHUB_FAILOVER_SECRET
            What two hubs that are a pair share, in place of the one in the configuration.
            .SH FILES
            .TP
            .I /etc/midihub/midihub.json5
            The configuration: see
            .BR midihub.json5 (5).
            .TP
            .I /var/lib/midihub
            The state directory of the machine's hub: database, token, sockets, logs. It belongs to the user whom the hub runs as:
            root becomes that user when it starts the hub.
            .TP
            .I /etc/cron.d/midihub
            Starts the hub at boot, and looks every minute whether it runs, where systemd does not.
            .TP
            .I midihub.service
            The unit of systemd(1). \\(lqsystemctl restart\\(rq keeps the engines, and so the music; \\(lqsystemctl stop\\(rq ends
            all. After \\(lqmidihub stop\\(rq neither cron nor systemd starts it again before \\(lqmidihub start\\(rq.
            .SH "SEE ALSO"
            .BR midihub.json5 (5),
            .BR rtpmidid (1),
            .BR aconnect (1),
            .BR systemctl (1),
            .BR crontab (5)
            """
    }

    /// midihub.json5(5).
    package static var configuration: String {
        let alone = EngineKind.embeddedAlone.map(\.key)
        let example = ConfigurationReference.file.filter { $0.key != "ports" && !alone.contains($0.key) }.map {
            escaped("    \($0.key): \($0.example),")
        }
        return """
            .\\" Made by `midihub manual midihub.json5`.
            .TH MIDIHUB.JSON5 5 "" "midihub \(Version.text)" "MIDI Hub"
            .SH NAME
            midihub.json5 \\- the configuration of MIDI Hub
            .SH SYNOPSIS
            .I /etc/midihub/midihub.json5
            .br
            .B midihub
            .I COMMAND
            .B \\-\\-config
            .I FILE
            .SH DESCRIPTION
            An object in JSON5 (https://json5.org): JSON with comments, commas before a closing bracket, and keys without quotes.
            Every key is optional. One that is unknown or stands there twice, and a value that cannot be meant, is refused with its
            line, and then nothing of the file is used.
            .PP
            A running hub reads it again on
            .BR "midihub reload" .
            What is told to
            .B midihub run
            by an option goes before the file.
            .SH KEYS
            \(items(ConfigurationReference.file))
            .SH "KEYS OF A ROOM"
            .B rooms
            has an object for each room:
            .PP
            \(items(ConfigurationReference.room))
            .SH "KEYS OF AN INPUT"
            .B inputs
            of a room has an object for each input, by its name:
            .PP
            \(items(ConfigurationReference.inputs))
            .SH "KEYS OF A DEVICE"
            .B devices
            has an object for each line:
            .PP
            \(items(ConfigurationReference.devices))
            .SH "KEYS OF CONNECT"
            \(items(ConfigurationReference.connect))
            .SH "KEYS OF DISCOVER"
            \(items(ConfigurationReference.discover))
            .SH "KEYS OF FAILOVER"
            \(items(ConfigurationReference.failover))
            .SH "KEYS OF OSC"
            .B osc
            of failover has an object:
            .PP
            \(items(ConfigurationReference.osc))
            .SH "KEYS OF NOTE"
            .B note
            of failover has an object:
            .PP
            \(items(ConfigurationReference.note))
            .SH "KEYS OF ALERTS"
            \(items(ConfigurationReference.alerts))
            .SH "KEYS OF TCP"
            \(items(ConfigurationReference.tcp))
            .SH ENGINES
            \(escaped(alone.dropLast().joined(separator: ", ") + " and " + (alone.last ?? ""))) are honoured by the embedded engine
            alone. Where one of them is given, auto takes that engine, and rtpmidid asked for by name is refused.
            .SH "OLDER FORMATS"
            Two older files are read as they are: a list of ports with commas or line ends between, a room each
            .RB ( 5004,5006 ),
            and groups of a port that takes in and one that gives out
            .RB ( \(escaped(#"{"GroupOne": [5040, 5042]}"#)) ).
            .SH EXAMPLE
            .nf
            \(escaped("{"))
            \(example.joined(separator: "\n"))
            \(escaped("}"))
            .fi
            .SH "SEE ALSO"
            .BR midihub (1)
            """
    }

    private static func items(_ keys: [ConfigurationReference.Key]) -> String {
        keys.flatMap { [".TP", ".B " + escaped("\($0.key): \($0.example)"), escaped($0.summary)] }.joined(
            separator: "\n")
    }

    /// Paragraphs, and an item for each indented line. Lines that are indented like an item's words go on with them.
    private static func body(_ text: String) -> String {
        var (isItem, isNew) = (false, false)
        // How far the last item is indented.
        var margin = 0
        var lines: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("  ") else {
                if !line.isEmpty, !lines.isEmpty, isItem || isNew { lines.append(".PP") }
                if !line.isEmpty { lines.append(escaped(line)) }
                (isItem, isNew) = (line.isEmpty && isItem, line.isEmpty)
                continue
            }
            let item = line.drop { $0 == " " }
            let indentation = line.count - item.count
            if isItem, indentation > margin + 8 {
                lines.append(escaped(item))
                continue
            }
            (isItem, margin) = (true, indentation)
            let gap = item.firstRange(of: "  ") ?? item.endIndex..<item.endIndex
            lines += [".TP", ".B " + escaped(item[..<gap.lowerBound])]
            lines.append(escaped(item[gap.upperBound...].drop { $0 == " " }))
        }
        return lines.joined(separator: "\n")
    }

    /// For roff: a backslash or hyphen stands for itself, and no line begins a request.
    private static func escaped(_ text: some StringProtocol) -> String {
        let plain = String(text).replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\"", with: "\\(dq")
        return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
    }
}

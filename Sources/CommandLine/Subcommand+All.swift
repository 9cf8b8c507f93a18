import Hub
import WebAPI

/// The table of all commands.
extension Subcommand {
    package static func named(_ name: String) -> Subcommand? { all.first { $0.name == name } }

    package static var all: [Subcommand] {
        return [
            Subcommand(
                name: "run", summary: "run the hub in the foreground",
                explanation: """
                    Starts an engine on every port, joins the players' ALSA ports with each other, keeps what happens in the
                    state directory and serves the page. Ctrl-C (or SIGTERM) says goodbye to the players and ends everything;
                    SIGHUP reads the configuration again; SIGUSR2 ends the hub but leaves the engines, for the next start.
                    Exit code 69 when a hub already runs on that state directory.
                    """, options: hub, run: RunCommand.run),
            Subcommand(
                name: "start", summary: "start the hub in the background, if it does not run",
                explanation: """
                    Returns when the hub answers, or with its exit code. When one already runs on that state directory: 0, at
                    once, in silence, so that cron can call it every minute. Engines that outlived their hub are adopted.
                      --unless-stopped  do nothing after `midihub stop` (cron says this; a person's start clears the mark)
                    """, options: hub.union(["--unless-stopped"]), run: StartCommand.run),
            Subcommand(
                name: "stop", summary: "say goodbye to the players, end the hub and its engines",
                explanation: "Stays stopped for cron until `midihub start`. Saying it twice does no harm.",
                options: local.union(["--force"]), run: StopCommand.run),
            Subcommand(
                name: "restart", summary: "the hub anew, as after an upgrade; engines and players stay",
                explanation: """
                    The running hub leaves its engines to a new one, which has the same options: the music goes on. Exit code 1
                    when no hub runs, or it is locked.
                      --at-unlock  where the hub is locked: when it is unlocked; else nothing, and exit code 1 (packages say this)
                    """, options: local.union(["--force", "--at-unlock"]), run: RestartCommand.run),
            Subcommand(
                name: "lock", summary: "for a show: what could change a room is refused: midihub lock [NAME]",
                explanation: """
                    Until `midihub unlock`, over restarts and reboots too, the hub neither reads its configuration again nor ends
                    or restarts anything, and refuses kicks, blocks, orders about focus and inputs, invitations, pianos,
                    echoes and drills; with --force (the API: force=1) it does them all the same, on record. Whoever is to play can, comes
                    and goes as ever; panic and notes-off are obeyed. An upgrade of the package installs, and what is new begins
                    at the unlock. NAME, for the others to read, is who has locked it.
                    """, options: ordering, takesOperands: true, run: LockCommands.lock),
            Subcommand(
                name: "unlock", summary: "the show is over: what was put off is done",
                explanation: "Lifts the lock of `midihub lock`, whoever has locked it.", options: ordering,
                run: LockCommands.unlock),
            Subcommand(
                name: "reload", summary: "read the configuration again",
                explanation: """
                    Ports are added and removed without touching the players on the others. A configuration with an error
                    changes nothing, and the error is shown here.
                    """, options: changing, run: ReloadCommand.run),
            Subcommand(
                name: "status", summary: "is all well?",
                explanation: """
                    What is wrong, with the fix; who is in each room, how far away, and how it is to play with them: \(Quality.explanation).
                    Exit code 1 when no hub runs, or it serves no port. --json gives the API's /api/v1/status.
                    """, options: anywhere.union(["--json"]), run: StatusCommand.run),
            Subcommand(
                name: "participants", summary: "who is there, and how far away",
                explanation: "--json gives the API's /api/v1/participants.", options: anywhere.union(["--json"]),
                run: ShowCommands.participants),
            Subcommand(
                name: "latency", summary: "round-trip times of the last 24 hours",
                explanation:
                    "Round trips in milliseconds, as measured by the engines' clock exchange. Works without a running hub.",
                options: anywhere.union(["--json"]), run: ShowCommands.latency),
            Subcommand(
                name: "events", summary: "what happened, newest last",
                explanation: """
                    Works without a running hub: the log of events survives it.
                      --follow    go on printing what happens
                      --limit N   the last N events (50)
                      --json      one JSON object a line
                    """, options: anywhere.union(["--json", "--follow", "--limit"]), run: ShowCommands.events),
            Subcommand(
                name: "panic", summary: "silence a room",
                explanation: """
                    Sends note-offs for all that sounds, then pedals up, all notes off and all sound off on 16 channels.
                      --room NAME   only this room (all rooms)
                    """, options: ordering.union(["--room"]), run: PanicCommand.run),
            Subcommand(
                name: "unmute", summary: "let somebody be heard again: midihub unmute NAME",
                explanation: """
                    A participant whose software sends back what it hears (a feedback loop) is muted once that is proven, and
                    shown as such. This lifts it, for all of that NAME or the one of that number; where the loop goes on, it
                    is muted again.
                    """, options: changing, takesOperands: true, run: MemberCommands.unmute),
            Subcommand(
                name: "kick", summary: "send somebody away: midihub kick NAME",
                explanation: """
                    All of that NAME, or the one of that number; who is sent away may come again. On rtpmidid its computer is
                    not told, and shows it as connected. Whom the room has invited is not invited again before `connect` or
                    a reload.
                    """, options: changing, takesOperands: true, run: MemberCommands.kick),
            Subcommand(
                name: "notes-off", summary: "end stuck notes at somebody: midihub notes-off NAME",
                explanation: """
                    Sends all of that NAME, or the one of that number, note-offs on 16 channels.
                      --from N   the lowest note (0)
                      --to N     the highest one (127)
                    """, options: ordering.union(["--from", "--to"]), takesOperands: true, run: MemberCommands.notesOff),
            Subcommand(
                name: "block", summary: "one no longer hears another: midihub block FROM TO",
                explanation: """
                    In a room, TO no longer hears FROM: names, which hold for whoever comes with them, and over restarts.
                      --room NAME   where there are several rooms
                    """, options: changing.union(["--room"]), takesOperands: true, run: BlockCommands.block),
            Subcommand(
                name: "unblock", summary: "one may hear another again: midihub unblock FROM TO",
                explanation: """
                    Lifts a block.
                      --room NAME   where there are several rooms
                    """, options: changing.union(["--room"]), takesOperands: true, run: BlockCommands.unblock),
            Subcommand(
                name: "focus", summary: "who feeds back to the controllers: midihub focus [NAME]",
                explanation: """
                    Gives the focus of a room with controllers to NAME, who then alone feeds back to their lights and faders,
                    and takes it from whoever has it. Without NAME: who has it. It is kept over restarts, and free when NAME
                    leaves.
                      --room NAME   where several rooms have controllers
                      --release     nobody has it any more
                    """, options: changing.union(["--room", "--release"]), takesOperands: true, run: FocusCommands.focus
            ),
            Subcommand(
                name: "input", summary: "which of two controllers is heard: midihub input [INPUT NAME]",
                explanation: """
                    Of an INPUT that is heard one controller at a time (live is "first"), NAME is the one, as long as it is
                    here. Without words: all inputs, and who of them is heard.
                      --room NAME   where several rooms have that input
                      --release     the first of its controllers that is here is heard
                    """, options: changing.union(["--room", "--release"]), takesOperands: true, run: FocusCommands.input
            ),
            Subcommand(
                name: "failover", summary: "two hubs as a pair: midihub failover [switch|drill|…]",
                explanation: FailoverCommand.explanation,
                options: ordering.union(["--json", "--force", "--mute", "--kill", "--last"]),
                takesOperands: true, run: FailoverCommand.run),
            Subcommand(
                name: "connect", summary: "have a room invite a peer: midihub connect HOST[:PORT]",
                explanation: """
                    For peers that only listen: hardware interfaces, a Mac's session, another hub. HOST is a name or an
                    address, PORT its control port (5004); the next port must be reachable too. It is invited until it is
                    there, again whenever it is lost, and over restarts, until `midihub disconnect`.
                    Where there is no such HOST, but the hub's local network has a session that is announced by that name
                    ("Stage piano"; `midihub connections` lists them), that one is invited, wherever it is from time to time.
                      --room NAME   where there are several rooms
                      --name NAME   what the others see it as (HOST, where that is a name)
                    """, options: changing.union(["--room", "--name"]), takesOperands: true,
                run: ConnectCommands.connect),
            Subcommand(
                name: "disconnect", summary: "no longer invite a peer: midihub disconnect NAME",
                explanation: """
                    Says goodbye to it, too. NAME is what the others see it as, or HOST:PORT. Who was let in by `discover` is
                    let in again when it returns to the network, or the hub is started anew.
                      --room NAME   where there are several rooms
                    """, options: changing.union(["--room"]), takesOperands: true, run: ConnectCommands.disconnect),
            Subcommand(
                name: "connections", summary: "whom the rooms invite, and how it is with each",
                explanation: """
                    inviting, connected, refused (it says no, or goodbye) or unreachable; what failed is tried again, after a
                    minute at most. Behind them stands who else is announced on the hub's local network (by Avahi), for
                    `midihub connect NAME`. --json gives the API's /api/v1/connections.
                    """, options: anywhere.union(["--json"]), run: ConnectCommands.list),
            Subcommand(
                name: "monitor", summary: "who plays what now, in the terminal",
                explanation: MonitorCommand.explanation, options: anywhere.union(["--once"]), run: MonitorCommand.run),
            Subcommand(
                name: "alert", summary: "what the webhook is told, and a test of it",
                explanation: AlertCommand.explanation, options: local.union(["--config", "--test"]),
                run: AlertCommand.run),
            Subcommand(
                name: "doctor", summary: "what is missing on this machine, and the fix",
                explanation: "Exit code 1 when something is missing that the hub needs.",
                options: hub.union(["--json"]), run: DoctorCommand.run),
            Subcommand(
                name: "demo", summary: "a hub with four simulated players on it",
                explanation: """
                    To see and hear what a hub does: four players join it over the network and play together until Ctrl-C.
                    Everything is kept in a directory of its own, gone at the end; ports and page are the first free ones.
                    """, options: hub, run: DemoCommand.run),
            Subcommand(
                name: "decode", summary: "what the packets of a capture say",
                explanation: """
                    midihub decode [--replay] [FILE]

                    Reads FILE, or standard input, and prints a JSON object for each packet: index, channel, verdict (accepted,
                    rejected, or "journal rejected" where the MIDI list is sound and only the journal is not), reason, decoded.
                    FILE is a capture in the classic pcap format (`tcpdump -w`, or Wireshark's "pcap"), or has a packet a line:
                      control|data [@SENDER] HEX     empty lines and those that begin with # are passed over
                    Exit code 0 for broken packets too; 64 where the file is neither.
                      --replay   adds to each packet what its receiver plays: "emit", with what was made up for a loss marked
                    """, options: ["--replay"], takesOperands: true, run: DecodeCommand.run),
            Subcommand(
                name: "join", summary: "be a participant: midihub join [HOST[:PORT]…]",
                explanation: JoinCommand.explanation,
                options: [
                    "--room", "--name", "--clone", "--device", "--thru", "--one-hub", "--dump", "--json", "--play",
                    "--record",
                    "--status",
                ],
                takesOperands: true, run: JoinCommand.run),
            Subcommand(
                name: "ping", summary: "round trips to hubs, to choose one: midihub ping HOST[:PORT]…",
                explanation: PingCommand.explanation, options: ["--json"], takesOperands: true, run: PingCommand.run),
            Subcommand(
                name: "devices", summary: "instruments plugged into the hub's machine: midihub devices [PATTERN]",
                explanation: DevicesCommand.explanation, options: anywhere.union(["--json"]), takesOperands: true,
                run: DevicesCommand.run),
            Subcommand(
                name: "engine", summary: "the embedded engine (the hub starts it)",
                explanation: """
                    Carries RTP-MIDI between players by itself: no sound card, no rtpmidid, no root. Its log, a JSON object a
                    line, goes to standard output. SIGHUP reads the plan again; SIGTERM says goodbye to everyone and ends.
                      --plan FILE      what to serve (JSON, as the hub writes it)
                      --control PATH   a socket that takes a JSON request a line: {"do":"status"}, activity, panic, kick,
                                       unmute, release, notes-off, learn, reload, stop
                      --sessions FILE  who is there, kept for the next engine when this one is killed
                    """, options: ["--plan", "--control", "--sessions"], run: EngineCommand.run),
            Subcommand(
                name: "listener", summary: "hears what is played on rtpmidid (the hub starts it)",
                explanation: """
                    Takes what players play from the ALSA sequencer, for the hub to know what they hold. It is a process of its
                    own so that a hub that is stopped or hangs costs no note.
                    """, options: [], run: { _ in ListenerCommand.run() }),
            Subcommand(
                name: "completions", summary: "completions for a shell: bash, zsh or fish",
                explanation: "The package has them installed; elsewhere: source <(midihub completions bash)",
                options: [], takesOperands: true, run: Completions.run),
            Subcommand(
                name: "manual", summary: "the manual pages, for man(1)",
                explanation: """
                    midihub manual | man -l -                 of the command line
                    midihub manual midihub.json5 | man -l -   of the configuration: every key
                    """, options: [], takesOperands: true, run: Manual.run),
        ]
    }

    package static var overview: String {
        let commands = all.map { "  \($0.name.padding(to: 14))\($0.summary)" }.joined(separator: "\n")
        return """
            MIDI Hub \(Version.text): players in different places play together over RTP-MIDI (AppleMIDI).

            midihub COMMAND [OPTIONS]      midihub COMMAND --help explains one; options may also stand before it

            \(commands)

            Options of run, start, demo and doctor:
            \(hubOptions)
            \(stateOption)
            Of those that show or give orders:
            \(awayOption)
            Exit codes: 0 well, 1 the answer is no, 64 wrong use, 69 something needed is missing or taken, 70 our bug.
            """
    }
}

import Hub

/// `midihub join`: takes part in sessions on other machines' ports until it is told to end.
package enum JoinCommand {
    static let explanation = """
        Invites itself to every HOST (UDP port 5004 unless said; the next port must be reachable too), and again whenever a
        session ends. Without HOST it takes the hub that is announced on this network (by Avahi), and where there are several
        it lists them. Where ALSA is there it is a MIDI port to connect instruments and programs to. What stands on standard
        input is sent: MIDI messages in hex, a line at a time ("90 3c 64" or "903c643e64"); it waits until the sessions are up,
        and the end of input does not end the program. Ctrl-C (or SIGTERM) does, with a goodbye.
        With several HOSTs what is played is numbered once and heard once, whatever hub dies, where they are hubs of this
        program that carry MIDI themselves; of others one is heard at a time. At most 8.
          --room NAME        of the rooms that are announced on this network, or by HOST there, the one of that name
          --name NAME        what the others see (this machine's name)
          --clone [NAME]     call the ALSA port here as a controller that is plugged in at another join of the room is called
                             there, so that a program's settings for it work unchanged; NAME (* and ? allowed) says which
          --device PATTERN   attach to an instrument of this machine by its ALSA names ('APC40*'; `midihub devices` lists
                             them), again after it was pulled out; it is in the room as long as it is plugged in; of several
                             the first that no other join and no hub here has
          --thru             what is played here also comes out of the port here
          --one-hub          not on the hub's partner, too: of two hubs that are a pair one needs to be named
          --dump             print what arrives: time, the sender's timestamp (100 µs), the message in hex
          --json             print it as an object a line, with the hubs that it came by
          --play FILE.mid    send a standard MIDI file, from when the sessions are up
          --record FILE.mid  write what arrives as a standard MIDI file, at the end
          --status           how each join of this user is: its hubs, round trips, what came by which, held notes (--json)

        What no option says stands in ~/.config/midihub/join.json5, in the same words:
          { hosts: ["A", "B"], room: "Main", name: "Piano" }
        As a service: systemctl --user enable --now midihub-join (and `loginctl enable-linger` for when nobody is logged in).
        It waits for a hub as long as it takes.
        """

    static func run(_ options: Options) -> ExitCode {
        if options.status { return JoinStatusSocket.run(json: options.json) }
        let settings: JoinSettings
        do throws(ConfigurationError) { settings = try JoinSettings(options) } catch {
            Output.complain("join: \(error.description)")
            return .misuse
        }
        do {
            return try Join(settings, dump: options.json ? .json : options.dump ? .text : nil).run()
        } catch {
            Output.complain("join: \(error)")
            return .unavailable
        }
    }
}

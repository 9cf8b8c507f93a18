import Devices
import EngineProtocol
import HTTP
import Hub
import Sequencer
import WebAPI

/// `midihub devices`: what is plugged in, from the running hub, else as this machine shows it.
enum DevicesCommand {
    static let explanation = """
        Instruments and controllers of the hub's machine by their ALSA names, and which of them are members of a room (the key
        devices of the configuration). With a PATTERN what it would take is marked with >. Two equal ones are told apart by where
        they are plugged in: APC40@1-1.2. Without a running hub it shows this machine's.
          --json   as the API's /api/v1/devices has it
        """

    static func run(_ options: Options) -> ExitCode {
        guard options.operands.count <= 1 else {
            Output.complain("devices: one PATTERN at most, in quotes where it has blanks, * or ?")
            return .misuse
        }
        let pattern = options.operands.first.flatMap(DevicePattern.init)
        guard pattern != nil || options.operands.isEmpty else {
            Output.complain("devices: a PATTERN has 1 to 128 characters, none of them a control character")
            return .misuse
        }
        let client = options.client
        let query = pattern.map { "?match=\(Client.encoded($0.description))" } ?? ""
        guard let list = client.get("/api/v1/devices\(query)", as: DeviceList.self) ?? here(client, pattern) else {
            return client.complain()
        }
        if options.json {
            Output.line(JSON.text(list))
        } else {
            show(list)
        }
        guard let problem = list.problem else { return .well }
        if !options.json { Output.complain("no device is seen: \(problem)") }
        return .unavailable
    }

    private static func here(_ client: HubClient, _ pattern: DevicePattern?) -> DeviceList? {
        guard client.isSilent, !client.isAway else { return nil }
        do throws(ALSAError) {
            return DeviceList(try DeviceWatch.list(), problem: nil, pattern: pattern)
        } catch { return DeviceList([], problem: "\(error)", pattern: pattern) }
    }

    private static func show(_ list: DeviceList) {
        guard !list.devices.isEmpty else {
            if list.problem == nil { Output.line("Nothing is plugged in.") }
            return
        }
        Output.line(
            "  " + "ALSA".padding(to: 8) + "PLAYS".padding(to: 6) + "HEARS".padding(to: 6) + "AT".padding(to: 16)
                + "MEMBER".padding(to: 28) + "NAME")
        for one in list.devices {
            let mark = one.matches ?? false ? "> " : "  "
            let name = [one.client, one.port].compactMap(\.self).joined(separator: ":")
            let remark = [one.trouble, one.excluded].compactMap(\.self).map { "  (\(Output.safe($0)))" }.joined()
            Output.line(
                mark + (one.alsa ?? "away").padding(to: 8) + (one.plays ?? false ? "yes" : "-").padding(to: 6)
                    + (one.hears ?? false ? "yes" : "-").padding(to: 6) + TextColumns.column(one.socket ?? "-", 15)
                    + " "
                    + TextColumns.column(member(one), 27) + " " + TextColumns.fit(ShownName.shown(name), 64) + remark)
        }
    }

    private static func member(_ one: DeviceList.Entry) -> String {
        guard let name = one.name, let room = one.room else { return "-" }
        let text = "\(ShownName.shown(name)) in \(Output.safe(room))"
        return one.participant == nil ? "(\(text))" : text
    }
}

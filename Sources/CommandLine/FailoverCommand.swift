import EngineProtocol
import Foundation
import Hub
import WebAPI

/// `midihub failover`: how it is with the other hub of a pair, and orders.
enum FailoverCommand {
    static let explanation = """
        midihub failover [status|switch|mute|unmute|drill|learn|pair HERE THERE|unpair HERE]

        Two hubs that are a pair (`failover` in the configuration of each): who stands on both hears one of them, and the other
        one takes over when that is gone. Without a word, or with status: which of them speaks, how long the other one may be
        silent, who stands on one only, and what the settings mean. Exit code 1 where the other one is away.
          switch    the hub that does not speak is to, and nothing is lost; refused, with each reason, where the other hub is
                    not well
          mute      this hub is not to speak, since somebody works on it; kept over restarts
          unmute    it may again
          drill     the hub that speaks hands over and is handed back to, and both note by number what came and what each sent
                    to whom: for each who hears, how many messages got lost or came twice, and how long the latest waited.
                    "-" is not measured. Exit code 1 where it did not pass
              --mute HUB:5  instead, HUB says nothing to anybody for 5 s (1 to \(DrillOrder.seconds.upperBound)), as if it hung; its sessions stay, and it
                            stands by afterwards
              --kill HUB    instead, the engine of HUB is killed, and made anew by its hub
              --last        no drill, but what came of the last one
                    HUB is here, partner, main, backup, or what only one of them is called. Something should be played
                    meanwhile: what nobody plays cannot get lost
          learn     the next note that is played, within 10 s, is to be an order to switch, and is not heard any more; kept,
                    and the same at both hubs, until `note` in the configuration is changed
          pair      HERE, on this hub only, and THERE, on the other one only, are one participant, whose name, room and address
                    do not tell it: by name, or by the number that status shows; kept, and the same at both hubs
          unpair    no longer
          --force   whatever stands against the order
          --json    the API's /api/v1/failover

        preset in the configuration:
        \(presets)
        """

    private static var presets: String {
        ConfigurationFailover.Preset.allCases.map { preset in
            let margin = "\n" + String(repeating: " ", count: 14)
            let summary = "\(preset.summary.prefix(1).uppercased())\(preset.summary.dropFirst())."
            return "  \(preset.rawValue.padding(to: 12))\(([summary] + preset.consequences).joined(separator: margin))"
        }.joined(separator: "\n")
    }

    static func run(_ options: Options) -> ExitCode {
        let word = options.operands.first ?? "status"
        let names = options.operands.dropFirst()
        if word == "drill" { return DrillCommand.run(options) ?? complain() }
        guard options.mute == nil, options.kill == nil, !options.last else { return complain() }
        if word == "pair" || word == "unpair" { return pair(word == "pair", Array(names), options) }
        guard names.isEmpty else { return complain() }
        if word == "status", !options.force { return show(options) }
        guard let order = FailoverOrder(rawValue: word) else { return complain() }
        let client = options.client
        if order == .learn {
            Output.line("Play the note now: the next one that is played is to be an order to switch.")
        }
        guard let answer = client.post("/api/v1/failover/\(order.rawValue)") else {
            return client.complain()
        }
        return ReloadCommand.show(answer)
    }

    private static func pair(_ isTogether: Bool, _ names: [String], _ options: Options) -> ExitCode {
        guard names.count == (isTogether ? 2 : 1) else { return complain() }
        let client = options.client
        guard let all = client.get("/api/v1/failover", as: Snapshot.Failover.self) else { return client.complain() }
        func number(_ name: String, _ isMeant: (Snapshot.Failover.Member) -> Bool) -> Int64? {
            let meant = all.participants.filter(isMeant)
            if let id = Int64(name), meant.contains(where: { $0.id == id }) { return id }
            let named = meant.filter { $0.name == name }
            if named.count == 1, let id = named[0].id { return id }
            Output.complain(
                named.isEmpty
                    ? "there is no \"\(Output.safe(name))\" among those whom `midihub failover` shows"
                    : "there are several \"\(Output.safe(name))\": name one by its number, which `midihub failover` shows"
            )
            return nil
        }
        guard let here = number(names[0], { isTogether ? $0.on == .this : $0.on != .partner }) else { return .misuse }
        var path = "/api/v1/failover/pairings?here=\(here)"
        if isTogether {
            guard let there = number(names[1], { $0.on == .partner }) else { return .misuse }
            path += "&there=\(there)"
        }
        guard let answer = isTogether ? client.post(path) : client.delete(path) else { return client.complain() }
        return ReloadCommand.show(answer)
    }

    private static func complain() -> ExitCode {
        Output.complain(
            "failover: one of status, switch, mute, unmute, drill (with --mute HUB:5 or --kill HUB, or --last), learn, pair HERE THERE and unpair HERE; see midihub failover --help"
        )
        return .misuse
    }

    private static func show(_ options: Options) -> ExitCode {
        let client = options.client
        guard let all = client.get("/api/v1/failover", as: Snapshot.Failover.self) else { return client.complain() }
        let code = all.partner.connected && all.partner.linked ? ExitCode.well : .no
        if options.json {
            Output.line(JSON.text(all))
            return code
        }
        for line in lines(all) { Output.line(Output.safe(line)) }
        return code
    }

    private static func lines(_ all: Snapshot.Failover) -> [String] {
        func milliseconds(_ value: Double?) -> String { value.map { String(format: "%.0f ms", $0) } ?? "-" }
        func does(_ speaks: Bool?, _ phase: String?) -> String {
            speaks.map { $0 ? "speaks" : "stands by" } ?? phase ?? "not known"
        }
        let since = all.since.map { " since \(Output.time($0))" } ?? ""
        let partner = all.partner
        var lines = [
            all.sentence,
            "  this hub   \(all.role.rawValue), \(does(all.speaks, all.phase))\(since)\(all.muted ? ", muted" : "")",
            "  the other  \(partner.name.map { "\($0), " } ?? "")\(partner.connected ? does(partner.speaks, partner.phase) : "away")"
                + "\(partner.muted ? ", muted" : "")\(partner.version.map { ", \($0)" } ?? "")"
                + "\(partner.with.map { ", at \($0)" } ?? "")",
        ]
        if partner.connected {
            lines.append(
                "  silence    \(milliseconds(partner.silence)) of \(milliseconds(all.limit)), round trip \(partner.roundTrip.map { String(format: "%.1f ms", $0) } ?? "-")"
            )
        }
        if let trouble = all.trouble { lines.append("  trouble    \(trouble)") }
        for one in all.participants where one.on != .both {
            let remark = one.ambiguous ?? false ? ", may be any of several there: pair it by hand" : ""
            lines.append(
                "  \(one.on == .this ? "here only  " : "there only ")\(TextColumns.fit(ShownName.shown(one.name), 64)) (room \(one.room), number \(one.id ?? 0)\(remark))"
            )
        }
        if let last = all.drills?.first, let text = last.text {
            lines.append("  last drill \(Output.time(last.ended)). \(text)")
        }
        return lines + [all.settings.preset.map { "Preset \($0.rawValue):" }].compactMap(\.self)
            + all.settings.consequences + (all.settings.warnings ?? []).map { "Mind: \($0)" }
            + (all.drilling == nil ? [] : ["A drill is on."])
            + (all.obstacles.isEmpty ? [] : ["A switch would be refused: \(all.obstacles.joined(separator: "; "))."])
    }
}

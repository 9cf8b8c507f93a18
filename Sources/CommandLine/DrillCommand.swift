import EngineProtocol
import Foundation
import Glibc
import HTTP
import Hub
import WebAPI

/// `midihub failover drill`: orders a drill, waits for its end and shows what came of it.
enum DrillCommand {
    /// A killed engine may take a while, and hearers that merge by themselves tell of a drill two seconds later.
    private static let patience = Duration.seconds(60)

    /// nil where the options do not go together.
    static func run(_ options: Options) -> ExitCode? {
        let isOrder = options.mute != nil || options.kill != nil
        guard options.mute == nil || options.kill == nil, !options.last || !isOrder && !options.force else {
            return nil
        }
        let client = options.client
        guard let before = client.get("/api/v1/failover", as: Snapshot.Failover.self) else { return client.complain() }
        if options.last {
            guard let last = before.drills?.first else {
                Output.complain("there was no drill yet")
                return .no
            }
            return show(last, options)
        }
        guard let answer = client.post(path(options)) else { return client.complain() }
        if answer.status != 202 || isArmed(answer) { return ReloadCommand.show(answer) }
        if !options.json { _ = ReloadCommand.show(answer) }
        return waitForEnd(before.drills?.first?.id ?? 0, client, options)
    }

    private static func path(_ options: Options) -> String {
        let path = "/api/v1/failover/drill"
        if let mute = options.mute { return "\(path)?mute=\(Client.encoded(mute.hub))&seconds=\(mute.seconds)" }
        return options.kill.map { "\(path)?kill=\(Client.encoded($0))" } ?? path
    }

    /// It is to be ordered once more.
    private static func isArmed(_ answer: HubClient.Answer) -> Bool {
        (try? JSONDecoder().decode(API.Done.self, from: Data(answer.body)))?.armedUntil != nil
    }

    private static func waitForEnd(_ earlier: Int64, _ client: HubClient, _ options: Options) -> ExitCode {
        let end = ContinuousClock.now.advanced(by: patience)
        while ContinuousClock.now < end {
            usleep(200_000)
            guard let now = client.get("/api/v1/failover", as: Snapshot.Failover.self) else { return client.complain() }
            if let drill = now.drills?.first, drill.id > earlier { return show(drill, options) }
        }
        Output.complain("nothing has been told of the drill for \(patience.components.seconds) s")
        return .no
    }

    private static func show(_ drill: DrillReport, _ options: Options) -> ExitCode {
        if options.json {
            Output.line(JSON.text(drill))
        } else {
            for line in lines(drill) { Output.line(Output.safe(line)) }
        }
        return drill.passed ? .well : .no
    }

    static func lines(_ drill: DrillReport) -> [String] {
        let widths = [16, 10, 9, 8, 6, 6, 9, 10, 6]
        func row(_ cells: [String]) -> String {
            zip(cells, widths).enumerated().map { index, cell in TextColumns.column(cell.0, cell.1, right: index > 2) }
                .joined(separator: " ")
        }
        func figure(_ count: Int?) -> String { count.map(String.init) ?? "-" }
        var lines = ["\(Output.time(drill.ended))  \(drill.text ?? drill.sentence)"]
        guard !drill.hearers.isEmpty else { return lines }
        lines.append(row(["hearer", "room", "hears", "messages", "lost", "twice", "in doubt", "latest", "held"]))
        for one in drill.hearers {
            let late = one.late.map { $0 < 0.1 ? "<0.1 ms" : String(format: "%.1f ms", $0) } ?? "-"
            lines.append(
                row([
                    ShownName.shown(one.name), one.room, one.kind.word, figure(one.events), figure(one.lost),
                    figure(one.doubled), one.events == nil ? "-" : figure(one.doubtful ?? 0), late, figure(one.held),
                ]))
            if let again = one.again {
                lines.append("    values and ends of notes that were sent once more to be sure: \(again)")
            }
            if let remark = one.remark { lines.append("    not measured: \(remark)") }
        }
        return lines
    }
}

extension DrillReport.Hearer.Kind {
    fileprivate var word: String {
        switch self {
        case .paired: "one hub"
        case .numbered: "both hubs"
        case .single: "is on one"
        }
    }
}

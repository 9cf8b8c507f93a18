import Client
import Engine
import EngineProtocol
import Foundation
import Glibc
import Hub
import Linux
import Rooms
import WebAPI

/// `midihub ping`: how far away hubs are, by a few clock exchanges with each.
enum PingCommand {
    static let explanation = """
        To choose a region, from where each player is: measures for six to ten seconds and prints the round trips of the clock
        exchange in milliseconds, how they vary (jitter), how many questions were lost, and how it would be to play there;
        the nearest hub first. Hubs do not show who measures. Exit code 1 when none of them answers.
          --json   an object a line
        """
    /// A session asks six times in its first six seconds; one whose host has an address that does not answer begins later.
    private static let time = Duration.milliseconds(6500)
    private static let more = Duration.milliseconds(3500)
    private static let questions = 6

    private struct Line: Encodable {
        let host: String
        let address: String?
        let asked: Int
        let answered: Int
        let minimum: Double?
        let average: Double?
        let maximum: Double?
        let jitter: Double?
        /// Of the questions, 0 to 1.
        let loss: Double?
        let verdict: String?
        let trouble: String?
    }

    static func run(_ options: Options) -> ExitCode {
        guard let hosts = hosts(options.operands) else { return .misuse }
        do {
            let lines = try measure(hosts)
            if options.json {
                for line in lines { Output.line(JSON.text(line)) }
            } else {
                for row in table(lines, Style.standard) { Output.line(row) }
            }
            return lines.contains { $0.answered > 0 } ? .well : .no
        } catch {
            Output.complain("ping: \(error)")
            return .unavailable
        }
    }

    /// Each once; nil where a word is no host or there is none; the complaint has been printed then.
    private static func hosts(_ operands: [String]) -> [Initiator.Host]? {
        var hosts: [Initiator.Host] = []
        for word in operands {
            guard let host = Initiator.Host(word) else {
                Output.complain("ping: \"\(Output.safe(word))\" is no HOST or HOST:PORT")
                return nil
            }
            if !hosts.contains(host) { hosts.append(host) }
        }
        if hosts.isEmpty { Output.complain("ping: whom? Name a hub: midihub ping HOST[:PORT]") }
        return hosts.isEmpty ? nil : hosts
    }

    private static func measure(_ hosts: [Initiator.Host]) throws -> [Line] {
        let signals = try SignalDescriptor([SIGTERM, SIGINT])
        let loop = try EventLoop()
        let participants = try hosts.map { try Initiator($0, name: Probe.name, loop: loop) }
        var troubles: [Initiator.Host: String] = [:]
        var lines: [Line] = []
        var isEnding = false
        func end() {
            guard !isEnding else { return }
            isEnding = true
            lines = participants.map { line($0, troubles[$0.host]) }
            var left = participants.count
            for participant in participants {
                participant.leave {
                    left -= 1
                    if left == 0 { loop.stop() }
                }
            }
        }
        for participant in participants {
            participant.onNews = { news in
                if case .down(let reason, _, _) = news { troubles[participant.host] = reason }
            }
            participant.start()
        }
        try loop.watch(signals.number, .read) { _ in end() }
        loop.after(time) {
            let isDone = participants.allSatisfy { !$0.isUp || $0.distance.asked >= questions }
            loop.after(isDone ? .zero : more) { end() }
        }
        try loop.run()
        return lines.sorted { ($0.minimum ?? .infinity, $0.average ?? 0) < ($1.minimum ?? .infinity, $1.average ?? 0) }
    }

    private static func line(_ participant: Initiator, _ trouble: String?) -> Line {
        let distance = participant.distance
        let hasAnswered = distance.answered > 0
        func milliseconds(_ ticks: UInt32) -> Double? { hasAnswered ? Double(ticks) / 10 : nil }
        let (average, jitter) = (milliseconds(distance.average), milliseconds(distance.jitter))
        let lost = distance.asked - distance.answered
        let loss = hasAnswered ? Double(lost) / Double(distance.asked) : nil
        // One lost question of six does not show how large the loss is.
        let quality = Quality(rtt: average, jitter: jitter, loss: lost > 1 ? loss : nil)
        return Line(
            host: participant.host.description, address: participant.address?.description, asked: distance.asked,
            answered: distance.answered, minimum: milliseconds(distance.minimum), average: average,
            maximum: milliseconds(distance.maximum), jitter: jitter, loss: loss, verdict: quality?.rawValue,
            trouble: hasAnswered ? nil : trouble ?? "no answer")
    }

    private static func table(_ lines: [Line], _ style: Style) -> [String] {
        let width = min(48, lines.map { TextColumns.width(of: $0.host) }.max() ?? 4)
        let figures = ["AVG ms", "MIN", "MAX", "JITTER", "LOST"]
        let head =
            TextColumns.column("HOST", width) + figures.map { TextColumns.column($0, 8, right: true) }.joined()
            + "  VERDICT"
        return [style.paint(head, .faint)]
            + lines.map { line in
                let host = TextColumns.column(line.host, width)
                guard let average = line.average, let minimum = line.minimum, let maximum = line.maximum,
                    let jitter = line.jitter, let verdict = line.verdict.flatMap(Quality.init(rawValue:))
                else { return host + "  " + style.paint(Output.safe(line.trouble ?? "no answer"), .bad) }
                let cells = [average, minimum, maximum, jitter].map { String(format: "%.1f", $0) }
                return host
                    + (cells + ["\(line.asked - line.answered)/\(line.asked)"]).map {
                        TextColumns.column($0, 8, right: true)
                    }.joined() + "  " + style.paint(verdict.rawValue, verdict.ink)
            }
    }
}

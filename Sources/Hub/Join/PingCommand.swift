import Engine
import Foundation
import Glibc
import Linux

/// `midihub ping`: how far away hubs are, by a few clock exchanges with each.
enum PingCommand {
    static let explanation = """
        Takes part for six seconds under the name "midihub ping", plays nothing, and prints the round trips of the clock
        exchange in milliseconds, the nearest hub first. Exit code 1 when none of them answers.
          --json   an object a line
        """
    /// A session asks six times in its first six seconds.
    private static let time = Duration.milliseconds(6500)

    private struct Line: Encodable {
        let host: String
        let address: String?
        let asked: Int
        let answered: Int
        let minimum: Double?
        let average: Double?
        let maximum: Double?
        let jitter: Double?
        let trouble: String?
    }

    static func run(_ options: Options) -> ExitCode {
        var hosts: [Participant.Host] = []
        for word in options.operands {
            guard let host = Participant.Host(word) else {
                Output.complain("ping: \"\(Output.safe(word))\" is no HOST or HOST:PORT")
                return .misuse
            }
            if !hosts.contains(host) { hosts.append(host) }
        }
        guard !hosts.isEmpty else {
            Output.complain("ping: whom? midihub ping HOST[:PORT]…")
            return .misuse
        }
        do {
            let lines = try measure(hosts)
            for line in lines { Output.line(options.json ? API.encode(line) : words(line)) }
            return lines.contains { $0.answered > 0 } ? .well : .no
        } catch {
            Output.complain("ping: \(error)")
            return .unavailable
        }
    }

    private static func measure(_ hosts: [Participant.Host]) throws -> [Line] {
        let signals = try SignalDescriptor([SIGTERM, SIGINT])
        let loop = try EventLoop()
        let participants = try hosts.map { try Participant($0, name: "midihub ping", loop: loop) }
        var troubles: [Participant.Host: String] = [:]
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
        loop.after(time) { end() }
        try loop.run()
        return lines.sorted { ($0.minimum ?? .infinity, $0.average ?? 0) < ($1.minimum ?? .infinity, $1.average ?? 0) }
    }

    private static func line(_ participant: Participant, _ trouble: String?) -> Line {
        let distance = participant.distance
        func milliseconds(_ ticks: UInt32) -> Double? { distance.answered > 0 ? Double(ticks) / 10 : nil }
        return Line(
            host: participant.host.description, address: participant.address?.description, asked: distance.asked,
            answered: distance.answered, minimum: milliseconds(distance.minimum),
            average: milliseconds(distance.average),
            maximum: milliseconds(distance.maximum), jitter: milliseconds(distance.jitter),
            trouble: distance.answered > 0 ? nil : trouble ?? "no answer")
    }

    private static func words(_ line: Line) -> String {
        guard let minimum = line.minimum, let average = line.average, let maximum = line.maximum,
            let jitter = line.jitter
        else { return "\(line.host): \(Output.safe(line.trouble ?? "no answer"))" }
        let lost = line.asked - line.answered
        return "\(line.host): "
            + String(
                format: "%.1f ms (least %.1f, most %.1f, jitter %.1f), %d of %d lost", average, minimum, maximum,
                jitter,
                lost, line.asked)
    }
}

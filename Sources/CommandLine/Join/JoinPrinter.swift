import Client
import EngineProtocol
import Foundation
import Hub
import HubLink
import Linux

/// Prints what `join --dump` hears, a message a line.
final class JoinPrinter {
    enum Format { case text, json }

    private let format: Format
    private let group: HubGroup
    private let loop: EventLoop
    /// The reader of standard output has gone.
    private let whenLost: () -> Void

    init(_ format: Format, of group: HubGroup, loop: EventLoop, whenLost: @escaping () -> Void) {
        (self.format, self.group, self.loop, self.whenLost) = (format, group, loop, whenLost)
    }

    /// What is printed of a message that came: `by` are the hubs that it came by, `hub` the first of them; `origin` and
    /// `number` are those of a numbered event.
    private struct Line: Encodable {
        let time: Int64
        let hub: String?
        var by: [String]?
        let timestamp: UInt32
        let bytes: String
        let repair: Bool
        let origin: UInt32?
        let number: UInt32?
    }
    /// Lines that wait for the copies of other hubs.
    private var lines: [(line: Line, message: HubGroup.Received, due: ContinuousClock.Instant)] = []
    private var isPrintPlanned = false
    private static let copyTime = Duration.milliseconds(100)

    func print(_ message: HubGroup.Received) {
        let hex = message.bytes.map { String(format: "%02x", $0) }.joined()
        let milliseconds = SystemTime.unixMilliseconds
        switch format {
        case .text:
            let clock = Output.time(milliseconds) + String(format: ".%03d", Int(milliseconds % 1000))
            write("\(clock)  \(message.timestamp)  \(hex)" + (message.isRepair ? "  repaired" : ""))
        case .json:
            let line = Line(
                time: milliseconds, hub: message.hub.map { group.hubs[$0].host.description },
                timestamp: message.timestamp, bytes: hex, repair: message.isRepair,
                origin: message.event?.origin.rawValue, number: message.event?.number.rawValue)
            let waits = message.event != nil && group.hubs.count(where: \.isLinked) > 1
            lines.append((line, message, waits ? .now + Self.copyTime : .now))
            printLines(all: false)
        }
    }

    /// Prints what still waits.
    func finish() { printLines(all: true) }

    /// Prints the lines whose time has come, in their order.
    private func printLines(all: Bool) {
        let count = all ? lines.count : lines.prefix { $0.due <= .now }.count
        for (line, message, _) in lines.prefix(count) {
            var line = line
            if let event = message.event { line.by = group.hubs(of: event).map { group.hubs[$0].host.description } }
            write(JSON.text(line))
        }
        lines.removeFirst(count)
        guard let next = lines.first, !isPrintPlanned else { return }
        isPrintPlanned = true
        loop.at(next.due) { [unowned self] in
            isPrintPlanned = false
            printLines(all: false)
        }
    }

    private func write(_ text: String) {
        Output.line(text)
        if Output.isLost { whenLost() }
    }
}

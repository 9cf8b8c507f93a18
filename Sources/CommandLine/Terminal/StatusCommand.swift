import Foundation
import Hub
import WebAPI

/// `midihub status`: is all well?
enum StatusCommand {
    static func run(_ options: Options) -> ExitCode {
        let client = options.client
        guard let bytes = client.get("/api/v1/status") else {
            if options.json { Output.line(#"{"running":false}"#) }
            switch client.endpoint {
            case .here(let state) where !options.json: Output.line("No hub runs on \(state.path).")
            case .here: break
            case .away: return client.complain()
            }
            return .no
        }
        guard let status = try? JSONDecoder().decode(API.Status.self, from: Data(bytes)) else {
            return Output.strangeAnswer()
        }
        // A hub without a running engine is not well. Its sentence and its problems say why.
        let code = status.engines.contains { $0.state == .up } ? ExitCode.well : .no
        if options.json {
            Output.line(String(decoding: bytes, as: UTF8.self))
            return code
        }
        guard let rooms = client.get("/api/v1/rooms", as: API.Rooms.self)?.rooms,
            let participants = client.participants()
        else {
            // The hub has ended in between.
            return client.complain()
        }
        for line in lines(status, rooms, participants, now: Date(), Style.standard) { Output.line(line) }
        return code
    }

    private static func lines(
        _ status: API.Status, _ rooms: [Snapshot.Room], _ participants: [Snapshot.Participant], now: Date,
        _ style: Style
    ) -> [String] {
        var lines = [style.paint(Output.safe(status.health.sentence), status.health.ok ? .good : .bad)]
        for problem in status.health.problems {
            lines.append(style.paint("! ", .bad) + Output.safe(problem.what))
            if let fix = problem.fix { lines.append("  fix: \(Output.safe(fix))") }
        }
        for notice in status.health.notices ?? [] { lines.append("! " + Output.safe(notice)) }
        if let failover = status.failover { lines.append("Two hubs: \(Output.safe(failover))") }
        if let lock = status.lock {
            lines.append(style.paint(Output.safe("Locked \(ShowLock.text(since: lock.since, by: lock.by))."), .warning))
            lines += lock.putOff.map { "  then: \(Output.safe($0))" }
        }
        if status.store.lost > 0, status.store.state == .recording {
            lines.append("Changes that were not recorded while the store was down: \(status.store.lost).")
        }
        lines.append("")
        let milliseconds = Int64(now.timeIntervalSince1970 * 1000)
        let isTakingOver = Snapshot.Health.isTakingOver(status.engines, startedAt: status.startedAt, now: milliseconds)
        for room in rooms {
            let here = participants.filter { $0.room == room.name }
            lines += self.lines(room, here, style, nobody: isTakingOver ? "not known yet" : "nobody")
        }
        lines.append("")
        let age = Int(milliseconds / 1000 - status.startedAt / 1000)
        lines.append(
            "\(Output.safe(status.name)) \(Output.safe(status.version)), pid \(status.pid), for \(duration(age))")
        for engine in status.engines { lines.append(self.line(engine, style)) }
        lines.append("Connect to \(status.addresses.map(Output.safe).joined(separator: ", "))")
        return lines
    }

    private static func lines(
        _ room: Snapshot.Room, _ participants: [Snapshot.Participant], _ style: Style, nobody: String
    ) -> [String] {
        let ports = room.ports.map { "\($0)" }.joined(separator: ", ")
        let head = "\(style.paint(TextColumns.fit(room.name, 40), .strong)) (\(ports), \(Output.safe(room.policy)))"
        guard !participants.isEmpty else { return ["\(head): \(nobody)"] }
        return [head] + participants.map { "  " + line($0, style) }
    }

    static func line(_ one: Snapshot.Participant, _ style: Style) -> String {
        var row = TextColumns.column(ShownName.shown(one.name), 24) + "  "
        row += TextColumns.column(one.rtt.map { String(format: "%.1f ms", $0.last) } ?? "-", 10, right: true)
        row += TextColumns.column(one.jitter.map { String(format: "jitter %.1f", $0) } ?? "", 14, right: true)
        row +=
            TextColumns.column(one.loss.map { String(format: "loss %.1f %%", $0 * 100) } ?? "", 13, right: true) + "  "
        let quality = Quality(of: one)
        switch one.state {
        case .present where one.muted ?? false: row += style.paint("muted", .warning)
        case .present: row += style.paint(quality?.rawValue ?? "not measured yet", quality?.ink ?? .faint)
        case .silent, .ghost, .duplicate: row += style.paint(one.state.rawValue, .warning)
        }
        if one.sends != one.receives { row += one.sends ? ", only sends" : ", only receives" }
        if one.focus ?? false { row += ", has the focus" }
        if one.controller ?? false { row += ", a controller" }
        if let remark = one.remark { row += style.paint(", \(Output.safe(remark))", .warning) }
        return row
    }

    private static func line(_ engine: Snapshot.Engine, _ style: Style) -> String {
        let ink: Style.Ink =
            switch engine.state {
            case .up: .good
            case .starting, .stopping: .warning
            case .down, .failed: .bad
            }
        let version = engine.version.map { " " + Output.safe($0) } ?? ""
        let parts = [
            "Port \(engine.port) \(style.paint(engine.state.rawValue, ink)): \(Output.safe(engine.kind))\(version)",
            engine.pid.map { "pid \($0)" }, engine.adopted ? "adopted" : nil,
            engine.restarts == 1 ? "restarted once" : engine.restarts > 1 ? "restarted \(engine.restarts) times" : nil,
            engine.reason.map(Output.safe),
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }

    /// "3 d 4 h", "5 min", "12 s".
    private static func duration(_ seconds: Int) -> String {
        switch max(0, seconds) {
        case ..<60: "\(max(0, seconds)) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<86400: "\(seconds / 3600) h \(seconds / 60 % 60) min"
        default: "\(seconds / 86400) d \(seconds / 3600 % 24) h"
        }
    }
}

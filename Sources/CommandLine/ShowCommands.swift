import EngineProtocol
import Foundation
import HTTP
import Hub
import Linux
import Store
import WebAPI

/// The commands that only show: from the running hub where one runs, else from what it left on disk.
enum ShowCommands {
    static func participants(_ options: Options) -> ExitCode {
        let client = options.client
        guard let participants = client.participants() else { return client.complain() }
        if options.json {
            Output.line(JSON.text(API.Participants(participants: participants)))
            return .well
        }
        guard !participants.isEmpty else {
            let status = client.get("/api/v1/status", as: API.Status.self)
            let now = Timestamp.now.milliseconds
            let isTakingOver =
                status.map { Snapshot.Health.isTakingOver($0.engines, startedAt: $0.startedAt, now: now) } ?? false
            Output.line(isTakingOver ? "The hub has just begun: who is here is not known yet." : "Nobody is here.")
            return .well
        }
        Output.line(
            "ROOM".padding(to: 16) + "RTT ms".padding(to: 9) + "STATE".padding(to: 10) + "SINCE".padding(to: 21)
                + "NAME")
        for one in participants {
            let rtt = one.rtt.map { String(format: "%.1f", $0.last) } ?? "-"
            Output.line(
                TextColumns.column(one.room, 15) + " " + rtt.padding(to: 9)
                    + (one.muted ?? false ? "muted" : one.state.rawValue).padding(to: 10)
                    + Output.time(one.since).padding(to: 21) + TextColumns.fit(ShownName.shown(one.name), 64)
                    + (one.remark.map { "  (\(Output.safe($0)))" } ?? ""))
        }
        return .well
    }

    static func latency(_ options: Options) -> ExitCode {
        let client = options.client
        let rows: [API.LegacyLatency]
        if let decoded = client.get("/latency", as: [API.LegacyLatency].self) {
            rows = decoded
        } else {
            guard case .here(let state) = client.endpoint else { return client.complain() }
            guard let database = Output.database(state) else { return .unavailable }
            let since = Timestamp(milliseconds: Timestamp.now.milliseconds - 86_400_000)
            guard let summaries = blocking({ try? await database.latencySummary(since: since) }) else {
                return .unavailable
            }
            rows = summaries.map(API.LegacyLatency.init)
        }
        if options.json {
            Output.line(JSON.text(rows))
            return .well
        }
        guard !rows.isEmpty else {
            Output.line("No latency was measured in the last 24 hours.")
            return .well
        }
        Output.line("PORT".padding(to: 7) + ["LAST", "AVG", "MIN", "MAX"].map { $0.padding(to: 9) }.joined() + "NAME")
        for row in rows {
            let figures = [row.lastLatency, row.averageLatency, row.minLatency, row.maxLatency]
            Output.line(
                TextColumns.column(row.clientPort, 6) + " " + figures.map { TextColumns.column($0, 8) + " " }.joined()
                    + TextColumns.fit(ShownName.shown(row.clientName), 64))
        }
        return .well
    }

    static func events(_ options: Options) -> ExitCode {
        let client = options.client
        var last: Int64 = 0
        func show(_ events: [API.Event]) {
            for event in events.sorted(by: { $0.id < $1.id }) where event.id > last {
                if options.json { Output.line(JSON.text(event)) } else { print(event) }
                last = event.id
            }
        }
        guard let newest = events(client, "limit=\(options.limit ?? 50)", after: nil, limit: options.limit ?? 50) else {
            return client.isAway ? .no : .unavailable
        }
        show(newest)
        while options.follow, !Output.isLost {
            // Asked again and again, which goes on working when one hub ends and another begins.
            Thread.sleep(forTimeInterval: client.isAway ? 2 : 0.5)
            if let more = events(client, "limit=500&after=\(last)", after: last, limit: 500, quietly: true) {
                show(more)
            }
        }
        return .well
    }

    /// From the running hub, else from the database it left.
    private static func events(
        _ client: HubClient, _ query: String, after: Int64?, limit: Int, quietly: Bool = false
    ) -> [API.Event]? {
        if let list = client.get("/api/v1/events?\(query)", as: API.Events.self) { return list.events }
        guard case .here(let state) = client.endpoint else {
            if !quietly { _ = client.complain() }
            return nil
        }
        if quietly, !File.exists(state.database) { return nil }
        guard let database = Output.database(state) else { return nil }
        return blocking {
            let events =
                if let after { try? await database.events(after: after, limit: limit) } else {
                    try? await database.events(limit: limit)
                }
            return events?.map { API.Event($0, isFull: true) }
        }
    }

    private static func print(_ event: API.Event) {
        let range = event.at == event.atLatest ? "" : " (between \(Output.time(event.at)) and then)"
        let mark = event.severity == "info" ? "" : "\(event.severity): "
        let source = event.address.map { " (\(Output.safe($0)))" } ?? ""
        Output.line("\(Output.time(event.atLatest))  \(mark)\(Output.safe(event.text))\(source)\(range)")
    }
}

import Foundation
import HTTP
import Linux
import Store

/// The commands that only show: from the running hub where one runs, else from what it left on disk.
enum ShowCommands {
    static func status(_ options: Options) -> ExitCode {
        let state = options.stateDirectory
        guard let bytes = HubClient(state).get("/api/v1/status") else {
            if options.json { Output.line(#"{"running":false}"#) } else { Output.line("No hub runs on \(state.path).") }
            return .no
        }
        if options.json {
            Output.line(String(decoding: bytes, as: UTF8.self))
            return .well
        }
        guard let status = try? JSONDecoder().decode(API.Status.self, from: Data(bytes)) else {
            return Output.strangeAnswer()
        }
        Output.line("\(status.name) \(status.version), pid \(status.pid), since \(Output.time(status.startedAt))")
        Output.line(status.health.sentence)
        for problem in status.health.problems {
            Output.line("  ! \(problem.what)" + (problem.fix.map { "\n    fix: \($0)" } ?? ""))
        }
        Output.line("Connect to: \(status.addresses.joined(separator: ", "))")
        for engine in status.engines {
            let words = [
                "\(engine.name.padding(to: 16))\(engine.state.rawValue.padding(to: 9))room \(engine.room)",
                engine.pid.map { "pid \($0)" }, engine.adopted ? "adopted" : nil,
                engine.restarts > 0 ? "restarted \(engine.restarts) times" : nil, engine.reason,
            ]
            Output.line("  " + words.compactMap { $0 }.map(Output.safe).joined(separator: ", "))
        }
        return .well
    }

    static func participants(_ options: Options) -> ExitCode {
        let state = options.stateDirectory
        guard let bytes = HubClient(state).get("/api/v1/participants") else { return Output.notRunning(state) }
        if options.json {
            Output.line(String(decoding: bytes, as: UTF8.self))
            return .well
        }
        guard let list = try? JSONDecoder().decode(API.Participants.self, from: Data(bytes)) else {
            return Output.strangeAnswer()
        }
        guard !list.participants.isEmpty else {
            Output.line("Nobody is here.")
            return .well
        }
        Output.line(
            "ROOM".padding(to: 12) + "RTT ms".padding(to: 9) + "STATE".padding(to: 10) + "SINCE".padding(to: 21)
                + "NAME")
        for one in list.participants {
            let rtt = one.rtt.map { String(format: "%.1f", $0.last) } ?? "-"
            Output.line(
                Output.safe(one.room).padding(to: 12) + rtt.padding(to: 9) + one.state.rawValue.padding(to: 10)
                    + Output.time(one.since).padding(to: 21) + Output.safe(one.name)
                    + (one.remark.map { "  (\(Output.safe($0)))" } ?? ""))
        }
        return .well
    }

    static func latency(_ options: Options) -> ExitCode {
        let state = options.stateDirectory
        let rows: [API.LegacyLatency]
        if let bytes = HubClient(state).get("/latency"),
            let decoded = try? JSONDecoder().decode([API.LegacyLatency].self, from: Data(bytes))
        {
            rows = decoded
        } else {
            guard let database = Output.database(state) else { return .unavailable }
            let since = Moment(milliseconds: Moment.now.milliseconds - 86_400_000)
            guard let summaries = blocking({ try? await database.latencySummary(since: since) }) else {
                return .unavailable
            }
            rows = summaries.map(API.LegacyLatency.init)
        }
        if options.json {
            Output.line(API.encode(rows))
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
                row.clientPort.padding(to: 7) + figures.map { $0.padding(to: 9) }.joined() + Output.safe(row.clientName)
            )
        }
        return .well
    }

    static func events(_ options: Options) -> ExitCode {
        let state = options.stateDirectory
        var last: Int64 = 0
        func show(_ events: [API.Event]) {
            for event in events.sorted(by: { $0.id < $1.id }) where event.id > last {
                if options.json { Output.line(API.encode(event)) } else { print(event) }
                last = event.id
            }
        }
        guard let newest = events(state, "limit=\(options.limit ?? 50)", after: nil, limit: options.limit ?? 50) else {
            return .unavailable
        }
        show(newest)
        while options.follow {
            // A hub may end and another begin meanwhile; asking twice a second outlives both.
            Thread.sleep(forTimeInterval: 0.5)
            if let more = events(state, "limit=500&after=\(last)", after: last, limit: 500, quietly: true) {
                show(more)
            }
        }
        return .well
    }

    /// From the running hub, else from the database it left.
    private static func events(
        _ state: StateDirectory, _ query: String, after: Int64?, limit: Int, quietly: Bool = false
    ) -> [API.Event]? {
        if let bytes = HubClient(state).get("/api/v1/events?\(query)"),
            let list = try? JSONDecoder().decode(API.Events.self, from: Data(bytes))
        {
            return list.events
        }
        if quietly, !File.exists(state.database) { return nil }
        guard let database = Output.database(state) else { return nil }
        return blocking {
            guard let after else { return try? await database.events(limit: limit).map(API.Event.init) }
            return try? await database.events(after: after, limit: limit).map(API.Event.init)
        }
    }

    private static func print(_ event: API.Event) {
        let range = event.at == event.atLatest ? "" : " (between \(Output.time(event.at)) and then)"
        let mark = event.severity == "info" ? "" : "\(event.severity): "
        Output.line("\(Output.time(event.atLatest))  \(mark)\(Output.safe(event.text))\(range)")
    }
}

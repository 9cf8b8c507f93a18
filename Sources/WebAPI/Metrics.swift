import Glibc
package import HTTP
package import Hub
import Linux
import Synchronization

/// Counters for `GET /metrics`, written where the thing happens and read by any thread.
package struct HubCounters: Sendable {
    package let http: ServerCounters
    package let store: StoreWriterCounters

    package init(http: ServerCounters = ServerCounters(), store: StoreWriterCounters = StoreWriterCounters()) {
        (self.http, self.store) = (http, store)
    }
}

/// `GET /metrics` in Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
///
/// It shows what the public lists show, so it needs no token: names, but no addresses. Strangers choose
/// names, and each is a label while its participant is here, so an answer has at most `mostParticipants` of them.
package struct Metrics {
    package static let mostParticipants = 500

    private typealias Labels = KeyValuePairs<String, String>
    private enum Kind: String { case gauge, counter }
    private var text = ""

    package static func response(_ snapshot: Snapshot, _ counters: HubCounters, wrongTokens: Int) -> Response {
        var metrics = Metrics()
        metrics.addHub(snapshot)
        metrics.addEngines(snapshot.engines)
        metrics.addRooms(snapshot.rooms)
        metrics.addParticipants(snapshot.participants)
        if let failover = snapshot.failover { metrics.addPair(failover) }
        metrics.addStore(snapshot.store, counters.store)
        metrics.addHTTP(counters.http, wrongTokens)
        return Response(
            .ok, headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"],
            body: Array(metrics.text.utf8))
    }

    // MARK: What there is

    private mutating func addHub(_ snapshot: Snapshot) {
        add("midihub_build_info", .gauge, "The hub's version; the value is always 1.", [(["version": Version.text], 1)])
        add(
            "midihub_healthy", .gauge, "Whether all is well (1) or /healthz says what is not (0).",
            snapshot.health.ok ? 1 : 0)
        add("midihub_locked", .gauge, "Whether the hub is locked for a show.", snapshot.lock == nil ? 0 : 1)
        add(
            "process_start_time_seconds", .gauge, "When the hub began, in Unix seconds.",
            Double(snapshot.startedAt) / 1000)
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let times = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) / 1_000_000 }
        add(
            "process_cpu_seconds_total", .counter, "Processor time of the hub, without its engines.",
            times[0] + times[1])
        // proc(5): the second number of statm is the resident set, in pages.
        let pages = File.text("/proc/self/statm", limit: 256)?.split(separator: " ").dropFirst().first.flatMap {
            Double($0)
        }
        if let pages {
            add(
                "process_resident_memory_bytes", .gauge, "Memory of the hub, without its engines.",
                pages * Double(sysconf(CInt(_SC_PAGESIZE))))
        }
    }

    private mutating func addEngines(_ engines: [Snapshot.Engine]) {
        func each(_ value: (Snapshot.Engine) -> Double) -> [(Labels, Double)] {
            engines.map { (["engine": $0.name, "kind": $0.kind, "port": "\($0.port)", "room": $0.room], value($0)) }
        }
        add("midihub_engine_up", .gauge, "Whether the engine serves this port.", each { $0.state == .up ? 1 : 0 })
        add(
            "midihub_engine_restarts_total", .counter, "Restarts of the engine since the hub began.",
            each { Double($0.restarts) })
        add(
            "midihub_engine_log_lag_bytes", .gauge, "Of the engine's log, what the hub has yet to read.",
            each { Double($0.logLag ?? 0) })
        add(
            "midihub_engine_log_lines_unknown_total", .counter, "Lines of the engine's log of a form not known.",
            each { Double($0.unknownLines) })
        add(
            "midihub_engine_log_lines_disbelieved_total", .counter, "Lines of the engine's log that were contradicted.",
            each { Double($0.disbelievedLines) })
    }

    private mutating func addRooms(_ rooms: [Snapshot.Room]) {
        func each(_ value: (Snapshot.Room) -> Int) -> [(Labels, Double)] {
            rooms.map { (["room": $0.name], Double(value($0))) }
        }
        add("midihub_participants", .gauge, "Participants in the room.", each(\.participants))
        add("midihub_wires", .gauge, "Directions from one participant to another in the room.", each(\.wires))
    }

    private mutating func addParticipants(_ all: [Snapshot.Participant]) {
        let here = all.filter { $0.state == .present || $0.state == .silent }.prefix(Self.mostParticipants)
        // Two of one name in a room differ by a number.
        var twins: [[String]: Int] = [:]
        let labelled = here.map { one -> (Snapshot.Participant, Labels) in
            let number = twins[[one.room, one.name], default: 0] + 1
            twins[[one.room, one.name]] = number
            return number == 1
                ? (one, ["room": one.room, "participant": one.name])
                : (one, ["room": one.room, "participant": one.name, "twin": "\(number)"])
        }
        func each(_ value: (Snapshot.Participant) -> Double?) -> [(Labels, Double)] {
            labelled.compactMap { one, labels in value(one).map { (labels, $0) } }
        }
        add(
            "midihub_participant_silent", .gauge, "1 where nothing comes from it any more.",
            each { $0.state == .silent ? 1 : 0 })
        add(
            "midihub_participant_muted", .gauge, "1 where nobody hears it, for sending back what it hears.",
            each { $0.muted ?? false ? 1 : 0 })
        add(
            "midihub_participant_focus", .gauge, "1 where it feeds back to the room's controllers.",
            each { $0.focus ?? false ? 1 : 0 })
        add(
            "midihub_participant_rtt_seconds", .gauge, "The last round trip to the participant and back.",
            each { $0.rtt.map { $0.last / 1000 } })
        add(
            "midihub_participant_jitter_seconds", .gauge, "The jitter of its round trips.",
            each { $0.jitter.map { $0 / 1000 } })
        add(
            "midihub_participant_loss_ratio", .gauge, "The part of its packets lost in the last minute.",
            each(\.loss))
        add(
            "midihub_participant_packets_received_total", .counter, "Packets that came from it since it joined.",
            each { $0.received.map { Double($0) } })
        add(
            "midihub_participant_packets_lost_total", .counter, "Packets from it that did not come since it joined.",
            each { $0.lost.map { Double($0) } })
        add(
            "midihub_participant_packets_unreadable_total", .counter, "Packets from it that could not be read.",
            each { $0.unreadable.map { Double($0) } })
        add(
            "midihub_participant_messages_repaired_total", .counter,
            "Messages that the recovery journal brought after a loss.", each { $0.repaired.map { Double($0) } })
    }

    private mutating func addPair(_ failover: Snapshot.Failover) {
        if let at = failover.drilledAt {
            add(
                "midihub_failover_drill_passed_timestamp_seconds", .gauge,
                "When a drill of the two hubs has passed last, in Unix seconds.", Double(at) / 1000)
        }
        add(
            "midihub_failover_role", .gauge, "Of two hubs: 1 where this one speaks, 0 where the other one does.",
            failover.speaks ?? false ? 1 : 0)
        add(
            "midihub_failover_redundant", .gauge, "Whether either hub may go without being missed.",
            failover.isRedundant ? 1 : 0)
        if let silence = failover.partner.silence {
            add(
                "midihub_failover_silence_seconds", .gauge, "How long nothing has come from the other hub.",
                silence / 1000)
        }
        add(
            "midihub_failover_switches_total", .counter, "Changes of who speaks since the hub began, by reason.",
            failover.switches.sorted { $0.key < $1.key }.map { (["reason": $0.key], Double($0.value)) })
    }

    private mutating func addStore(_ view: Snapshot.Store, _ counters: StoreWriterCounters) {
        add("midihub_store_up", .gauge, "Whether the hub records.", view.state == .recording ? 1 : 0)
        add(
            "midihub_store_writes_total", .counter, "Transactions that are on disk.",
            Double(counters.writes.load(ordering: .relaxed)))
        add(
            "midihub_store_write_failures_total", .counter, "Transactions that failed.",
            Double(counters.failures.load(ordering: .relaxed)))
        add("midihub_store_changes_lost_total", .counter, "Changes that were not recorded.", Double(view.lost))
    }

    private mutating func addHTTP(_ counters: ServerCounters, _ wrongTokens: Int) {
        add(
            "midihub_http_responses_total", .counter, "Answers by status code.",
            counters.answers.sorted { $0.key < $1.key }.map { (["code": "\($0.key)"], Double($0.value)) })
        add(
            "midihub_http_refused_total", .counter, "Answers given before any route was asked.",
            Double(counters.refused.load(ordering: .relaxed)))
        add(
            "midihub_http_connections", .gauge, "Connections that are open, viewers included.",
            Double(counters.connections.load(ordering: .relaxed)))
        add(
            "midihub_stream_viewers", .gauge, "Viewers of the stream.",
            Double(counters.viewers.load(ordering: .relaxed)))
        add("midihub_http_wrong_tokens_total", .counter, "Wrong tokens that were sent.", Double(wrongTokens))
    }

    // MARK: How it is written

    private mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        add(name, kind, help, [([:] as Labels, value)])
    }

    private mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [(Labels, Double)]) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        for (labels, value) in samples {
            let list = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            text += "\(name)\(list.isEmpty ? "" : "{\(list)}") \(Self.number(value))\n"
        }
    }

    private static func number(_ value: Double) -> String {
        Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    /// Escaped as the format asks for. By scalars, since a newline may be part of a Swift character (CR LF).
    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

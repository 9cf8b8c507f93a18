import EngineProtocol
import Foundation
import Glibc
import Linux
import Store

/// Tells the webhook what goes wrong and when that is over. On the hub's loop; a message is sent by a thread that waits for
/// curl, so that a webhook that does not answer holds up nothing.
package final class Alerter {
    private struct Kept: Codable {
        var watch = AlertWatch()
        var queue = AlertQueue()
    }

    private let context: HubContext
    private let post: @Sendable (Alert, String) -> Curl.Outcome
    private let outcomes: Mailbox<Curl.Outcome>
    private let startedAt = ContinuousClock.now
    private var kept: Kept
    private var saved: [UInt8] = []

    /// After that the hub knows who is there.
    private static let settling: Duration = .seconds(60)

    /// `post` takes an alert to the webhook at an address, and blocks until that is answered.
    init(_ context: HubContext, post: @escaping @Sendable (Alert, String) -> Curl.Outcome) throws(Errno) {
        (self.context, self.post) = (context, post)
        outcomes = try Mailbox()
        kept = Self.load(context.state)
        try context.loop.receive(outcomes) { [unowned self] in finish($0) }
    }

    private static func load(_ state: StateDirectory) -> Kept {
        File.bytes(state.alerts).flatMap { try? JSONDecoder().decode(Kept.self, from: Data($0)) } ?? Kept()
    }

    var state: AlertState { Self.state(settings, kept) }

    /// What an earlier hub has left.
    package static func state(_ settings: AlertSettings?, leftIn directory: StateDirectory) -> AlertState {
        state(settings, load(directory))
    }

    private static func state(_ settings: AlertSettings?, _ kept: Kept) -> AlertState {
        AlertState(settings: settings, told: kept.watch.told, waiting: kept.queue.count)
    }

    private var settings: AlertSettings? { context.configuration.alerts }

    /// Every second.
    func look(_ snapshot: Snapshot, now: Int64 = Timestamp.now.milliseconds) {
        guard let settings else {
            guard !kept.watch.told.isEmpty || kept.queue.count > 0 else { return }
            kept.watch = AlertWatch()
            kept.queue.clear()
            return save()
        }
        let present = snapshot.participants.filter { $0.state == .present }.map { ($0.name, $0.room, $0.since) }
        var news = kept.watch.see(present, hub: snapshot.name, now: now)
        news += kept.watch.look(
            AlertWatch.readings(snapshot, diskUsed: diskUsed, settings, now: now),
            isSettled: startedAt.duration(to: .now) > Self.settling, hub: snapshot.name, now: now)
        for alert in news { tell(alert) }
        save()
        send(now: now)
    }

    /// Somebody has left without a goodbye.
    func lost(_ visit: Visit, _ text: String, hub: String) {
        guard settings != nil,
            let alert = kept.watch.lose(
                visit.name, room: visit.room, joined: visit.joined.latest.milliseconds, text: text, hub: hub,
                now: Timestamp.now.milliseconds)
        else { return }
        tell(alert)
        save()
        send()
    }

    private func tell(_ alert: Alert) {
        if !kept.queue.add(alert) {
            context.note(
                .alertFailed, severity: .warning,
                "More than \(AlertQueue.most) alerts wait to be delivered: the oldest are given up")
        }
    }

    /// Percent, as one without special rights sees it (statvfs(3)).
    private var diskUsed: Double? {
        var facts = statvfs()
        guard statvfs(context.state.path, &facts) == 0, facts.f_blocks > 0 else { return nil }
        let used = Double(facts.f_blocks - facts.f_bfree)
        let all = used + Double(facts.f_bavail)
        return all > 0 ? used / all * 100 : nil
    }

    // MARK: Sending

    private func send(now: Int64 = Timestamp.now.milliseconds) {
        guard let settings, let alert = kept.queue.next(now: now) else { return }
        let post = post
        let outcomes = outcomes
        let work = { @Sendable in outcomes.send(post(alert, settings.url)) }
        do throws(Errno) {
            try WorkerThread("alert", work).detach()
        } catch { finish(.failed(error.reason)) }
    }

    /// Blocks until it is answered.
    package static func post(_ alert: Alert, to url: String) -> Curl.Outcome {
        var request = Curl(url: url, method: "POST")
        request.headers = ["Content-Type: application/json", "User-Agent: midihub/\(Version.text)"]
        request.body = JSON.text(alert.message)
        request.discardsBody = true
        return request.run()
    }

    /// Sends a test message, whatever else waits.
    func test(hub: String, _ reply: @escaping Reply) {
        guard let url = settings?.url else {
            return reply(.notFound("No alerts are configured."))
        }
        let alert = Alert.test(hub: hub)
        let post = post
        let work = { @Sendable in
            let problem = Self.problem(post(alert, url))
            reply(
                problem.map { .unavailable("The webhook took no alert: \($0).") }
                    ?? .done("The webhook took the test message."))
        }
        do throws(Errno) {
            try WorkerThread("alert test", work).detach()
        } catch { reply(.unavailable("The test cannot be sent: \(error.reason).")) }
    }

    /// nil where it was taken.
    package static func problem(_ outcome: Curl.Outcome) -> String? {
        switch outcome {
        case .answered(200..<300, _): nil
        case .answered(let status, _): "it answered \(status)"
        case .failed(let text): text
        }
    }

    private func finish(_ outcome: Curl.Outcome) {
        if let problem = Self.problem(outcome) {
            let isFirst = kept.queue.attempts == 0
            if kept.queue.failed(now: Timestamp.now.milliseconds) {
                context.note(.alertFailed, severity: .error, "An alert is given up after a day: \(problem)")
            } else if isFirst {
                context.note(
                    .alertFailed, severity: .warning,
                    "The webhook took no alert: \(problem). It is tried again and again")
            }
        } else {
            if kept.queue.attempts > 0 { context.note(.alertSent, "The webhook takes alerts again") }
            kept.queue.delivered()
        }
        save()
        send()
    }

    /// On a full disk the next hub may tell something twice.
    private func save() {
        let bytes = JSON.bytes(kept)
        guard bytes != saved else { return }
        saved = bytes
        try? File.replace(context.state.alerts, with: bytes, mode: 0o600)
    }
}

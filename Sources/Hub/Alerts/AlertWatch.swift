/// What goes on, and what has been told of it: each occurrence once when it begins and once when it is over. It outlives
/// the hub, so that the next one does not tell it again.
package struct AlertWatch: Codable, Equatable, Sendable {
    /// One figure or state, now.
    package struct Reading: Equatable {
        /// As it is told when it is bad; its id names the occurrence.
        package var alert: Alert
        package var text: String
        /// What is told when it is over.
        package var over: String
        package var isBad: Bool
        /// How long it must be bad, and well again, in milliseconds.
        package var patience: Int64

        package init(_ alert: Alert, text: String, over: String, isBad: Bool, patience: Int64) {
            (self.alert, self.text, self.over, self.isBad, self.patience) = (alert, text, over, isBad, patience)
        }
    }

    private struct Occurrence: Codable, Equatable {
        var alert: Alert
        var over: String
        var patience: Int64
        /// Since when it has been well, or not seen any more.
        var wellSince: Int64?
        var unseenSince: Int64?
        /// When a lost participant had joined. One of that name who has joined since is taken for the same one, even where it
        /// came back before the loss was noticed.
        var joined: Int64?
    }

    private var occurrences: [String: Occurrence] = [:]
    /// Since when readings are bad that are not told yet. Not kept for the next hub, which counts anew.
    private var badSince: [String: Int64] = [:]
    private enum CodingKeys: CodingKey { case occurrences }

    /// Who is lost and never returns is forgotten after a week.
    private static let longest: Int64 = 7 * 86_400_000
    private static let most = 200

    package init() {}

    /// What goes on, as it was told.
    package var told: [Alert] { occurrences.values.map(\.alert).sorted { ($0.at, $0.id) < ($1.at, $1.id) } }

    /// Takes what is read now, in Unix milliseconds. `isSettled`: the hub has run for long enough to know who is there, so
    /// that what is not read is gone. Gives what is to be told.
    package mutating func look(
        _ readings: [Reading], isSettled: Bool, hub: String, now: Int64
    ) -> [Alert] {
        var news: [Alert] = []
        for reading in readings {
            let id = reading.alert.id
            if var known = occurrences[id] {
                known.unseenSince = nil
                known.wellSince = reading.isBad ? nil : known.wellSince ?? now
                occurrences[id] = known
                if let since = known.wellSince, now - since >= reading.patience {
                    news.append(end(id, reading.over, value: reading.alert.value, hub: hub, now: now))
                }
            } else if reading.isBad {
                let since = badSince[id] ?? now
                badSince[id] = since
                guard now - since >= reading.patience, occurrences.count < Self.most else { continue }
                badSince[id] = nil
                var alert = reading.alert
                alert.say(reading.text, hub: hub)
                occurrences[id] = Occurrence(alert: alert, over: reading.over, patience: reading.patience)
                news.append(alert)
            } else {
                badSince[id] = nil
            }
        }
        let read = Set(readings.map(\.alert.id))
        badSince = badSince.filter { read.contains($0.key) }
        for (id, known) in occurrences where !read.contains(id) && known.alert.alert != .participantLost && isSettled {
            let since = known.unseenSince ?? now
            occurrences[id]?.unseenSince = since
            if now - since >= known.patience {
                let who = known.alert.participant ?? known.alert.engine
                news.append(
                    end(id, who.map { "\($0) is not there any more" } ?? known.over, value: nil, hub: hub, now: now))
            }
        }
        return news
    }

    /// Somebody has left without a goodbye. nil where that is told already.
    package mutating func lose(
        _ name: String, room: String, joined: Int64, text: String, hub: String, now: Int64
    ) -> Alert? {
        var alert = Alert(.participantLost, id: "participant-lost:\(room)/\(name)", at: now)
        guard occurrences[alert.id] == nil else { return nil }
        occurrences = occurrences.filter { now - $0.value.alert.at < Self.longest }
        if occurrences.count >= Self.most, let oldest = told.first { occurrences[oldest.id] = nil }
        (alert.room, alert.participant) = (room, name)
        alert.say(text, hub: hub)
        occurrences[alert.id] = Occurrence(
            alert: alert, over: "\(name) is back in room \(room)", patience: 0, joined: joined)
        return alert
    }

    /// Who has come since: those who were lost are back.
    package mutating func see(
        _ present: [(name: String, room: String, since: Int64)], hub: String, now: Int64
    ) -> [Alert] {
        var news: [Alert] = []
        for (id, known) in occurrences where known.alert.alert == .participantLost {
            let isBack = present.contains {
                $0.name == known.alert.participant && $0.room == known.alert.room && $0.since > known.joined ?? 0
            }
            if isBack { news.append(end(id, known.over, value: nil, hub: hub, now: now)) }
        }
        return news
    }

    private mutating func end(_ id: String, _ text: String, value: Double?, hub: String, now: Int64) -> Alert {
        var alert = occurrences.removeValue(forKey: id)!.alert  // the callers have just found it
        (alert.state, alert.at, alert.value) = (.resolved, now, value)
        alert.say("resolved: \(text)", hub: hub)
        return alert
    }
}

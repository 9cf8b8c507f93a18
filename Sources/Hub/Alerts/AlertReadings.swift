/// What is watched of a snapshot.
extension AlertWatch {
    /// `diskUsed`: percent; nil where it is not known.
    package static func readings(
        _ snapshot: Snapshot, diskUsed: Double?, _ settings: AlertSettings, now: Int64
    ) -> [Reading] {
        let patience = Int64(settings.patience * 1000)
        // A restart takes a moment and is no alert.
        let short = min(patience, 10_000)
        return engines(snapshot.engines, now, short) + participants(snapshot.participants, settings, now, patience)
            + disk(diskUsed, settings, now, short) + pair(snapshot.failover, now)
    }

    /// Of two hubs. The other one is missed soon: a stand-in that is away is noticed by nobody else.
    private static func pair(_ failover: Snapshot.Failover?, _ now: Int64) -> [Reading] {
        guard let failover else { return [] }
        func reading(_ kind: Alert.Kind, _ isBad: Bool, patience: Int64, _ text: String, over: String) -> Reading {
            Reading(Alert(kind, id: kind.rawValue, at: now), text: text, over: over, isBad: isBad, patience: patience)
        }
        let isSplit = failover.reason == "split" && now - (failover.since ?? 0) < 60_000
        var readings = [
            reading(
                .noRedundancy, !failover.isRedundant, patience: 2_000, failover.sentence,
                over: "the other hub is there, and either may go"),
            reading(
                .pairSplit, isSplit, patience: 0, "both hubs have spoken at once; one of them is silent again",
                over: "for a minute one hub has spoken"),
        ]
        if let alike = failover.partner.configuration {
            readings.append(
                reading(
                    .configurationDiffers, alike == .differs, patience: 2_000,
                    "the configurations of the two hubs differ, so that a switch would change what people hear",
                    over: "both hubs have the same configuration"))
        }
        if let days = failover.settings.drillEvery {
            let isDue = failover.drilledAt.map { now - $0 > Int64(days) * 86_400_000 } ?? true
            let text =
                failover.drilledAt == nil
                ? "no drill of the two hubs has passed yet" : "no drill of the two hubs has passed for \(days) days"
            readings.append(
                reading(.notDrilled, isDue, patience: 0, text, over: "a drill of the two hubs has passed"))
        }
        return readings
    }

    private static func engines(_ engines: [Snapshot.Engine], _ now: Int64, _ patience: Int64) -> [Reading] {
        var readings: [Reading] = []
        for (name, ports) in Dictionary(grouping: engines, by: \.name).sorted(by: { $0.key < $1.key }) {
            let bad = ports.filter { $0.state == .failed || $0.state == .down }
            // An engine that starts or stops is neither up nor down.
            guard !bad.isEmpty || ports.allSatisfy({ $0.state == .up }) else { continue }
            var alert = Alert(.engineDown, id: "engine-down:\(name)", at: now)
            alert.engine = name
            if bad.count == 1 { alert.room = bad[0].room }
            let numbers = bad.map { "\($0.port)" }.joined(separator: ", ")
            readings.append(
                Reading(
                    alert,
                    text:
                        "Port \(numbers) is not served: engine \(name) \(bad.first?.state.rawValue ?? "down"): \(bad.first?.reason ?? "it does not run")",
                    over: "engine \(name) serves all its ports", isBad: !bad.isEmpty, patience: patience))
        }
        return readings
    }

    private static func participants(
        _ participants: [Snapshot.Participant], _ settings: AlertSettings, _ now: Int64, _ patience: Int64
    ) -> [Reading] {
        var readings: [Reading] = []
        func add(
            _ kind: Alert.Kind, _ one: Snapshot.Participant, _ value: Double, _ limit: Double, _ what: String,
            _ unit: String
        ) {
            var alert = Alert(kind, id: "\(kind.rawValue):\(one.id)", at: now)
            (alert.room, alert.participant, alert.engine) = (one.room, one.name, one.engine)
            (alert.value, alert.limit) = ((value * 10).rounded() / 10, limit)
            let figure = "\((value * 10).rounded() / 10) \(unit)"
            readings.append(
                Reading(
                    alert,
                    text:
                        "the \(what) of \(one.name) in room \(one.room) is \(figure), over \(limit) \(unit) for \(patience / 1000) s",
                    over: "the \(what) of \(one.name) in room \(one.room) is \(figure)", isBad: value > limit,
                    patience: patience))
        }
        for one in participants where one.state == .present || one.state == .silent {
            if settings.rtt > 0, let rtt = one.rtt?.last {
                add(.roundTrip, one, rtt, settings.rtt, "round trip", "ms")
            }
            if settings.loss > 0, one.received != nil {
                add(.loss, one, (one.loss ?? 0) * 100, settings.loss, "loss", "%")
            }
        }
        return readings
    }

    private static func disk(
        _ used: Double?, _ settings: AlertSettings, _ now: Int64, _ patience: Int64
    ) -> [Reading] {
        guard settings.disk > 0, let used else { return [] }
        var alert = Alert(.disk, id: "disk", at: now)
        let percent = (used * 10).rounded() / 10
        (alert.value, alert.limit) = (percent, settings.disk)
        return [
            Reading(
                alert,
                text: "the disk is nearly full: \(percent) % used; MIDI goes on, but nothing may be recorded soon",
                over: "the disk has room again: \(percent) % used", isBad: used >= settings.disk, patience: patience)
        ]
    }
}

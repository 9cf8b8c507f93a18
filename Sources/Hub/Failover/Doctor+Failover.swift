/// What is wrong between the two hubs of a pair.
extension Doctor {
    /// As the running hub knows it.
    package static func pair(_ pair: Snapshot.Failover) -> [Finding] {
        let topic = "the other hub"
        let port = pair.partner.with ?? "it"
        guard pair.partner.connected else {
            return [
                Finding(
                    topic: topic, isWell: false,
                    text: "it cannot be reached over TCP at \(port)\(pair.trouble.map { ": \($0)" } ?? "")",
                    fix: "start it, and let TCP of that port through, both ways")
            ]
        }
        guard pair.partner.linked else {
            return [
                Finding(
                    topic: topic, isWell: false, text: "TCP reaches it, but nothing comes from it over UDP",
                    fix: "let UDP of the port behind the control port through, both ways")
            ]
        }
        if pair.partner.configuration == .differs {
            return [
                Finding(
                    topic: topic, isWell: false, text: "its configuration is another one",
                    fix: "make rooms, policies, blocks, focus, inputs and maxima the same at both hubs")
            ]
        }
        return [Finding(topic: topic, isWell: true, text: pair.sentence)]
            + (pair.settings.warnings ?? []).map {
                Finding(
                    topic: "settings of the two hubs", isWell: false, isOptional: true, text: $0,
                    fix: "`midihub failover --help` says what the presets mean")
            }
    }
}

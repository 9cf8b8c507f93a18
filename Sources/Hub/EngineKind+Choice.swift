import Linux

/// How a hub chooses its engine.
extension EngineKind {
    /// Decides for the whole life of a hub, and says why. What runs already is adopted; what was chosen earlier stays
    /// chosen until `midihub stop`, so that a slow boot does not flip it. Neither holds for an engine that cannot do what is
    /// configured.
    package static func choose(
        _ configuration: Configuration, _ state: StateDirectory
    ) -> (kind: EngineKind, why: String) {
        switch configuration.engine {
        case .rtpmidid: return (.rtpmidid, "as configured")
        case .embedded: return (.embedded, "as configured")
        case .auto: break
        }
        let (kind, why) = automatic(configuration, state)
        // One that cannot be remembered is chosen again at the next start.
        try? File.replace(state.choice, with: Array("\(kind.rawValue)\n".utf8))
        return (kind, why)
    }

    private static func automatic(_ configuration: Configuration, _ state: StateDirectory) -> (EngineKind, String) {
        if let keys = EngineKind.rtpmidid.cannotHonour(configuration) {
            return (.embedded, "rtpmidid cannot honour \(keys)")
        }
        if let running = running(state) { return (running, "it runs already") }
        let text = File.text(state.choice, limit: 64)?.split(separator: "\n").first.map(String.init)
        if let remembered = text.flatMap(EngineKind.init) {
            return (remembered, "as at the first start; after `midihub stop` it is chosen anew")
        }
        let missing = [Doctor.daemon(configuration), Doctor.sequencer()].filter { !$0.isWell }.map(\.text)
        return missing.isEmpty
            ? (.rtpmidid, "rtpmidid is installed and the ALSA sequencer opens")
            : (.embedded, missing.joined(separator: "; "))
    }
}

extension Configuration {
    /// An engine that was asked for by name must be able to do what is configured.
    package func checkEngine() throws(ConfigurationError) {
        guard engine == .rtpmidid, let keys = EngineKind.rtpmidid.cannotHonour(self) else { return }
        let why = failover == nil ? "" : " (\(ConfigurationFailover.notOnRtpmidid))"
        throw ConfigurationError(
            "engine: rtpmidid cannot honour \(keys)\(why): take that out, or let the embedded engine do it (engine: \"embedded\")"
        )
    }
}

import Linux

/// Which engine carries a hub's MIDI.
package enum EngineKind: String, Sendable {
    case rtpmidid, embedded

    /// The settings that rtpmidid knows nothing of, by their keys: it lets everybody in, on every address.
    package static let embeddedAlone: [(key: String, isTold: @Sendable (Configuration) -> Bool)] = [
        ("allow", { !$0.allow.isEmpty }), ("deny", { !$0.deny.isEmpty }),
        ("maximum", { $0.rooms.contains { $0.maximum != nil } }),
        ("maximumPerAddress", { $0.maximumPerAddress != nil }), ("address", { $0.address != nil }),
    ]

    /// Which of the settings that are told it cannot honour, in words such as "allow and deny"; nil where it can do all.
    package func cannotHonour(_ configuration: Configuration) -> String? {
        guard self == .rtpmidid else { return nil }
        let keys = Self.embeddedAlone.filter { $0.isTold(configuration) }.map(\.key)
        guard let last = keys.last else { return nil }
        return keys.count == 1 ? last : "\(keys.dropLast().joined(separator: ", ")) and \(last)"
    }

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
        let missing = [Doctor.daemon(configuration), Doctor.sequencer()].filter { !$0.isWell }.map(\.words)
        return missing.isEmpty
            ? (.rtpmidid, "rtpmidid is installed and the ALSA sequencer opens")
            : (.embedded, missing.joined(separator: "; "))
    }

    /// Arguments that only the process of the engine of that name has: by one of these it is found without a record.
    func marks(_ name: String, _ state: StateDirectory) -> [[String]] {
        switch self {
        case .embedded: [["--plan", state.plan(name)]]
        // Versions before 23.12 know no ini file; their command line has the control socket.
        case .rtpmidid: [["--ini", state.ini(name)], ["--control", state.control(name)]]
        }
    }

    package static func running(_ state: StateDirectory) -> EngineKind? {
        func runs(_ kind: EngineKind, _ name: String) -> Bool {
            kind.marks(name, state).contains { !ProcessIdentity.withArguments($0).isEmpty }
        }
        if runs(.embedded, EmbeddedEngine.name) { return .embedded }
        let names = File.names(in: state.engines).filter { $0.hasSuffix(".ini") }.map { String($0.dropLast(4)) }
        return names.contains { runs(.rtpmidid, $0) } ? .rtpmidid : nil
    }
}

extension Configuration {
    /// An engine that was asked for by name must be able to do what is configured.
    package func checkEngine() throws(ConfigurationError) {
        guard engine == .rtpmidid, let keys = EngineKind.rtpmidid.cannotHonour(self) else { return }
        throw ConfigurationError(
            "engine: rtpmidid cannot honour \(keys): take that out, or let the embedded engine do it (engine: \"embedded\")"
        )
    }
}

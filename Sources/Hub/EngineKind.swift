import Linux
import Rooms

/// Which engine carries a hub's MIDI.
package enum EngineKind: String, Sendable {
    case rtpmidid, embedded

    var other: EngineKind { self == .rtpmidid ? .embedded : .rtpmidid }

    /// The settings that rtpmidid knows nothing of, by their keys: it lets everybody in, on every address.
    package static let embeddedAlone: [(key: String, isTold: @Sendable (Configuration) -> Bool)] = [
        ("allow", { !$0.allow.isEmpty }), ("deny", { !$0.deny.isEmpty }),
        ("maximum", { $0.rooms.contains { $0.maximum != nil } }),
        ("maximumPerAddress", { $0.maximumPerAddress != nil }), ("engineProcesses", { $0.engineProcesses != 1 }),
        ("address", { $0.address != nil }),
        ("failover", { $0.failover != nil }),
        ("pickup", { $0.rooms.contains { $0.inputs.contains { $0.picksUp ?? false } } }),
    ]

    /// Which settings of a configuration it cannot honour, in words such as "allow and deny"; nil where there are none.
    package func cannotHonour(_ configuration: Configuration) -> String? {
        guard self == .rtpmidid else { return nil }
        let keys = Self.embeddedAlone.filter { $0.isTold(configuration) }.map(\.key)
        guard let last = keys.last else { return nil }
        return keys.count == 1 ? last : "\(keys.dropLast().joined(separator: ", ")) and \(last)"
    }

    /// Command-line arguments that only the process of the engine of that name has. Each of these pairs is enough to find
    /// it without a record.
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
        if state.plannedEngines.contains(where: { runs(.embedded, $0) }) { return .embedded }
        let names = File.names(in: state.engines).filter { $0.hasSuffix(".ini") }.map { String($0.dropLast(4)) }
        return names.contains { runs(.rtpmidid, $0) } ? .rtpmidid : nil
    }
}

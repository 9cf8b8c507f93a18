import Glibc
import Linux
import TestSupport

extension HubUnderTest {
    /// A hub with the embedded engine, on loopback only.
    static func embedded(
        ports: [UInt16] = [freeUDPPortPair()], more: String = "", environment: [String: String] = [:],
        ownPrograms: Bool = false
    ) throws -> HubUnderTest {
        try HubUnderTest(
            ports: ports, configuration: configuration(ports, more), options: ["--engine", "embedded"],
            environment: environment, ownPrograms: ownPrograms)
    }

    /// The same, started, its engine serving.
    static func running(
        ports: [UInt16] = [freeUDPPortPair()], more: String = "", environment: [String: String] = [:],
        ownPrograms: Bool = false
    ) throws -> HubUnderTest {
        let hub = try embedded(ports: ports, more: more, environment: environment, ownPrograms: ownPrograms)
        try hub.start()
        try hub.awaitEngines(up: ports.count)
        return hub
    }

    static func configuration(_ ports: [UInt16], _ more: String = "") -> String {
        "{ ports: [\(ports.map(String.init).joined(separator: ", "))], address: \"127.0.0.1\", \(more) }"
    }

    /// Participants that are up.
    func here(_ names: String..., port: UInt16? = nil, others: [TestPlayer] = []) throws -> [TestPlayer] {
        let players = try names.map { try TestPlayer($0, port: port ?? ports[0]) }
        try pumping(others + players, "\(names) to be up") { players.allSatisfy(\.isUp) }
        return players
    }
}

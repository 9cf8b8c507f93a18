package import Linux
package import Rooms
import Store

/// What the hub is told to do: `midihub.json5`, one of the two older `midiports` formats, and the options that override it.
package struct Configuration: Equatable, Sendable {
    package struct Room: Equatable, Sendable {
        package var name: String
        /// UDP control ports; the data port of each is one higher.
        package var ports: [UInt16]
        package var policy: Policy
        /// How many may be in it; nil where that is not told: then it is `usualMaximum`.
        package var maximum: Int?
        /// Its controllers, and how somebody gets the focus; nobody has it here.
        package var focus: Focus?
        package var inputs: [Input] = []
        package init(name: String, ports: [UInt16], policy: Policy, maximum: Int? = nil) {
            (self.name, self.ports, self.policy, self.maximum) = (name, ports, policy, maximum)
        }
    }

    package enum EngineChoice: String, Sendable, CaseIterable { case auto, rtpmidid, embedded }

    package enum Location: Equatable, Sendable {
        case none
        /// Asked of the cloud's metadata service at start.
        case auto
        case named(String)
    }

    package var name = "MIDI Hub"
    package var location = Location.none
    package var rooms = [Room(name: "5004", ports: [5004], policy: .auto)]
    /// Policy and maximum of rooms that do not name their own.
    package var policy = Policy.auto
    package var maximum: Int?
    /// How many one address may be; nil where that is not told: then it is `EnginePlan.usualMaximumPerAddress`.
    package var maximumPerAddress: Int?
    /// How many processes the embedded engine is, of which each needs a room.
    package var engineProcesses = 1
    package var engine = EngineChoice.auto
    /// The daemon's path; nil searches PATH and the usual places.
    package var rtpmidid: String?
    package var listen = Sockets.Address(host: "127.0.0.1", port: 8080)
    /// Host names that the page is reached by, behind a proxy.
    package var hosts: [String] = []
    /// Web pages of elsewhere that may use the API: `https://studio.example.org`, with the port where it is not the usual.
    package var origins: [String] = []
    package var web: String?
    package var token: String?
    /// Who is let in by the embedded engine: every address, or only those in `allow`; never those in `deny`.
    package var allow: [AddressRange] = []
    package var deny: [AddressRange] = []
    /// The one address of this machine on which the embedded engine listens; nil for all.
    package var address: String?
    package var alerts: AlertSettings?
    /// Bytes that the database may take.
    package var history = Retention.size
    /// Where clients of the oldest hubs come in.
    package var tcp: [TCP] = []
    /// In their order: of two that take one device the first has it.
    package var devices: [ConfigurationDevice] = []

    package var connect: [ConfigurationConnection] = []
    /// Who of those that are announced on the local network is let in unasked; nil: they are not even looked for.
    package var discover: [ConfigurationDiscovery]? = []
    /// The other hub of a pair.
    package var failover: ConfigurationFailover?

    package init() {}

    /// Every port with its room and its place in that room.
    package var ports: [(port: UInt16, room: Room, index: Int)] {
        rooms.flatMap { room in room.ports.enumerated().map { ($0.element, room, $0.offset) } }
    }
}

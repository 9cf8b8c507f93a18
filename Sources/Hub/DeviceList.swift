package import Devices
package import EngineProtocol
import Sequencer

/// What is plugged into this machine, and which of it is a member of a room.
package struct DeviceList: Codable, Equatable, Sendable {
    package struct Entry: Codable, Equatable, Sendable {
        /// Where it is in the ALSA sequencer, as in "24:0"; nil while it is away, then the next ones say nothing either.
        package var alsa: String?
        package var client: String?
        package var port: String?
        /// Where it is plugged in, which tells equal ones apart: behind an @ in a pattern.
        package var socket: String?
        package var card: Int?
        package var plays: Bool?
        package var hears: Bool?
        /// Why it is taken for a device by its whole name alone, or never.
        package var excluded: String?
        /// Whether the pattern that was asked for takes it.
        package var matches: Bool?
        /// What it is called in which room, where the configuration wants it there.
        package var name: String?
        package var room: String?
        /// Its number among the participants, where it is one.
        package var participant: Int64?
        /// Why it is none, though it is there.
        package var trouble: String?

        init(_ device: Device, _ pattern: DevicePattern?) {
            (alsa, client, port) = (device.address.description, device.client, device.port)
            (socket, card, plays, hears) = (device.socket, device.card, device.plays, device.hears)
            excluded = device.exclusion?.text
            matches = pattern.map { $0.takes(device) }
        }

        init(away member: EngineStatus.Device) { (name, room) = (member.name, member.room) }
    }
    package var devices: [Entry]
    /// Why nothing is seen.
    package var problem: String?

    /// `pattern`: what it would take is marked, and its own ports are shown, too.
    package init(
        _ devices: [Device], problem: String?, pattern: DevicePattern?, members: [EngineStatus.Device] = [],
        participants: [Snapshot.Participant] = []
    ) {
        self.problem = problem
        // Of many players on rtpmidid nobody wants to read here.
        let shown = devices.filter {
            pattern?.takes($0) ?? false || $0.exclusion != .ours && $0.exclusion != .rtpmidid
        }
        self.devices = shown.map { device in
            var entry = Entry(device, pattern)
            if let member = members.first(where: { $0.alsa == entry.alsa }) {
                (entry.name, entry.room, entry.trouble) = (member.name, member.room, member.trouble)
                entry.participant =
                    participants.first {
                        $0.device != nil && $0.name == member.name && $0.room == member.room && member.isMember
                    }?.id
            }
            return entry
        }
        self.devices += members.filter { $0.alsa == nil }.map(Entry.init(away:))
    }
}

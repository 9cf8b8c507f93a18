import Foundation
package import Rooms

/// What the engines of two hubs that are a pair tell each other over their connection: JSON, one in each frame. A reader
/// leaves out what it does not know.
package struct PartnerLine: Codable, Sendable {
    package enum Kind: String, Codable, Sendable {
        /// The first one in each direction: who this is.
        case hello
        /// Somebody is in a room, or it is otherwise with them than it was; somebody is not there any more; those who were
        /// told of since the connection began are all.
        case here, gone, all
        /// The answer to `here`: what this side had to tell before was told.
        case known
        /// How the hub is, where that has changed: beats tell it too, but may not arrive.
        case word
        /// What has to be the same at both hubs, and what people choose at either: once the connection stands, and where it
        /// has changed.
        case settings
        /// Somebody has ordered at this hub what both have to do: `order`.
        case order
        /// From now on you speak. Hand over to me.
        case speak, yield
        /// This hub stops. This connection is one too many.
        case stopping, superfluous
        /// Of a drill: `drill`.
        case drill
    }

    package struct Hello: Codable, Sendable {
        package var version: String
        /// Another one after each start.
        package var instance: UInt64
        package var isMain: Bool
        /// The first port of each room of the whole hub, and the rooms that this engine serves.
        package var ports: [String: UInt16]
        package var rooms: [String]
        /// What the hub is called.
        package var name: String?
        /// It knows drills; nil is no.
        package var drills: Bool?

        package init(
            version: String, instance: UInt64, isMain: Bool, ports: [String: UInt16], rooms: [String],
            name: String? = nil
        ) {
            (self.version, self.instance, self.isMain) = (version, instance, isMain)
            (self.ports, self.rooms) = (ports, rooms)
            (self.name, drills) = (name, true)
        }
    }

    /// All of it, whatever has changed: whoever gets it takes what is newer than its own.
    package struct Settings: Codable, Hashable, Sendable {
        package static let version = 1
        /// Another one where a reader that does not know it must not take anything.
        package var version = Settings.version
        /// Of the configuration.
        package var digest: String?
        package var rooms: [String: RoomChoices]
        package var learned: LearnedNote?

        package init(digest: String?, rooms: [String: RoomChoices] = [:], learned: LearnedNote? = nil) {
            (self.digest, self.rooms, self.learned) = (digest, rooms, learned)
        }
    }

    /// One who is in a room of the other hub.
    package struct Member: Codable, Hashable, Sendable {
        /// Its own at that hub.
        package var id: UInt64
        package var name: String
        package var room: String
        /// Which of the room's ports it came in by, from 0.
        package var portIndex: Int
        /// Its address without the port.
        package var host: String
        package var ssrc: UInt32
        /// Whose events its are, and the number of the newest.
        package var origin: UInt32
        package var number: UInt32
        /// It hears numbered events, and merges them by itself.
        package var isLinked: Bool
        /// Unix milliseconds.
        package var since: Int64

        package init(
            id: UInt64, name: String, room: String, portIndex: Int, host: String, ssrc: UInt32, origin: UInt32,
            number: UInt32,
            isLinked: Bool, since: Int64
        ) {
            (self.id, self.name, self.room, self.portIndex) = (id, name, room, portIndex)
            (self.host, self.ssrc) = (host, ssrc)
            (self.origin, self.number, self.isLinked, self.since) = (origin, number, isLinked, since)
        }
    }

    package var kind: Kind
    package var hello: Hello?
    package var member: Member?
    /// Of the member that is gone or known: its own at the hub that told of it.
    package var id: UInt64?
    /// Of `settings`: what the partner of before `Settings` has of them.
    package var digest: String?
    package var settings: Settings?
    /// As at a control socket; of a member by its own number at the hub that tells.
    package var order: EngineControl.Request?
    /// Of `hello` and `word`.
    package var epoch: UInt32?
    package var phase: HubRole.Phase?
    package var isHeldBack: Bool?
    /// Of `speak` and `yield`, the first with the epoch under which this hub spoke: why.
    package var reason: HubRole.Reason?
    package var drill: DrillLine?

    package init(_ kind: Kind) { self.kind = kind }
    package init(_ drill: DrillLine) { (kind, self.drill) = (.drill, drill) }
    package init(here member: Member) { (kind, self.member) = (.here, member) }
    package init(gone id: UInt64) { (kind, self.id) = (.gone, id) }
    package init(known id: UInt64) { (kind, self.id) = (.known, id) }
    package init(_ settings: Settings) { (kind, self.settings, digest) = (.settings, settings, settings.digest) }
    package init(_ order: EngineControl.Request) { (kind, self.order) = (.order, order) }
    package init(_ kind: Kind, epoch: UInt32, _ reason: HubRole.Reason) {
        (self.kind, self.epoch, self.reason) = (kind, epoch, reason)
    }
    package init(_ word: HubRole.Word) {
        (kind, epoch, phase, isHeldBack) = (.word, word.epoch, word.phase, word.isHeldBack)
    }

    package var word: HubRole.Word? {
        guard let epoch, let phase else { return nil }
        return HubRole.Word(epoch: epoch, phase: phase, isHeldBack: isHeldBack ?? false)
    }

    package init?(_ bytes: [UInt8]) {
        guard let line = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
        self = line
    }

    package var bytes: [UInt8] { JSON.bytes(self) }
}

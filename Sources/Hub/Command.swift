package import Client
package import Devices
package import EngineProtocol
package import Rooms
import Store

/// Who gave a command: as everybody may read it, and the address, which is nil over the hub's own socket.
package struct Author: Hashable, Sendable, CustomStringConvertible {
    package let address: String?
    /// Of one who needs no token for it.
    private let means: String?
    /// Wants it done though the hub is locked.
    package let insists: Bool
    package init(address: String?, insists: Bool = false) {
        (self.address, self.insists, means) = (address, insists, nil)
    }
    /// By Open Sound Control.
    init(osc address: String) { (self.address, insists, means) = (address, false, "OSC") }
    /// By the note that is an order.
    init(noteOf name: String) { (address, insists, means) = (nil, false, "a note of \(ShownName.shown(name))") }
    package var description: String { means ?? (address == nil ? "the command line" : "somebody with the token") }
}

/// What the hub is told to do, whoever tells it: a page, the command line, a program. Rooms and participants that it names
/// are looked for when it is carried out.
package enum Command: Hashable, Sendable {
    case reload
    /// Silences a room, nil all rooms. `all`: every note, also those not known to sound.
    case panic(room: String?, all: Bool)
    /// By the number of the participant's visit.
    case member(Int64, MemberCommand)
    case block(room: String, Block, isBlocked: Bool)
    /// Without strokes: the page only says that it is still there.
    case piano(PianoKey, [Stroke])
    case leavePiano(PianoKey)
    case echo(room: String, seconds: Int64)
    case endEcho(room: String)
    /// Gives the focus to a member of that name, or frees it.
    case focus(room: String, String?)
    /// Lets a controller of an input be heard in place of the others; nil: the first of them that is here.
    case choose(room: String, input: String, String?)
    /// Has a room invite a peer that only listens, or no longer.
    case connect(room: String, Initiator.Host, name: String?)
    /// Has a room invite what is announced on the local network by that name.
    case letIn(room: String, announced: String, name: String?)
    case disconnect(room: String, name: String)
    /// Of two hubs that are a pair. `force`: whatever stands against it.
    case failover(FailoverOrder, force: Bool)
    /// Two sessions of one participant: by the number of its visit here, and by its number at the other hub.
    case pair(Int64, with: UInt64)
    case unpair(Int64)
    case drill(DrillOrder, force: Bool)
    case restart(engine: String)
    case testAlert
    case stop
    /// For a show, by whoever they say they are; nil: the author.
    case lock(by: String?)
    case unlock
    /// A restart of the hub, which is locked, is to be at its unlock.
    case putOffRestart

    /// The room that the command is about. It is refused where no room has that name.
    var room: String? {
        switch self {
        case .panic(let room, _): room
        case .block(let room, _, _): room
        case .piano(let key, _), .leavePiano(let key): key.room
        case .echo(let room, _), .endEcho(let room), .focus(let room, _), .choose(let room, _, _),
            .connect(let room, _, _), .letIn(let room, _, _):
            room
        case .disconnect, .failover, .drill, .pair, .unpair, .reload, .member, .restart, .testAlert, .stop, .lock,
            .unlock,
            .putOffRestart:
            nil
        }
    }
}

/// What became of a command, in a sentence for people.
package struct CommandReply: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        case done
        /// It has begun and is not finished.
        case accepted
        case invalid, notFound, conflict, unavailable
        /// The hub is locked for a show.
        case locked
    }
    package let outcome: Outcome
    package let text: String
    /// Of a piano that has played.
    package var played: Played?
    /// Of an order that has to be given twice: until then, in Unix milliseconds.
    package var armedUntil: Int64?

    package struct Played: Hashable, Sendable {
        /// As the others see it.
        package let name: String
        /// How long the first note took to the room and back, in milliseconds, where there is an echo.
        package let echo: Double?
    }

    package init(_ outcome: Outcome, _ text: String) { (self.outcome, self.text) = (outcome, text) }

    static func done(_ text: String) -> CommandReply { .init(.done, text) }
    /// It is decided and kept. `failure`: why the carrier does not follow it yet.
    static func kept(_ text: String, _ failure: String?) -> CommandReply {
        failure.map { .unavailable("It is kept, but the engine does not follow it yet: \($0)") } ?? .done(text)
    }
    static func accepted(_ text: String) -> CommandReply { .init(.accepted, text) }
    static func invalid(_ text: String) -> CommandReply { .init(.invalid, text) }
    static func notFound(_ text: String) -> CommandReply { .init(.notFound, text) }
    static func conflict(_ text: String) -> CommandReply { .init(.conflict, text) }
    static func locked(_ text: String) -> CommandReply { .init(.locked, text) }
    static func unavailable(_ text: String) -> CommandReply { .init(.unavailable, text) }
}

package typealias Reply = @Sendable (CommandReply) -> Void

/// What comes to the hub's loop from other threads; each reply is called once, from any thread.
package enum HubRequest: Sendable {
    case command(Command, by: Author, Reply)
    /// What participants hold and have set: those who do, by the numbers of their visits.
    case sounding(@Sendable ([Int64: ActiveNotes]) -> Void)
    case alerts(@Sendable (AlertState) -> Void)
    /// What is plugged into this machine; what a pattern takes is marked.
    case devices(DevicePattern?, @Sendable (DeviceList) -> Void)
}

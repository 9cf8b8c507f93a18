import EngineProtocol
import HubLink
import MIDI
import Rooms

/// One who is in a room: what it holds and has set, whom it hears and by whom it is heard. Its endpoint knows
/// how it is spoken with.
final class Member {
    /// What must outlive the engine: it lies in the session table.
    typealias State = SpeakerState

    let id: UInt64
    /// Its own among those who are here: its place in the session table.
    let number: Int
    let name: String
    let state: UnsafeMutablePointer<State>
    /// It outlives the member: a session that ends leaves the room first.
    let reachedBy: Unmanaged<Endpoint>
    var endpoint: Endpoint { reachedBy.takeUnretainedValue() }
    unowned var room: ServedRoom
    /// Which of the room's ports it came in by, from 0.
    var portIndex: Int

    /// Where its events have come with numbers; nil: they are numbered here.
    var numbered: NumberedInput?
    /// Its events by number, while somebody hears it by link; and the first that was not sent yet.
    var log: EventWindow?
    var unsent: EventNumber?
    /// In a pair: the first event that the partner was not told of yet; and the newest one that those who stand on both hubs
    /// have been sent, by whichever of them speaks.
    var untold: EventNumber?
    var sentLast: EventNumber?
    /// The first of those that the partner told of last: it may have died before it sent them.
    var doubtful: EventNumber?
    /// The same one in the partner's room; and what it plays here while the partner speaks for it.
    var counterpart: PartnerLine.Member?
    /// It may be any of several there.
    var isAmbiguous = false
    var waiting: WaitingInput?
    /// The same just after the partner has spoken for it: of what comes now some was told of already.
    var behind: WaitingInput?
    /// What turns our ticks into those under which the partner has numbered its events.
    var clockShift: UInt32 = 0
    /// What is noted of it while a drill is on.
    var drilled: DrillNotes?
    /// It is at the partner alone, which brings what it plays.
    var isRelayed = false
    /// It holds the guard of the note that is an order.
    var holdsGuard = false
    /// It has played that note, or the one that is to be it; the hub has not been told yet.
    var hasTriggered = false
    var hasTaught: SwitchingNote?
    /// When the newest are said again.
    var repeatDue: UInt64?
    /// How many hear it by link.
    var linkedHearers = 0

    /// By whom it is heard, and whom it hears.
    var outgoing: [Wire] = []
    var incoming: [Wire] = []

    var sentinel = LoopSentinel()
    /// It was cut for a feedback loop: nobody hears it.
    var isCut = false
    /// Watches what the echo gives it, where there is one; and whether it has sent that back.
    var echo: EchoWatch?
    var isEchoCut = false
    final class EchoWatch { var sentinel = LoopSentinel(threshold: 12) }
    /// While it is tried whether it sends back what it hears: of the others, and of the echo.
    var trial: Trial?
    var echoTrial: Trial?
    /// What is owed to a participant to whom nothing is sent for a moment.
    final class Trial {
        /// What those whom it hears held when that began, and had set.
        let held: HeldState
        let before: [Message]
        /// What was set since.
        var set = ControlState()
        /// What was on its way back when that began: nobody else will end it.
        var returned = HeldState()
        init(_ speakers: some Sequence<Member>) {
            var held = HeldState()
            var before: [Message] = []
            for speaker in speakers {
                held.merge(speaker.state.pointee.held)
                speaker.state.pointee.controls.tell { before.append($0) }
            }
            (self.held, self.before) = (held, before)
        }
    }

    /// What was ended at its hearers though it had not let go: its own ends of these come late.
    var late: LateEnds?
    final class LateEnds { var held = HeldState() }
    /// When something of its own last came, to tell whom a late joiner is to be told of first.
    var playedAt: UInt64 = 0
    /// Messages of its own, and of these the beginnings of notes.
    var messages: UInt64 = 0
    var notes: UInt64 = 0
    /// It would get the focus if it played now; and it has. When that was told it is not told again at once.
    var mayTouch = false
    var hasTouched = false
    var touchDue: UInt64 = 0
    /// Of a controller of an input that picks up.
    var knobs: Knobs?
    /// Another controller of its input is live.
    var isIdle = false
    /// It answers no questions any more, and everybody was told.
    var isSilent = false

    init(
        id: UInt64, number: Int, name: String, state: UnsafeMutablePointer<State>, endpoint: Endpoint, room: ServedRoom,
        portIndex: Int
    ) {
        (self.id, self.number, self.name, self.state) = (id, number, name, state)
        reachedBy = .passUnretained(endpoint)
        (self.room, self.portIndex) = (room, portIndex)
    }

    var holdsAnything: Bool { !state.pointee.held.isEmpty }
    /// If it vanishes, that is to be known soon: others wait for what it holds to end, or to have the focus.
    var isWatched: Bool { holdsAnything || room.rules.focusHolder == memberID }
    var origin: Origin { Origin(endpoint.record.pointee.origin) }
    var lastEvent: EventNumber { EventNumber(endpoint.record.pointee.number) }
    /// Lights and faders follow what is sent to it: they are told what is held, too.
    var isController: Bool { room.rules.isController(name) }
    var memberID: MemberID { MemberID(id) }
    /// The member as the module Rooms sees it.
    var ruled: Rooms.Member {
        Rooms.Member(
            id: memberID, name: name, portIndex: portIndex, ability: isRelayed ? .sends : .both, isSilent: isSilent)
    }

    /// What sounds at it because of all those whom it hears.
    var heard: HeldState {
        var heard = HeldState()
        for wire in incoming { wire.add(to: &heard) }
        return heard
    }
}

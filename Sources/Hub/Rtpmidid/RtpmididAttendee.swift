import PatchBay
import Rooms
import Rtpmidid
import Sequencer
import Store

/// A participant who has an ALSA port, and what log and `status` say about it.
final class RtpmididAttendee: Attendee {
    let id: PortID
    /// As ALSA has it: the first 63 bytes of the name.
    let alsaName: RawText
    var direction: Direction
    var standing: MemberStatus
    /// The participant who has evicted this one and whose MIDI comes out of its port now.
    var evictor: RawText?
    /// RTP-MIDI SSRC and name, once known.
    var key: SessionKey?
    var node: StatusReply.Node?
    /// Of the last finished clock exchange, or of the joining or adoption where there was none yet.
    var lastSign: ContinuousClock.Instant
    /// What it held when it fell silent has been released.
    var isReleased = false
    var lastPlayed: ContinuousClock.Instant?
    var isBeingRemoved = false
    /// How its visit ends, where we know that before its port is gone.
    var end: VisitEnd?
    /// The room has invited it.
    var isInvited = false
    let appeared = ContinuousClock.now
    /// Of a device of this machine: its ALSA client and port, with a colon between.
    var device: String?

    init(_ appearance: Appearance, visit: Visit) {
        id = appearance.id
        alsaName = RawText(appearance.nameBytes)
        direction = appearance.direction
        standing = appearance.standing
        lastSign = .now
        super.init(visit)
    }

    var port: Int { Int(id.address.port) }
    /// Whether the page shows it: not while it is unknown whether it is a duplicate, and never where it only measures.
    var isShown: Bool { standing != .waiting && standing != .probe }

    var view: Snapshot.Participant {
        var view = commonView(direction)
        view.device = device
        view.invited = isInvited ? true : nil
        switch standing {
        case .ghost: (view.state, view.remark) = (.ghost, "gone without saying so")
        case .duplicate:
            view.state = .duplicate
            view.remark =
                evictor.map { "\($0) has taken its place; not connected" }
                ?? "a further port of the same participant; not connected"
        case .waiting, .probe: (view.state, view.remark) = (.duplicate, "being checked")
        case .participant: break
        }
        return view
    }
}

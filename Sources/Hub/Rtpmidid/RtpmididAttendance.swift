import PatchBay
import Rooms
import Rtpmidid
import Sequencer
import Store

/// A participant who is there: its ALSA port, the visit on record, and what log and `status` say about it.
final class RtpmididAttendance {
    let id: PortID
    /// As ALSA has it: the first 63 bytes of the name.
    let alsaName: RawText
    var direction: Direction
    var visit: Visit
    var standing: MemberStatus
    /// Its visit is on record, and its end will have to be.
    var isAnnounced = false
    /// Who feeds its port now, where another participant has taken its place.
    var evictor: RawText?
    /// RTP-MIDI SSRC and name, once known.
    var key: SessionKey?
    var node: StatusReply.Node?
    var roundTrips = RoundTrips()
    /// Of the last finished clock exchange, or of the joining or adoption where there was none yet.
    var lastSign: ContinuousClock.Instant
    var isSilent = false
    /// What it held when it fell silent has been released.
    var isReleased = false
    var lastPlayed: ContinuousClock.Instant?
    var isBeingRemoved = false
    /// A newer session is at its address and port.
    var isReplaced = false
    let appeared = ContinuousClock.now
    var activity = 0

    init(_ appearance: Appearance, visit: Visit) {
        id = appearance.id
        alsaName = RawText(appearance.nameBytes)
        direction = appearance.direction
        standing = appearance.standing
        self.visit = visit
        lastSign = .now
    }

    var port: Int { Int(id.address.port) }
    /// It is somebody, and known to be.
    var isShown: Bool { standing != .waiting && standing != .probe }

    var view: Snapshot.Participant {
        var view = Snapshot.Participant(
            id: visit.id, name: visit.name, room: visit.room, port: visit.port, engine: visit.engine,
            since: visit.joined.latest.milliseconds)
        switch standing {
        case .ghost: view.state = .ghost
        case .duplicate, .waiting, .probe: view.state = .duplicate
        case .participant: view.state = isSilent ? .silent : .present
        }
        view.sends = direction.sends
        view.receives = direction.receives
        view.rtt = roundTrips.view
        view.address = visit.address
        view.ssrc = visit.ssrc
        view.remark =
            switch (standing, direction) {
            case (.ghost, _): "gone without saying so"
            case (.duplicate, _):
                evictor.map { "\($0) has taken its place; not connected" }
                    ?? "a further port of the same participant; not connected"
            case (.waiting, _), (.probe, _): "being checked"
            case (.participant, .neither): "its name says neither In nor Out: not connected"
            case (.participant, _): nil
            }
        return view
    }
}

/// Round trips of one visit, in microseconds; only believed ones.
struct RoundTrips {
    private var count = 0
    private var sum = 0
    private var least = Int.max
    private var most = 0
    private var last = 0
    private var lastAt: Timestamp?

    init() {}

    /// What hubs before this one have on record.
    init(_ earlier: LatencySummary) {
        count = Int(earlier.count)
        sum = Int((earlier.average * Double(earlier.count)).rounded())
        (least, most, last) = (Int(earlier.least), Int(earlier.most), Int(earlier.last))
        lastAt = earlier.lastAt.latest
    }

    mutating func add(_ microseconds: Int, at moment: Timestamp) {
        count += 1
        sum += microseconds
        least = min(least, microseconds)
        most = max(most, microseconds)
        last = microseconds
        lastAt = moment
    }

    var view: Snapshot.RoundTrip? {
        guard let lastAt else { return nil }
        func milliseconds(_ microseconds: Int) -> Double { Double(microseconds) / 1000 }
        return .init(
            last: milliseconds(last), average: milliseconds(sum / count), min: milliseconds(least),
            max: milliseconds(most), samples: count, lastAt: lastAt.milliseconds)
    }
}

import EngineProtocol
import Linux
import MIDI
import RTPMIDI

/// One RTP-MIDI session with one participant, from its invitation on. What lives as long as a session, and nothing
/// longer; what must outlive the engine lies in its record.
final class Endpoint {
    let ssrc: SSRC
    let name: String
    unowned let port: PortPair
    /// The port's, from which it is sent MIDI.
    let socket: DatagramSocket
    var control: SocketAddress
    /// Its router has changed, and nothing has come on the control port since: where `control` is now is a guess.
    var isControlGuessed: Bool {
        get { record.pointee.isControlGuessed == 1 }
        set { record.pointee.isControlGuessed = newValue ? 1 : 0 }
    }
    /// When something came on the control port last, and how often it was asked for since.
    var controlHeard: UInt64 = 0
    var controlAsked = 0
    /// nil until it has invited us there too.
    var data: SocketAddress?

    var streams: SessionStreams
    /// In place of RTP-MIDI, where the other side is one of our own programs.
    var link: EndpointLink?
    /// The other hub of a pair speaks to it.
    var isMuted = false
    /// When it is to be looked at: no later than something is due there (`EngineLoop.wake(_:by:)`).
    var due: UInt64 = 0

    /// Its place in the session table.
    let slot: Int
    let record: UnsafeMutablePointer<SessionTable.Record>
    /// In its room once its address is proven.
    var member: Member?
    /// When a session that only measures is sent away; nil for all others.
    var probeEnd: UInt64?

    var allowance = Allowance()
    /// Packets of its own that wait until those of others have gone.
    var deferred = 0
    var counts = EngineStatus.Counts()
    /// The counts as they were last written to the log.
    var told = EngineStatus.Counts()
    var toldAt: UInt64 = 0
    /// A claim from another address to be this peer.
    var claim: (address: SocketAddress, claim: Claim)?
    /// Where it was before it moved for the first time.
    var former: (control: SocketAddress, data: SocketAddress?)?
    /// When it was invited, and when its session was proven.
    let invitedAt: UInt64
    var provenAt: UInt64 = 0
    /// When a packet of its music last followed the one before it.
    var continuedAt: UInt64 = 0
    /// Where the room has invited it.
    weak var call: Call?
    /// It said goodbye and goes on sending: it stays if it answers.
    var isResuming = false

    /// What is sent at leisure, a piece at a time: the state of the room for one who joins late, then system exclusive
    /// messages from the pool.
    var backlog: [Message] = []
    var backlogSent = 0
    var exclusives: [Int] = []
    /// A system exclusive message that is coming in: its buffer, and when its last part came.
    var gathering: (buffer: Int, at: UInt64)?

    init(
        ssrc: SSRC, name: String, port: PortPair, control: SocketAddress, data: SocketAddress?,
        streams: SessionStreams, slot: Int, record: UnsafeMutablePointer<SessionTable.Record>
    ) {
        (self.ssrc, self.name, self.port, socket) = (ssrc, name, port, port.data)
        (self.control, self.data, self.streams) = (control, data, streams)
        (self.slot, self.record) = (slot, record)
        invitedAt = streams.session.lastHeard
        exclusives.reserveCapacity(SysExPool.count)
    }

    /// Where it is, for people to see.
    var address: SocketAddress { isControlGuessed ? data ?? control : control }
    /// Something waits to be sent at leisure.
    var isPacing: Bool { streams.pacing.due != nil }
}

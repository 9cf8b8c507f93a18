import Linux
import RTPMIDI
import Rooms

/// One RTP-MIDI port: the sockets of control (N) and data (N + 1), and who came by it.
final class PortPair {
    /// Whom a datagram is from. Two peers may draw the same SSRC, and one peer may be on several ports of ours.
    struct Key: Hashable {
        let source: SocketAddress
        let ssrc: SSRC
    }

    let number: UInt16
    unowned var hall: Hall
    /// Which of its room's ports this is, from 0.
    var index: Int
    let control: DatagramSocket
    let data: DatagramSocket
    var registrations: [EventLoop.Registration] = []

    /// By where their packets come from. The control port of a half-open peer is known before its data port.
    var byControl: [Key: Peer] = [:]
    var byData: [Key: Peer] = [:]
    /// Searching for a known peer at a new address costs time: so many searches a second.
    var searches = TokenBucket(rate: 100, burst: 100)

    init(number: UInt16, host: String?, hall: Hall, index: Int) throws(Errno) {
        (self.number, self.hall, self.index) = (number, hall, index)
        control = try DatagramSocket(port: number, host: host)
        data = try DatagramSocket(port: number + 1, host: host)
    }

    func forget(_ peer: Peer) {
        byControl[Key(source: peer.control, ssrc: peer.ssrc)] = nil
        if let address = peer.data { byData[Key(source: address, ssrc: peer.ssrc)] = nil }
    }

    /// A peer that is known by its SSRC at this machine's address, whatever the port; where `anywhere`, also from
    /// another address.
    func peer(_ ssrc: SSRC, near source: SocketAddress, anywhere: Bool, at now: Milliseconds) -> Peer? {
        guard searches.take(at: now) else { return nil }
        var candidate: Peer?
        for peer in byControl.values where peer.ssrc == ssrc {
            if peer.control.isSameHost(as: source) { return peer }
            if anywhere { candidate = peer }
        }
        return candidate
    }

    func flush() {
        control.flush()
        data.flush()
    }
}

/// A room that is served, with those who are in it.
final class Hall {
    var plan: EnginePlan.Room
    /// Who hears whom.
    var room: Room
    /// In the order of their arrival.
    var peers: [Peer] = []

    init(_ plan: EnginePlan.Room) {
        self.plan = plan
        room = Self.room(plan)
    }

    static func room(_ plan: EnginePlan.Room) -> Room {
        Room(
            policy: plan.policy, blocks: Set(plan.blocks), echoes: plan.echoes ?? false, meshLimit: plan.maximum)
    }

    func peer(_ id: MemberID) -> Peer? { peers.first { $0.memberID == id } }
}

import EngineProtocol
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
    unowned var room: ServedRoom
    /// Which of its room's ports this is, from 0.
    var index: Int
    let control: DatagramSocket
    let data: DatagramSocket
    var registrations: [EventLoop.Registration] = []

    /// Those whose address is proven, by where their packets come from.
    private(set) var byControl: [Key: Endpoint] = [:]
    private(set) var byData: [Key: Endpoint] = [:]
    private var bySSRC: [SSRC: [Endpoint]] = [:]
    /// Those on their way in. The control port is known before the data port; and one who begins anew comes from where its
    /// old session still is.
    private(set) var arrivingByControl: [Key: Endpoint] = [:]
    private(set) var arrivingByData: [Key: Endpoint] = [:]
    /// Those who have just said goodbye.
    private var departed: [Departed] = []

    init(number: UInt16, host: String?, room: ServedRoom, index: Int) throws(Errno) {
        (self.number, self.room, self.index) = (number, room, index)
        control = try DatagramSocket(port: number, host: host)
        data = try DatagramSocket(port: number + 1, host: host)
    }

    // MARK: Who is here

    /// Everybody, those on their way in included.
    var endpoints: [Endpoint] { Array(byControl.values) + Array(arrivingByControl.values) }

    func has(_ endpoint: Endpoint) -> Bool {
        let key = Key(source: endpoint.control, ssrc: endpoint.ssrc)
        return byControl[key] === endpoint || arrivingByControl[key] === endpoint
    }

    /// Somebody, perhaps on the way in, whose control port is there.
    func anybody(at control: SocketAddress) -> Endpoint? { endpoints.first { $0.control == control } }

    /// Those of one SSRC whose address is proven: twins are several.
    func endpoints(_ ssrc: SSRC) -> [Endpoint] { bySSRC[ssrc] ?? [] }

    /// Another session at the same control address, as one who begins anew has for a moment. An invitation on the control
    /// port alone with the same token is none: it may be a late copy.
    func hasAnother(at endpoint: Endpoint) -> Bool {
        let token = endpoint.streams.session.token
        return byControl.values.contains { $0 !== endpoint && $0.control == endpoint.control }
            || arrivingByControl.values.contains {
                $0 !== endpoint && $0.control == endpoint.control
                    && ($0.data != nil || $0.streams.session.token != token)
            }
    }

    func arrives(_ endpoint: Endpoint) {
        arrivingByControl[Key(source: endpoint.control, ssrc: endpoint.ssrc)] = endpoint
        if let data = endpoint.data { arrivingByData[Key(source: data, ssrc: endpoint.ssrc)] = endpoint }
    }

    /// Its address is proven. Nobody else may be there.
    func settles(_ endpoint: Endpoint) {
        forget(endpoint)
        byControl[Key(source: endpoint.control, ssrc: endpoint.ssrc)] = endpoint
        if let data = endpoint.data { byData[Key(source: data, ssrc: endpoint.ssrc)] = endpoint }
        bySSRC[endpoint.ssrc, default: []].append(endpoint)
    }

    func forget(_ endpoint: Endpoint) {
        let control = Key(source: endpoint.control, ssrc: endpoint.ssrc)
        if byControl[control] === endpoint { byControl[control] = nil }
        if arrivingByControl[control] === endpoint { arrivingByControl[control] = nil }
        if let address = endpoint.data {
            let data = Key(source: address, ssrc: endpoint.ssrc)
            if byData[data] === endpoint { byData[data] = nil }
            if arrivingByData[data] === endpoint { arrivingByData[data] = nil }
        }
        bySSRC[endpoint.ssrc]?.removeAll { $0 === endpoint }
        if bySSRC[endpoint.ssrc]?.isEmpty ?? false { bySSRC[endpoint.ssrc] = nil }
    }

    // MARK: Who has just left

    /// With a copy of its record, as the place in the table may be another's by now.
    struct Departed {
        let endpoint: Endpoint
        let record: SessionTable.Record
        var at: UInt64
    }

    /// How long one who said goodbye is remembered, and what comes at first was under way before it; in ticks.
    private static let memory: UInt64 = 20_000
    private static let underWay: UInt64 = 2_000

    /// Gives when it may be forgotten.
    func departs(_ endpoint: Endpoint, at now: UInt64) -> UInt64 {
        departed.append(Departed(endpoint: endpoint, record: endpoint.record.pointee, at: now))
        return now + Self.memory + 1
    }

    func forgetDeparted(at now: UInt64) {
        if !departed.isEmpty { departed.removeAll { now &- $0.at > Self.memory } }
    }

    func indexOfDeparted(_ key: Key, at now: UInt64) -> Int? {
        departed.firstIndex {
            $0.endpoint.ssrc == key.ssrc && ($0.endpoint.control == key.source || $0.endpoint.data == key.source)
                && now &- $0.at <= Self.memory
        }
    }

    /// It says goodbye again: the time in which packets may still be under way begins anew.
    func departsAgain(_ index: Int, at now: UInt64) { departed[index].at = now }

    /// Takes out one who goes on sending after its goodbye.
    func removeDeparted(_ key: Key, at now: UInt64) -> Departed? {
        guard !departed.isEmpty, let index = indexOfDeparted(key, at: now),
            now &- departed[index].at > Self.underWay
        else { return nil }
        return departed.remove(at: index)
    }
}

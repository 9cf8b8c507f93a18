import MIDI
import RTPMIDI

/// Plays the data packets of a capture to a receiver for each sender, as the hub would.
struct Replay {
    private final class Stream {
        let receiver = ReceiverStream()
        /// The open system exclusive message.
        var exclusive: [UInt8] = []
    }
    private struct Key: Hashable {
        let sender: String?
        let ssrc: SSRC
    }
    private var streams: [Key: Stream] = [:]
    private static let longestExclusive = 65536

    /// What the datagram makes heard: JSON objects with `midi` and `repair`. Nothing where it is no sound data packet.
    mutating func emissions(of datagram: CapturedDatagram) -> [[String: Any]] {
        let octets = datagram.octets
        let packet = octets.span.bytes
        guard !datagram.isControl, !SessionPacket.isSession(packet), let header = try? RTPHeader(decoding: packet)
        else {
            return []
        }
        let key = Key(sender: datagram.sender, ssrc: header.ssrc)
        let stream = streams[key] ?? Stream()
        streams[key] = stream
        var emissions: [[String: Any]] = []
        func emit(_ midi: some Sequence<UInt8>, isRepair: Bool = false) {
            emissions.append(["midi": DecodedValue.hex(midi), "repair": isRepair])
        }
        // Lines have no time: each packet is taken to come exactly when its timestamp says.
        let now = datagram.time.map { $0 / 100_000 } ?? UInt64(header.timestamp)
        _ = try? stream.receiver.receive(packet, header, at: now) { emission, packet in
            switch emission {
            case .message(let message, _, let isRepair): emit(message.bytes, isRepair: isRepair)
            case .system(let message, _): emit(message.bytes)
            case .sysExLost: stream.exclusive = []
            case .sysEx(.cancel, _, _): stream.exclusive = []
            case .sysEx(let part, let data, _):
                if part.isBeginning { stream.exclusive = [0xF0] }
                guard stream.exclusive.count + data.count <= Self.longestExclusive else {
                    stream.exclusive = []
                    return
                }
                guard !stream.exclusive.isEmpty else { return }
                for offset in data { stream.exclusive.append(packet.uint8(at: offset)) }
                guard part.isEnd else { return }
                emit(stream.exclusive + [0xF7])
                stream.exclusive = []
            }
        }
        return emissions
    }
}

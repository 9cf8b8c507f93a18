import Foundation
import HubLink
import RTPMIDI

/// What a packet says, as JSON values, in the shape of the test vectors' `decoded`.
enum PacketWords {
    typealias Object = [String: Any]

    struct Judgement {
        var verdict: String
        var reason: String?
        var decoded: Object

        static func rejected(_ reason: String) -> Judgement {
            Judgement(
                verdict: "rejected", reason: reason,
                decoded: ["kind": "malformed", "reason": reason, "reject_scope": "packet"])
        }
    }

    static func judge(_ octets: [UInt8], isControl: Bool) -> Judgement {
        let packet = octets.span.bytes
        do throws(PacketError) {
            guard !octets.isEmpty else { return .rejected("zero-length datagram") }
            if LinkHead.isLink(packet) {
                return Judgement(verdict: "accepted", decoded: try LinkWords.describe(octets))
            }
            if isControl || SessionPacket.isSession(packet) {
                return Judgement(verdict: "accepted", decoded: session(try SessionPacket(decoding: packet)))
            }
            return try stream(octets)
        } catch {
            return .rejected(text(error, isControl: isControl))
        }
    }

    static func text(_ error: PacketError, isControl: Bool = false) -> String {
        switch error {
        case .truncated(let needed, let had): "cut off: \(had) octets where at least \(needed) belong"
        case .malformed(let reason): reason.description
        case .notForUs:
            isControl
                ? "no session packet, or of an unknown command or version"
                : "not RTP-MIDI, or of an unknown command or version"
        }
    }

    // MARK: Session packets

    private static func session(_ packet: SessionPacket) -> Object {
        func handshake(_ command: String, _ token: UInt32, _ name: String?) -> Object {
            [
                "kind": "session", "command": command, "version": 2, "initiator_token": DecodedValue.hex(token),
                "ssrc": packet.ssrc.description, "name": name.map { $0 as Any } ?? DecodedValue.null,
            ]
        }
        switch packet {
        case .invitation(let token, _, let name): return handshake("IN", token, name)
        case .accepted(let token, _, let name): return handshake("OK", token, name)
        case .refused(let token, _, let name): return handshake("NO", token, name)
        case .bye(let token, _, let name): return handshake("BY", token, name)
        case .bitRateLimit(_, let limit):
            return ["kind": "bit_rate_limit", "ssrc": packet.ssrc.description, "limit": limit]
        case .feedback(_, let value):
            let isLow = value >> 16 == 0 && value != 0
            return [
                "kind": "feedback", "ssrc": packet.ssrc.description, "raw": DecodedValue.hex(value),
                "seq": isLow ? value & 0xFFFF : value >> 16,
                "encoding": isLow ? "low-16" : value & 0xFFFF == 0 ? "high-16" : "either",
            ]
        case .clock(_, let count, let t1, let t2, let t3):
            var object: Object = [
                "kind": "clock", "ssrc": packet.ssrc.description, "count": count, "t1": t1,
                "t2": count > 0 ? t2 as Any : DecodedValue.null, "t3": count > 1 ? t3 as Any : DecodedValue.null,
            ]
            if count == 2 {
                let roundTrip = Int64(bitPattern: t3 &- t1)
                object["rtt_ticks"] = roundTrip
                object["rtt_ms"] = Double(roundTrip) / 10
                object["offset_responder_minus_initiator_ticks"] = Int64(bitPattern: t2 &- t1) &- roundTrip / 2
            }
            return object
        }
    }

    // MARK: Streams

    private static func stream(_ octets: [UInt8]) throws(PacketError) -> Judgement {
        let packet = octets.span.bytes
        let header = try RTPHeader(decoding: packet)
        let section = try CommandSection(decoding: packet, in: header.payload)
        var reader = CommandListReader(section, timestamp: header.timestamp)
        var commands: [Object] = []
        while let entry = try reader.next(in: packet) {
            var command = EntryWords.describe(entry, octets)
            command["delta"] = reader.delta
            commands.append(command)
        }
        var object: Object = [
            "kind": "rtp",
            "rtp": [
                "seq": header.sequence.rawValue, "timestamp": header.timestamp, "ssrc": header.ssrc.description,
                "marker": header.marker ? 1 : 0,
            ],
            "flags": [
                "B": DecodedValue.bit(section.isLong), "J": DecodedValue.bit(section.journal != nil),
                "Z": DecodedValue.bit(section.startsWithDelta),
                "P": DecodedValue.bit(section.isPhantom), "LEN": section.list.count,
            ],
            "commands": commands, "journal": DecodedValue.null,
        ]
        if reader.delta > 0 { object["trailing_delta"] = reader.delta }
        guard let range = section.journal else { return Judgement(verdict: "accepted", decoded: object) }
        do throws(PacketError) {
            let journal = try Journal(decoding: packet, in: range, of: header.sequence)
            object["journal"] = try JournalWords.describe(journal, packet, first: octets[range.lowerBound])
            return Judgement(verdict: "accepted", decoded: object)
        } catch {
            object["reject_scope"] = "journal"
            return Judgement(verdict: "journal rejected", reason: text(error), decoded: object)
        }
    }
}

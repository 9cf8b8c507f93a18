import HubLink
import RTPMIDI
import Rooms

/// What a packet of a link says (HubLink.docc), as JSON values.
enum LinkWords {
    static func describe(_ octets: [UInt8]) throws(PacketError) -> [String: Any] {
        let datagram = octets.span.bytes
        let head = try LinkHead(decoding: datagram)
        let packet = try LinkPacket(decoding: datagram, head)
        var object: [String: Any] = [
            "kind": "link", "packet": "\(head.kind)", "ssrc": head.ssrc.description, "count": head.count,
        ]
        func add(_ more: [String: Any]) { object.merge(more) { _, new in new } }
        switch packet {
        case .hello(let greeting), .welcome(let greeting):
            add([
                "version": greeting.version, "numbered": greeting.wants.contains(.numbered), "pulse_ms": greeting.pulse,
                "instance": greeting.instance,
            ])
        case .events(let list):
            add([
                "origin": DecodedValue.hex(list.origin.rawValue), "first": list.first.rawValue,
                "last": list.last.rawValue, "repeats": list.repeats, "answer": list.isAnswer,
                "events": try events(list.list, list.time, octets),
            ])
        case .pulse(let pulse):
            let told = (0..<pulse.count).map { index -> [String: Any] in
                let (origin, last) = pulse.entry(index, in: datagram)
                return ["origin": DecodedValue.hex(origin.rawValue), "last": last.rawValue]
            }
            add(["next_ms": pulse.next, "complete": pulse.isComplete, "origins": told])
        case .want(let origin, let wanted):
            add(["origin": DecodedValue.hex(origin.rawValue)])
            switch wanted {
            case .events(let first, let last): add(["first": first.rawValue, "last": last.rawValue])
            case .state: add(["state": true])
            }
        case .state(let part):
            add([
                "origin": DecodedValue.hex(part.origin.rawValue), "number": part.number.rawValue, "part": part.part,
                "parts": part.parts, "final": part.isFinal, "struck": part.isStruck,
                "events": try events(part.list, 0, octets),
            ])
        case .gone(let origin, let number, let why):
            add(["origin": DecodedValue.hex(origin.rawValue), "number": number.rawValue, "why": "\(why)"])
        case .identity(let origin, let identity):
            add(["origin": DecodedValue.hex(origin.rawValue), "client": identity.client, "port": identity.port])
        case .witness(let witness): add(["step": "\(witness.step)", "token": DecodedValue.hex(witness.token)])
        case .beat(let beat):
            add([
                "sent_ticks": beat.sent, "echo_ticks": beat.echo, "held_ticks": beat.held, "epoch": beat.word.epoch,
                "phase": "\(beat.word.phase)", "held_back": beat.word.isHeldBack,
            ])
        case .report(let report):
            add([
                "hubs": report.hubs, "by_both": report.byBoth, "by_this_only": report.byThisOnly,
                "by_others_only": report.byOthersOnly, "asked": report.asked, "repaired": report.repaired,
                "lost": report.lost, "skew_p50_ticks": report.skewMedian, "skew_p99_ticks": report.skewP99,
                "later_without_this_ticks": report.laterWithoutThis,
            ])
        }
        return object
    }

    private static func events(
        _ list: CommandSection, _ time: UInt32, _ octets: [UInt8]
    ) throws(PacketError) -> [[String: Any]] {
        var reader = CommandListReader(list, timestamp: time)
        var events: [[String: Any]] = []
        while let entry = try reader.next(in: octets.span.bytes) {
            var event = EntryWords.describe(entry, octets)
            event["delta"] = reader.delta
            events.append(event)
        }
        return events
    }
}

import Foundation
import RTPMIDI
import TestSupport
import Testing

struct SessionPacketTests {
    @Test(arguments: try SessionVector.all())
    func `every session vector is read as it says`(vector: SessionVector) throws {
        let datagram = try #require(bytes(hex: vector.hex))
        guard vector.expect == "accept" else {
            #expect(throws: PacketError.self) { try SessionPacket(decoding: datagram.span.bytes) }
            return
        }
        let isSession = SessionPacket.isSession(datagram.span.bytes)
        #expect(isSession)
        let packet = try SessionPacket(decoding: datagram.span.bytes)
        let expected = vector.decoded
        #expect(packet.ssrc == SSRC(number(expected.ssrc)))
        switch packet {
        case .invitation(let token, _, let name), .accepted(let token, _, let name), .refused(let token, _, let name),
            .bye(let token, _, let name):
            #expect(expected.command == letters(packet) && token == number(expected.token) && name == expected.name)
        case .clock(_, let count, let t1, let t2, let t3):
            #expect(expected.kind == "clock" && Int(count) == expected.count && t1 == expected.t1)
            if count > 0 { #expect(t2 == expected.t2) }
            if count > 1 { #expect(t3 == expected.t3) }
        case .feedback(_, let value):
            #expect(expected.kind == "feedback" && value == number(expected.raw))
        case .bitRateLimit:
            Issue.record("no vector is one")
        }
    }

    @Test(arguments: try SessionVector.all().filter { $0.expect == "accept" })
    func `an accepted vector is written as it came, but for dirt and missing ends`(vector: SessionVector) throws {
        var datagram = try #require(bytes(hex: vector.hex))
        let packet = try SessionPacket(decoding: datagram.span.bytes)
        if vector.name == "in_name_not_terminated" { datagram.append(0) }
        if vector.name == "ck0_captured_macos_dirty" { datagram.replaceSubrange(9..<12, with: [0, 0, 0]) }
        #expect(written(packet) == datagram)
    }

    @Test(arguments: try SessionVector.all().filter { $0.expect == "accept" })
    func `cut at any length it is refused, or only its name is shorter`(vector: SessionVector) throws {
        let datagram = try #require(bytes(hex: vector.hex))
        let whole = try SessionPacket(decoding: datagram.span.bytes)
        let least =
            switch whole {
            case .invitation, .accepted, .refused, .bye: 16
            case .clock: 36
            case .feedback, .bitRateLimit: 12
            }
        for length in 0..<datagram.count {
            let cut = Array(datagram.prefix(length))
            if length < least {
                #expect(throws: PacketError.truncated(needed: length < 4 ? 4 : least, had: length)) {
                    try SessionPacket(decoding: cut.span.bytes)
                }
            } else {
                #expect(try SessionPacket(decoding: cut.span.bytes).ssrc == whole.ssrc)
            }
        }
    }

    @Test func `what it makes of random bytes it writes and reads again`() throws {
        var random = SeededRandom(seed: 3)
        let letters = ["IN", "OK", "NO", "BY", "CK", "RS", "RL", "XX"].map { Array($0.utf8) }
        var accepted = 0
        for _ in 0..<20_000 {
            var datagram = (0..<Int.random(in: 0...120, using: &random)).map { _ in UInt8(random.next() & 0xFF) }
            if datagram.count >= 16, Bool.random(using: &random) {
                datagram.replaceSubrange(
                    0..<8, with: [0xFF, 0xFF] + letters.randomElement(using: &random)! + [0, 0, 0, 2])
            }
            if datagram.count > 8, Bool.random(using: &random) { datagram[8] &= 3 }
            guard let packet = try? SessionPacket(decoding: datagram.span.bytes) else { continue }
            accepted += 1
            let again = written(packet)
            #expect(again.count <= SessionPacket.longest)
            #expect(try SessionPacket(decoding: again.span.bytes) == packet)
        }
        #expect(accepted > 1000)
    }

    @Test func `octets behind a packet of fixed size are ignored`() throws {
        let packet = SessionPacket.feedback(ssrc: SSRC(7), value: 0x045C_0000)
        let datagram = written(packet) + [1, 2, 3]
        #expect(try SessionPacket(decoding: datagram.span.bytes) == packet)
    }

    @Test func `a clock count above two is refused`() {
        var datagram = written(.clock(ssrc: SSRC(7), count: 2, t1: 1, t2: 2, t3: 3))
        datagram[8] = 3
        #expect(throws: PacketError.malformed("a clock count above 2")) {
            try SessionPacket(decoding: datagram.span.bytes)
        }
    }

    @Test func `RTP is no session packet`() {
        let datagram = bytes(hex: "80610100000010645e6f7081")!
        let isSession = SessionPacket.isSession(datagram.span.bytes)
        #expect(!isSession)
        #expect(throws: PacketError.notForUs) { try SessionPacket(decoding: datagram.span.bytes) }
    }

    // MARK: Names

    @Test(arguments: [
        ("Studio \u{266A}", "Studio \u{266A}"),
        ("a\u{1B}[31mred\r\nb\u{7F}\u{9B}", "a[31mredb"),
        ("\u{202E}evil\u{2066}\u{200F}\u{2028}", "evil"),
        (String(repeating: "é", count: 40), String(repeating: "é", count: 32)),
        (String(repeating: "a", count: 63) + "é", String(repeating: "a", count: 63)),
    ])
    func `names are made fit to be shown`(sent: String, shown: String) {
        #expect(SessionPacket.sanitised(Array(sent.utf8)) == shown)
    }

    @Test func `what is no UTF-8 is replaced`() {
        #expect(SessionPacket.sanitised([0x50, 0xFF, 0xC3, 0x28]) == "P\u{FFFD}\u{FFFD}(")
        #expect(SessionPacket.sanitised([UInt8](repeating: 0xFF, count: 1000)).utf8.count == 63)
    }

    @Test func `a name may be empty, which is not none`() throws {
        let named = written(.accepted(token: 1, ssrc: SSRC(2), name: ""))
        #expect(named.count == 17)
        #expect(try SessionPacket(decoding: named.span.bytes) == .accepted(token: 1, ssrc: SSRC(2), name: ""))
        #expect(written(.accepted(token: 1, ssrc: SSRC(2), name: nil)).count == 16)
    }

    @Test func `our own name is cut at a character's border, and a NUL in it cannot end it`() throws {
        let packet = SessionPacket.invitation(token: 1, ssrc: SSRC(2), name: "a\0b" + String(repeating: "é", count: 60))
        let datagram = written(packet)
        let name = "ab" + String(repeating: "é", count: 31)
        #expect(
            try SessionPacket(decoding: datagram.span.bytes) == .invitation(token: 1, ssrc: SSRC(2), name: name))
    }
}

func written(_ packet: SessionPacket) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
        let raw = UnsafeMutableRawBufferPointer(buffer)
        var output = OutputRawSpan(buffer: raw, initializedCount: 0)
        packet.write(into: &output)
        count = output.finalize(for: raw)
    }
}

private func number(_ hex: String?) -> UInt32 { UInt32((hex ?? "").dropFirst(2), radix: 16) ?? 0 }

private func letters(_ packet: SessionPacket) -> String {
    switch packet {
    case .invitation: "IN"
    case .accepted: "OK"
    case .refused: "NO"
    case .bye: "BY"
    case .clock: "CK"
    case .feedback: "RS"
    case .bitRateLimit: "RL"
    }
}

/// A vector of `vectors.json` that is no RTP.
struct SessionVector: Decodable, CustomTestStringConvertible {
    struct Decoded: Decodable {
        let kind: String
        let command, ssrc, token, name, raw: String?
        let count: Int?
        let t1, t2, t3: UInt64?
        enum CodingKeys: String, CodingKey {
            case kind, command, ssrc, name, raw, count, t1, t2, t3
            case token = "initiator_token"
        }
    }
    let name, hex, expect: String
    let decoded: Decoded
    var testDescription: String { name }

    static func all() throws -> [SessionVector] {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/vectors", withExtension: "json"))
        let vectors = try JSONDecoder().decode([Raw].self, from: Data(contentsOf: url))
        return try vectors.filter { $0.hex.hasPrefix("ffff") || $0.hex.isEmpty }.map {
            SessionVector(name: $0.name, hex: $0.hex, expect: $0.expect, decoded: try #require($0.decoded))
        }
    }

    private struct Raw: Decodable {
        let name, hex, expect: String
        let decoded: Decoded?
        enum Keys: CodingKey { case name, hex, expect, decoded }
        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: Keys.self)
            name = try values.decode(String.self, forKey: .name)
            hex = try values.decode(String.self, forKey: .hex)
            expect = try values.decode(String.self, forKey: .expect)
            decoded = try? values.decode(Decoded.self, forKey: .decoded)
        }
    }
}

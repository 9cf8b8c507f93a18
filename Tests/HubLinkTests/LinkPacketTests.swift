import HubLink
import MIDI
import RTPMIDI
import Rooms
import TestSupport
import Testing

struct LinkPacketTests {
    private static func packet(_ write: (inout OutputRawSpan) -> Void) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: LinkPacket.longest, alignment: 8) { buffer in
            var out = OutputRawSpan(buffer: buffer, initializedCount: 0)
            write(&out)
            let count = out.finalize(for: buffer)
            return Array(buffer[..<count])
        }
    }
    private static func decoded(_ bytes: [UInt8]) throws -> LinkPacket {
        let span = bytes.span.bytes
        return try LinkPacket(decoding: span, LinkHead(decoding: span))
    }

    static var report: LinkReport {
        var report = LinkReport()
        (report.byBoth, report.byThisOnly, report.byOthersOnly) = (1, 2, 3)
        (report.asked, report.repaired, report.lost, report.hubs) = (4, 5, 6, 2)
        (report.skewMedian, report.skewP99, report.laterWithoutThis) = (7, 8, 9)
        return report
    }
    static let simple: [LinkPacket] = [
        .hello(.init(wants: .numbered, pulse: 10, instance: 0x1234_5678_9ABC_DEF0)),
        .welcome(.init(wants: .numbered, pulse: 1000, instance: 1)),
        .want(Origin(9), .events(EventNumber(.max), EventNumber(3))),
        .want(Origin(9), .state),
        .gone(Origin(9), EventNumber(77), .silent),
        .report(report),
        .identity(Origin(9), LinkIdentity(client: "Akai APC40 mkII", port: "Grüne Pads")!),
    ]

    @Test(arguments: simple)
    func `what is written is read`(packet: LinkPacket) throws {
        let bytes = Self.packet { packet.write(from: SSRC(0xCAFE), count: 513, into: &$0) }
        let head = try LinkHead(decoding: bytes.span.bytes)
        #expect(head.ssrc == SSRC(0xCAFE) && head.count == 513)
        // What a program that expects nothing of links sees: a session packet that it does not know.
        let isSession = SessionPacket.isSession(bytes.span.bytes)
        #expect(isSession)
        #expect(throws: PacketError.notForUs) { try SessionPacket(decoding: bytes.span.bytes) }
        switch (try Self.decoded(bytes), packet) {
        case (.want(let one, .state), .want(let other, .state)): #expect(one == other)
        case (let one, let other): #expect(one == other)
        }
    }

    @Test func `events are written with those before them, and read with their numbers and times`() throws {
        let window = EventWindow()
        let bytes: [[UInt8]] = [
            [0x90, 60, 100], [0xC1, 5], [0xF8], [0xF0, 1, 2, 0xF0], [0xF7, 3, 0xF7], [0xF2, 1, 2], [0x80, 60, 64],
        ]
        for (index, event) in bytes.enumerated() {
            event.withUnsafeBytes {
                window.put(
                    EventNumber(UInt32(index + 1)), time: UInt32(1000 + 300 * index), $0, at: UInt64(5000 + index))
            }
        }
        var writer = EventsWriter()
        #expect(
            writer.write(Origin(7), EventNumber(5), through: EventNumber(7), of: window, at: 5007) == EventNumber(7))
        let packet = Self.packet { writer.write(from: SSRC(1), count: 2, into: &$0) }
        guard case .events(let list) = try Self.decoded(packet) else {
            Issue.record("no events")
            return
        }
        #expect(list.origin == Origin(7) && list.first == EventNumber(1) && list.last == EventNumber(7))
        #expect(list.repeats == 4 && list.count == 7 && !list.isAnswer && list.acknowledged == nil)
        var reader = CommandListReader(list.list, timestamp: list.time)
        var times: [UInt32] = []
        while try reader.next(in: packet.span.bytes) != nil { times.append(reader.time) }
        #expect(times == (0..<7).map { 1000 + 300 * $0 })
    }

    @Test func `what is older than a quarter of a second is not said again`() throws {
        let window = EventWindow()
        window.put(EventNumber(1), time: 0, ChannelCommand(0x90, 60, 1), at: 1_000)
        window.put(EventNumber(2), time: 0, ChannelCommand(0x90, 61, 1), at: 3_501)
        var writer = EventsWriter()
        _ = writer.write(Origin(7), EventNumber(2), through: EventNumber(2), of: window, at: 3_501)
        let packet = Self.packet { writer.write(from: SSRC(1), count: 2, into: &$0) }
        guard case .events(let list) = try Self.decoded(packet) else {
            Issue.record("no events")
            return
        }
        #expect(list.first == EventNumber(2) && list.repeats == 0)
    }

    @Test func `a long answer goes in packets that pass everywhere`() throws {
        let window = EventWindow()
        let long: [UInt8] = [0xF0] + [UInt8](repeating: 1, count: 128) + [0xF0]
        for number in 1...20 {
            long.withUnsafeBytes { window.put(EventNumber(UInt32(number)), time: 0, $0, at: 0) }
        }
        var writer = EventsWriter()
        var (first, sizes): (EventNumber, [Int]) = (EventNumber(1), [])
        while let taken = writer.writeAnswer(Origin(7), first, through: EventNumber(20), of: window) {
            let packet = Self.packet { writer.write(from: SSRC(1), count: 0, into: &$0) }
            sizes.append(packet.count)
            guard case .events(let list) = try Self.decoded(packet) else { break }
            #expect(list.isAnswer && list.first == first && list.last == taken)
            first = taken.advanced(by: 1)
            if taken == EventNumber(20) { break }
        }
        #expect(sizes.count == 3 && sizes.allSatisfy { $0 <= LinkPacket.longest })
    }

    @Test func `a state goes in parts and leads there from nothing`() throws {
        var state = SpeakerState()
        for channel in Channel.all {
            for controller in UInt8(1)..<32 {
                state.follow(.controlChange(channel, controller: DataByte(truncating: controller), value: 99))
            }
            state.follow(.noteOn(channel, note: 60, velocity: 77))
        }
        var packets: [[UInt8]] = []
        StateParts.write(
            state, of: Origin(7), at: EventNumber(40), from: SSRC(1), count: { 0 },
            send: { packets.append(Self.packet($0)) })
        #expect(packets.count > 1 && packets.allSatisfy { $0.count <= LinkPacket.longest })
        var reader = OriginReader(Origin(7))
        var known = SpeakerState()
        for packet in packets.reversed() {
            guard case .state(let part) = try Self.decoded(packet) else {
                Issue.record("no state")
                return
            }
            reader.receive(part, in: packet.span.bytes, by: 0, known: SpeakerState(), at: 0) { emission, _, number in
                #expect(number == nil)
                if case .message(let message, _, _) = emission { known.follow(message) }
            }
        }
        #expect(reader.next == EventNumber(41))
        var (told, wanted): ([Message], [Message]) = ([], [])
        known.controls.tell { told.append($0) }
        state.controls.tell { wanted.append($0) }
        #expect(told == wanted && !told.isEmpty)
        // One who comes later is not struck what began long ago.
        #expect(known.held.isEmpty)
    }

    @Test(arguments: simple)
    func `every short packet is refused`(packet: LinkPacket) {
        let bytes = Self.packet { packet.write(from: SSRC(1), count: 1, into: &$0) }
        for count in 0..<bytes.count {
            #expect(throws: PacketError.self) { try Self.decoded(Array(bytes[..<count])) }
        }
    }

    @Test func `lists that lie are refused whole`() {
        func events(_ repeats: UInt8, _ list: [UInt8]) -> [UInt8] {
            [0xFF, 0xFF, 0x4D, 0x48, 0, 0, 0, 1, 3, 0, 0, 0] + [
                0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, repeats, 0,
            ]
                + list
        }
        #expect((try? Self.decoded(events(1, [0x03, 0x90, 60, 1]))) != nil)
        for bad in [
            events(2, [0x03, 0x90, 60, 1]), events(0, [0x00]), events(0, [0x02, 0x90, 60]),
            events(0, [0x43, 0x90, 60, 1]),
            events(0, [0x23, 0x90, 60, 1]), events(0, [0x03, 0x90, 60, 0x90]), events(0, [0x04, 0x90, 60, 1]),
        ] {
            #expect(throws: PacketError.self) { try Self.decoded(bad) }
        }
    }

    @Test(arguments: [
        ("", "port"), ("client", ""), ("a\u{1B}[2J", "port"), ("client", "a\nb"), ("\u{202E}tneilc", "port"),
        (String(repeating: "x", count: 64), "port"),
    ])
    func `an instrument has two names that can be shown`(client: String, port: String) {
        #expect(LinkIdentity(client: client, port: port) == nil)
        let bytes: [UInt8] =
            [0xFF, 0xFF, 0x4D, 0x48, 0, 0, 0, 1, 12, 0, 0, 0, 0, 0, 0, 7]
            + [UInt8(client.utf8.count), UInt8(port.utf8.count), 0, 0] + Array(client.utf8) + Array(port.utf8)
        #expect(throws: PacketError.self) { try Self.decoded(bytes) }
    }

    @Test func `random octets never trap`() {
        var random = SeededRandom(seed: 5)
        for round in 0..<20_000 {
            var bytes = (0..<Int.random(in: 12..<80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            bytes.replaceSubrange(0..<4, with: [0xFF, 0xFF, 0x4D, 0x48])
            bytes[8] = UInt8(round % 13)
            _ = try? Self.decoded(bytes)
        }
    }
}

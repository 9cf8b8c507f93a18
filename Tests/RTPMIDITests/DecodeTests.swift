import Foundation
import TestSupport
import Testing

/// `midihub decode`, through the built program.
struct DecodeTests {
    private let directory = TemporaryDirectory()

    private func decode(_ file: String, _ options: String...) throws -> Program.Finished {
        try Program(builtProduct("midihub"), ["decode"] + options + [file], in: directory).finish()
    }
    private func objects(_ output: String) throws -> [[String: Any]] {
        try output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }
    private func fixture(_ name: String) throws -> [[String: Any]] {
        let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        let data = try Data(contentsOf: folder.appending(path: name))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    }
    private func text(_ object: Any?) throws -> String {
        let data = try JSONSerialization.data(withJSONObject: try #require(object), options: .sortedKeys)
        return String(decoding: data, as: UTF8.self)
    }

    @Test func `every vector is judged and described as it says`() throws {
        let vectors = try fixture("vectors.json")
        let lines = try vectors.map {
            "\(try #require($0["channel"] as? String)) \(try #require($0["hex"] as? String))\n"
        }
        let finished = try decode(directory.write("vectors", lines.joined()))
        #expect(finished.code == 0 && finished.error == "")
        let objects = try objects(finished.output)
        #expect(objects.count == vectors.count && objects.count > 70)
        for (index, (vector, object)) in zip(vectors, objects).enumerated() {
            let name = vector["name"] as? String ?? ""
            #expect(object["index"] as? Int == index)
            #expect(object["channel"] as? String == vector["channel"] as? String)
            let decoded = try #require(vector["decoded"] as? [String: Any])
            let verdict = object["verdict"] as? String
            if vector["expect"] as? String == "accept" {
                #expect(verdict == "accepted" && object["reason"] is NSNull)
                #expect(try text(object["decoded"]) == text(decoded), "\(name)")
            } else {
                let isJournal = decoded["reject_scope"] as? String == "journal"
                #expect(verdict == (isJournal ? "journal rejected" : "rejected"), "\(name)")
                #expect(object["reason"] as? String != nil)
            }
        }
    }

    @Test func `every scenario is replayed as it says`() throws {
        for scenario in try fixture("scenarios.json") {
            let packets = try #require(scenario["packets"] as? [String])
            let delivery = try #require(scenario["delivery"] as? [Int])
            let lines = delivery.map { "data \(packets[$0])\n" }.joined()
            let finished = try decode(directory.write("scenario", lines), "--replay")
            let heard = try objects(finished.output).map { object in
                try #require(object["emit"] as? [[String: Any]]).compactMap { $0["midi"] as? String }
            }
            let expected = try #require(scenario["expected"] as? [[String: Any]])
            #expect(heard == expected.compactMap { $0["emit"] as? [String] }, "\(scenario["name"] ?? "")")
        }
    }

    @Test func `what was made up for a loss is marked, and senders are kept apart`() throws {
        let lines = """
            # A comment, and an empty line.

            data @one 80610300000010645E6F708143903C64800300
            data@two 80610300000010645e6f708143903c64800300
            data 80610302000014b05e6f70814020030000 0608007708 @one
            control @two ffff52530badcafe045c0000
            """
        let finished = try decode(directory.write("lines", lines), "--replay")
        let objects = try objects(finished.output)
        #expect(objects.map { $0["sender"] as? String } == ["one", "two", "one", "two"])
        #expect(
            try objects.map { try text($0["emit"]) } == [
                #"[{"midi":"903c64","repair":false}]"#, #"[{"midi":"903c64","repair":false}]"#,
                #"[{"midi":"803c40","repair":true}]"#, "[]",
            ])
    }

    @Test func `segments are put together`() throws {
        let lines = """
            data 80610e00000010645e6f708144f00102f0800e00
            data 80610e01000010c85e6f708144f70304f0800e00
            data 80610e020000112c5e6f708144f70506f7800e00
            """
        let finished = try decode(directory.write("lines", lines), "--replay")
        let heard = try objects(finished.output).map { try text($0["emit"]) }
        #expect(heard == ["[]", "[]", #"[{"midi":"f0010203040506f7","repair":false}]"#])
    }

    @Test(arguments: ["voice 00", "data 0", "data 0x", "hello"])
    func `a file that is neither is wrong use, and named by its line`(line: String) throws {
        let finished = try decode(directory.write("wrong", "control ffff\n" + line + "\n"))
        #expect(finished.code == 64 && finished.error.contains("line 2"))
    }
    @Test func `a file that is not there is said to be`() throws {
        #expect(try decode(directory.file("absent")).code == 69)
    }

    // MARK: Captures

    private let invitation = "ffff494e000000021a2b3c4d5e6f70815069616e6f00"
    private let note = "80611000000100005e6f708103903c64"

    /// An IPv4 or IPv6 packet with a UDP datagram.
    private func packet(_ payload: String, from source: UInt16, to target: UInt16, six: Bool = false) -> [UInt8] {
        let payload = bytes(hex: payload)!
        func two(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
        let udp = two(Int(source)) + two(Int(target)) + two(8 + payload.count) + [0, 0] + payload
        let address = [UInt8](repeating: 0, count: six ? 15 : 3)
        return six
            ? [0x60, 0, 0, 0] + two(udp.count) + [17, 64] + address + [1] + address + [2] + udp
            : [0x45, 0] + two(20 + udp.count) + [0, 0, 0, 0, 64, 17, 0, 0] + [10, 0, 0, 1, 10, 0, 0, 2] + udp
    }
    private func capture(link: UInt32, isSwapped: Bool = false, isNano: Bool = false, _ frames: [[UInt8]]) -> [UInt8] {
        func four(_ number: UInt32) -> [UInt8] {
            let octets = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
            return isSwapped ? octets.reversed() : octets
        }
        var file =
            four(isNano ? 0xA1B2_3C4D : 0xA1B2_C3D4) + four(0x0002_0004) + four(0) + four(0) + four(65535) + four(link)
        for (index, frame) in frames.enumerated() {
            file += four(1_700_000_000) + four(UInt32(index) * 1000)
            file += four(UInt32(frame.count)) + four(UInt32(frame.count)) + frame
        }
        return file
    }

    @Test(arguments: [false, true], [false, true])
    func `an Ethernet capture with either byte order, with and without VLAN tags`(isSwapped: Bool, isTagged: Bool)
        throws
    {
        func frame(_ packet: [UInt8]) -> [UInt8] {
            [UInt8](repeating: 2, count: 12) + (isTagged ? [0x81, 0, 0, 7] : []) + [8, 0] + packet + [0, 0, 0]
        }
        let query = packet("1234010000010000", from: 40000, to: 53)
        let file = capture(
            link: 1, isSwapped: isSwapped,
            [
                frame(packet(invitation, from: 5006, to: 5004)), frame(query),
                frame(packet(invitation, from: 5007, to: 5005)), frame(packet(note, from: 5007, to: 5005)),
                frame(packet("40611000000100005e6f7081", from: 5007, to: 5005)),
            ])
        let finished = try decode(directory.write("capture", file), "--replay")
        let objects = try objects(finished.output)
        #expect(finished.error == "")
        #expect(objects.map { $0["channel"] as? String } == ["control", "data", "data", "data"])
        #expect(objects.map { $0["verdict"] as? String } == ["accepted", "accepted", "accepted", "rejected"])
        #expect(objects.map { $0["frame"] as? Int } == [1, 3, 4, 5])
        #expect(objects.map { $0["index"] as? Int } == [0, 1, 2, 3])
        #expect(
            objects[0]["sender"] as? String == "10.0.0.1:5006" && objects[0]["receiver"] as? String == "10.0.0.2:5004")
        #expect(objects[2]["time"] as? Double == 1_700_000_000 + 0.003)
        #expect(try text(objects[2]["emit"]).contains("903c64"))
    }

    /// The link type, and what stands before the IP packet.
    @Test(arguments: [
        (101, ""), (0, "1c000000"), (113, "0000000100060000000000000000" + "86dd"),
        (276, "86dd" + "000000000000000000000000000000000000"),
    ])
    func `IPv6 in the other link types`(link: Int, head: String) throws {
        let frames = [
            try #require(bytes(hex: head)) + packet(note, from: 5007, to: 5005, six: true),
            try #require(bytes(hex: head)) + packet("ffff52530badcafe045c0000", from: 5006, to: 5004, six: true),
        ]
        let file = capture(link: UInt32(link), isNano: true, frames)
        let objects = try objects(decode(directory.write("capture", file)).output)
        #expect(objects.map { $0["channel"] as? String } == ["data", "control"])
        #expect(objects[0]["sender"] as? String == "[0:0:0:0:0:0:0:1]:5007")
    }

    @Test func `a link type is its lower half, whatever is said of check sequences`() throws {
        let file = capture(link: 0x2400_0065, [packet(note, from: 5007, to: 5005)])
        #expect(try objects(decode(directory.write("capture", file)).output).count == 1)
    }

    @Test func `a file that cannot be read is named with the system's own reason`() throws {
        let finished = try decode(directory.file("absent"))
        #expect(finished.error == "midihub: \(directory.file("absent")) cannot be read: No such file or directory\n")
        #expect(try decode(directory.path).error.hasSuffix("cannot be read: Is a directory\n"))
    }

    @Test func `a capture cut off anywhere gives what came before`() throws {
        let file = capture(link: 101, [packet(invitation, from: 5006, to: 5004), packet(note, from: 5007, to: 5005)])
        let whole = try decode(directory.write("capture", file)).output
        for length in [23, 24, 30, 40, 50, 80, file.count - 1] {
            let finished = try decode(directory.write("cut", Array(file.prefix(length))))
            #expect(finished.code == (length < 24 ? 64 : 0))
            #expect(finished.error.isEmpty == (length == 24))
            let first = try #require(whole.split(separator: "\n").first)
            #expect(length < file.count - 1 || finished.output.hasPrefix(first))
        }
    }

    @Test func `an IP header longer than its frame is no packet`() throws {
        var long = Array(packet(note, from: 5007, to: 5005).prefix(24))
        long[0] = 0x4F
        let file = capture(link: 101, [long, packet(note, from: 5007, to: 5005)])
        let finished = try decode(directory.write("capture", file))
        #expect(finished.code == 0)
        #expect(try objects(finished.output).map { $0["frame"] as? Int } == [2])
    }

    @Test func `a pcapng file is refused with the way round`() throws {
        let finished = try decode(directory.write("capture", [0x0A, 0x0D, 0x0D, 0x0A, 0, 0, 0, 0]))
        #expect(finished.code == 64 && finished.error.contains("editcap"))
    }
}

import Foundation
import MIDI
import RTPMIDI
import TestSupport
import Testing

/// A packet of the data port from `Fixtures/vectors.json`.
struct StreamVector: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let channel: String
    let hex: String
    let expect: String
    let decoded: Decoded
    var testDescription: String { name }

    struct Decoded: Decodable, Sendable {
        let kind: String
        let rtp: Head?
        let commands: [Command]?
        let rejectScope: String?

        struct Head: Decodable, Sendable {
            let seq: UInt16
            let timestamp: UInt32
            let ssrc: String
            let marker: Int
        }
        struct Command: Decodable, Sendable {
            let delta: UInt32
            let bytes: String
            let segment: String?
            let data: String?
        }
    }

    /// What is RTP, or should have been.
    static func all() throws -> [StreamVector] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode([StreamVector].self, from: fixture("vectors.json"))
            .filter { $0.channel == "data" && !$0.hex.hasPrefix("ffff") }
    }
    static func named(_ name: String) throws -> [UInt8] {
        let vector = try #require(try all().first { $0.name == name })
        return try #require(bytes(hex: vector.hex))
    }
}

/// A stream with losses from `Fixtures/scenarios.json`.
struct Scenario: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let packets: [String]
    let delivery: [Int]
    let expected: [Expected]
    var testDescription: String { name }
    struct Expected: Decodable, Sendable {
        let packet: Int
        let emit: [String]
    }
    static func all() throws -> [Scenario] {
        try JSONDecoder().decode([Scenario].self, from: fixture("scenarios.json"))
    }
}

private func fixture(_ name: String) throws -> Data {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    return try Data(contentsOf: folder.appending(path: name))
}

/// An emission in the form of the fixtures: hex, and whether it was a repair. System exclusive as its parts.
struct Heard: Equatable, CustomStringConvertible {
    let midi: String
    let isRepair: Bool
    let time: UInt32
    var description: String { midi + (isRepair ? " (repair)" : "") }

    init(_ emission: Emission, of packet: RawSpan) {
        switch emission {
        case .message(let message, let time, let isRepair):
            midi = hex(message.bytes)
            self.isRepair = isRepair
            self.time = time
        case .system(let message, let time):
            midi = hex(message.bytes)
            isRepair = false
            self.time = time
        case .sysEx(let part, let range, let time):
            midi = "\(part):" + hex(range.map { packet.uint8(at: $0) })
            isRepair = false
            self.time = time
        case .sysExLost:
            midi = "lost"
            isRepair = true
            time = 0
        }
    }
}

extension ReceiverStream {
    /// What the packet made heard. Without `now` it arrives just when it was sent.
    @discardableResult
    func hear(_ packet: [UInt8], at now: UInt64? = nil) throws -> (heard: [Heard], reception: Reception) {
        var heard: [Heard] = []
        let header = try RTPHeader(decoding: packet.span.bytes)
        let reception = try receive(packet.span.bytes, header, at: now ?? UInt64(header.timestamp)) {
            heard.append(Heard($0, of: $1))
        }
        return (heard, reception)
    }
    func silenced() -> [String] {
        var heard: [String] = []
        silence { heard.append(Heard($0, of: RawSpan()).midi) }
        return heard
    }
}

extension SenderStream {
    func packet(_ list: borrowing CommandList, at now: UInt64 = 0, room: Int = 1500) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            var out = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            write(list, at: now, into: &out)
            count = out.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
    }
    func guardPacket(at now: UInt64, unless isHeld: (Message) -> Bool = { _ in false }) -> [UInt8] {
        var room = CommandList()
        return [UInt8](unsafeUninitializedCapacity: 1500) { buffer, count in
            var out = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            writeGuard(with: &room, at: now, into: &out, unless: isHeld)
            count = out.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
    }
    /// A packet of these messages, in hex with their statuses.
    func packet(_ messages: String..., at now: UInt64 = 0, room: Int = 1500) -> [UInt8] {
        var list = CommandList()
        for message in messages { list.add(message, at: UInt32(truncatingIfNeeded: now)) }
        return packet(list, at: now, room: room)
    }
}

/// Appends that must fit. (`#expect` cannot take a list, which is noncopyable.)
extension CommandList {
    mutating func add(_ text: String, at time: UInt32) {
        let octets = bytes(hex: text)!
        add(try! Message(decoding: octets.span), at: time)
    }
    mutating func add(_ message: Message, at time: UInt32) {
        precondition(append(message, at: time), "the list is full")
    }
    mutating func add(_ system: SystemMessage, at time: UInt32) {
        precondition(append(system, at: time), "the list is full")
    }
    mutating func add(_ part: SysExPart, _ data: [UInt8], at time: UInt32) {
        precondition(data.withUnsafeBytes { append(sysEx: part, $0, at: time) }, "the list is full")
    }
}

/// The journal of a packet that has one, in hex.
func journal(of packet: [UInt8]) throws -> String {
    let header = try RTPHeader(decoding: packet.span.bytes)
    let section = try CommandSection(decoding: packet.span.bytes, in: header.payload)
    return hex(packet[try #require(section.journal)])
}

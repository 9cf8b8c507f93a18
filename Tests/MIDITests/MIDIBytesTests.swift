import MIDI
import TestSupport
import Testing

struct MIDIBytesTests {
    @Test(
        arguments: [
            ("", []), ("903c64", ["903c64"]), ("903c643e644064c005", ["903c64", "903e64", "904064", "c005"]),
            ("f07e7f0901f7f8903c64", ["f07e7f0901f7", "f8", "903c64"]), ("f0f7", ["f0f7"]),
            ("903c64f83e64", ["903c64", "f8", "903e64"]),
            ("f20102f305f108f6fafbfcfeff", ["f20102", "f305", "f108", "f6", "fa", "fb", "fc", "fe", "ff"]),
        ] as [(String, [String])])
    func `octets are taken apart into messages`(text: String, messages: [String]) throws {
        #expect(try MIDIBytes.split(bytes(hex: text)!).map { hex($0) } == messages)
    }

    @Test(
        arguments: [
            ("3c64", .dataWithoutStatus(at: 0)), ("f63c", .dataWithoutStatus(at: 1)),
            ("f0f73c64", .dataWithoutStatus(at: 2)),
            ("903c", .incomplete(status: 0x90)), ("90903c64", .incomplete(status: 0x90)),
            ("c0", .incomplete(status: 0xC0)),
            ("f07e", .incomplete(status: 0xF0)), ("f07ef8f7", .incomplete(status: 0xF0)),
            ("f201", .incomplete(status: 0xF2)),
            ("f7", .unknownStatus(0xF7, at: 0)), ("903c64f4", .unknownStatus(0xF4, at: 3)),
            ("fd", .unknownStatus(0xFD, at: 0)),
        ] as [(String, MIDIBytesError)])
    func `what is no complete message is refused`(text: String, error: MIDIBytesError) {
        #expect(throws: error) { try MIDIBytes.split(bytes(hex: text)!) }
    }

    @Test func `random octets are refused or give back what they were`() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<20_000 {
            let octets = (0..<Int.random(in: 0...12, using: &random)).map { _ in UInt8(random.next() & 0xFF) }
            guard let messages = try? MIDIBytes.split(octets) else { continue }
            #expect(try! MIDIBytes.split(messages.flatMap { $0 }) == messages)
        }
    }
}

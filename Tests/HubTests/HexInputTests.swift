import MIDI
import TestSupport
import Testing

@testable import Hub

struct HexInputTests {
    @Test(
        arguments: [
            ("", []), ("  \t\r", []), ("# 90 3c 64", []), ("903c64", ["903c64"]), (" 90 3C\t64 ", ["903c64"]),
            ("903c643e40 F8", ["903c64", "903e40", "f8"]), ("f07e7f0901f7c005", ["f07e7f0901f7", "c005"]),
        ] as [(String, [String])])
    func `a line is messages in hex`(line: String, messages: [String]) throws {
        #expect(try MIDIText.messages(line.utf8).map { hex($0) } == messages)
    }

    @Test(
        arguments: [
            ("9", .notHex), ("9 03c64", .notHex), ("0x90", .notHex), ("90,3c,64", .notHex), ("90 # x", .notHex),
            ("note on", .notHex), ("\u{FF11}", .notHex), ("90 3c", .notMIDI(.incomplete(status: 0x90))),
            ("3c 64", .notMIDI(.dataWithoutStatus(at: 0))),
        ] as [(String, MIDIText.Trouble)])
    func `what is no hex, or no message, is refused`(line: String, trouble: MIDIText.Trouble) {
        #expect(throws: trouble) { try MIDIText.messages(line.utf8) }
    }
}

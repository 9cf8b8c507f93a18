import MIDI
import TestSupport
import Testing

@testable import CommandLine

struct HexInputTests {
    @Test(
        arguments: [
            ("", []), ("  \t\r", []), ("# 90 3c 64", []), ("903c64", ["903c64"]), (" 90 3C\t64 ", ["903c64"]),
            ("903c643e40 F8", ["903c64", "903e40", "f8"]), ("f07e7f0901f7c005", ["f07e7f0901f7", "c005"]),
        ] as [(String, [String])])
    func `a line is messages in hex`(line: String, messages: [String]) throws {
        #expect(try MIDIText.messages(line.utf8).map { hex($0) } == messages)
    }

    @Test(arguments: [
        ("9", "pairs"), ("9 03c64", "pairs"), ("0x90", "pairs"), ("90,3c,64", "pairs"), ("90 # x", "pairs"),
        ("note on", "pairs"), ("\u{FF11}", "pairs"), ("90 3c", "not complete"), ("3c 64", "no status came before it"),
    ])
    func `what is no hex, or no message, is refused`(line: String, reason: String) {
        let trouble = #expect(throws: MIDIText.Trouble.self) { try MIDIText.messages(line.utf8) }
        #expect(trouble?.description.contains(reason) == true, "\(String(describing: trouble))")
    }
}

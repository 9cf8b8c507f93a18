import Linux
import MIDI
import TestSupport
import Testing

/// On every address of the machine: only where it has none but loopback's, in the virtual machine.
@Suite(
    .enabled(
        if: sequencerIsThere && environment("MIDIHUB_VM") != nil,
        "listens on all addresses: only in the virtual machine"))
struct DualStackTests {
    @Test func `IPv4 and IPv6 meet on one port of the embedded engine`() throws {
        let hub = try HubUnderTest(options: ["--engine", "embedded"])
        try hub.start()
        try hub.awaitEngines()
        let four = try TestPlayer("Four", port: hub.ports[0], host: "127.0.0.1")
        let six = try TestPlayer("Six", port: hub.ports[0], host: "::1")
        try pumping([four, six], "both") { four.isUp && six.isUp }
        let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 1)
        four.play(note)
        try pumping([four, six], "the note") { six.heard == [note] }
        six.play(note)
        try pumping([four, six], "the note back") { four.heard == [note] }
    }
}

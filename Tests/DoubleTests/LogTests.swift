import TestSupport
import Testing

/// The double's log against what the real daemon logged in the same story, byte for byte.
@Suite struct LogTests {
    @Test func `two come, one leaves and returns, then both fall silent`() throws {
        let replay = try Replay("26.01-basic.log")
        let drive = replay.drive
        let alice = try replay.join("Alice iPad")
        try drive.latency(alice, milliseconds: 2.8)
        try drive.latency(alice, milliseconds: 4.2)
        let bob = try replay.join("Bob Mac")
        try drive.latency(bob, milliseconds: 3.1)
        try drive.leave(alice)
        let again = try replay.join("Alice iPad", visit: 1)
        try drive.latency(again, milliseconds: 4.1)
        try drive.latency(bob, milliseconds: 4.3)
        try drive.latency(again, milliseconds: 3.2)
        // Both die together: the removal of the first makes a ghost of the second.
        try drive.silenceLimit(seconds: 0.2)
        try drive.vanish(bob)
        try drive.vanish(again)
        try replay.waitFor("Removed peer 5")
        try replay.endAndCompare()
    }

    @Test func `24 12 logs the same at its levels above DEBUG`() throws {
        let replay = try Replay("24.12-basic.log", version: "24.12")
        let drive = replay.drive
        let alice = try replay.join("Alice iPad")
        try drive.latency(alice, milliseconds: 2.1)
        try drive.latency(alice, milliseconds: 2.8)
        let bob = try replay.join("Bob Mac")
        try drive.latency(bob, milliseconds: 2.0)
        try drive.leave(alice)
        let again = try replay.join("Alice iPad", visit: 1)
        try drive.latency(again, milliseconds: 2.2)
        try drive.latency(bob, milliseconds: 1.5)
        try drive.latency(again, milliseconds: 3.4)
        try drive.silenceLimit(seconds: 0.2)
        try drive.vanish(bob)
        try drive.vanish(again)
        try replay.waitFor("Removed peer 5")
        try replay.process.terminate()
        // Source lines differ between the versions, and only some DEBUG records are imitated.
        func comparable(_ lines: [String]) -> [String] {
            lines.filter { !$0.contains("[DEBUG]") }.map { $0.replacing(/:\d+ +\|/, with: " |") }
        }
        expectSame(comparable(replay.lines), comparable(replay.capture.lines))
        #expect(replay.lines.contains { $0.contains("[DEBUG] rtppeer.cpp") })
    }

    @Test func `inviting again while connected adds ports`() throws {
        let replay = try Replay("26.01-same-name-reinvite.log")
        let phone = try replay.join("Phone")
        try replay.drive.latency(phone, milliseconds: 6.6)
        try replay.drive.inviteAgain(phone)
        let twin = try replay.join("Phone", visit: 1)
        try replay.drive.latency(twin, milliseconds: 2.4)
        try replay.drive.leave(phone)
        try replay.drive.leave(twin)
        try replay.endAndCompare()
    }

    @Test func `BYE on one port only lasts until the time-out`() throws {
        let replay = try Replay("26.01-bye-on-one-port.timed.log")
        let control = try replay.drive.ask(
            "knock \(hex("ByeControlOnly".utf8)) \(replay.capture.identity(of: "ByeControlOnly"))")[0]
        try replay.drive.ask("invite \(control) midi")
        let midi = try replay.drive.ask(
            "knock \(hex("ByeMidiOnly".utf8)) \(replay.capture.identity(of: "ByeMidiOnly"))")[0]
        try replay.drive.ask("latency \(control) 8.5")
        try replay.drive.ask("invite \(midi) midi")
        try replay.drive.ask("latency \(midi) 4.4")
        try replay.drive.silenceLimit(seconds: 0.3)
        try replay.drive.ask("bye \(control) control")
        try replay.drive.ask("bye \(midi) midi")
        try replay.waitFor("Removed peer 5")
        try replay.endAndCompare()
    }

    @Test func `one that vanished is never removed when another has joined since`() throws {
        let replay = try Replay("26.01-ghost-after-join.timed.log")
        let ghost = try replay.join("Ghost1")
        try replay.drive.latency(ghost, milliseconds: 10.7)
        try replay.drive.vanish(ghost)
        let live = try replay.join("Live2")
        for milliseconds in [1.6, 2.6, 1.2, 3.8, 1.5, 4.7] {
            try replay.drive.latency(live, milliseconds: milliseconds)
        }
        #expect(try replay.drive.counts()["sessions"] == 2)
        try replay.endAndCompare()
    }

    @Test func `one that vanished is never removed when an earlier one leaves`() throws {
        let replay = try Replay("26.01-ghost-after-leave.timed.log")
        let first = try replay.join("First")
        let second = try replay.drive.ask("knock \(hex("Second".utf8)) \(replay.capture.identity(of: "Second"))")[0]
        try replay.drive.latency(first, milliseconds: 15.1)
        try replay.drive.ask("invite \(second) midi")
        try replay.drive.ask("latency \(second) 6.7")
        try replay.drive.ask("vanish \(second)")
        try replay.drive.leave(first)
        #expect(try replay.drive.counts()["sessions"] == 1)
        try replay.endAndCompare()
    }

    @Test func `SIGTERM says no BYE`() throws {
        let replay = try Replay("26.01-sigterm-with-participant.log")
        let participant = try replay.join("A")
        try replay.drive.latency(participant, milliseconds: 1.7)
        try replay.endAndCompare()
        #expect(text(of: replay.process.controlPath + ".said").isEmpty)
    }

    /// The lines that hold the name, of one participant's join, straight from the log of odd names.
    @Test(arguments: [
        "Zoë 🎹 Straße", "", #"it's "quoted" \ back"#, "line1\nline2", "\u{1b}[31mred\u{1b}[0m", "{} {0} %s",
        "  spaced  name ", "a:b,c/d", String(repeating: "Z", count: 1200), String(repeating: "Y", count: 300),
    ])
    func `names are copied raw and records cut`(name: String) throws {
        let replay = try Replay("26.01-odd-names.log")
        let captured = Capture.lines(try Capture.bytes("26.01-odd-names.log"))
        let bytes = String(String.UnicodeScalarView(name.utf8.map { UnicodeScalar($0) }))
        let mark = "Got connection request from remote_name=\"\(bytes.prefix { $0 != "\n" }.prefix(900))"
        let wanted = try #require(captured.firstIndex { $0.contains(mark) && (!name.isEmpty || $0.contains("=\"\",")) })
        _ = try replay.drive.join(name, options: identity(near: captured[wanted...].prefix(2).joined()))
        let mine = try #require(replay.lines.firstIndex { $0.contains("Got connection request") })
        // Up to the line with the ALSA port's number, which depends on who was there before.
        let count = try #require(replay.lines[mine...].firstIndex { $0.contains("Created alsapeer") }) - mine
        expectSame(Array(replay.lines[mine..<(mine + count)]), Array(captured[wanted..<(wanted + count)]))
    }

    /// A record that was cut has lost the numbers; then any will do.
    private func identity(near text: String) -> String {
        guard let match = text.firstMatch(of: /initiator_id=([0-9A-F]+)  ssrc=([0-9A-F]+)/) else { return "" }
        return "initiator=\(match.output.1) ssrc=\(match.output.2)"
    }

    @Test func `a storm of leaving participants is imitated by noise`() throws {
        let replay = try Replay("26.01-basic.log")
        try replay.drive.ask("noise 15000")
        #expect(replay.lines.count > 15000)
        #expect(replay.lines.contains { $0.contains("[WARN ] midirouter.cpp:156 ") })
    }
}

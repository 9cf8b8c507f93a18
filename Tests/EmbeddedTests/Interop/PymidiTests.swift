import Foundation
import Glibc
import Linux
import MIDI
import TestSupport
import Testing

/// pymidi as it comes from PyPI, at the other end of a session: its server, which `midihub join` invites, and its codec and
/// clock as a participant of the hub. `PYMIDI` names a Python that has it (scripts/test makes one).
@Suite(.enabled(if: environment("PYMIDI") != nil, "no pymidi: PYMIDI names no Python that has it; see scripts/test"))
struct PymidiTests {
    private let directory = TemporaryDirectory()

    private func pymidi(_ role: String, port: UInt16...) throws -> Program {
        let script = try #require(Bundle.module.path(forResource: "pymidi_peer", ofType: "py", inDirectory: "Fixtures"))
        return try Program(
            #require(environment("PYMIDI")), ["-u", script, role] + port.map { "\($0)" },
            environment: ["PYTHONDONTWRITEBYTECODE": "1"], in: directory, name: "pymidi")
    }
    private func heard(_ pymidi: Program) -> [String] { values("heard", pymidi) }
    private func values(_ key: String, _ pymidi: Program) -> [String] {
        pymidi.output.split(separator: "\n").compactMap { line in
            (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?[key] as? String
        }
    }
    /// What stands behind the times on the lines of `--dump`.
    private func heard(join: Program) -> [String] {
        join.output.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst(3).first.map(String.init) }
    }

    @Test func `pymidi is joined, hears and is heard, and is told goodbye`() throws {
        let port = freeUDPPortPair()
        let pymidi = try pymidi("respond", port: port)
        try eventually("its server", seen: pymidi.error) { pymidi.output.contains("listening") }
        // pymidi takes everything after a command that it does not know for that command's data, so it comes last here.
        let music = ["903c64", "b00750", "a03c40", "90437f", "803c40", "804340", "f07e7f0901f7"]
        let lines = directory.write("lines", music.joined(separator: "\n") + "\n")
        let words = ["127.0.0.1:\(port)", "--name", "Tester", "--dump"]
        let program = ([try builtProduct("midihub"), "join"] + words).map { "'\($0)'" }.joined(separator: " ")
        let join = try Program("/bin/sh", ["-c", "exec \(program) < '\(lines)'"], in: directory, name: "join")
        try eventually("the music at pymidi", seen: pymidi.output + pymidi.error + join.error) {
            heard(pymidi).count >= music.count
        }
        #expect(heard(pymidi).prefix(music.count) == music[...])
        // pymidi uses no journal, so note ends are sent again.
        try eventually("the ends' repetitions", seen: pymidi.output) {
            heard(pymidi).count { $0 == "803c40" } == 6 && heard(pymidi).count { $0 == "804340" } == 6
        }
        let answers = ["903c64", "803c40", "90437f", "804340"]
        try eventually("pymidi's notes", seen: join.output) { heard(join: join).count >= answers.count }
        #expect(heard(join: join) == answers)
        join.send(SIGINT)
        #expect(try join.finish().code == 0)
        try eventually("the goodbye", seen: pymidi.output) { pymidi.output.contains("disconnected") }
        #expect(values("connected", pymidi) == ["Tester"] && values("disconnected", pymidi) == ["Tester"])
        // pymidi logs this for receiver feedback and the question for a link, which it does not know, for an invitation that
        // came again since its answer took long, and for the second and third BY.
        let complaints = values("complaint", pymidi).filter {
            !$0.contains("unrecognized command: b'RS'") && !$0.contains("unrecognized command: b'MH'")
                && !$0.contains("duplicate connection from ssrc") && !$0.contains("exit from unknown ssrc")
        }
        #expect(complaints.isEmpty && pymidi.error.isEmpty, "\(complaints) \(pymidi.error)")
    }

    @Test func `pymidi reads every packet of the hub, with journals and repeated ends`() throws {
        let hub = try HubUnderTest.running()
        let piano = try hub.here("Piano")
        let pymidi = try pymidi("invite", port: hub.ports[0])
        try pumping(piano, "pymidi in the room", seen: pymidi.output + pymidi.error) {
            try hub.participants().count == 2
        }

        var music: [Message] = []
        for round in 0..<40 {
            let channel = Channel(truncating: UInt8(round / 8))
            let note = DataByte(truncating: UInt8(40 + round))
            music += [
                .controlChange(channel, controller: 64, value: 127), .noteOn(channel, note: note, velocity: 100),
                .noteOn(channel, note: 20, velocity: 1), .noteOff(channel, note: note, velocity: 64),
            ]
        }
        music.append(.controlChange(Channel(truncating: 0), controller: 3, value: 1))
        for message in music { piano[0].play(message) }
        let expected = music.map { hex($0.bytes) }
        try pumping(piano, "the music at pymidi", seen: pymidi.output) { heard(pymidi).contains(expected.last!) }
        let isEnd = { (text: String) in text.hasPrefix("8") }
        #expect(heard(pymidi).filter { !isEnd($0) } == expected.filter { !isEnd($0) })
        #expect(Set(heard(pymidi).filter(isEnd)) == Set(expected.filter(isEnd)))
        let note = Message.noteOn(Channel(truncating: 2), note: 60, velocity: 99)
        try pumping(piano, "pymidi's note") { piano[0].heard == [note] }

        piano[0].play(.controlChange(Channel(truncating: 0), controller: 9, value: 1))
        try pumping(piano, "its end, and its note's") { pymidi.exit != nil && piano[0].heard.count >= 2 }
        #expect(piano[0].heard == [note, .noteOff(Channel(truncating: 2), note: 60, velocity: 64)])
        #expect(pymidi.exit == .code(0) && pymidi.error.isEmpty, "\(pymidi.error)")
        #expect(values("connected", pymidi).count == 1 && values("complaint", pymidi).isEmpty)
        try pumping(piano, "its leaving") { try hub.participants().count == 1 }
    }

    @Test func `on two hubs that are a pair pymidi hears each note once, through orders and kills, and is heard once`()
        throws
    {
        let pair = try EnginePair()
        // It takes its time to read a packet.
        pair.pause = 10_000_000
        let pymidi = try pymidi("invite", port: pair.ports[0], pair.ports[1])
        try pair.pumping("pymidi on both hubs", pymidi.output + pymidi.error + pair.seen) { pair.paired == 3 }
        let rounds = PairTally.rounds(4)
        for round in 0..<rounds {
            let active = try #require(pair.speaker, "\(pair.seen)")
            let victim = pair.engines[active]
            let isKill = round % 2 == 1
            _ = try pair.round(60, [20: { if isKill { victim.send(SIGKILL) } else { try pair.orderSwitch(by: 0) } }]) {
                if isKill {
                    try eventually("it is dead") { victim.exit != nil }
                    try pair.start(active)
                }
                try pair.pumping("a pair again", pair.seen) { pair.speaker == 1 - active }
            }
        }
        // At most the one that was on its way as a hub died is missing; none came twice.
        let notes = pair.played.map { hex($0.message.bytes) }.filter { $0.hasPrefix("90") }
        let ends = Set(pair.played.map { hex($0.message.bytes) }.filter { $0.hasPrefix("80") })
        func begun() -> [String] { heard(pymidi).filter { $0.hasPrefix("90") } }
        try pair.pumping("the last note", pymidi.output) { begun().last == notes.last }
        var rest = notes[...]
        for note in begun() {
            let index = try #require(rest.firstIndex(of: note), "\(note) came twice: \(begun())")
            rest = rest[(index + 1)...]
        }
        #expect(begun().count >= notes.count - rounds / 2)
        try pair.pumping("the last end") { Set(heard(pymidi).filter { $0.hasPrefix("80") }) == ends }
        #expect(pair.faults.isEmpty, "\(pair.faults)")

        let before = pair.heard.count
        pair.playApart(.controlChange(Channel(truncating: 0), controller: 3, value: 1))
        let note = Message.noteOn(Channel(truncating: 2), note: 60, velocity: 99)
        try pair.pumping("pymidi's note") { pair.heard[before...].contains { $0.message == note } }
        try pair.play(20)
        #expect(pair.heard[before...].count { $0.message == note } == 1)
        #expect(
            pymidi.error.isEmpty && values("complaint", pymidi).isEmpty,
            "\(values("complaint", pymidi)) \(pymidi.error)")
    }
}

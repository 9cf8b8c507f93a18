import Foundation
import Glibc
import Linux
import MIDI
import TestSupport
import Testing

/// `midihub join` and `midihub ping` as people run them, against `midihub engine`.
@Suite(.serialized)
struct JoinTests {
    private let directory = TemporaryDirectory()

    /// `midihub join`, with standard input from a path where one is given.
    private func join(_ arguments: [String], input: String = "/dev/null", name: String = "join") throws -> Program {
        let command = ([try builtProduct("midihub"), "join"] + arguments).map { "'\($0)'" }.joined(separator: " ")
        return try Program("/bin/sh", ["-c", "exec \(command) < '\(input)'"], in: directory, name: name)
    }

    private func waitUntilJoined(_ programs: Program..., times: Int = 1) throws {
        for program in programs {
            try eventually("a session", seen: program.error) {
                program.error.split(separator: "\n").count { $0.contains("midihub: joined ") } >= times
            }
        }
    }

    /// The messages in what `--dump` printed.
    private func heard(_ program: Program) -> [String] {
        program.output.split(separator: "\n").map { line in
            line.split(separator: " ").dropFirst(3).first.map(String.init) ?? ""
        }
    }

    @Test func `lines of hex on standard input are heard by the other, those written before the session too`() throws {
        let port = freeUDPPortPair()
        let engine = try directory.engine(port: port)
        let bob = try join(["localhost:\(port)", "--name", "Bob", "--dump"], name: "bob")
        try waitUntilJoined(bob)
        // The input is there before the session is up.
        let lines = directory.write("lines", "90 3c 64\n\n# a comment\n803C40 f0 7e 7f 09 01 f7\r\nzz\n90 3c\nfa")
        let alice = try join(["[::1]:\(port)", "--name", "Alice"], input: lines, name: "alice")
        let expected = ["903c64", "803c40", "f07e7f0901f7", "fa"]
        try eventually("the messages", seen: bob.output + alice.error) { Set(heard(bob)).isSuperset(of: expected) }
        let notes = heard(bob).filter { $0 != "fa" }
        #expect(notes.prefix(3) == expected.dropLast())
        // Ends are repeated, in case the last packet was lost.
        #expect(notes.dropFirst(3).allSatisfy { $0 == "803c40" }, "\(notes)")
        try eventually("the complaints", seen: alice.error) { alice.error.contains("line 6 is not sent") }
        #expect(alice.error.contains("line 5 is not sent: it must be pairs of hex digits"))
        // It goes on after the end of its input, until it says goodbye.
        #expect(alice.exit == nil)
        alice.send(SIGTERM)
        #expect(try alice.finish().code == 0)
        try eventually("the goodbye", seen: engine.output) { engine.output.contains(#""leaving":"bye""#) }
        bob.send(SIGINT)
        #expect(try bob.finish().code == 0)
    }

    @Test func `a pipe is read as it is written, and JSON is printed a line`() throws {
        let port = freeUDPPortPair()
        let engine = try directory.engine(port: port)
        #expect(engine.exit == nil)
        let pipe = directory.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let alice = try join(["127.0.0.1:\(port)", "--name=Alice"], input: pipe, name: "alice")
        let writing = open(pipe, O_WRONLY)
        defer { close(writing) }
        let bob = try join(["127.0.0.1:\(port)", "--name", "Bob", "--dump", "--json"], name: "bob")
        try waitUntilJoined(alice, bob)
        for line in ["903c64\n", "90 3c", " 00\n"] { _ = write(writing, line, line.utf8.count) }
        try eventually("two messages", seen: bob.output + alice.error) { bob.output.split(separator: "\n").count == 2 }
        let objects = try bob.output.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(objects.map { $0["bytes"] as? String } == ["903c64", "903c00"])
        #expect(objects.allSatisfy { $0["time"] is Int && $0["timestamp"] is Int && $0["repair"] as? Bool == false })
    }

    @Test func `what one plays from a file the other records`() throws {
        let port = freeUDPPortPair()
        let engine = try directory.engine(port: port)
        #expect(engine.exit == nil)
        var music = MIDIFileWriter(name: "music")
        let messages: [[UInt8]] = [[0xC0, 5], [0x90, 60, 100], [0x80, 60, 64], [0x90, 64, 90], [0x80, 64, 0]]
        for (index, message) in messages.enumerated() { music.append(message, at: .milliseconds(index * 150)) }
        let recording = directory.file("recorded.mid")
        let bob = try join(["localhost:\(port)", "--name", "Bob", "--dump", "--record", recording], name: "bob")
        try waitUntilJoined(bob)
        // A whole file from the beginning.
        #expect(try StandardMIDIFile(decoding: contents(of: recording)).playback.isEmpty)
        let alice = try join(
            ["localhost:\(port)", "--name", "Alice", "--play", directory.write("music.mid", music.bytes)], name: "alice"
        )
        try eventually("the music", seen: bob.output + alice.error) { heard(bob).count >= messages.count }
        try eventually("the end of it", seen: alice.error) { alice.error.contains("the music is played") }
        bob.send(SIGTERM)
        #expect(try bob.finish().code == 0)
        let recorded = try StandardMIDIFile(decoding: contents(of: recording)).playback
        #expect(recorded.map(\.bytes) == messages)
        // The messages are spread out in time; how exactly depends on the machine.
        #expect(try #require(recorded.last).at > .zero)
    }

    @Test func `music that is broken off leaves nothing sounding`() throws {
        let port = freeUDPPortPair()
        let engine = try directory.engine(port: port)
        #expect(engine.exit == nil)
        var music = MIDIFileWriter(name: "music")
        music.append([0x90, 60, 100], at: .zero)
        music.append([0x80, 60, 64], at: .seconds(3600))
        let bob = try join(["localhost:\(port)", "--name", "Bob", "--dump"], name: "bob")
        try waitUntilJoined(bob)
        let alice = try join(
            ["localhost:\(port)", "--name", "Alice", "--play", directory.write("music.mid", music.bytes)], name: "alice"
        )
        try eventually("the note", seen: bob.output + alice.error) { heard(bob) == ["903c64"] }
        alice.send(SIGINT)
        #expect(try alice.finish().code == 0)
        try eventually("its end", seen: bob.output) { heard(bob) == ["903c64", "803c40"] }
    }

    @Test func `on two hubs at once it is heard on both, and hears both`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let engines = try [
            directory.engine(port: ports[0], name: "one"), directory.engine(port: ports[1], name: "two"),
        ]
        #expect(engines.allSatisfy { $0.exit == nil })
        let hearers = try ports.map {
            try join(["127.0.0.1:\($0)", "--name", "Hearer", "--dump"], name: "hearer\($0)")
        }
        try waitUntilJoined(hearers[0], hearers[1])
        let lines = directory.write("lines", "90 40 01\n")
        let both = try join(ports.map { "127.0.0.1:\($0)" } + ["--name", "Both", "--dump"], input: lines, name: "both")
        for hearer in hearers {
            try eventually("the note", seen: hearer.output + both.error) { heard(hearer) == ["904001"] }
        }
        #expect(both.error.split(separator: "\n").count { $0.contains("joined Hub") } == 2)
    }

    @Test func `it waits for a hub that is not there yet, and joins again after the hub's restart`() throws {
        let port = freeUDPPortPair()
        let alice = try join(["127.0.0.1:\(port)", "--name", "Alice"], name: "alice")
        var hub = try directory.engine(port: port, name: "one")
        try waitUntilJoined(alice)
        hub.send(SIGTERM)
        #expect(try hub.finish().code == 0)
        try eventually("the end", seen: alice.error) { alice.error.contains("the other side said goodbye") }
        hub = try directory.engine(port: port, name: "two")
        try waitUntilJoined(alice, times: 2)
    }

    @Test func `when nobody reads what it prints it ends`() throws {
        let port = freeUDPPortPair()
        let engine = try directory.engine(port: port)
        let command = "'\(try builtProduct("midihub"))' join 127.0.0.1:\(port) --name Bob --dump | head -n 1"
        let bob = try Program("/bin/sh", ["-c", command], in: directory, name: "bob", ignoringPipe: false)
        try eventually("Bob", seen: engine.output) { engine.output.contains(#""name":"Bob""#) }
        let lines = directory.write("lines", "903c64\n803c64\n")
        let pipe = directory.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let alice = try join(["127.0.0.1:\(port)", "--name", "Alice"], input: pipe, name: "alice")
        let writing = open(pipe, O_WRONLY)
        defer { close(writing) }
        try waitUntilJoined(alice)
        let octets = contents(of: lines)
        try eventually("its end", seen: bob.output + bob.error) {
            _ = write(writing, octets, octets.count)
            return bob.exit != nil
        }
    }

    // MARK: Wrong use

    @Test(arguments: [
        (["join", "a b"], 64, "is no HOST"), (["join", "hub:99999"], 64, "is no HOST"),
        (["join", "hub", "--name", "a\u{1B}b"], 64, "--name"),
        (["join", "hub", "--nam", "x"], 64, "did you mean --name"),
        (["join", "hub", "--play", "/nonexistent.mid"], 69, "/nonexistent.mid"),
        (["join", "hub", "--play", "/bin/sh"], 69, "no standard MIDI file"),
        (["join", "hub", "--record", "/nonexistent/x.mid"], 69, "/nonexistent/x.mid"), (["ping"], 64, "whom?"),
        (["ping", "hub:0"], 64, "is no HOST"), (["join", "hub", "--name", "midihub ping"], 64, "measures the way"),
    ])
    func `wrong use is named`(arguments: [String], code: Int, message: String) throws {
        let finished = try Program(builtProduct("midihub"), arguments, in: directory).finish()
        #expect(finished.code == code && finished.error.contains(message), "\(finished)")
    }

    @Test func `ping tells how far away hubs are, and which does not answer`() throws {
        let (port, other) = (freeUDPPortPair(), freeUDPPortPair())
        let engine = try directory.engine(port: port)
        #expect(engine.exit == nil)
        let hosts = ["127.0.0.1:\(other)", "localhost:\(port)"]
        let arguments = try Program(builtProduct("midihub"), ["ping"] + hosts, in: directory, name: "ping")
        let json = try Program(builtProduct("midihub"), ["ping", "--json", hosts[0]], in: directory, name: "json")
        let finished = try arguments.finish()
        #expect(finished.code == 0)
        let lines = finished.output.split(separator: "\n")
        try #require(lines.count == 3, "\(finished)")
        #expect(lines[0].hasPrefix("HOST ") && lines[0].hasSuffix("VERDICT"))
        #expect(
            lines[1].hasPrefix("localhost:\(port) ")
                && ["good", "playable", "hard"].contains(where: lines[1].hasSuffix))
        #expect(lines[2].hasPrefix("127.0.0.1:\(other) ") && lines[2].hasSuffix("no answer"))
        let none = try json.finish()
        #expect(none.code == 1 && none.output.contains(#""trouble":"no answer""#), "\(none)")
    }
}

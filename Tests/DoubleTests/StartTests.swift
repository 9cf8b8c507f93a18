import Glibc
import Linux
import TestSupport
import Testing

/// What the double does at its start, well or wrong, against the captures. One after the other: some take UDP port 1.
@Suite(.serialized) struct StartTests {
    private let directory = TemporaryDirectory()

    private func double(_ arguments: [String], alsa: Bool = false) throws -> Program {
        try Program(
            builtProduct("rtpmidid-double"), arguments, environment: alsa ? [:] : ["RTPMIDID_DOUBLE_NO_ALSA": "1"],
            in: directory)
    }

    @Test(arguments: [
        ("bad-key", "[general]\nfoo=1\n"), ("bad-line", "[general]\nnot a key\n"), ("bad-section", "[bogus]\n"),
    ])
    func `an ini file that is wrong ends it by SIGABRT`(capture: String, ini: String) throws {
        let path = directory.write("bad1.ini", ini)
        let finished = try double(["--ini", path]).finish()
        #expect(finished.exit == .signal(Int(SIGABRT)))
        let expected = String(decoding: try Capture.bytes("26.01-ini-\(capture).stderr"), as: UTF8.self)
        #expect(finished.error.replacing(path, with: "bad1.ini") == expected)
        #expect(finished.output.isEmpty)
    }

    @Test func `a missing ini file ends it by SIGABRT`() throws {
        let finished = try double(["--ini", "/nonexistent.ini"]).finish()
        #expect(finished.exit == .signal(Int(SIGABRT)))
        #expect(finished.error == String(decoding: try Capture.bytes("26.01-ini-missing.stderr"), as: UTF8.self))
    }

    @Test func `an unknown option is exit code 1`() throws {
        let finished = try double(["--nonsense"]).finish()
        #expect(finished.code == 1)
        #expect(finished.output == String(decoding: try Capture.bytes("26.01-bad-option.log"), as: UTF8.self))
    }

    @Test func `version and help`() throws {
        let version = try double(["--version", "x"]).finish()
        #expect(version.code == 0)
        #expect(version.output == "rtpmidid version 26.01/2\n")
        let help = try double(["--help"]).finish()
        #expect(help.code == 0)
        #expect(help.output.contains("--log-level"))
    }

    @Test(.enabled(if: !sequencerIsThere, "this machine has a sequencer"))
    func `without a sequencer it ends with exit code 1`() throws {
        let control = directory.file("c.sock")
        let finished = try double(["--control", control], alsa: true).finish()
        #expect(finished.code == 1)
        #expect(finished.error.isEmpty)
        let expected = try Capture("26.01-no-alsa.log").lines.map {
            $0.replacing("/run/midihub/hq.sock", with: control)
        }
        expectSame(Capture.lines(contents(of: directory.file("program-0.out"))), expected)
    }

    /// Starts it on `port` and waits until it is ready.
    private func listening(name: String, port: String, control: String) throws -> Program {
        let ini = directory.write(
            "h.ini", "[general]\ncontrol=\(control)\n[rtpmidi_announce]\nname = \(name)  # a comment\nport=\(port)\n")
        let program = try double(["--ini", ini])
        try eventually("it to be ready", seen: program.output) { program.output.contains("Waiting for") }
        return program
    }

    @Test(.enabled(if: geteuid() == 0, "only root may take UDP port 1, as the captured daemon did"))
    func `with its port taken it goes on`() throws {
        let port = freeUDPPortPair()
        let taken = try Sockets.datagram(Sockets.Address(host: "::", port: port))
        let program = try listening(name: "hb", port: "\(port)", control: directory.file("c"))
        let expected = try Capture("26.01-port-in-use.log").lines
            .map { $0.replacing("5004", with: "\(port)").replacing("/run/midihub/hb.sock", with: directory.file("c")) }
        expectSame(Capture.lines(contents(of: program.outputPath)).filter(Capture.isComparable), expected)
        #expect(taken.number >= 0)
    }

    @Test(.enabled(if: geteuid() == 0, "only root may take UDP port 1, as the captured daemon did"))
    func `with a port that is none it goes on`() throws {
        let program = try listening(name: "a", port: "abc", control: directory.file("c"))
        let expected = try Capture("26.01-bad-port.log").lines
            .map { $0.replacing("/run/midihub/c.sock", with: directory.file("c")) }
        expectSame(Capture.lines(contents(of: program.outputPath)).filter(Capture.isComparable), expected)
    }

    @Test func `with its MIDI port taken it goes on`() throws {
        let port = freeUDPPortPair()
        let taken = try Sockets.datagram(Sockets.Address(host: "::", port: port + 1))
        let program = try listening(name: "hc", port: "\(port)", control: directory.file("c"))
        let expected = try Capture("26.01-midi-port-in-use.log").lines.map {
            $0.replacing("5004", with: "\(port + 1)").replacing("5003", with: "\(port)")
                .replacing("/run/midihub/hc.sock", with: directory.file("c"))
        }
        expectSame(Capture.lines(contents(of: program.outputPath)).filter(Capture.isComparable), expected)
        #expect(taken.number >= 0)
    }

    @Test func `without a directory for its control socket it says so`() throws {
        let program = try double(["--control", "/nonexistent/dir/c.sock", "--rtpmidid-name", "h1"])
        let expected = try Capture("26.01-control-dir-missing.log").lines[0]
        try eventually("its first line", seen: program.output) {
            program.output.contains("Error Binding socket at")
        }
        #expect(Capture.lines(contents(of: program.outputPath)).first == expected)
    }

    @Test func `the reader of its log gone and SIGPIPE not ignored, it dies of it`() throws {
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        let program = try Program(
            builtProduct("rtpmidid-double"), [], environment: ["RTPMIDID_DOUBLE_NO_ALSA": "1"], in: directory,
            ignoringPipe: false, output: "/proc/self/fd/\(ends[1])")
        close(ends[1])
        #expect(try program.finish().exit == .signal(Int(SIGPIPE)))
    }
}

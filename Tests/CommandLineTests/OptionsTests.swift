import Hub
import Rooms
import TestSupport
import Testing

@testable import CommandLine

/// What the words of the command line make of a configuration.
@Suite struct OptionsTests {
    @Test func `a maximum holds for the rooms of options, too`() throws {
        let directory = TemporaryDirectory()
        let path = directory.write("maximum.json5", "{ports: [5004], maximum: 5}")
        let options = try Options(["--config", path, "--port", "7000"], allowed: ["--config", "--port"])
        #expect(try options.configuration().rooms == [.init(name: "7000", ports: [7000], policy: .auto, maximum: 5)])
    }

    /// What `--port` makes of a file.
    private func rooms(_ ports: [UInt16], of file: String, _ more: [String] = []) throws -> [Configuration.Room] {
        let directory = TemporaryDirectory()
        let path = directory.write("c.json5", file)
        defer { withExtendedLifetime(directory) {} }
        let arguments = ["--config", path] + ports.flatMap { ["--port", "\($0)"] } + more
        return try Options(arguments, allowed: ["--config", "--port", "--policy"]).configuration().rooms
    }

    @Test func `a port named by an option is as the file has it, and one that it has not is as the file's rooms are`()
        throws
    {
        let file = """
            {policy: "named", maximum: 7, rooms: {Main: {ports: [5004], policy: "all", maximum: 5},
            Duets: {ports: [5006, 5008], policy: "pair"}, Big: {ports: [5010, 5012, 5014]}}}
            """
        let main = Configuration.Room(name: "Main", ports: [5004], policy: .all, maximum: 5)
        #expect(try rooms([5004], of: file) == [main])
        #expect(
            try rooms([7000, 5008, 5006, 5004], of: file) == [
                main, .init(name: "Duets", ports: [5006, 5008], policy: .pair, maximum: 7),
                .init(name: "7000", ports: [7000], policy: .named, maximum: 7),
            ])
        #expect(try rooms([5012], of: file) == [.init(name: "Big", ports: [5012], policy: .named, maximum: 7)])
        #expect(try rooms([5004], of: file, ["--policy", "auto"]).map(\.policy) == [.auto])
        #expect(throws: ConfigurationError.self) { try rooms([5006], of: file) }
        #expect(throws: ConfigurationError.self) {
            try rooms([5004, 7000], of: #"{rooms: {"7000": {ports: [5004]}}}"#)
        }
    }

    @Test func `options override the file, and come through start as they were`() throws {
        let directory = TemporaryDirectory()
        let path = directory.write("c.json5", "{ports: [6000], policy: \"named\", name: \"File\"}")
        let hub: Set = [
            "--config", "--port", "--policy", "--connect-all", "--listen", "--rtpmidid", "--web", "--engine", "--state",
        ]
        let arguments = [
            "--config", path, "--port=7000", "--port", "7002", "--connectall", "--listen", "127.0.0.1:1", "--rtpmidid",
            "x/y",
        ]
        let options = try Options(arguments, allowed: hub)
        let configuration = try options.configuration()
        #expect(configuration.name == "File")
        #expect(
            configuration.rooms.map(\.ports) == [[7000], [7002]] && configuration.rooms.allSatisfy { $0.policy == .all }
        )
        let again = try Options(options.arguments(relativeTo: "/here"), allowed: hub)
        #expect(again.rtpmidid == "/here/x/y")
        #expect(try again.configuration().rooms == configuration.rooms)
    }

    @Test(arguments: [
        (["--prot", "1"], "unknown option --prot; did you mean --port?"), (["--port"], "--port needs a value"),
        (["--port", "abc"], "--port: \"abc\" is no port"), (["--port", "0"], "--port: \"0\" is no port"),
        (["5004"], "unexpected \"5004\""),
        (["--connect-all=yes"], "takes no value"),
    ])
    func `a wrong word on the command line is named`(arguments: [String], message: String) {
        do {
            _ = try Options(arguments, allowed: ["--port", "--connect-all"])
            Issue.record("accepted")
        } catch { #expect(error.description.contains(message), "\(error.description)") }
    }

    @Test(arguments: embeddedOnlySettings)
    func `rtpmidid asked for by name is refused with it, in the file as by an option`(
        setting: String, key: String
    ) throws {
        let directory = TemporaryDirectory()
        let engine = directory.write("engine.json5", "{engine: \"rtpmidid\", \(setting)}")
        let auto = directory.write("auto.json5", "{\(setting)}")
        for arguments in [["--config", engine], ["--config", auto, "--engine", "rtpmidid"]] {
            do {
                _ = try Options(arguments, allowed: ["--config", "--engine"]).configuration()
                Issue.record("accepted: \(arguments)")
            } catch {
                #expect("\(error)".hasPrefix("engine: rtpmidid cannot honour \(key): "), "\(error)")
            }
        }
        // The file's engine gives way to the option's.
        let embedded = try Options(["--config", engine, "--engine", "embedded"], allowed: ["--config", "--engine"])
        #expect(try embedded.configuration().engine == .embedded)
    }
}

import Client
import Hub
import TestSupport
import Testing

@testable import CommandLine

/// What `join` is to do, by its options and its file.
@Suite struct JoinSettingsTests {
    private let directory = TemporaryDirectory()
    private let text: Set = ["--room", "--name", "--clone", "--device", "--thru", "--play", "--record"]

    private func settings(_ arguments: [String], file: String? = nil) throws -> JoinSettings {
        let path = file.map { directory.write("join.json5", $0) } ?? directory.file("none.json5")
        return try JoinSettings(Options(arguments, allowed: text, operands: true), file: path)
    }
    private let file = """
        { hosts: ["a.example.org", "192.0.2.7:5006"], room: "Main", name: "Piano", clone: "APC40", record: "/tmp/x.mid" }
        """

    @Test func `the file has the text of the options`() throws {
        let options = [
            "a.example.org", "192.0.2.7:5006", "--room", "Main", "--name", "Piano", "--clone", "APC40", "--record",
            "/tmp/x.mid",
        ]
        #expect(try settings([], file: file) == settings(options))
        #expect(try settings([], file: file).hosts.count == 2)
        #expect(try settings([], file: "{clone: true}") == settings(["--clone"]))
        #expect(try settings([], file: "{clone: false}") == settings([]))
    }

    @Test func `an option goes before the file, and another hub has other rooms`() throws {
        let other = try settings(["b.example.org", "--name", "Drums"], file: file)
        #expect(other.hosts.map(\.name) == ["b.example.org"] && other.room == nil)
        #expect(other.name == "Drums" && other.clone == .init("APC40"))
        #expect(try settings(["--room", "Duets"], file: file).room == "Duets")
        #expect(try settings(["--room", "Duets"], file: file).hosts.count == 2)
    }

    @Test func `the value of clone may be left out`() throws {
        #expect(try settings(["--clone"]).clone == .first)
        #expect(try settings(["--clone", "--name", "x"]).clone == .first)
        #expect(try settings(["hub", "--clone"]).hosts.count == 1)
        #expect(try settings(["--clone", "APC40", "hub"]).clone == .init("APC40"))
        #expect(try settings(["--clone=APC40", "hub"]).hosts.count == 1)
    }

    @Test func `a device is a pattern, and takes no port with another one's names`() throws {
        let joined = try settings(["hub", "--device", "APC40*", "--thru"])
        #expect(joined.device != nil && joined.thru)
        #expect(try settings([], file: "{device: \"APC40*\", thru: true}").device == joined.device)
        for (arguments, file) in [(["--device", "a\nb"], nil), (["--device", "A"], "{clone: true}")] {
            #expect(throws: ConfigurationError.self) { try settings(arguments, file: file) }
        }
    }

    @Test(arguments: [
        ("{device: \"\"}", "line 1: device: a device's name has 1 to 128 characters"),
        ("{\n nme: \"x\" }", "line 2: nme: unknown key; did you mean name?"),
        ("{name: 5}", "line 1: name: must be text"),
        ("{name: \"\"}", "line 1: name: a name must have 1 to 63 octets"),
        ("{\nhosts: [\n1] }", "/join.json5: line 3: hosts: must be text in quotes"),
        ("{room: \"\"}", "room: must be the name"),
        ("{hosts: \"a\"}", "line 1: hosts: must be a list"), ("{hosts: [\"a b\"]}", "hosts: \"a b\" is no HOST"),
        ("{hosts: [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]}", "hosts: at most 8 hubs"),
        ("{clone: 5}", "line 1: clone: must be true or the name"), ("[1]", "line 1: the file: must be an object"),
        ("{", "not JSON5"), ("{name: \"midihub ping\"}", "who measures"),
    ])
    func `what is wrong in the file is told with its place`(text: String, message: String) {
        do {
            _ = try settings([], file: text)
            Issue.record("accepted")
        } catch {
            #expect("\(error)".contains(message) && "\(error)".contains("/join.json5: "), "\(error)")
        }
    }
}

import Foundation
import Hub
import Linux
import Rooms
import TestSupport
import Testing

@Suite struct ConfigurationTests {
    @Test func `comments, trailing commas and every key are understood`() throws {
        let configuration = try Configuration(
            text: """
                {
                    name: "Stage", // what players see
                    location: "auto",
                    rooms: { Main: { ports: [5004] }, "Two": { ports: [5010, 5012], policy: "pair" }, },
                    policy: "all", engine: "rtpmidid", rtpmidid: "/opt/rtpmidid", listen: "[::1]:9000",
                    hosts: ["hub.example.org"], web: "/srv/web", token: "0123456789abcdef",
                }
                """)
        #expect(configuration.name == "Stage")
        #expect(configuration.location == .auto)
        #expect(
            configuration.rooms == [
                .init(name: "Main", ports: [5004], policy: .all),
                .init(name: "Two", ports: [5010, 5012], policy: .pair),
            ])
        #expect(configuration.listen.description == "[::1]:9000")
    }

    @Test func `nothing configured is one room on 5004`() throws {
        #expect(try Configuration(text: "{}") == Configuration())
        #expect(Configuration().rooms == [.init(name: "5004", ports: [5004], policy: .auto)])
    }

    @Test func `the older list of ports makes a room of each`() throws {
        #expect(try Configuration(text: "5004,5006\n").rooms.map(\.name) == ["5004", "5006"])
    }

    @Test func `the older groups make pair rooms`() throws {
        let rooms = try Configuration(text: #"{"GroupTwo": [5050, 5052], "GroupOne": [5040, 5042]}"#).rooms
        #expect(
            rooms == [
                .init(name: "GroupOne", ports: [5040, 5042], policy: .pair),
                .init(name: "GroupTwo", ports: [5050, 5052], policy: .pair),
            ])
    }

    @Test(arguments: [
        ("", "line 1, column 1: expected a value"),
        ("{ports: [5004, }", "not JSON5: line 1, column 16: expected a value"),
        ("{\n  name: \"x\",\n  ports }", "line 3, column 9: expected \":\""),
        ("{name: \"x}", "line 1, column 8: expected a closing"), ("{/* */} x", "line 1, column 9: expected the end"),
        ("{prots: [5004]}", "prots: unknown key; known are address, alerts, allow"),
        ("{ports: [70000]}", "ports: 70000 is no port"), ("{ports: [65535]}", "65535 is no port"),
        ("{ports: [5004, 5005]}", "port 5005: overlaps with port 5004"), ("{ports: [5004], rooms: {}}", "not both"),
        ("{rooms: {A: {}}}", "\"ports\" is missing"),
        ("{rooms: {A: {ports: [], policy: \"all\"}}}", "room \"A\": has no port"),
        ("{rooms: {A: {ports: [1], colour: 2}}}", "rooms.A.colour: unknown key"),
        ("{policy: \"everyone\"}", "none of auto, named, all, pair"),
        ("{engine: \"x\"}", "none of auto, rtpmidid, embedded"), ("{listen: \"example.org:80\"}", "listen:"),
        ("{origins: [\"studio.example.org\"]}", "is no origin such as"),
        ("{origins: [\"https://a.example/path\"]}", "is no origin such as"), ("{origins: [\"*\"]}", "is no origin"),
        ("{name: 5}", "name: must be text in quotes"), ("{token: \"short\"}", "token: shorter than 16"),
        ("[]", "must be an object"),
        ("{alerts: {}}", "alerts: \"url\" is missing"),
        ("{alerts: {url: \"ftp://x\"}}", "alerts.url: must be an address"),
        ("{alerts: {url: \"https://x\", rtt: -1}}", "alerts.rtt: -1.0 is no number of milliseconds"),
        ("{alerts: {url: \"https://x\", loss: 101}}", "alerts.loss"),
        ("{alerts: {url: \"https://x\", for: 0}}", "alerts.for: 0.0 is no number of seconds"),
        ("{alerts: {url: \"https://x\", disk: \"full\"}}", "alerts.disk: must be a number"),
        ("{alerts: {url: \"https://x\", mail: 1}}", "unknown key"),
        ("{\"G\": [5004]}", "group \"G\": has 1 ports, must have two"), ("5004,5005", "overlaps"), ("99999", "99999"),
    ])
    func `what is wrong is said in one line with its place`(text: String, words: String) {
        do {
            _ = try Configuration(text: text)
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains(words), "\(error.description)")
            #expect(!error.description.contains("\n"))
        }
    }

    @Test func `alerts have limits without being told any, and an error never shows their address`() throws {
        let alerts = try #require(try Configuration(text: #"{alerts: {url: "https://x/secret", rtt: 80.5}}"#).alerts)
        #expect((alerts.rtt, alerts.loss, alerts.patience, alerts.disk) == (80.5, 2, 30, 95))
        #expect(try Configuration(text: "{}").alerts == nil)
        do {
            _ = try Configuration(text: #"{alerts: {url: "wss://x/secret"}}"#)
            Issue.record("accepted")
        } catch { #expect(!error.description.contains("secret")) }
    }

    @Test func `a file's error names the file`() {
        let directory = TemporaryDirectory()
        let path = directory.write("midihub.json5", "{ports: [0]}")
        #expect(throws: (any Error).self) { try Configuration(file: path) }
        do { _ = try Configuration(file: path) } catch { #expect(error.description.hasPrefix("\(path): ports: 0")) }
        for (path, reason) in [("/no/such", "No such file or directory"), (directory.path, "Is a directory")] {
            do {
                _ = try Configuration(file: path)
                Issue.record("\(path) is no file")
            } catch { #expect(error.description == "\(path): \(reason)") }
        }
        let binary = directory.write("binary", [0xFF, 0xFE])
        do { _ = try Configuration(file: binary) } catch { #expect(error.description == "\(binary): not UTF-8 text") }
    }

    @Test func `options override the file, and come through start as they were`() throws {
        let directory = TemporaryDirectory()
        let path = directory.write("c.json5", "{ports: [6000], policy: \"named\", name: \"File\"}")
        let hub: Set = [
            "--config", "--port", "--policy", "--connect-all", "--listen", "--rtpmidid", "--web", "--engine", "--state",
        ]
        let words = [
            "--config", path, "--port=7000", "--port", "7002", "--connectall", "--listen", "127.0.0.1:1", "--rtpmidid",
            "x/y",
        ]
        let options = try Options(words, allowed: hub)
        let configuration = try options.configuration()
        #expect(configuration.name == "File")
        #expect(
            configuration.rooms.map(\.ports) == [[7000], [7002]] && configuration.rooms.allSatisfy { $0.policy == .all }
        )
        let again = try Options(options.words(relativeTo: "/here"), allowed: hub)
        #expect(again.rtpmidid == "/here/x/y")
        #expect(try again.configuration().rooms == configuration.rooms)
    }

    @Test(arguments: [
        (["--prot", "1"], "unknown option --prot"), (["--port"], "--port needs a value"),
        (["--port", "x"], "--port x"), (["5004"], "unexpected \"5004\""),
        (["--connect-all=yes"], "takes no value"),
    ])
    func `a wrong word on the command line is named`(words: [String], said: String) {
        do {
            _ = try Options(words, allowed: ["--port", "--connect-all"])
            Issue.record("accepted")
        } catch { #expect(error.description.contains(said), "\(error.description)") }
    }

    @Test func `the example that is installed changes nothing, and what it proposes is understood`() throws {
        let text = text(of: "scripts/debian/midihub.json5")
        #expect(try Configuration(text: text) == Configuration())
        let settings = text.split(separator: "\n").compactMap { line -> Substring? in
            guard let comment = line.firstRange(of: "    // "), comment.lowerBound == line.startIndex else {
                return line
            }
            let words = line[comment.upperBound...]
            // A sentence begins with a capital letter or dots; of `ports` and `rooms` only one may be there.
            return words.first.map { $0.isUppercase || $0 == "." } ?? true || words.hasPrefix("ports") ? nil : words
        }
        let proposed = try Configuration(text: settings.joined(separator: "\n"))
        #expect(proposed.rooms.map(\.name) == ["Main", "Duets"])
        #expect(proposed.location == .named("Frankfurt"))
        #expect(proposed.hosts == ["hub.example.org"])
        #expect(proposed.token == "at least 16 characters")
        #expect(proposed.address == "192.0.2.1")
    }
}

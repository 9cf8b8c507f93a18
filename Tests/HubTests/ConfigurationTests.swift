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

    @Test func `a room's controllers, and which of them are one, are read from its entry`() throws {
        let configuration = try Configuration(
            text: """
                { rooms: { Main: {
                    ports: [5004], focus: ["APC", "Pad"], focusBy: "touch",
                    inputs: {
                        Keys: { of: ["K1", "K2"], live: "both", pickup: true },
                        APC: { of: ["APC left", "APC right"], live: "first", pickup: false },
                    },
                } } }
                """)
        #expect(configuration.rooms[0].focus == Focus(controllers: ["APC", "Pad"], byTouch: true))
        #expect(
            configuration.rooms[0].inputs == [
                Input(name: "APC", of: ["APC left", "APC right"], firstOnly: true),
                Input(name: "Keys", of: ["K1", "K2"], picksUp: true),
            ])
    }

    @Test func `rtpmidid cannot let knobs be picked up, and everything else of controllers it can`() throws {
        var configuration = Configuration()
        configuration.rooms[0].focus = Focus(controllers: ["APC"])
        configuration.rooms[0].inputs = [Input(name: "APC", of: ["L", "R"], firstOnly: true)]
        #expect(EngineKind.rtpmidid.cannotHonour(configuration) == nil)
        configuration.rooms[0].inputs[0].picksUp = true
        #expect(EngineKind.rtpmidid.cannotHonour(configuration) == "pickup")
        #expect(EngineKind.embedded.cannotHonour(configuration) == nil)
    }

    @Test func `nothing configured is one room on 5004`() throws {
        #expect(try Configuration(text: "{}") == Configuration())
        #expect(Configuration().rooms == [.init(name: "5004", ports: [5004], policy: .auto)])
    }

    @Test func `the older list of ports makes a room of each`() throws {
        #expect(try Configuration(text: "5004,5006\n").rooms.map(\.name) == ["5004", "5006"])
    }

    @Test(arguments: ["5004\n5006\n", "5004,\r\n5006", "5004 5006", "\u{FEFF}5004,5006", "\n,5004,,5006,"])
    func `a number a line is a room of its own, too`(list: String) throws {
        #expect(try Configuration(text: list).rooms.map(\.name) == ["5004", "5006"])
    }

    @Test func `a byte order mark and line ends of every kind are no part of the file`() throws {
        let file = try Configuration(text: "\u{FEFF}{\r\n  ports: [5004],\r  // one\n  name: 'A\\\nB',\n}\r\n")
        #expect(file.rooms.map(\.ports) == [[5004]] && file.name == "AB")
        let groups = try Configuration(text: "\u{FEFF}{\"G\": [5040, 5042]}")
        #expect(groups.rooms.map(\.policy) == [.pair])
    }

    @Test(arguments: [
        (#""\x41\u00e9\ud83e\udd41\t\q""#, "A\u{e9}\u{1F941}\tq"), (#"'it\'s "so"'"#, "it's \"so\""),
    ])
    func `text has JSON5's escapes`(written: String, text: String) throws {
        #expect(try Configuration(text: "{location: \(written)}").location == .named(text))
    }

    @Test func `numbers are whole where that is meant, however they are written`() throws {
        #expect(
            try Configuration(text: "{ports: [0x138C, 5006.0, +5.008e3]}").rooms.map(\.name) == [
                "5004", "5006", "5008",
            ])
    }

    @Test func `TCP ports lead to the only room, or to the one that each names`() throws {
        let alone = try Configuration(text: "{ports: [5004], tcp: {}}")
        #expect(alone.tcp == [.init(port: 8141)] && alone.room(of: alone.tcp[0])?.name == "5004")
        let text = "{rooms: {A: {ports: [5004]}, B: {ports: [5006]}}, tcp: [{room: \"B\"}, {port: 9, room: \"A\"}]}"
        let several = try Configuration(text: text)
        #expect(several.tcp.map { several.room(of: $0)?.ports } == [[5006], [5004]])
    }

    @Test func `a key of ours in quotes is no group of the older format`() throws {
        #expect(try Configuration(text: #"{"ports": [5004, 5006]}"#).rooms.map(\.policy) == [.auto, .auto])
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
        ("{prots: [5004]}", "line 1: prots: unknown key; did you mean ports? Known are address, alerts, allow"),
        ("{colour: 1}", "line 1: colour: unknown key; known are address, alerts, allow"),
        ("{\n ports: [21050.5]}", "line 2: ports: 21050.5 is no port"),
        ("{ports: [\n5004,\n\"5006\"]}", "line 3: ports: must be a whole number"),
        ("{ports: [1e99]}", "1e99 is no port"), ("{ports: 5004}", "ports: must be a list in [ ]"),
        ("{maximum: 2.5}", "maximum: 2.5 is no number of participants (1 to 1000)"),
        ("{maximumPerAddress: 0}", "maximumPerAddress: 0 is no number of participants (1 to 1000)"),
        (
            "{rooms: {A: {ports: [1]},\n\"A\": {ports: [3]}}}",
            "line 2: A: stands there for the second time (first in line 1)"
        ),
        ("{name: \"x\",\r\nname: \"y\"}", "line 2: name: stands there for the second time (first in line 1)"),
        ("{\"G\": [5040, 5042],\n\"G\": [5044, 5046]}", "line 2: G: stands there for the second time"),
        ("{\n\"G\": [5040.5, 5042]}", "line 2: group \"G\": 5040.5 is no port"),
        ("{hosts: [\"https://hub.example.org\"]}", "hosts: \"https://hub.example.org\" is no name such as"),
        ("{hosts: [\"a.example\",\n\"hub.example.org:8080\"]}", "line 2: hosts: \"hub.example.org:8080\" is no name"),
        ("{hosts: [\"\"]}", "is no name"), ("{allow: []}", "line 1: allow: is empty, so nobody would be let in"),
        ("{allow: [\"everybody\"]}", "line 1: allow: \"everybody\" is no address and no range"),
        ("{\n\nengine: auto}", "not JSON5: line 3, column 9: expected a value (text stands in quotes)"),
        ("{web: \"\"}", "web: must name a file"), ("{name: \"\\u12\"}", "expected 4 hex digits"),
        ("{rooms: {\nA: {ports: [5004]},\nB: {ports: [5005]}}}", "line 3: port 5005: overlaps with port 5004"),
        ("{\nname: \"\"}", "line 2: name: has 1 to 63 bytes"), ("5004\n99999\n", "line 2: the port list: 99999"),
        ("{ports: [\n\"G\": 1]}", "line 2, column 4: expected"),
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
        ("{token: \"at least 16 characters\"}", "line 1: token: cannot be sent: it must be one word"),
        ("{token: \" 0123456789abcdef\"}", "token: cannot be sent"),
        ("{token: \"0123456789abcdef\\t\"}", "token: cannot be sent"),
        ("{token: \"0123456789abcdefü\"}", "token: cannot be sent"),
        ("{history: 8}", "history: 8 is no number of MiB (16 to 65536)"),
        ("[]", "must be an object"),
        ("{rooms: {A: {ports: [1],\nfocus: []}}}", "line 2: rooms.A.focus: must have a name at least"),
        ("{rooms: {A: {ports: [1], focus: [\"\"]}}}", "rooms.A.focus: a name has 1 to 256 characters"),
        ("{rooms: {A: {ports: [1], focus: [\"P\", \"P\"]}}}", "rooms.A.focus: names one of them twice"),
        ("{rooms: {A: {ports: [1], focus: [\"P\"], focusBy: \"first\"}}}", "none of order, touch"),
        ("{rooms: {A: {ports: [1], focusBy: \"touch\"}}}", "rooms.A: \"focusBy\" says how"),
        ("{rooms: {A: {ports: [1], inputs: {P: {}}}}}", "rooms.A.inputs.P: \"of\" is missing"),
        ("{rooms: {A: {ports: [1], inputs: {P: {of: [\"L\"]}}}}}", "inputs.P.of: must have 2 names at least"),
        ("{rooms: {A: {ports: [1], inputs: {P: {of: [\"L\", \"R\"], live: \"one\"}}}}}", "none of both, first"),
        ("{rooms: {A: {ports: [1], inputs: {P: {of: [\"L\", \"R\"], pickup: 1}}}}}", "must be true or false"),
        (
            "{rooms: {A: {ports: [1], inputs: {P: {of: [\"L\", \"R\"]},\nQ: {of: [\"R\", \"S\"]}}}}}",
            "line 2: rooms.A.inputs.Q: \"R\" is in another input, too"
        ),
        ("{alerts: {}}", "alerts: \"url\" is missing"),
        ("{alerts: {url: \"ftp://x\"}}", "alerts.url: must be an address"),
        ("{alerts: {url: \"https://x\", rtt: -1}}", "alerts.rtt: -1 is no number of milliseconds"),
        ("{alerts: {url: \"https://x\", loss: 101}}", "alerts.loss"),
        ("{alerts: {url: \"https://x\", for: 0}}", "alerts.for: 0 is no number of seconds"),
        ("{alerts: {url: \"https://x\", disk: \"full\"}}", "alerts.disk: must be a number"),
        ("{alerts: {url: \"https://x\", mail: 1}}", "unknown key"),
        (
            "{rooms: {A: {ports: [5004]}, B: {ports: [5006]}},\ntcp: {}}",
            "line 2: TCP port 8141: names no room, of several"
        ),
        ("{tcp: [{port: 9000}, {port: 9000}]}", "TCP port 9000: is there twice"),
        (
            "{tcp: {},\ndeny: [\"127.0.0.0/8\"]}",
            "line 1: TCP port 8141: deny keeps this machine itself (127.0.0.1) out, from where its clients"
        ),
        ("{rooms: {A: {ports: [1], inputs: {\"\": {of: [\"L\", \"R\"]}}}}}", "an input's name has 1 to 256 characters"),
        ("{tcp: {room: \"A\"}}", "line 1: TCP port 8141: there is no room \"A\""),
        (
            "{policy: \"named\", tcp: {}}",
            "TCP port 8141: its clients send and hear, which nobody does in room \"5004\""
        ),
        ("{tcp: {port: 0}}", "tcp.port: 0 is no number of a port (1 to 65535)"),
        ("{tcp: {colour: 1}}", "tcp.colour: unknown key"), ("{tcp: 8141}", "tcp: must be an object"),
        ("{devices: [\n{room: \"5004\"}]}", "line 2: devices: \"match\" is missing"),
        ("{devices: [{match: \"\"}]}", "devices.match: has 1 to 128 characters"),
        ("{devices: [{match: \"A\", name: \"\"}]}", "devices.name: a device's name has 1 to 58 bytes"),
        ("{devices: [{match: \"A\", rom: \"5004\"}]}", "devices.rom: unknown key; did you mean room?"),
        ("{devices: [\n{match: \"A\", room: \"X\"}]}", "line 2: devices: there is no room \"X\": there is \"5004\""),
        ("{ports: [5004, 5006],\ndevices: [{match: \"A\"}]}", "line 2: devices: \"room\" is missing"),
        ("{devices: [{match: \"A\"}], deny: [\"127.0.0.1\"]}", "devices: deny keeps this machine itself"),
        ("{\"G\": [5004]}", "group \"G\": has 1 port, must have two"), ("5004,5005", "overlaps"), ("99999", "99999"),
    ])
    func `what is wrong is said in one line with its place`(text: String, message: String) {
        do {
            _ = try Configuration(text: text)
            Issue.record("accepted")
        } catch {
            #expect(error.description.contains(message), "\(error.description)")
            #expect(!error.description.contains("\n"))
        }
    }

    @Test func `a file that is cut off or changed anywhere is read or refused`() {
        let file =
            #"{name: "A\u00e9\ud83e\x41\n", rooms: {'M': {ports: [0x138C, 5.006e3]}}, /* c */ allow: ["::1"], // e"#
        let scalars = Array(file.unicodeScalars)
        func read(_ scalars: some Sequence<Unicode.Scalar>) {
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            do { _ = try Configuration(text: text) } catch { #expect(!error.description.isEmpty) }
        }
        for length in 0...scalars.count { read(scalars.prefix(length)) }
        for index in scalars.indices {
            for other in "\\\"'{}[],:/*u\n\r\u{FEFF}0-".unicodeScalars {
                var changed = scalars
                changed[index] = other
                read(changed)
            }
        }
    }

    @Test func `a device's line is what its room is told, with those before it`() throws {
        let configuration = try Configuration(
            text:
                #"{ports: [5004, 5006], devices: [{match: "A", room: "5006", name: "Lights"}, {match: "*", room: "5004"}]}"#
        )
        #expect(configuration.devices(of: configuration.rooms[0]) == [DevicePlan(match: "*", except: ["A"])])
        #expect(configuration.devices(of: configuration.rooms[1]) == [DevicePlan(match: "A", name: "Lights")])
        let alone = try Configuration(text: #"{devices: [{match: "A"}]}"#)
        #expect(alone.devices(of: alone.rooms[0]) == [DevicePlan(match: "A")])
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
        do { _ = try Configuration(file: path) } catch {
            #expect(error.description.hasPrefix("\(path): line 1: ports: 0"))
        }
        for (path, reason) in [("/no/such", "No such file or directory"), (directory.path, "Is a directory")] {
            do {
                _ = try Configuration(file: path)
                Issue.record("\(path) is no file")
            } catch { #expect(error.description == "\(path): \(reason)") }
        }
        let binary = directory.write("binary", [0xFF, 0xFE])
        do { _ = try Configuration(file: binary) } catch {
            #expect(error.description == "\(binary): UTF-16: it must be saved as UTF-8")
        }
    }

    @Test func `the example that is installed changes nothing, and what it proposes is understood`() throws {
        let text = text(of: "scripts/packaging/midihub.json5")
        #expect(try Configuration(text: text) == Configuration())
        let settings = text.split(separator: "\n").compactMap { line -> Substring? in
            guard let comment = line.firstRange(of: "    // "), comment.lowerBound == line.startIndex else {
                return line
            }
            let message = line[comment.upperBound...]
            // A sentence begins with a capital letter or dots; of `ports` and `rooms` only one may be there.
            return message.first.map { $0.isUppercase || $0 == "." } ?? true || message.hasPrefix("ports")
                ? nil : message
        }
        let proposed = try Configuration(text: settings.joined(separator: "\n"))
        #expect(proposed.rooms.map(\.name) == ["Main", "Duets"])
        #expect(proposed.location == .named("Frankfurt"))
        #expect(proposed.hosts == ["hub.example.org"])
        #expect(proposed.token == "choose-16-or-more-characters")
        #expect(proposed.history == 256 << 20)
        #expect(proposed.address == "192.0.2.1")
    }
}

import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// `midihub join` as one installs it: it finds its hub, has a file, tells how it is.
@Suite(.serialized)
struct JoinServiceTests {
    private let directory = TemporaryDirectory()

    /// An avahi-browse that prints this.
    private func announce(_ sessions: [(name: String, room: String?, port: UInt16)]) throws {
        let lines = sessions.map { name, room, port in
            "=;lo;IPv4;\(name);_apple-midi._udp;local;vm.local;127.0.0.1;\(port);"
                + (room.map { "\"room=\($0)\"" } ?? "") + "\n"
        }
        _ = directory.write("announced.new", lines.joined())
        #expect(rename(directory.file("announced.new"), directory.file("announced")) == 0)
        let script = directory.write("avahi-browse", "#!/bin/sh\ncat '\(directory.file("announced"))'\n")
        #expect(chmod(script, 0o755) == 0)
    }

    private func midihub(_ arguments: [String], service: String? = nil, name: String = "join") throws -> Program {
        var variables = [
            "PATH": "\(directory.path):/usr/bin:/bin", "XDG_CONFIG_HOME": directory.path,
            "XDG_RUNTIME_DIR": directory.path, "HOME": "/nonexistent",
        ]
        variables["NOTIFY_SOCKET"] = service
        return try Program(
            builtProduct("midihub"), arguments, environment: variables, in: directory, name: name)
    }
    private func configure(_ text: String) throws {
        try File.makeDirectory(directory.file("midihub"))
        _ = directory.write("midihub/join.json5", text)
    }
    private func waitUntilJoined(_ program: Program) throws {
        try eventually("a session", seen: program.error) { program.error.contains("midihub: joined ") }
    }

    @Test func `the hub that is announced is found, and found again elsewhere`() throws {
        let (port, other) = (freeUDPPortPair(), freeUDPPortPair())
        let first = try directory.engine(port: port)
        try announce([("Mac", nil, 5002), ("MIDI\\032Hub", "Main", port)])
        let join = try midihub(["join", "--name", "Alice"])
        try waitUntilJoined(join)
        #expect(join.error.contains("found \"MIDI Hub\" on this network (there is also \"Mac\")"))
        try announce([("MIDI\\032Hub", "Main", other)])
        let second = try directory.engine(port: other, name: "second")
        first.send(SIGTERM)
        try eventually("a session on the other port", seen: join.error + second.output) {
            second.output.contains(#""name":"Alice""#)
        }
    }

    @Test func `of several a person is asked which one`() throws {
        let port = freeUDPPortPair()
        let engine = try directory.engine(port: port)
        #expect(engine.exit == nil)
        try announce([("Hub\\032Main", "Main", port), ("Hub\\032Duets", "Duets", 5002)])
        let join = try midihub(["join"]).finish()
        #expect(join.code == 64)
        #expect(join.error.contains("several hubs and rooms are announced on this network; say which one is meant:"))
        #expect(join.error.contains("--room \"Duets\"   Hub Duets, 127.0.0.1:5002"), "\(join.error)")
        let wrong = try midihub(["join", "--room", "Man"]).finish()
        #expect(wrong.code == 64 && wrong.error.contains("there is no room \"Man\""), "\(wrong.error)")
        let right = try midihub(["join", "--room", "main"])
        try waitUntilJoined(right)
        let there = try midihub(["join", "127.0.0.1", "--room", "Main"])
        try waitUntilJoined(there)
    }

    @Test func `without Avahi it is told what is missing`() throws {
        _ = directory.write(
            "avahi-browse", "#!/bin/sh\necho 'Failed to create client object: Daemon not running' >&2\nexit 1\n")
        #expect(chmod(directory.file("avahi-browse"), 0o755) == 0)
        let join = try midihub(["join"]).finish()
        #expect(join.code == 69 && join.error.contains("Daemon not running: is avahi-daemon running?"), "\(join.error)")
    }

    @Test func `a service is ready at once, waits for a choice, and says which there are`() throws {
        let port = freeUDPPortPair()
        let engine = try directory.engine(port: port)
        #expect(engine.exit == nil)
        let socket = directory.file("notify")
        let systemd = try NotifySocket(socket)
        try announce([("A\\032Main", "Main", port), ("B\\032Main", "Main", 5002)])
        let join = try midihub(["join"], service: socket)
        var told: [String] = []
        func hear() { while let message = systemd.next() { told.append(message) } }
        try eventually("the choice", seen: "\(told)") {
            hear()
            return told.contains { $0.contains("name one of \"A Main\", \"B Main\" as `room` in") }
        }
        #expect(told.first == "READY=1\n")
        let status = try midihub(["join", "--status"], name: "status").finish()
        #expect(status.code == 1 && status.output.contains("waiting for a choice"), "\(status)")
        try announce([("A\\032Main", "Main", port)])
        try waitUntilJoined(join)
        hear()
        #expect(told.contains { $0.hasPrefix("STATUS=joined Hub at ") }, "\(told)")
        join.send(SIGTERM)
        #expect(try join.finish().code == 0)
        hear()
        #expect(told.contains("STOPPING=1\n"))
    }

    @Test func `its file says what it is to do, and what is wrong there is told`() throws {
        let port = freeUDPPortPair()
        let engine = try directory.engine(port: port)
        try configure("{ hosts: [\"127.0.0.1:\(port)\"], name: \"From the file\" }")
        let join = try midihub(["join"])
        try eventually("it", seen: engine.output + join.error) { engine.output.contains(#""name":"From the file""#) }
        try configure("{\n  hsts: [\"127.0.0.1\"],\n}")
        let wrong = try midihub(["join"]).finish()
        #expect(wrong.code == 64)
        #expect(
            wrong.error.contains("midihub: join: \(directory.path)/midihub/join.json5: line 2: hsts: unknown key"),
            "\(wrong.error)")
    }

    @Test func `each join tells how it is: its hubs, both paths, held notes`() throws {
        #expect(try midihub(["join", "--status"]).finish().code == 1)
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let engines = try [
            directory.engine(port: ports[0], name: "one"), directory.engine(port: ports[1], name: "two"),
        ]
        let hosts = ports.map { "127.0.0.1:\($0)" }
        let hearer = try midihub(["join"] + hosts + ["--name", "Hearer"], name: "hearer")
        // What it is told as a state, since it came late, came by no path.
        try eventually("both links", seen: hearer.error) { hearer.error.contains("is heard once") }
        let lines = directory.write("lines", "90 3c 64\n")
        let command =
            "exec '\(try builtProduct("midihub"))' join \(hosts.joined(separator: " ")) --name Player <'\(lines)'"
        let player = try Program(
            "/bin/sh", ["-c", command], environment: ["XDG_RUNTIME_DIR": directory.path], in: directory)
        func status() throws -> [String: [String: Any]] {
            let told = try midihub(["join", "--status", "--json"], name: "status").finish()
            return try told.output.split(separator: "\n").reduce(into: [:]) { all, line in
                let one = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                all[one["name"] as? String ?? ""] = one
            }
        }
        func notes(_ key: String, _ name: String) throws -> [[String: Int]] {
            try status()[name]?[key] as? [[String: Int]] ?? []
        }
        try eventually("the note", seen: hearer.error + player.error) {
            try notes("hearing", "Hearer") == [["channel": 1, "note": 60]]
        }
        #expect(try notes("playing", "Player") == [["channel": 1, "note": 60]])
        let hubs = try #require(try status()["Hearer"]?["hubs"] as? [[String: Any]])
        #expect(hubs.map { $0["host"] as? String } == hosts)
        #expect(hubs.allSatisfy { $0["isUp"] as? Bool == true && $0["isNumbered"] as? Bool == true })
        try eventually("the event's two copies") {
            let hubs = try status()["Hearer"]?["hubs"] as? [[String: Any]] ?? []
            return hubs.allSatisfy { ($0["events"] as? [String: Any])?["byBoth"] as? Int == 1 }
        }
        engines[0].send(SIGKILL)
        try eventually("the dead hub", seen: hearer.error) {
            let told = try midihub(["join", "--status"], name: "status").finish()
            return told.output.contains("Hearer: on 1 of 2 hubs")
                && told.output.contains("127.0.0.1:\(ports[0]): away: it has fallen silent")
                && told.output.contains("hears now: C4")
        }
        // Of one that was killed nothing is told, and its socket goes.
        player.send(SIGKILL)
        try player.finish()
        #expect(try status().keys.sorted() == ["Hearer"])
        #expect(names(in: directory.file("midihub")).count == 1)
    }
}

import Foundation
import Glibc
import Linux
import MIDI
import TestSupport
import Testing

/// `status`, `monitor` and the like as a person sees them, on the hub's machine and over the network.
@Suite(.serialized) struct TerminalTests {
    private let directory = TemporaryDirectory()
    private let chord: [Message] = [60, 64, 67].map {
        .noteOn(Channel(truncating: 0), note: DataByte(truncating: $0), velocity: 90)
    }
    private let pedal = Message.controlChange(Channel(truncating: 0), controller: 64, value: 127)

    private func fixture(_ name: String) throws -> String {
        try #require(Bundle.module.path(forResource: name, ofType: "py", inDirectory: "Fixtures"))
    }

    /// `midihub monitor` on a terminal; orders to the terminal go to the file.
    private func terminal(_ arguments: [String]) throws -> Program {
        directory.write("orders", "")
        return try Program(
            "/usr/bin/env",
            ["python3", "-u", fixture("terminal"), directory.file("orders"), builtProduct("midihub"), "monitor"]
                + arguments,
            environment: ["TERM": "xterm", "NO_COLOR": ""], in: directory, name: "terminal")
    }
    private func order(_ line: String) throws {
        let file = try Descriptor("open") { open(directory.file("orders"), O_WRONLY | O_APPEND) }
        try file.writeAll(Array("\(line)\n".utf8))
    }
    /// The screens that were drawn.
    private func screens(_ terminal: Program) -> [String] { terminal.output.components(separatedBy: "\u{1B}[H") }

    @Test func `status says whether all is well, and what is wrong with its fix`() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let squatter = try Sockets.datagram(.init(host: "127.0.0.1", port: ports[1]))
        let hub = try HubUnderTest.embedded(ports: ports)
        try hub.start()
        try hub.awaitEngines()
        #expect(squatter.number >= 0)
        let players = try hub.here("Piano in", "Bad\u{1B}[2J\u{202E}")
        try pumping(players, "both to be measured") { try hub.participants().count { $0["rtt"] != nil } == 2 }
        let status = try hub.command("status")
        #expect(status.code == 0)
        let lines = status.output.split(separator: "\n").map(String.init)
        #expect(lines[0].hasPrefix("2 participants in \(ports[0])"))
        #expect(lines[1].hasPrefix("! Port \(ports[1]) (room \(ports[1])) is not served"))
        #expect(lines[2].hasPrefix("  fix: "))
        #expect(lines.contains { $0.hasPrefix("  Piano in ") && $0.hasSuffix(", only receives") }, "\(status)")
        #expect(lines.contains { $0.hasPrefix("  Bad") && !$0.contains("\u{202E}") }, "\(status)")
        #expect(lines.contains("\(ports[1]) (\(ports[1]), auto): nobody"))
        #expect(lines.contains { $0.hasPrefix("Port \(ports[0]) up: embedded") })
        #expect(!status.output.contains("\u{1B}"), "no colour where there is no terminal")
        let json = try JSONSerialization.jsonObject(with: Data(hub.command("status", "--json").output.utf8))
        #expect((json as? [String: Any])?["pid"] as? Int32 == (try hub.pid()))
    }

    @Test func `a hub that serves no port is not well for scripts either`() throws {
        let port = freeUDPPortPair()
        let squatter = try Sockets.datagram(.init(host: "127.0.0.1", port: port))
        let hub = try HubUnderTest.embedded(ports: [port])
        try hub.run()
        try eventually("the hub to have tried") {
            try hub.command("status").output.hasPrefix("No port is served.\n! Port \(port) ")
        }
        #expect(squatter.number >= 0)
        #expect(try hub.command("status").code == 1)
        let json = try hub.command("status", "--json")
        #expect(json.code == 1 && json.output.contains("No port is served"), "\(json)")
    }

    @Test func `a hub that has just taken over does not say that nobody is here`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Alice")
        try pumping(players, "Alice") { try hub.participants().count == 1 }
        try hub.kill9()
        try hub.start()
        var said: [String] = []
        try pumping(players, "Alice again") {
            let status =
                try JSONSerialization.jsonObject(with: Data(try hub.get("/api/v1/status").body)) as? [String: Any]
            let sentence = (status?["health"] as? [String: Any])?["sentence"] as? String ?? ""
            if said.last != sentence { said.append(sentence) }
            return sentence.hasPrefix("1 participant")
        }
        #expect(!said.contains { $0.contains("Nobody") }, "\(said)")
    }

    // MARK: What is printed

    @Test func `what cannot be printed is said, and a command that nobody heard has not done well`() throws {
        let arguments = ["-c", "'\(try builtProduct("midihub"))' manual > /dev/full"]
        let full = try Program("/bin/sh", arguments, in: directory).finish()
        #expect(full.code == 69)
        #expect(full.error == "midihub: the output cannot be written: No space left on device\n")
    }

    @Test func `a reader that has gone is no failure`() throws {
        // Python ignores SIGPIPE, and its child inherits that, as under a supervisor.
        let script = """
            import os, subprocess, sys
            reader, writer = os.pipe()
            os.close(reader)
            sys.exit(subprocess.call([sys.argv[1], "manual"], stdout=writer, restore_signals=False))
            """
        let arguments = ["python3", "-c", script, try builtProduct("midihub")]
        let finished = try Program("/usr/bin/env", arguments, in: directory).finish()
        #expect(finished.code == 0 && finished.error.isEmpty, "\(finished)")
    }

    @Test func `who joins is told at once who is invited, and why that failed`() throws {
        let hub = try HubUnderTest.running(more: "maximum: 1")
        let players = try hub.here("Alice")
        let host = "127.0.0.1:\(hub.ports[0])"
        let refused = try Program(builtProduct("midihub"), ["join", host, "--name", "Bob"], in: directory, name: "bob")
        try pumping(players, "the refusal", seen: refused.error) {
            refused.error.contains("\(host): refused (it is full, or lets nobody in from this address)")
        }
        #expect(refused.error.hasPrefix("midihub: inviting \(host)"), "\(refused.error)")
        // Nobody answers there; that takes some seconds to find out.
        let silent = try Sockets.datagram(.init(host: "127.0.0.1", port: 0))
        let other = "127.0.0.1:\(Sockets.localAddress(silent).port)"
        let waiting = try Program(builtProduct("midihub"), ["join", other], in: directory, name: "waiting")
        try eventually("the invitation") { waiting.error.contains("inviting \(other)") }
        #expect(!waiting.error.contains("no answer"))
    }

    @Test func `the monitor draws who plays what in place, follows the terminal's size, and gives it back`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Piano", "日本語のとても長い名前ですよ太鼓そしてもっと")
        try pumping(players, "both") { try hub.participants().count == 2 }
        let terminal = try terminal(["--state", hub.state])
        players[0].play(chord + [pedal])
        try pumping(players, "the chord", seen: terminal.output + terminal.error) {
            terminal.output.contains("C4 E4 G4, sustain")
        }
        #expect(screens(terminal).dropFirst().allSatisfy { $0.contains("\u{1B}[K") && $0.contains("\u{1B}[J") })
        #expect(terminal.output.hasPrefix("\u{1B}[?1049h"))
        players[0].play(chord.map { .noteOff($0.channel, note: 60, velocity: 0) })
        try pumping(players, "the end of a note") { screens(terminal).last?.contains(" E4 G4") == true }

        try order("size 40 6")
        try pumping(players, "a small screen", seen: screens(terminal).last ?? "") {
            let lines = screens(terminal).last?.components(separatedBy: "\r\n") ?? []
            return lines.count <= 6 && screens(terminal).last?.contains("Piano") == true
        }
        try order("keys q")
        let finished = try terminal.finish()
        #expect(finished.output.hasSuffix("\u{1B}[?1049l\n<<end 0 same>>\n"), "\(finished.output.suffix(200))")
    }

    @Test func `the monitor says that the hub is lost, goes on when it is back, and ends on Ctrl-C`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Piano")
        try pumping(players, "it") { try hub.participants().count == 1 }
        let terminal = try terminal(["--state", hub.state])
        try pumping(players, "a picture", seen: terminal.output) { terminal.output.contains("Piano") }
        try hub.kill9()
        try pumping(players, "the loss") { screens(terminal).last?.contains("The hub is lost (") == true }
        try pumping(players, "the time") { terminal.output.contains("last seen 1 s ago") }
        try hub.start()
        try pumping(players, "its return", seen: screens(terminal).last ?? "") {
            screens(terminal).last.map { !$0.contains("lost") && $0.contains("Piano") } == true
        }
        players[0].play(chord)
        try pumping(players, "notes again") { screens(terminal).last?.contains("C4 E4 G4") == true }
        try order("keys \\x03")
        #expect(try terminal.finish().output.hasSuffix("<<end 0 same>>\n"))
    }

    @Test func `where no terminal is, the monitor appends a line for each change`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Piano")
        try pumping(players, "it") { try hub.participants().count == 1 }
        let monitor = try hub.launch("monitor")
        try pumping(players, "the first line", seen: monitor.output) { monitor.output.contains("Piano is in ") }
        players[0].play(chord)
        try pumping(players, "the chord", seen: monitor.output) { monitor.output.contains("): C4 E4 G4\n") }
        #expect(!monitor.output.contains("\u{1B}"))
        let once = try hub.command("monitor", "--once")
        #expect(once.code == 0 && once.output.contains("● Piano") && once.output.contains("C4 E4 G4"), "\(once)")
        try hub.kill9()
        try eventually("the loss") { monitor.output.contains("The hub is lost") }
        monitor.send(SIGTERM)
        #expect(try monitor.finish().code == 0)
        let none = try hub.command("monitor")
        #expect(none.code == 1 && none.error.contains("no hub runs"), "\(none)")
    }

    @Test func `what sounds is told to whoever asks`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Piano")
        try pumping(players, "it") { try hub.participants().count == 1 }
        players[0].play(chord + [pedal])
        let id = try #require(try hub.participants()[0]["id"] as? Int)
        try pumping(players, "the notes") {
            let all = try hub.list("/api/v1/sounding", "sounding")
            return all.first?["participant"] as? Int == id && (all[0]["notes"] as? [[String: Int]])?.count == 3
        }
        let controls = try hub.list("/api/v1/sounding", "sounding")[0]["controls"] as? [[String: Any]]
        #expect(controls?.count == 1 && controls?[0]["number"] as? Int == 64 && controls?[0]["value"] as? Int == 127)
    }

    // MARK: Over a distance

    @Test func `a hub elsewhere is shown and given orders, with its token only`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Piano")
        try pumping(players, "it") { try hub.participants().count == 1 }
        let token = text(of: "\(hub.state)/token").trimmingCharacters(in: .whitespacesAndNewlines)
        func away(_ arguments: String..., token: String? = nil, url: String? = nil) throws -> Program.Finished {
            try Program(
                builtProduct("midihub"), arguments + ["--hub", url ?? "http://\(hub.web)"],
                environment: ["MIDIHUB_TOKEN": token ?? ""], in: directory
            ).finish()
        }
        let status = try away("status")
        #expect(status.code == 0 && status.output.contains("1 participant in"), "\(status)")
        #expect(try away("status", "--json").output.contains(#""pid":"#))
        for (command, said) in [("participants", "Piano"), ("latency", "LAST"), ("events", "Piano joined")] {
            let shown = try away(command)
            #expect(shown.code == 0 && shown.output.contains(said), "\(shown)")
        }
        let once = try away("monitor", "--once")
        #expect(once.code == 0 && once.output.contains("Piano"), "\(once)")

        let without = try away("panic")
        #expect(without.code == 1 && without.error.contains("set MIDIHUB_TOKEN"), "\(without)")
        let wrong = try away("panic", token: "wrong-wrong-wrong-wrong")
        #expect(wrong.code == 69 && wrong.error.contains("Bearer"), "\(wrong)")
        let blanks = try away("panic", token: "wrong wrong wrong wrong")
        #expect(blanks.code == 1 && blanks.error.contains("MIDIHUB_TOKEN: cannot be sent"), "\(blanks)")
        let right = try away("panic", token: token)
        #expect(right.code == 0 && right.output.contains("Silenced 1"), "\(right)")
        let configuration = directory.write("token.json5", #"{token: "\#(token)"}"#)
        #expect(try away("reload", "--config", configuration).code == 0)
        let nobody = try away("status", url: "http://127.0.0.1:\(freeTCPPort())")
        #expect(nobody.code == 1 && nobody.error.contains("nobody answers there"), "\(nobody)")
        #expect(try away("status", url: "gopher://x").code == 64)
        #expect(try hub.texts("panic").count == 1)
    }

    @Test func `behind TLS too, where the certificate is trusted, and the stream flows`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Piano")
        try pumping(players, "it") { try hub.participants().count == 1 }
        let (certificate, key) = (directory.file("cert.pem"), directory.file("key.pem"))
        let made = try Program(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
                certificate,
            ],
            in: directory, name: "openssl"
        ).finish()
        try #require(made.code == 0, "\(made)")
        let port = freeTCPPort()
        let proxy = try Program(
            "/usr/bin/env", ["python3", "-u", fixture("tls"), "\(port)", "\(hub.web.port)", certificate, key],
            in: directory, name: "tls")
        try eventually("the proxy", seen: proxy.error) {
            (try? Sockets.connect(.init(host: "127.0.0.1", port: port), nonBlocking: false)) != nil
        }
        let url = "https://localhost:\(port)"
        func away(_ command: String, trusting: Bool) throws -> Program {
            try Program(
                builtProduct("midihub"), [command, "--hub", url],
                environment: trusting ? ["CURL_CA_BUNDLE": certificate] : [:], in: directory, name: command)
        }
        let status = try away("status", trusting: true).finish()
        #expect(status.code == 0 && status.output.contains("1 participant in"), "\(status)")
        let untrusted = try away("status", trusting: false).finish()
        #expect(untrusted.code == 1 && untrusted.error.contains("certificate is not trusted"), "\(untrusted)")
        let monitor = try away("monitor", trusting: true)
        try pumping(players, "the first line", seen: monitor.output + monitor.error) {
            monitor.output.contains("Piano is in ")
        }
        players[0].play(chord)
        try pumping(players, "the chord", seen: monitor.output) { monitor.output.contains("): C4 E4 G4\n") }
        monitor.send(SIGINT)
        #expect(try monitor.finish().code == 0)
        #expect(proxy.exit == nil)
    }

    // MARK: Measuring

    @Test func `who measures the way to a hub leaves no trace in it`() throws {
        let hub = try HubUnderTest.running()
        let players = try hub.here("Piano")
        let ping = try Program(
            builtProduct("midihub"), ["ping", "--json", "127.0.0.1:\(hub.ports[0])"], in: directory, name: "ping")
        var seen: Set<String> = []
        try pumping(players, "its end") {
            for one in try hub.participants() { seen.insert(one["name"] as? String ?? "?") }
            return ping.exit != nil
        }
        let line = try #require(try JSONSerialization.jsonObject(with: Data(ping.output.utf8)) as? [String: Any])
        #expect(line["answered"] as? Int == 6 && line["verdict"] as? String != nil && line["loss"] as? Double == 0)
        #expect(seen == ["Piano"])
        #expect(try !hub.texts().joined().contains("midihub ping"))
        #expect(!text(of: "\(hub.state)/engines/embedded.log").contains("midihub ping"))
    }
}

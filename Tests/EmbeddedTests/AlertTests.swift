import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// Alerts to a webhook that is there, slow, broken or away, by curl.
@Suite(.serialized) struct AlertTests {
    private let directory = TemporaryDirectory()
    private let port = freeTCPPort()
    private var url: String { "http://127.0.0.1:\(port)/secret-path?key=%7B" }
    private func settings(rtt: Double = 0, disk: Int = 0) -> String {
        #"alerts: { url: "\#(url)", for: 1, rtt: \#(rtt), loss: 0, disk: \#(disk) }"#
    }

    /// The receiver, answering 200 unless told.
    private func receiver(_ mode: String = "200") throws -> Program {
        set(mode)
        let script = try #require(Bundle.module.path(forResource: "webhook", ofType: "py", inDirectory: "Fixtures"))
        let program = try Program(
            "/usr/bin/env", ["python3", "-u", script, "\(port)", directory.file("mode"), directory.file("out")],
            in: directory, name: "webhook")
        try eventually("the webhook", seen: program.error) {
            (try? Sockets.connect(.init(host: "127.0.0.1", port: port), nonBlocking: false)) != nil
        }
        return program
    }
    private func set(_ mode: String) { directory.write("mode", mode) }

    /// The lines that the receiver has written: alerts that it took and, after "- ", those that it refused.
    private var lines: [String] { text(of: directory.file("out")).split(separator: "\n").map(String.init) }
    private func received() throws -> [[String: Any]] {
        try lines.filter { !$0.hasPrefix("- ") }.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }
    private func awaitAlerts(_ what: String, _ wanted: [[String]], hub: HubUnderTest) throws {
        try eventually(within: .seconds(60), what, seen: "\(lines) \((try? hub.texts()) ?? [])") {
            try kinds() == wanted
        }
    }
    private func kinds() throws -> [[String]] {
        try received().map { [$0["alert"] as? String ?? "", $0["state"] as? String ?? ""] }
    }

    /// Takes the hub's second port, so that it cannot be served, until it is let go.
    private final class Squatter {
        let socket: Descriptor
        init(_ port: UInt16) throws { socket = try Sockets.datagram(.init(host: "127.0.0.1", port: port)) }
    }

    @Test func `an engine that is down is told once, and once when it is up, whatever the hub does meanwhile`() throws {
        let webhook = try receiver()
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        var squatter: Squatter? = try Squatter(ports[1])
        #expect(squatter != nil)
        let hub = try HubUnderTest.embedded(ports: ports, more: settings())
        try hub.start()
        try awaitAlerts("the alert", [["engine-down", "firing"]], hub: hub)
        let first = try received()[0]
        #expect((first["text"] as? String)?.hasPrefix("MIDI Hub: Port \(ports[1]) is not served") == true)
        #expect(first["engine"] as? String == "embedded" && first["hub"] as? String == "MIDI Hub")
        let shown = try hub.command("alert")
        #expect(shown.output.contains("What goes on:") && shown.output.contains("\(ports[1])"), "\(shown)")

        try hub.kill9()
        try hub.start()
        try hub.awaitEvent("adopted")
        squatter = nil
        try awaitAlerts(
            "its end, and no second beginning", [["engine-down", "firing"], ["engine-down", "resolved"]], hub: hub)
        #expect(try received()[1]["id"] as? String == first["id"] as? String)
        #expect(webhook.exit == nil)
        #expect(!(try hub.texts().joined() + text(of: "\(hub.state)/hub.log")).contains("secret-path"))
    }

    @Test func `a webhook that fails, hangs or is away gets it when it is back, and nobody sees its address`() throws {
        var webhook: Program? = try receiver("500")
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        let squatter = try Squatter(ports[1])
        let hub = try HubUnderTest.embedded(ports: ports, more: settings())
        try hub.start()
        try hub.awaitEvent("alert-failed", containing: "it answered 500")
        set("hang")
        let tried = lines.count
        try eventually("another try") { lines.count > tried }
        // It hangs now, and so does curl.
        let commands = try awaited("curl") { () -> [String]? in
            let found = names(in: "/proc").filter { Int($0) != nil }
                .map { text(of: "/proc/\($0)/cmdline").replacing("\0", with: " ") }.filter {
                    $0.contains("curl -q --config -")
                }
            return found.isEmpty ? nil : found
        }
        #expect(!commands.joined().contains("secret-path"))
        #expect(try hub.get("/healthz").status == 503, "the hub goes on")
        webhook = nil
        webhook = try receiver()
        try awaitAlerts("the alert, once", [["engine-down", "firing"]], hub: hub)
        try hub.awaitEvent("alert-sent")
        #expect(try hub.texts("alert-failed").count == 1)
        #expect(try !hub.texts().joined().contains("secret-path"))
        #expect(webhook?.exit == nil && squatter.socket.number >= 0)
    }

    @Test func `a participant without a goodbye is lost, and is back when it comes again`() throws {
        let webhook = try receiver()
        let hub = try HubUnderTest.running(more: settings())
        let piano = try hub.here("Piano <!here>")[0]
        let polite = try hub.here("Polite", others: [piano])[0]
        try pumping([piano, polite], "both to be known") { try hub.participants().count == 2 }
        polite.leave()
        piano.isDead = true
        try eventually(within: .seconds(120), "the loss", seen: "\((try? hub.texts()) ?? [])") {
            try kinds() == [["participant-lost", "firing"]]
        }
        #expect(try received()[0]["participant"] as? String == "Piano <!here>")
        #expect((try received()[0]["text"] as? String)?.contains("Piano &lt;!here&gt; was lost") == true)
        let back = try hub.here("Piano <!here>")
        try pumping(back, "its return", seen: "\(lines)") {
            try kinds() == [["participant-lost", "firing"], ["participant-lost", "resolved"]]
        }
        #expect(webhook.exit == nil)
    }

    @Test func `a round trip over its limit is told, and that its participant has gone`() throws {
        let webhook = try receiver()
        let hub = try HubUnderTest.running(more: settings(rtt: 0.001))
        let players = try hub.here("Far")
        try pumping(players, "the alert", seen: "\(lines)") { try kinds() == [["round-trip", "firing"]] }
        let alert = try received()[0]
        #expect(alert["limit"] as? Double == 0.001 && alert["value"] as? Double != nil)
        #expect(alert["participant"] as? String == "Far" && alert["room"] as? String == "\(hub.ports[0])")
        #expect(webhook.exit == nil)
    }

    @Test(.enabled(if: SmallDisk.isAllowed, "no file system can be mounted here"))
    func `a nearly full disk is told, and its room`() throws {
        let webhook = try receiver()
        let hub = try HubUnderTest.embedded(more: settings(disk: 90))
        try FileManager.default.createDirectory(atPath: hub.state, withIntermediateDirectories: true)
        let disk = try #require(SmallDisk(megabytes: 64, at: hub.state))
        try hub.start()
        let ballast = "\(hub.state)/ballast"
        try File.replace(ballast, with: [UInt8](repeating: 7, count: 58 << 20))
        try awaitAlerts("the alert", [["disk", "firing"]], hub: hub)
        unlink(ballast)
        try awaitAlerts("its end", [["disk", "firing"], ["disk", "resolved"]], hub: hub)
        #expect(webhook.exit == nil)
        hub.close()
        disk.end()
    }

    @Test func `the running hub is asked, not the file that lies there now`() throws {
        let webhook = try receiver()
        let hub = try HubUnderTest.running(more: settings(rtt: 55))
        hub.directory.write("midihub.json5", HubUnderTest.configuration(hub.ports))
        let shown = try hub.command("alert")
        #expect(shown.code == 0 && shown.error.isEmpty && shown.output.contains("round trip 55 ms"), "\(shown)")
        let sent = try hub.command("alert", "--test")
        #expect(sent.code == 0 && sent.output.contains("took the test message"), "\(sent)")
        #expect(try kinds() == [["test", "firing"]])
        set("404")
        let refused = try hub.command("alert", "--test")
        #expect(refused.code == 69 && refused.error.contains("it answered 404"), "\(refused)")
        let told = try hub.get("/api/v1/alerts").text
        #expect(told.contains(#""rtt":55"#) && !told.contains("secret") && !told.contains("http"), "\(told)")
        #expect(try hub.post("/api/v1/alerts/test").status == 503)
        #expect(try http("POST", "/api/v1/alerts/test", at: hub.web).status == 401)

        // The configuration is read again, and has no alerts any more.
        #expect(try hub.command("reload").code == 0)
        let none = try hub.command("alert")
        #expect(none.code == 1 && none.error.contains("no alerts are configured"), "\(none)")
        #expect(webhook.exit == nil)
    }

    @Test func `the test message says whether it was taken`() throws {
        let webhook = try receiver()
        let configuration = directory.write("c.json5", HubUnderTest.configuration([5004], settings()))
        func test() throws -> Program.Finished {
            try Program(builtProduct("midihub"), ["alert", "--test", "--config", configuration], in: directory).finish()
        }
        let good = try test()
        #expect(good.code == 0 && good.output.contains("took the test message"), "\(good)")
        #expect(try kinds() == [["test", "firing"]])
        set("404")
        let bad = try test()
        #expect(bad.code == 69 && bad.error.contains("it answered 404") && !bad.error.contains("secret"), "\(bad)")
        set("hang")
        let slow = try test()
        #expect(slow.code == 69 && slow.error.contains("no answer in time"), "\(slow)")
        #expect(webhook.exit == nil)
        let none = try Program(
            builtProduct("midihub"), ["alert", "--config", directory.write("none.json5", "{}")], in: directory
        ).finish()
        #expect(none.code == 1 && none.error.contains("no alerts are configured"), "\(none)")
    }
}

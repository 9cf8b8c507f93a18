import Glibc
import Linux
import TestSupport
import Testing

/// Two hubs on one machine, as a pair.
@Suite struct FailoverTests {
    private static let secret = "correct horse battery staple"

    private struct Hubs {
        let main: HubUnderTest
        let backup: HubUnderTest

        init(_ more: String = "", secrets: (String, String) = (secret, secret)) throws {
            let (one, two) = (freeUDPPortPair(), freeUDPPortPair())
            func hub(_ port: UInt16, _ partner: UInt16, _ role: String, _ secret: String) throws -> HubUnderTest {
                let file = """
                    { rooms: { Main: { ports: [\(port)] } }, address: "127.0.0.1", failover: {
                        with: "127.0.0.1:\(partner)", secret: "\(secret)", role: "\(role)", silence: 3000, \(more) } }
                    """
                let hub = try HubUnderTest(ports: [port], configuration: file, options: ["--engine", "embedded"])
                try hub.start()
                try hub.awaitEngines(up: 1)
                return hub
            }
            main = try hub(one, two, "main", secrets.0)
            backup = try hub(two, one, "backup", secrets.1)
        }

        func agree() throws {
            try eventually("the pair", seen: "\(seen)") { try main.isReady && backup.isReady }
        }
        /// They know each other, and have the same; an order would still be refused.
        func meet() throws {
            try eventually("both alike", seen: seen) {
                try [main, backup].allSatisfy {
                    (try $0.failover()["partner"] as? [String: Any])?["configuration"] as? String == "same"
                }
            }
        }
        var seen: String { "\((try? main.failover()) ?? [:]) \((try? backup.failover()) ?? [:])" }
    }

    @Test func `two hubs with the same secret are a pair, and an order switches them`() throws {
        let hubs = try Hubs()
        try hubs.agree()
        #expect(try hubs.main.failover()["speaks"] as? Bool == true)
        #expect(try hubs.backup.failover()["speaks"] as? Bool == false)
        let shown = try hubs.backup.command("failover")
        #expect(shown.code == 0 && shown.output.contains("Either hub may go now"), "\(shown)")
        let status = try hubs.main.command("status")
        #expect(status.output.contains("Two hubs: This hub (main) speaks. Either hub may go now"), "\(status)")

        let done = try hubs.main.command("failover", "switch")
        #expect(done.code == 0 && done.output.contains("The other hub is to speak."), "\(done)")
        try eventually("the other one speaks") {
            try hubs.main.failover()["speaks"] as? Bool == false && hubs.backup.failover()["speaks"] as? Bool == true
        }
        let again = try hubs.main.command("failover", "switch")
        #expect(again.code == 69 && again.error.contains("the last switch was less than 5 s ago"), "\(again)")
        #expect(try hubs.main.command("failover", "switch", "--force").code == 0)
        try eventually("back again") { try hubs.main.failover()["speaks"] as? Bool == true }
        try eventually("its events") {
            try hubs.backup.command("events").output.contains("The other hub speaks from now on: somebody ordered it")
        }
    }

    @Test func `the backup hub speaks when the main one has gone, and it is told`() throws {
        let hubs = try Hubs()
        try hubs.agree()
        #expect(try hubs.main.command("stop").code == 0)
        try eventually("the backup hub speaks", seen: hubs.seen) {
            try hubs.backup.failover()["speaks"] as? Bool == true
        }
        try eventually("its events") {
            let events = try hubs.backup.command("events").output
            return events.contains("This hub speaks from now on") && events.contains("The other hub is away")
        }
        #expect(try hubs.backup.command("failover").code == 1)
        let refused = try hubs.backup.command("failover", "switch")
        #expect(refused.code == 69 && refused.error.contains("the other hub is away"), "\(refused)")
        #expect(try hubs.backup.command("status").output.contains("No redundancy"))
    }

    @Test func `a hub that is muted for maintenance does not speak, nor after a restart`() throws {
        let hubs = try Hubs()
        try hubs.agree()
        #expect(try hubs.main.command("failover", "mute").code == 0)
        try eventually("the other one speaks", seen: hubs.seen) {
            try hubs.backup.failover()["speaks"] as? Bool == true && hubs.main.failover()["speaks"] as? Bool == false
        }
        #expect(try hubs.main.command("stop").code == 0)
        try hubs.main.start()
        try eventually("it is still muted", seen: hubs.seen) {
            let main = try hubs.main.failover()
            return main["muted"] as? Bool == true && main["speaks"] as? Bool == false
        }
        #expect(try hubs.main.command("failover", "unmute").code == 0)
        #expect(try hubs.main.failover()["muted"] as? Bool == false)
    }

    @Test func `what is chosen at one hub counts at the other, also at one that was away meanwhile`() throws {
        let hubs = try Hubs()
        try hubs.meet()
        func isTold(_ text: String) throws -> Bool { try hubs.backup.command("events").output.contains(text) }
        #expect(try hubs.main.command("block", "Piano", "Desk").code == 0)
        try eventually("the block") { try isTold("Desk no longer hears Piano in room Main, at the other hub") }
        try hubs.backup.kill9()
        #expect(try hubs.main.command("unblock", "Piano", "Desk").code == 0)
        try hubs.backup.start()
        try eventually("it is lifted") { try isTold("Desk may hear Piano in room Main, at the other hub") }
        try hubs.meet()
    }

    @Test func `a note is learned at one hub, and is an order at both`() throws {
        let hubs = try Hubs()
        try hubs.meet()
        let pad = NetworkPlayer("Pad", port: hubs.main.ports[0])
        try pad.join()
        let learning = try hubs.main.launch("failover", ["learn"])
        try eventually("the note") {
            try pad.send([0x9F, 40, 100])
            try pad.send([0x8F, 40, 64])
            return learning.exit != nil
        }
        let told = try learning.finish()
        #expect(told.code == 0 && told.output.contains("Note 40 on channel 16 is an order"), "\(told)")
        try eventually("the other hub knows") {
            let note = try (hubs.backup.failover()["settings"] as? [String: Any])?["note"] as? [String: Any]
            return note?["note"] as? Int == 40 && note?["channel"] as? Int == 16
        }
        try eventually("a switch", seen: hubs.seen) {
            try pad.send([0x9F, 40, 100])
            try pad.send([0x8F, 40, 64])
            return try hubs.backup.failover()["speaks"] as? Bool == true
        }
        #expect(try hubs.main.command("events").output.contains("by a note of Pad"))
    }

    @Test func `two sessions are paired by hand, by the names that are shown, and parted again`() throws {
        let hubs = try Hubs()
        try hubs.meet()
        let here = NetworkPlayer("Piano", port: hubs.main.ports[0])
        let there = NetworkPlayer("Pianoforte", port: hubs.backup.ports[0])
        for one in [here, there] { try one.join() }
        func places() throws -> [String] {
            for one in [here, there] { _ = try one.received() }
            let all = try hubs.main.failover()["participants"] as? [[String: Any]] ?? []
            return all.compactMap { $0["on"] as? String }.sorted()
        }
        try eventually("both are on one hub only", seen: hubs.seen) { try places() == ["partner", "this"] }
        let shown = try hubs.main.command("failover").output
        #expect(shown.contains("here only  Piano") && shown.contains("there only Pianoforte"), "\(shown)")
        let wrong = try hubs.main.command("failover", "pair", "Piano", "Nobody")
        #expect(wrong.code == 64 && wrong.error.contains("there is no \"Nobody\""), "\(wrong)")
        let done = try hubs.main.command("failover", "pair", "Piano", "Pianoforte")
        #expect(done.code == 0 && done.output.contains("is the same as Pianoforte at the other hub"), "\(done)")
        try eventually("it is on both", seen: hubs.seen) { try places() == ["both"] }
        #expect(try hubs.main.command("failover", "unpair", "Piano").code == 0)
        try eventually("two again", seen: hubs.seen) { try places() == ["partner", "this"] }
    }

    @Test func `a drill in which an engine is killed is told at both hubs, which have it on record`() throws {
        let hubs = try Hubs()
        try hubs.agree()
        let pid = try hubs.main.enginePID()
        let drill = try hubs.main.command("failover", "drill", "--kill", "here")
        #expect(drill.code == 0 && drill.output.contains("The engine of the main hub was killed. Passed"), "\(drill)")
        #expect(try hubs.main.enginePID() != pid)
        for hub in [hubs.main, hubs.backup] {
            try eventually("it is told") {
                let last = try hub.command("failover", "drill", "--last")
                // What nobody has played cannot get lost.
                return last.code == 0 && last.output.contains("nobody played to who stands on both hubs")
            }
            try eventually("its event") { try hub.command("events").output.contains("A drill, the engine of the main") }
        }
        #expect(try hubs.backup.failover()["speaks"] as? Bool == true)
    }

    @Test func `the secret is shown nowhere, and the plan is its owner's alone`() throws {
        let hubs = try Hubs(secrets: (Self.secret, "another horse battery staple"))
        try eventually("the trouble", seen: hubs.seen) {
            (try hubs.main.failover()["trouble"] as? String)?.contains("secret") ?? false
        }
        for path in ["status", "failover", "events", "alerts"] {
            let body = try hubs.main.get("/api/v1/\(path)")
            #expect(!body.text.contains("horse"))
        }
        for word in ["status", "failover", "events", "doctor"] {
            #expect(try !hubs.main.command(word).output.contains("horse"))
        }
        let engines = hubs.main.state + "/engines"
        for name in File.names(in: engines) {
            let text = File.text("\(engines)/\(name)", limit: 1 << 20) ?? ""
            guard text.contains("horse") else { continue }
            var facts = stat()
            #expect(
                name == "embedded.plan" && stat("\(engines)/\(name)", &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        }
    }
}

extension HubUnderTest {
    fileprivate func failover() throws -> [String: Any] {
        try get("/api/v1/failover").object()
    }
    fileprivate func enginePID() throws -> Int {
        let engines = try get("/api/v1/status").object()["engines"] as? [[String: Any]]
        return try #require(engines?.first?["pid"] as? Int)
    }
    fileprivate var isReady: Bool { get throws { try failover()["ready"] as? Bool ?? false } }
}

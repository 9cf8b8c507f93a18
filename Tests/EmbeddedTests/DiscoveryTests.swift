import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// Sessions that are announced on the local network, as avahi-browse tells of them.
@Suite(.serialized) struct DiscoveryTests {
    private let directory = TemporaryDirectory()
    private var announced: String { directory.file("announced") }

    /// An avahi-browse that prints what is announced, and goes on with what is added.
    private func environment(_ program: String? = nil) throws -> [String: String] {
        _ = directory.write("announced", "")
        let follows = """
            #!/bin/sh
            # A name that has a line end in it, as avahi-browse complains of it.
            printf "Failed to resolve service 'x\\n=;lo;IPv4;Evil;_apple-midi._udp;local;h;127.0.0.1;9;\\n'\\n" >&2
            exec 3<'\(announced)'
            while :; do while read -r line <&3; do printf '%s\\n' "$line"; done; sleep 0.1; done
            """
        let script = directory.write("avahi-browse", program ?? follows)
        #expect(chmod(script, 0o755) == 0)
        return ["PATH": "\(directory.path):/usr/bin:/bin"]
    }
    private func announce(_ name: String, kind: String = "=", port: UInt16) throws {
        let line = "\(kind);lo;IPv4;\(name);_apple-midi._udp;local"
        let rest = kind == "=" ? ";x.local;127.0.0.1;\(port);" : ""
        let handle = try #require(FileHandle(forWritingAtPath: announced))
        try handle.seekToEnd()
        handle.write(Data("\(line)\(rest)\n".utf8))
    }
    private func watchers() -> [Int32] { ProcessIdentity.withArguments([directory.file("avahi-browse"), "--resolve"]) }

    @Test func `a session is offered, let in by its name, and offered no more`() throws {
        let hub = try HubUnderTest(options: ["--engine", "embedded"], environment: environment())
        try hub.start()
        let piano = try OtherHub()
        try announce(#"Stage\032piano"#, port: piano.port)
        try announce(#"MIDI\032Hub"#, port: hub.ports[0])
        func list() throws -> String { try hub.command("connections").output }
        try eventually("the offer") {
            try list() == "Nobody is invited.\nOn the network, not let in: Stage piano\n"
        }
        let shown = try hub.get("/api/v1/connections").text
        #expect(shown.contains(#""offers":[{"name":"Stage piano"}]"#), "\(shown)")
        let told = try hub.command("connect", "Stage piano")
        #expect(told.code == 0 && told.output.contains("Stage piano (127.0.0.1:\(piano.port)) is invited"), "\(told)")
        try eventually("the session") {
            piano.pump()
            return try piano.isUp && hub.participants().count == 1
        }
        #expect(try !list().contains("On the network"))
        #expect(try hub.command("connect", "Stage pianist").code == 64)

        // The watch of a killed hub is replaced by the next one's, and none is left in the end.
        let before = watchers()
        try hub.kill9()
        #expect(before.count == 1 && watchers() == before)
        try hub.start()
        try eventually("another watch") { watchers().count == 1 && watchers() != before }
        #expect(try hub.command("disconnect", "Stage piano").code == 0)
        try eventually("the offer again") { try list().contains("not let in: Stage piano") }
        try announce(#"Stage\032piano"#, kind: "-", port: 0)
        try eventually("its end") { try list() == "Nobody is invited.\n" }
        try hub.kill9()
        #expect(watchers().count == 1)
        #expect(try hub.command("stop").code == 0)
        #expect(watchers().isEmpty)
    }

    @Test func `who is let in by its name's pattern plays, and comes back`() throws {
        let port = freeUDPPortPair()
        let hub = try HubUnderTest(
            ports: [port],
            configuration: #"{ ports: [\#(port)], engine: "embedded", discover: [{ match: "Stage*" }] }"#,
            environment: environment())
        try hub.start()
        let piano = try OtherHub()
        try announce(#"Stage\032piano"#, port: piano.port)
        func working(_ what: String, _ condition: () throws -> Bool) throws {
            try eventually(what, seen: (try? hub.command("connections").output) ?? "") {
                piano.pump()
                return try condition()
            }
        }
        try working("the session") { try piano.isUp && hub.participants().count == 1 }
        #expect(try hub.command("connections").output.contains("(by discover)"))
        #expect(try hub.command("disconnect", "Stage piano").code == 0)
        try working("the goodbye") { piano.byes > 0 }
        #expect(try hub.command("stop").code == 0)
        try hub.start()
        try working("the next hub's invitation") { piano.invitations > 2 && piano.isUp }
    }

    @Test func `without Avahi a hub that lets in says so once, and another nothing`() throws {
        let tries = directory.file("tries")
        let dead = """
            #!/bin/sh
            echo >>'\(tries)'
            echo 'Failed to create client object: Daemon not running' >&2
            exit 1
            """
        for discover in ["", ", discover: true"] {
            let port = freeUDPPortPair()
            let hub = try HubUnderTest(
                ports: [port], configuration: #"{ ports: [\#(port)], engine: "embedded"\#(discover) }"#,
                environment: environment(dead))
            _ = directory.write("tries", "")
            try hub.start()
            try eventually("several tries") { text(of: tries).count >= 3 }
            let said = try hub.command("events").output.split(separator: "\n").filter { $0.contains("`discover`") }
            #expect(said.count == (discover.isEmpty ? 0 : 1))
            #expect(said.allSatisfy { $0.hasSuffix("Daemon not running: is avahi-daemon running?") }, "\(said)")
        }
    }
}

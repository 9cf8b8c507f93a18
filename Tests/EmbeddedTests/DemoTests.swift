import Glibc
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@Suite struct DemoTests {
    @Test func `four players play, whoever joins hears them, and Ctrl-C ends it all with a goodbye`() throws {
        let hub = try HubUnderTest.embedded()
        let demo = try hub.launch("demo")
        try eventually("the page") { (try? hub.get("/healthz")) != nil }
        let listener = try hub.here("Listener")
        try pumping(listener, "the band", seen: "\((try? hub.participants()) ?? [])") {
            Set(try hub.participants().compactMap { $0["name"] as? String })
                == ["Drums", "Bass", "Piano", "Flute", "Listener"]
        }
        try pumping(listener, "notes of all four") {
            let channels = listener[0].heard.compactMap { message -> UInt8? in
                if case .noteOn(let channel, _, _) = message { channel.rawValue } else { nil }
            }
            return Set(channels) == [0, 1, 2, 9]
        }
        kill(demo.pid, SIGINT)
        try pumping(listener, "the goodbye") { listener[0].ended == .bye }
        #expect(try demo.finish(within: .seconds(30)).code == 0)
    }

    @Test func `what a killed demo has left is ended and removed by the next one, which leaves nothing`() throws {
        let directory = TemporaryDirectory()
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        func demo(_ port: UInt16) throws -> Program {
            let words = ["demo", "--port", "\(port)", "--listen", "127.0.0.1:\(freeTCPPort())"]
            return try Program(
                builtProduct("midihub"), words, environment: ["TMPDIR": directory.path], in: directory, name: "demo")
        }
        func left() -> [String] { names(in: directory.path).filter { $0.hasPrefix("midihub-demo-") } }
        func engine(of name: String) -> ProcessIdentity? {
            ProcessIdentity.withArguments(["--plan", "\(directory.path)/\(name)/engines/embedded.plan"]).first.flatMap(
                ProcessIdentity.init(of:))
        }
        let first = try demo(ports[0])
        let name = try awaited("its engine", seen: first.output + first.error) {
            left().first { engine(of: $0) != nil }
        }
        let process = try #require(engine(of: name))
        first.send(SIGKILL)
        try first.finish()
        #expect(left() == [name] && process.isRunning)

        let second = try demo(ports[1])
        try eventually("only its own", seen: second.output + second.error) { left().count == 1 && left() != [name] }
        #expect(!process.isRunning)
        try eventually("its engine", seen: second.output + second.error) { left().contains { engine(of: $0) != nil } }
        second.send(SIGINT)
        #expect(try second.finish().code == 0)
        #expect(left().isEmpty)
        #expect(!names(in: "/run").contains { $0.contains(directory.path.split(separator: "/").last!) })
    }
}

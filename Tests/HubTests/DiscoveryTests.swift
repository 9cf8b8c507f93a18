import Client
import Devices
import EngineProtocol
import Linux
import Rooms
import Store
import TestSupport
import TestTraits
import Testing

@testable import Hub

/// Sessions that are announced on the local network: offered, let in, and gone again.
@Suite(.ownThread) struct DiscoveryTests {
    // MARK: The configuration

    private func configuration(_ discover: String) throws -> Configuration {
        try Configuration(
            text: "{ rooms: { Main: { ports: [5004] }, Two: { ports: [5010] } },\n discover: \(discover) }")
    }

    @Test func `a pattern names whom a room lets in, and true is everybody but hubs`() throws {
        let piano = SurroundingsTests.session("Stage piano", "192.0.2.7:5004")
        let hub = SurroundingsTests.session("MIDI Hub", "192.0.2.8:5004", room: "Main")
        func rooms(_ discover: String) throws -> [String?] {
            let one = try configuration(discover)
            return [one.room(letting: piano)?.name, one.room(letting: hub)?.name]
        }
        #expect(try rooms("true") == ["Main", nil])
        #expect(try rooms(#"[{ match: "stage*", room: "Two" }, { match: "*", room: "Main" }]"#) == ["Two", nil])
        #expect(try rooms(#"[{ match: "MIDI H?b", room: "Two" }]"#) == [nil, nil])
        #expect(try rooms(#"[{ match: "MIDI Hub", room: "Two" }]"#) == [nil, "Two"])
        #expect(try configuration("false").discover == nil && Configuration().discover == [])
    }

    @Test(arguments: [
        (#"[{ match: "a" }]"#, "discover: \"room\" is missing: there are several, \"Main\", \"Two\""),
        (#"[{ match: "a", room: "X" }]"#, "discover: there is no room \"X\""),
        (#"[{ room: "Main" }]"#, "\"match\" is missing"), (#"[{ match: "", room: "Main" }]"#, "1 to 128 characters"),
        ("1", "discover: must be true, false or a list in [ ]"), (#"["a"]"#, "must be an object"),
    ])
    func `what is wrong with it is said with its line`(discover: String, words: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try configuration(discover) }
        let text = error?.description ?? ""
        #expect(text.hasPrefix("line 2: ") && text.contains(words), "\(text)")
    }

    // MARK: A hub

    private final class Network {
        let stage: HubStage
        var now = ContinuousClock.now

        init(
            _ discover: [ConfigurationDiscovery]?, in directory: TemporaryDirectory = TemporaryDirectory()
        ) throws {
            stage = try HubStage(in: directory) { $0.discover = discover }
        }

        func hear(
            _ kind: String, _ name: String, _ address: String = "198.51.100.7", port: Int = 5004, txt: String = ""
        ) {
            let place = "\(kind);eth0;IPv4;\(name);_apple-midi._udp;local"
            let line = kind == "=" ? "\(place);x.local;\(address);\(port);\(txt)\n" : "\(place)\n"
            stage.hub.network.hear(Array(line.utf8)[...])
        }
        func pass(_ time: Duration = .zero) {
            stage.hub.followAnnouncements(now: now)
            now += time
            stage.hub.followAnnouncements(now: now)
        }
        var invited: [String] { stage.hub.wantedPlan.rooms.flatMap { $0.invites ?? [] }.map { "\($0.name) \($0.to)" } }
        var offers: [String] { stage.publish().offers.map(\.name) }

        func connect(_ state: EngineStatus.Call.State = .connected) {
            stage.carrier.calls = stage.hub.wantedPlan.rooms.flatMap { room in
                (room.invites ?? []).map { .init(room: room.name, name: $0.name, to: $0.to, state: state, since: 1) }
            }
        }
    }
    private static let stagePianos = [ConfigurationDiscovery(pattern: .init("Stage*")!, room: "Main")]
    private static let let1 = "Stage piano 198.51.100.7:5004"

    @Test func `who is announced is offered, connected by that name, and followed to another address`() throws {
        let network = try Network([])
        network.hear("=", #"Stage\032piano"#)
        #expect(network.offers == ["Stage piano"] && network.stage.snapshot.offers[0].to == "198.51.100.7:5004")
        network.pass(.seconds(60))
        #expect(network.invited.isEmpty)
        let reply = try network.stage.obey(.letIn(room: "Main", announced: "Stage piano", name: nil))
        #expect(reply == .done("Stage piano (198.51.100.7:5004) is invited to room Main."))
        #expect(network.invited == [Self.let1] && network.offers.isEmpty)
        #expect(
            try network.stage.obey(.letIn(room: "Main", announced: "Stage piano", name: nil)).text
                == "Room Main invites Stage piano already.")
        network.hear("-", #"Stage\032piano"#)
        network.hear("=", #"Stage\032piano"#, "198.51.100.8", port: 5006)
        network.connect()
        network.pass()
        #expect(network.invited == [Self.let1], "a session that stands is left alone")
        network.connect(.unreachable)
        network.pass()
        #expect(network.invited == ["Stage piano 198.51.100.8:5006"])
        network.hear("-", #"Stage\032piano"#)
        network.pass(.seconds(600))
        #expect(network.invited == ["Stage piano 198.51.100.8:5006"], "people have told so")
    }

    @Test func `nobody can be let in who is not announced, or is the hub itself`() throws {
        let network = try Network([])
        network.hear("=", "Hub", "127.0.0.1", port: 5010)
        for name in ["Hub", "Nobody"] {
            let reply = try network.stage.obey(.letIn(room: "Main", announced: name, name: nil))
            #expect(reply == .notFound("Nobody else is announced on the hub's local network as \"\(name)\"."))
        }
    }

    @Test func `a pattern lets in who stays, and lets go who leaves the network and the room`() throws {
        let network = try Network(Self.stagePianos)
        network.hear("=", #"Stage\032piano"#)
        network.hear("=", "Desk", "198.51.100.9")
        network.pass(.seconds(2))
        #expect(network.invited.isEmpty, "it may only pass by")
        network.pass(.seconds(2))
        #expect(network.invited == [Self.let1] && network.offers == ["Desk"])
        #expect(network.stage.publish().connections.map(\.discovered) == [true])
        network.connect()
        network.hear("-", #"Stage\032piano"#)
        network.pass(.seconds(60))
        #expect(network.invited == [Self.let1], "its session stands")
        network.connect(.unreachable)
        network.pass()
        #expect(network.invited.isEmpty)
        network.hear("=", #"Stage\032piano"#)
        network.pass(.seconds(4))
        #expect(network.invited == [Self.let1])
        #expect(
            try network.stage.texts(.connect, .disconnect) == [
                "Stage piano was found on the local network and is invited to room Main",
                "Stage piano, which was found on the local network, is no longer invited to room Main",
                "Stage piano was found on the local network and is invited to room Main",
            ])
    }

    @Test func `who comes and goes all the time is not let in, and who is gone for a moment is not let go`() throws {
        let network = try Network(Self.stagePianos)
        for _ in 0..<20 {
            network.hear("=", #"Stage\032piano"#)
            network.pass(.seconds(1))
            network.hear("-", #"Stage\032piano"#)
            network.pass(.seconds(1))
        }
        #expect(network.invited.isEmpty)
        network.hear("=", #"Stage\032piano"#)
        network.pass(.seconds(4))
        network.hear("-", #"Stage\032piano"#)
        network.pass(.seconds(20))
        #expect(network.invited == [Self.let1])
    }

    @Test func `who is sent away stays away until it returns to the network`() throws {
        let network = try Network(Self.stagePianos)
        network.hear("=", #"Stage\032piano"#)
        network.pass(.seconds(4))
        #expect(try network.stage.obey(.disconnect(room: "Main", name: "Stage piano")).outcome == .done)
        network.pass(.seconds(60))
        #expect(network.invited.isEmpty && network.offers == ["Stage piano"])
        network.hear("-", #"Stage\032piano"#)
        network.pass(.seconds(1))
        network.hear("=", #"Stage\032piano"#)
        network.pass(.seconds(60))
        #expect(network.invited.isEmpty, "Avahi was started anew")
        network.hear("-", #"Stage\032piano"#)
        network.pass(.seconds(31))
        network.hear("=", #"Stage\032piano"#)
        network.pass(.seconds(4))
        #expect(network.invited == [Self.let1])
    }

    @Test func `who is let in and then connected by people stays when it is no longer announced`() throws {
        let network = try Network(Self.stagePianos)
        network.hear("=", #"Stage\032piano"#)
        network.pass(.seconds(4))
        let reply = try network.stage.obey(.letIn(room: "Main", announced: "Stage piano", name: nil))
        #expect(reply == .done("Room Main invites Stage piano already."))
        network.hear("-", #"Stage\032piano"#)
        network.pass(.seconds(60))
        #expect(network.invited == [Self.let1])
    }

    @Test func `the next hub goes on with those who were let in, and lets go who is no longer there`() throws {
        let first = try Network(Self.stagePianos)
        first.hear("=", #"Stage\032piano"#)
        first.pass(.seconds(4))
        let second = try Network(Self.stagePianos, in: first.stage.die())
        #expect(second.stage.carrier.plans[0].rooms[0].invites?.map(\.name) == ["Stage piano"])
        second.pass(.seconds(20))
        #expect(second.invited == [Self.let1])
        second.pass(.seconds(20))
        #expect(second.invited.isEmpty)
    }

    @Test func `a reload that takes the pattern back lets go whom it has let in, and nobody else`() throws {
        let network = try Network(ConfigurationDiscovery.everybody)
        network.hear("=", "Desk", "198.51.100.9")
        _ = try network.stage.obey(.letIn(room: "Main", announced: "Desk", name: "D"))
        network.hear("=", #"Stage\032piano"#)
        network.hear("=", "Other", "198.51.100.10", txt: #""room=Main""#)
        network.pass(.seconds(4))
        #expect(network.invited == ["D 198.51.100.9:5004", Self.let1])
        network.stage.edit { $0.discover = [] }
        #expect(
            try network.stage.obey(.reload).text
                == "Configuration read again: who is let in from the local network has changed.")
        network.pass()
        network.connect()
        #expect(network.invited == ["D 198.51.100.9:5004"] && network.offers == ["Other", "Stage piano"])
    }

    @Test(arguments: [("A Hub Main", true), ("Z Hub Main", false)])
    func `of two hubs that let each other in one gives way, and of others nobody is here twice`(
        own: String, stays: Bool
    ) throws {
        let network = try Network(ConfigurationDiscovery.everybody)
        network.hear("=", own, "127.0.0.1")
        network.hear("=", "Other Main", "198.51.100.9")
        network.pass(.seconds(4))
        network.connect()
        #expect(network.invited == ["Other Main 198.51.100.9:5004"])
        let guest = network.stage.engine.join("Other Main", address: "198.51.100.9")
        network.pass(.seconds(1))
        #expect(!network.invited.isEmpty == stays)
        network.pass(.seconds(10))
        #expect(network.invited.isEmpty)
        network.connect()
        network.stage.engine.leave(guest, .left("left"))
        network.pass(.seconds(4))
        #expect(!network.invited.isEmpty)
        network.stage.engine.join("Other Main", address: "198.51.100.9")
        network.pass(.seconds(1))
        #expect(!network.invited.isEmpty == stays, "as the first time")
    }

    @Test func `of a flood a part is let in, and people can still connect`() throws {
        let network = try Network(ConfigurationDiscovery.everybody)
        for number in 0..<500 { network.hear("=", "s\(number)", "198.51.\(100 + number / 250).\(number % 250)") }
        network.pass(.seconds(4))
        let first = network.invited
        #expect(first.count == KeptConnections.mostDiscovered && network.offers.count == 64)
        network.pass(.seconds(4))
        #expect(network.invited == first)
        let reply = try network.stage.obey(.letIn(room: "Main", announced: "s499", name: nil))
        #expect(reply.outcome == .done)
    }

    @Test func `what a stranger calls itself is data`() throws {
        let network = try Network(ConfigurationDiscovery.everybody)
        network.hear("=", #"\027[31m\010Failed\032to\032resolve\059<b>"#, txt: #""room=\"\\";"#)
        network.pass(.seconds(4))
        #expect(network.offers == ["\u{1B}[31m\nFailed to resolve;<b>"], "it says that it is a hub")
        network.hear("=", #"\027[31m\010x"#, "198.51.100.8")
        network.pass(.seconds(4))
        #expect(network.invited == ["[31mx 198.51.100.8:5004"])
        network.stage.hub.network.hear(Array(repeating: UInt8(ascii: "="), count: 200_000)[...])
        network.stage.hub.network.hear(Array("\n+;;\n=;\n\u{0};\n".utf8)[...])
        network.hear("=", "Desk", "198.51.100.9")
        #expect(network.offers.contains("Desk"))
    }
}

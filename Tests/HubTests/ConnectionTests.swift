import Client
import EngineProtocol
import Linux
import Rooms
import Rtpmidid
import Store
import TestSupport
import TestTraits
import Testing

@testable import Hub

/// Peers that only listen and that the hub invites.
@Suite(.ownThread) struct ConnectionTests {
    private static func host(_ text: String) throws -> Initiator.Host { try Configuration.host(text) }
    private let desk = Invitee(host: "desk.example.org", port: 5006, name: "Desk")

    private func connect(_ text: String, name: String? = nil, room: String = "Main") throws -> Command {
        .connect(room: room, try Self.host(text), name: name)
    }

    // MARK: The configuration

    @Test func `a line of the file names the peer, its room and what it is called there`() throws {
        let configuration = try Configuration(
            text: """
                { rooms: { Main: { ports: [5004] }, Two: { ports: [5010] } }, connect: [
                    { to: "desk.example.org:5006", room: "Main", name: "Desk" }, { to: "192.0.2.9", room: "Main" },
                    { to: "[2001:db8::7]:5008", room: "Main" }, { to: "mac.example.org", room: "Two" } ] }
                """)
        #expect(
            configuration.invitees(of: configuration.rooms[0]) == [
                desk, Invitee(host: "192.0.2.9", port: 5004, name: "Peer"),
                Invitee(host: "2001:db8::7", port: 5008, name: "Peer 2"),
            ])
        #expect(
            configuration.invitees(of: configuration.rooms[1])
                == [Invitee(host: "mac.example.org", port: 5004, name: "mac.example.org")])
    }

    @Test(arguments: [
        (#"{ to: "a" }, { to: "a" }"#, "connect: room Main invites a:5004 already"),
        (#"{ to: "a", name: "X" }, { to: "b", name: "X" }"#, "room Main invites another as X already"),
        (#"{ to: "a", room: "Cellar" }"#, "there is no room \"Cellar\": there is \"Main\""),
        (#"{ to: "127.0.0.1:5004" }"#, "127.0.0.1:5004 is this hub itself"),
        (#"{ to: "localhost" }"#, "localhost:5004 is this hub itself"),
        (#"{ to: "0.0.0.0" }"#, "is this hub itself"), (#"{ room: "Main" }"#, "\"to\" is missing"),
        (#"{ to: "a b" }"#, "is no HOST or HOST:PORT"), (#"{ to: "a:65535" }"#, "is no HOST or HOST:PORT"),
        (#"{ to: "a", name: "" }"#, "a name has 1 to 60 bytes"), (#"{ to: "a", at: 1 }"#, "unknown key"),
    ])
    func `what is wrong with a line is said with its number`(lines: String, text: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(text: "{ rooms: { Main: { ports: [5004] } },\n\nconnect: [ \(lines) ] }")
        }
        let text = error?.description ?? ""
        #expect(text.hasPrefix("line 3: ") && text.contains(text), "\(text)")
    }

    @Test func `a room that is a pair invites nobody, and one of several must be named`() throws {
        let rooms = "rooms: { Duets: { ports: [5010, 5012], policy: \"pair\" }, Main: { ports: [5004] } }"
        for (line, text) in [(#"room: "Duets""#, "room Duets is a pair"), ("", "\"room\" is missing")] {
            let error = #expect(throws: ConfigurationError.self) {
                try Configuration(text: #"{ \#(rooms), connect: [{ to: "a", \#(line) }] }"#)
            }
            #expect(error?.description.contains(text) ?? false)
        }
    }

    // MARK: Commands

    @Test func `who is told to be invited is in the plan until that is taken back, also for the next hub`() throws {
        let first = try HubStage()
        let reply = try first.obey(try connect("desk.example.org:5006", name: "Desk"))
        #expect(reply == .done("Desk (desk.example.org:5006) is invited to room Main."))
        #expect(first.carrier.plans.map { $0.rooms[0].invites } == [nil, [desk]])
        #expect(first.carrier.plans[1].rooms[1].invites == nil)
        #expect(
            try first.obey(try connect("desk.example.org:5006")).text
                == "Room Main invites desk.example.org:5006 already.")
        let second = try HubStage(in: first.die())
        #expect(second.carrier.plans.map { $0.rooms[0].invites } == [[desk]])
        #expect(
            try second.obey(.disconnect(room: "Main", name: "Desk"))
                == .done("Desk is no longer invited to room Main."))
        #expect(second.carrier.plans.last?.rooms[0].invites == nil)
        #expect(
            try second.texts(.connect, .disconnect) == [
                "Desk (desk.example.org:5006) is invited to room Main, by somebody with the token",
                "Desk is no longer invited to room Main, by somebody with the token",
            ])
        #expect(
            try second.obey(.disconnect(room: "Main", name: "Desk"))
                == .notFound("Room Main invites nobody called Desk."))
        let third = try HubStage(in: second.die())
        #expect(third.carrier.plans.map { $0.rooms[0].invites } == [nil])
    }

    @Test func `where what carries the MIDI is too old to invite, the refusal says so, and nothing is kept`() throws {
        let stage = try HubStage()
        stage.carrier.refusalToInvite = RtpmididVersion.v23_12.refusalToInvite
        #expect(
            try stage.obey(try connect("desk.example.org"))
                == .conflict("rtpmidid 23.12 cannot invite: that takes 24.12 or newer."))
        #expect(stage.carrier.plans.count == 1)
        stage.carrier.refusalToInvite = RtpmididVersion.v24_12.refusalToInvite
        #expect(try stage.obey(try connect("desk.example.org")).outcome == .done)
    }

    @Test func `who is invited and sent away is not invited again until somebody asks for it, or reloads`() throws {
        let mac = Invitee(host: "mac.example.org", port: 5004, name: "Mac")
        let stage = try HubStage { $0.connect = [.init(host: .init("mac.example.org")!, room: "Main", name: "Mac")] }
        _ = try stage.obey(try connect("desk.example.org:5006", name: "Desk"))
        stage.engine.invited = ["Desk", "Mac"]
        func kick(_ name: String) throws -> CommandReply {
            try stage.obey(.member(stage.engine.join(name).visit.id, .kick))
        }
        func invites() -> [Invitee]? { stage.carrier.plans.last?.rooms[0].invites }
        let words = "was sent away, and is not invited again until somebody asks for it"
        #expect(try kick("Desk") == .done("Desk \(words)."))
        #expect(invites() == [mac] && stage.engine.commands.isEmpty)
        #expect(try kick("Mac") == .done("Mac \(words)."))
        #expect(invites() == nil)
        #expect(try stage.texts(.kick) == ["Desk", "Mac"].map { "\($0) \(words), by somebody with the token" })
        let views = stage.hub.connectionViews
        #expect(views.map(\.name) == ["Desk", "Mac"] && views.map(\.configured) == [false, true])
        #expect(views.allSatisfy { $0.state == .refused && $0.reason?.hasPrefix("it was sent away: ") ?? false })

        #expect(
            try stage.obey(try connect("mac.example.org"))
                == .done("Mac (mac.example.org:5004) is invited to room Main again."))
        #expect(invites() == [mac])
        // Somebody of that name who has invited itself is sent away as everybody is.
        stage.engine.invited = []
        #expect(try kick("Mac") == .done("Mac was shown the door by somebody with the token."))
        #expect(try stage.obey(.reload).outcome == .done)
        #expect(invites() == [mac, desk])
    }

    @Test func `what cannot be invited is refused with the reason`() throws {
        let stage = try HubStage { $0.connect = [.init(host: .init("mac.example.org")!, room: "Main", name: "Mac")] }
        for (command, reply) in [
            (
                try connect("127.0.0.1:5004"),
                CommandReply.conflict("It cannot be invited: 127.0.0.1:5004 is this hub itself.")
            ),
            (try connect("localhost"), .conflict("It cannot be invited: localhost:5004 is this hub itself.")),
            (try connect("a", room: "Cellar"), .notFound("There is no room \"Cellar\".")),
            (
                try connect("a", room: "Duets"),
                .conflict("It cannot be invited: room Duets is a pair, whose two ports each have their own direction.")
            ),
            (
                try connect("a", name: "Mac"),
                .conflict("It cannot be invited: room Main invites another as Mac already: give it another name.")
            ),
            (try connect("a", name: "\u{7}"), .invalid("name: a name has 1 to 60 bytes and no control characters.")),
            (
                .disconnect(room: "Main", name: "Mac"),
                .conflict("Mac stands in the configuration: take it out of `connect` there, and reload.")
            ),
        ] { #expect(try stage.obey(command) == reply) }
        #expect(stage.carrier.plans.count == 1)
        for number in 1...63 { #expect(try stage.obey(try connect("host\(number)")).outcome == .done) }
        #expect(
            try stage.obey(try connect("host64")).text == "The hub invites 64 already: take one out first.")
    }

    @Test func `one without a name is called by its host, and by no address`() throws {
        let stage = try HubStage()
        for text in ["mac.example.org", "mac.example.org:5008", "192.0.2.9", "[2001:db8::7]:5006"] {
            _ = try stage.obey(try connect(text))
        }
        #expect(
            stage.carrier.plans.last?.rooms[0].invites?.map(\.name)
                == ["mac.example.org", "mac.example.org 2", "Peer", "Peer 2"])
        _ = try stage.obey(.disconnect(room: "Main", name: "192.0.2.9:5004"))
        #expect(stage.carrier.plans.last?.rooms[0].invites?.count == 3)
    }

    @Test func `a reload follows the file, and what it leaves no place for is shown with the reason`() throws {
        let stage = try HubStage()
        _ = try stage.obey(try connect("desk.example.org:5006", name: "Desk"))
        stage.edit { $0.connect = [.init(host: .init("mac.example.org")!, room: "Main", name: "Desk")] }
        #expect(
            try stage.obey(.reload).text == "Configuration read again: whom the hub invites has changed.")
        #expect(stage.carrier.plans.last?.rooms[0].invites?.map(\.host) == ["mac.example.org"])
        let shown = stage.publish().connections
        try #require(shown.count == 2)
        #expect(shown.map(\.configured) == [true, false] && shown.map(\.state) == [.inviting, .refused])
        #expect(shown[1].reason == "room Main invites another as Desk already: give it another name")
        stage.edit {
            $0.rooms = [.init(name: "Hall", ports: [5004], policy: .auto)]
            $0.connect = []
        }
        _ = try stage.obey(.reload)
        #expect(stage.publish().connections.map(\.reason) == ["there is no such room any more"])
        #expect(try stage.obey(.disconnect(room: "Main", name: "Desk")).outcome == .done)
        #expect(stage.publish().connections.isEmpty)
    }

    @Test func `how it is with each is shown, with addresses only to those who may see them`() throws {
        let stage = try HubStage()
        _ = try stage.obey(try connect("desk.example.org:5006", name: "Desk"))
        stage.carrier.calls = [
            .init(
                room: "Main", name: "Desk", to: desk.to, state: .unreachable, reason: "no answer from 192.0.2.9:5006",
                address: "192.0.2.9:5006", since: 7, failures: 2, next: 9)
        ]
        let one = try #require(stage.publish().connections.first)
        #expect(one.state == .unreachable && one.since == 7 && one.failures == 2 && one.next == 9)
        #expect(one.to == "desk.example.org:5006" && one.address == "192.0.2.9:5006" && !one.configured)
        #expect(one.withoutAddress.to == nil && one.withoutAddress.address == nil)
    }

    // MARK: What is kept

    @Test(arguments: [
        "nonsense", #"{"v":2,"connections":[]}"#, #"{"v":1,"connections":[{"room":"Main"}]}"#,
        #"{"v":1,"connections":[{"room":"Main","invitee":{"host":"a","port":99999,"name":"x"}}]}"#,
    ])
    func `a file that cannot be used is told of, and the hub begins without`(content: String) throws {
        let directory = TemporaryDirectory()
        try StateDirectory(directory.file("state")).create()
        directory.write("state/connections.json", Array(content.utf8))
        let stage = try HubStage(in: directory)
        #expect(stage.carrier.plans.map { $0.rooms[0].invites } == [nil])
        #expect(try stage.texts(.notConnected).first?.contains("cannot be read") ?? false)
    }

    @Test func `what the file says that no command could have is left out`() throws {
        let directory = TemporaryDirectory()
        try StateDirectory(directory.file("state")).create()
        let names = ["Desk", "\\u0007", "midihub ping"].map {
            #"{"room":"Main","invitee":{"host":"a","port":5004,"name":"\#($0)"}}"#
        }
        let hosts = ["", "a b", "a\\\""].map {
            #"{"room":"Main","invitee":{"host":"\#($0)","port":5004,"name":"X"}}"#
        }
        let list = (names + hosts).joined(separator: ",")
        directory.write("state/connections.json", Array(#"{"v":1,"connections":[\#(list)]}"#.utf8))
        let stage = try HubStage(in: directory)
        #expect(stage.carrier.plans[0].rooms[0].invites?.map(\.name) == ["Desk"])
    }

    @Test func `where it cannot be kept it is not done`() throws {
        let stage = try HubStage()
        try File.makeDirectory(stage.state.connections + ".new")
        try File.makeDirectory(stage.state.connections)
        let reply = try stage.obey(try connect("desk.example.org"))
        #expect(reply.outcome == .unavailable && reply.text.hasPrefix("It cannot be kept: "))
        #expect(stage.carrier.plans.count == 1)
    }
}

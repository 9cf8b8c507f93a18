import Client
import EngineProtocol
import Linux
import Rooms
import Testing

@testable import Hub

/// Who of those that are announced on the local network is an offer.
@Suite struct SurroundingsTests {
    private var configuration: Configuration = {
        var one = Configuration()
        one.rooms = [
            .init(name: "Main", ports: [5004], policy: .auto), .init(name: "Two", ports: [5010], policy: .auto),
        ]
        return one
    }()
    private static let own = Set(["192.0.2.2", "2001:db8::2", "127.0.0.1"].map { SocketAddress(host: $0, port: 0)! })

    static func session(_ name: String, _ addresses: String..., room: String? = nil) -> AnnouncedSession {
        let hosts = addresses.map { Initiator.Host($0)! }
        return AnnouncedSession(
            name: name, room: room, port: hosts[0].port,
            addresses: hosts.map { SocketAddress(host: $0.name, port: $0.port)! })
    }
    private let piano = session("Stage piano", "192.0.2.7:5004", "[2001:db8::7]:5004")

    private func offers(
        _ sessions: [AnnouncedSession], invites: [Invitee] = [], kept: KeptConnections = .init(),
        calls: [EngineStatus.Call] = [], participants: [Snapshot.Participant] = [], deny: [AddressRange] = []
    ) -> [String] {
        let plan = EnginePlan(
            rooms: [RoomPlan(name: "Main", policy: .auto, ports: [5004], invites: invites)], deny: deny)
        return Surroundings(
            sessions, configuration, own: Self.own, plan: plan, kept: kept, calls: calls, participants: participants
        ).offers.map(\.name)
    }

    private func guest(_ name: String, _ address: String) -> Snapshot.Participant {
        var one = Snapshot.Participant(id: 1, name: name, room: "Main", port: 5004, engine: "embedded", since: 1)
        one.address = address
        return one
    }

    @Test func `whoever is somebody else and is not here is one offer, by however many addresses`() {
        #expect(offers([piano]) == ["Stage piano"])
    }

    @Test func `the hub itself is none, by whichever of its addresses and ports it is found`() {
        for address in ["192.0.2.2:5004", "192.0.2.2:5010", "[2001:db8::2]:5010", "127.0.0.1:5004"] {
            #expect(offers([Self.session("MIDI Hub", address)]).isEmpty, "\(address)")
        }
        #expect(offers([Self.session("MIDI Hub", "192.0.2.99:5004", "192.0.2.2:5004")]).isEmpty)
    }

    @Test func `another program of the hub's machine is one, and another machine's same port`() {
        #expect(offers([Self.session("Synth", "192.0.2.2:5020"), Self.session("Far", "192.0.2.3:5004")]).count == 2)
    }

    @Test func `who is invited is none, by address, by what its name means, or by its announcement`() {
        let numeric = Invitee(host: "2001:db8::7", port: 5004, name: "Piano")
        #expect(offers([piano], invites: [numeric]).isEmpty)
        let call = EngineStatus.Call(
            room: "Main", name: "P", to: "piano.local:5004", state: .unreachable, address: "192.0.2.7:5004", since: 1)
        #expect(offers([piano], invites: [.init(host: "piano.local", port: 5004, name: "P")], calls: [call]).isEmpty)
        #expect(offers([piano], calls: [call]) == ["Stage piano"], "it is no longer invited")
        let kept = KeptConnections.One(
            room: "Main", invitee: .init(host: "192.0.2.50", port: 5004, name: "P"), announced: "Stage piano")
        #expect(offers([piano], kept: KeptConnections(connections: [kept])).isEmpty)
        #expect(offers([piano], invites: [.init(host: "192.0.2.7", port: 5006, name: "Piano")]) == ["Stage piano"])
    }

    @Test func `who has come by itself is none, from its port, or under its name`() {
        #expect(offers([piano], participants: [guest("x", "192.0.2.7:5004")]).isEmpty)
        #expect(offers([piano], participants: [guest("x", "[2001:db8::7]:5004")]).isEmpty)
        // rtpmidid invites from any port, and tells of participants without it.
        #expect(offers([piano], participants: [guest("Stage piano", "192.0.2.7:41234")]).isEmpty)
        #expect(offers([piano], participants: [guest("Stage piano", "192.0.2.7")]).isEmpty)
        let second = Self.session("Stage piano #2", "192.0.2.7:5004")
        #expect(offers([second], participants: [guest("Stage piano", "192.0.2.7:41234")]).isEmpty)
        for one in [guest("Drums", "192.0.2.7:41234"), guest("Stage piano", "192.0.2.8:5004")] {
            #expect(offers([piano], participants: [one]) == ["Stage piano"])
        }
    }

    @Test func `one session under two names is there once, and who may not come in is not there`() {
        let twin = Self.session("Stage piano (old)", "192.0.2.7:5004")
        #expect(offers([piano, twin]) == ["Stage piano"])
        let four = AddressRange("192.0.2.0/24")!
        let six = AddressRange("2001:db8::/32")!
        #expect(offers([piano], deny: [four]) == ["Stage piano"] && offers([piano], deny: [four, six]).isEmpty)
    }

    @Test func `what a session is called in the room is a name that the room can have`() {
        func name(_ announced: String, beside others: [String] = []) -> String {
            let others = others.map { Invitee(host: "a", port: 1, name: $0) }
            return Invitee(Self.session(announced, "192.0.2.7:5004"), name: nil, beside: others).name
        }
        #expect(name("Stage piano") == "Stage piano" && name("Desk", beside: ["Desk"]) == "Desk 2")
        #expect(name("a\u{1B}[31m\nb") == "a[31mb" && name("\u{200B}") == "Peer" && name("midihub ping") == "Peer")
        #expect(name(String(repeating: "é", count: 40)) == String(repeating: "é", count: 28))
        #expect(Invitee.wrongName(name(String(repeating: "👩‍👩‍👧", count: 9))) == nil)
    }
}

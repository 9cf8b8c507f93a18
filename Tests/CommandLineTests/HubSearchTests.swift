import Client
import Linux
import Testing

@testable import CommandLine

/// Which of those who are announced on the network is meant.
@Suite struct HubSearchTests {
    /// As avahi-browse 0.8 prints it.
    private static let printed = #"""
        +;eth0;IPv4;MIDI\032Hub;_apple-midi._udp;local
        =;eth0;IPv6;Hub\0592\032\034\032\195\169;_apple-midi._udp;local;vm.local;fe80::1;5008;"x" "room=Ma;\"q\\ \195\169"
        =;lo;IPv4;Hub\0592\032\034\032\195\169;_apple-midi._udp;local;vm.local;127.0.0.1;5008;"x" "room=Ma;\"q\\ \195\169"
        =;eth0;IPv4;Hub\0592\032\034\032\195\169;_apple-midi._udp;local;vm.local;192.0.2.7;5008;"x" "room=Ma;\"q\\ \195\169"
        =;eth0;IPv4;Mac\.Studio;_apple-midi._udp;local;mac.local;192.0.2.9;5004;
        =;eth0;IPv4;Broken;_apple-midi._udp;local;mac.local;192.0.2.9;65535;
        =;eth0;IPv4;Broken;_apple-midi._udp;local;mac.local;nowhere;5004;
        =;eth0;IPv4;;_apple-midi._udp;local;mac.local;192.0.2.9;5004;
        =;eth0;IPv4;Other;_http._tcp;local;mac.local;192.0.2.9;80;
        =;eth0
        """#

    @Test func `what avahi-browse prints is understood, and what makes no sense is passed over`() throws {
        let found = AnnouncedSession.sessions(in: Array(Self.printed.utf8))
        #expect(found.map(\.name) == ["Hub;2 \" é", "Mac.Studio"])
        #expect(found.map(\.room) == ["Ma;\"q\\ é", nil])
        let nearest = try #require(found[0].addresses.first)
        #expect(nearest.isLoopback && nearest.port == 5008)
        #expect(found[0].addresses.map(\.port) == [5008, 5008, 5008])
        #expect(found[1].addresses.map(\.description) == ["192.0.2.9:5004"])
    }

    @Test func `random octets never trap`() {
        var random = SystemRandomNumberGenerator()
        let pieces = Self.printed.utf8.map { $0 }
        for _ in 0..<2_000 {
            var octets = pieces
            for _ in 0..<20 {
                octets[Int.random(in: 0..<octets.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = AnnouncedSession.sessions(in: octets)
        }
    }

    private func session(_ name: String, room: String? = nil) -> AnnouncedSession {
        AnnouncedSession(
            name: name, room: room, port: 5004, addresses: [SocketAddress(host: "192.0.2.7", port: 5004)!])
    }
    private func one(_ session: AnnouncedSession, others: [AnnouncedSession] = []) -> HubSearch.Finding {
        .one(Initiator.Host(session), others: others)
    }

    @Test func `the one that is announced is taken, whatever it is`() {
        let mac = session("Mac")
        #expect(HubSearch.choice(among: [], room: nil) == .none)
        #expect(HubSearch.choice(among: [mac], room: nil) == one(mac))
    }

    @Test func `a hub of ours goes before what may be anything`() {
        let (mac, hub) = (session("Mac"), session("MIDI Hub", room: "Main"))
        #expect(HubSearch.choice(among: [mac, hub], room: nil) == one(hub, others: [mac]))
    }

    @Test func `of several rooms none is taken unasked`() {
        let rooms = [session("Hub Main", room: "Main"), session("Hub Duets", room: "Duets")]
        #expect(HubSearch.choice(among: rooms, room: nil) == .several(rooms))
        #expect(HubSearch.choice(among: rooms, room: "duets") == one(rooms[1]))
        #expect(HubSearch.choice(among: rooms, room: "Hub Main") == one(rooms[0]))
        #expect(HubSearch.choice(among: rooms, room: "Mai") == .others(rooms))
        #expect(
            HubSearch.list(rooms) == [
                "  --room \"Main\"   Hub Main, 192.0.2.7:5004", "  --room \"Duets\"   Hub Duets, 192.0.2.7:5004",
            ])
    }

    @Test func `two hubs with a room of the same name are told apart by what they are announced as`() {
        let rooms = [session("A Main", room: "Main"), session("B Main", room: "Main")]
        #expect(HubSearch.choice(among: rooms, room: "Main") == .several(rooms))
        #expect(HubSearch.list(rooms).map { $0.split(separator: "\"")[1] } == ["A Main", "B Main"])
        #expect(HubSearch.choice(among: rooms, room: "B Main") == one(rooms[1]))
    }

    @Test func `who tells no room is known by the end of its name`() {
        let rooms = [session("Hub Main"), session("Hub Duets")]
        #expect(HubSearch.choice(among: rooms, room: "Duets") == one(rooms[1]))
        #expect(HubSearch.choice(among: rooms, room: "ets") == .others(rooms))
    }
}

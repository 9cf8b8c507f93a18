import Client
import Linux
import TestSupport
import Testing

@testable import Hub

/// What doctor finds out about the ways to the other one of two hubs.
struct PairDoctorTests {
    @Test func `doctor tells where one network leads to the other hub and to all players`() {
        #expect(
            Doctor.oneSwitch(partner: "192.0.2.1", players: ["192.0.2.1", "192.0.2.1"]).map(\.isOptional) == [true])
        #expect(Doctor.oneSwitch(partner: "192.0.2.1", players: ["192.0.2.1", "198.51.100.1"]) == [])
        #expect(Doctor.oneSwitch(partner: "192.0.2.1", players: []) == [])
        #expect(Doctor.oneSwitch(partner: nil, players: ["192.0.2.1"]) == [])
        #expect(Doctor.ownAddress(towards: "127.0.0.1") == nil)
    }

    @Test func `doctor tries whether TCP gets through`() throws {
        let socket = try Sockets.listen(.init(host: "127.0.0.1", port: 0))
        let port = Sockets.localAddress(socket).port
        func reach(_ port: UInt16) -> Doctor.Reach {
            Doctor.reach(.init(name: "127.0.0.1", port: port), within: .milliseconds(50))
        }
        #expect(reach(port) == .init(tcp: true, udp: false))
        #expect(reach(freeUDPPortPair()) == .init(tcp: false, udp: false))
    }
}

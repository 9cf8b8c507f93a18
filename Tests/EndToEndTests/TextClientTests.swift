import Foundation
import TestSupport
import Testing

/// Clients of the oldest hubs, which send text over TCP, on the real daemon: the double serves no sessions over UDP.
@Suite(.enabled(if: sequencerIsThere && Rtpmidid.isReal, "needs a sequencer and RTPMIDID"), .serialized)
struct TextClientTests {
    @Test func `a TCP client and a player hear each other, and what it holds ends with its connection`() throws {
        let (udp, port) = (freeUDPPortPair(), freeTCPPort())
        let hub = try HubUnderTest(ports: [udp], configuration: "{ ports: [\(udp)], tcp: { port: \(port) } }")
        try hub.start()
        let players = try hub.joined("Piano")
        var peer: TextPeer? = try TextPeer(port)
        try hub.awaitWires([["Piano", "TCP 127.0.0.1"], ["TCP 127.0.0.1", "Piano"]])
        // Before that it is not wired on the way in.
        try eventually("the first note of it") {
            peer?.send("[144, 60, 100]")
            return try players[0].received().contains([144, 60, 100])
        }
        try players[0].send([144, 62, 100])
        try eventually("a note at it", seen: peer?.heard.joined() ?? "") {
            peer?.pump()
            return peer?.heard == ["[144, 62, 100]"]
        }
        try eventually("where it is") {
            let all = try hub.ownersView("/api/v1/participants").object()["participants"] as? [[String: Any]]
            let one = all?.first { $0["name"] as? String == "TCP 127.0.0.1" }
            return one?["kind"] as? String == "tcp" && one?["address"] as? String == peer?.address
        }
        peer = nil
        try eventually("the end of its note") { try players[0].received().contains([128, 60, 64]) }
        try hub.awaitEvent("left", containing: "TCP 127.0.0.1 left")
    }
}

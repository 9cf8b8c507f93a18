import Client
import EngineProtocol
import Linux
import Rooms
import Store
import TestSupport
import TestTraits
import Testing

@testable import Hub

private func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return bytes + Array(repeating: 0, count: 4 - bytes.count % 4)
}
private func word(_ word: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
private func bundle(_ parts: [UInt8]...) -> [UInt8] {
    text("#bundle") + Array(repeating: 0, count: 8) + parts.flatMap { word(UInt32($0.count)) + $0 }
}

/// Packets of Open Sound Control.
@Suite struct OSCMessageTests {
    private let order = text("/midihub/failover/switch")

    @Test func `a message has an address, and its first argument tells whether a button is down`() {
        func isOn(_ bytes: [UInt8]) -> Bool?? { OSCMessage.all(in: bytes).first?.isOn }
        #expect(OSCMessage.all(in: order) == [OSCMessage(address: "/midihub/failover/switch", isOn: nil)])
        #expect(isOn(order + text(",")) == .some(nil))
        #expect(isOn(order + text(",i") + word(1)) == true && isOn(order + text(",i") + word(0)) == false)
        let one = Float(1).bitPattern
        #expect(isOn(order + text(",f") + word(one)) == true && isOn(order + text(",f") + word(0)) == false)
        #expect(isOn(order + text(",f") + word(Float.nan.bitPattern)) == false)
        #expect(isOn(order + text(",T")) == true && isOn(order + text(",F")) == false)
        #expect(isOn(order + text(",si") + text("go") + word(0)) == .some(nil))
        #expect(isOn(order + text(",fbh") + word(one) + word(3) + [1, 2, 3, 0] + word(0) + word(7)) == true)
    }

    @Test func `a bundle has messages, and bundles`() {
        let all = OSCMessage.all(in: bundle(text("/a"), bundle(text("/b"), text("/c"))))
        #expect(all.map(\.address) == ["/a", "/b", "/c"])
        #expect(OSCMessage.all(in: bundle()) == [])
    }

    @Test func `what is not well-formed is nothing`() {
        var deep = text("/a")
        for _ in 0..<6 { deep = bundle(deep) }
        let many = (0..<40).reduce(into: bundle()) { bytes, _ in bytes += word(4) + text("/a") }
        for wrong in [
            [], [0], [47, 97], text("a"), Array(order.dropLast()), [47, 1, 0, 0], [47, 97, 0, 1], order + [0, 0],
            order + text("i"), order + text(",i"), order + text(",i") + word(1) + word(1), order + text(",x"),
            order + text(",b") + word(.max), order + text(",s") + [97, 97, 97, 97], text("#bundle"), bundle([1, 2, 3]),
            bundle() + word(.max), bundle() + word(8) + text("/a"), bundle(text("/a"), text("b")), deep, many,
        ] { #expect(OSCMessage.all(in: wrong) == [], "\(wrong)") }
    }

    @Test func `no packet makes it trap`() {
        var random = SystemRandomNumberGenerator()
        let good = bundle(order + text(",fbs") + word(1) + word(2) + [1, 2, 0, 0] + text("x"), text("/b"))
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = OSCMessage.all(in: Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))
        }
    }
}

/// Orders that come by Open Sound Control.
@Suite(.ownThread) struct OSCTests {
    private func stage(allow: [String], confirm: Bool = false, _ port: UInt16) throws -> HubStage {
        let ranges = allow.compactMap { AddressRange($0) }
        return try HubStage { configuration in
            var failover = ConfigurationFailover(
                with: .init(name: "192.0.2.9"), secret: "correct horse battery staple", role: .main)
            failover.settings.confirm = confirm
            failover.osc = .init(listen: .init(host: "127.0.0.1", port: port), allow: ranges)
            configuration.failover = failover
        }
    }

    /// Nothing stands against an order.
    private func makeReady(_ stage: HubStage) {
        var status = EngineStatus.Failover(
            phase: .active, epoch: 1, since: 0, limit: 150, isConnected: true, isLinked: true)
        status.isAlike = true
        stage.carrier.pairs = [PairReport(status: status)]
        stage.hub.lookAtPair(at: .now.advanced(by: .seconds(-10)))
    }

    private func send(_ argument: [UInt8], to port: UInt16) throws {
        let socket = try DatagramSocket(port: 0, host: "127.0.0.1")
        let bytes = text("/midihub/failover/switch") + argument
        socket.queue(to: try #require(SocketAddress(host: "127.0.0.1", port: port))) { out in
            for byte in bytes { out.append(byte) }
        }
        socket.flush()
    }

    @Test func `an order of one who may passes the gate, and letting go of the button is none`() throws {
        let port = freeUDPPortPair()
        let stage = try stage(allow: ["127.0.0.0/8"], port)
        try send(text(",i") + word(0), to: port)
        try send(text(",i") + word(1), to: port)
        try stage.loop.run(until: "the refusal") { stage.observer.events.contains { $0.kind == .pairOrder } }
        #expect(
            try stage.texts(.pairOrder) == [
                "An order by OSC: Not done: the engine does not tell of the other hub yet. Force goes over that."
            ])
        #expect(stage.carrier.switches == [])
        makeReady(stage)
        stage.loop.run(for: .milliseconds(300))
        try send([], to: port)
        try stage.loop.run(until: "the order") { !stage.carrier.switches.isEmpty }
        #expect(stage.carrier.switches == ["order"])
        #expect(try stage.texts(.pairOrder).last == "The other hub is to speak, by OSC")
    }

    @Test(arguments: [[], ["192.0.2.0/24", "127.0.0.2/31", "fe80::/10"]])
    func `nobody may without being allowed, and that is told once a minute`(allow: [String]) throws {
        let port = freeUDPPortPair()
        let stage = try stage(allow: allow, port)
        makeReady(stage)
        try send([], to: port)
        try send([], to: port)
        try stage.loop.run(until: "the refusal") { stage.observer.events.contains { $0.kind == .pairOrder } }
        #expect(try stage.texts(.pairOrder) == ["An order by OSC is refused: its address is not in `allow`"])
        #expect(stage.carrier.switches == [])
    }

    @Test func `a message that is sent several times, for that one may get lost, is one order`() throws {
        let port = freeUDPPortPair()
        let stage = try stage(allow: ["127.0.0.0/8"], confirm: true, port)
        makeReady(stage)
        for _ in 0..<3 { try send([], to: port) }
        try stage.loop.run(until: "the first order") { stage.observer.events.contains { $0.kind == .pairOrder } }
        #expect(
            try stage.texts(.pairOrder) == ["An order by OSC: Once more within 3 s, and the hubs are switched."])
        #expect(stage.carrier.switches == [])
    }
}

import Foundation
import TestSupport
import Testing

/// The players of the end-to-end tests, simulated or real, on a daemon without a hub: the test itself joins the ports.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct PlayerTests {
    private let port = freeUDPPortPair()
    private let process: RtpmididProcess
    private let patcher: SequencerClient

    init() throws {
        process = try RtpmididProcess.listening(Rtpmidid.path(), name: "hub-\(port)", port: port)
        patcher = try SequencerClient(name: Array("patcher".utf8))
    }

    /// The ALSA port of a participant at the daemon, when it is there.
    private func address(of name: String) throws -> SequencerAddress {
        try awaited("the ALSA port of \(name)", seen: process.log) { found(name) }
    }

    private func found(_ name: String) -> SequencerAddress? {
        patcher.ports().first { $0.clientName == Array("hub-\(port)".utf8) && $0.name == Array(name.utf8) }?.address
    }

    @Test func `what one plays arrives at the other, once, and never back`() throws {
        let alice = try process.player("Alice", port: port)
        let bob = try process.player("Bob", port: port)
        try alice.join()
        try bob.join()
        try patcher.connect(address(of: "Alice"), to: address(of: "Bob"))
        try alice.send([0x90, 60, 100])
        try alice.send([0xF0] + [UInt8](repeating: 5, count: 600) + [0xF7])
        try alice.send([0x80, 60, 64])
        #expect(
            try bob.hears(3) == [
                [0x90, 60, 100], [0xF0] + [UInt8](repeating: 5, count: 600) + [0xF7], [0x80, 60, 64],
            ])
        // What comes before there is a wire goes nowhere; that it has come is heard by another.
        let ear = SequencerAddress(client: patcher.client, port: patcher.createPort(Array("ear".utf8)))
        try patcher.connect(address(of: "Bob"), to: ear)
        try bob.send([0xB0, 7, 127])
        try eventually("Bob's first to come") {
            patcher.nextEvent() == .midi(port: ear.port, bytes: [0xB0, 7, 127])
        }
        try patcher.connect(address(of: "Bob"), to: address(of: "Alice"))
        try bob.send([0xB0, 7, 1])
        #expect(try alice.hears(1) == [[0xB0, 7, 1]])
        #expect(try bob.received().isEmpty)
    }

    @Test func `all that has a place in MIDI over RTP is passed on`() throws {
        let alice = try process.player("Alice", port: port)
        let bob = try process.player("Bob", port: port)
        try alice.join()
        try bob.join()
        try patcher.connect(address(of: "Alice"), to: address(of: "Bob"))
        for message: [UInt8] in [[0xF8], [0xFA], [0xFB], [0xFC], [0xF1, 10], [0xFE], [0xF0, 1, 2, 0xF7], [0xD0, 3]] {
            try alice.send(message)
            #expect(try bob.hears(1) == [message])
        }
    }

    @Test func `what one hearer refuses no other gets, nor what others have played meanwhile`() throws {
        let alice = try process.player("Alice", port: port)
        let bob = try process.player("Bob", port: port)
        try alice.join()
        try bob.join()
        try patcher.connect(address(of: "Alice"), to: address(of: "Bob"))
        let refuser = try SequencerClient(name: Array("refuser".utf8))
        refuser.refuseAllButNotes()
        let ear = SequencerAddress(client: refuser.client, port: refuser.createPort(Array("ear".utf8)))
        try patcher.connect(address(of: "Alice"), to: ear)
        try alice.send([0x90, 60, 100])
        #expect(try bob.hears(1) == [[0x90, 60, 100]])
        try alice.send([0xF8])
        try eventually("the refusal to be told", seen: process.log) {
            process.log.contains("Error: No such file or directory")
        }
        try alice.send([0x80, 60, 64])
        #expect(try bob.hears(1) == [[0x80, 60, 64]])
    }

    @Test func `a hearer who reads nothing costs everybody everything, once it is full`() throws {
        let alice = try process.player("Alice", port: port)
        let bob = try process.player("Bob", port: port)
        try alice.join()
        try bob.join()
        try patcher.connect(address(of: "Alice"), to: address(of: "Bob"))
        let sleeper = try SequencerClient(name: Array("sleeper".utf8))
        let ear = SequencerAddress(client: sleeper.client, port: sleeper.createPort(Array("ear".utf8)))
        try patcher.connect(address(of: "Alice"), to: ear)
        try eventually(within: .seconds(60), "the refusal to be told") {
            try alice.send((0..<20).flatMap { _ -> [UInt8] in [0xC0, 1] })
            return process.log.contains("Error: Resource temporarily unavailable")
        }
        try patcher.disconnect(address(of: "Alice"), from: ear)
        try eventually("music again") {
            try alice.send([0xC0, 2])
            return try bob.received().contains([0xC0, 2])
        }
    }

    @Test func `one leaves and comes back`() throws {
        let player = try process.player("Café 🎹", port: port)
        try player.join()
        _ = try address(of: "Café 🎹")
        try player.leave()
        try eventually("its port to go", seen: process.log) { found("Café 🎹") == nil }
        try player.join()
        _ = try address(of: "Café 🎹")
        #expect(try !player.wasDismissed())
    }

    @Test func `one that vanishes is still there`() throws {
        let player = try process.player("Alice", port: port)
        try player.join()
        _ = try address(of: "Alice")
        try player.vanish()
        #expect(found("Alice") != nil)
        let other = try process.player("Bob", port: port)
        try other.join()
        _ = try address(of: "Bob")
        #expect(found("Alice") != nil)
    }

    @Test func `the listener's removal dismisses everybody`() throws {
        let player = try process.player("Alice", port: port)
        try player.join()
        _ = try address(of: "Alice")
        _ = try process.request(#"{"method":"router.remove","params":[1],"id":1}"#)
        try eventually("the BYE", seen: process.log) { try player.wasDismissed() }
        try eventually("its port to go") { found("Alice") == nil }
    }

    @Test(.enabled(if: !Rtpmidid.isReal, "the captured lines are compared with the double's"))
    func `patches are logged as captured`() throws {
        let drive = try DoubleDrive(controlPath: process.controlPath)
        _ = try drive.join("Alice iPad")
        _ = try drive.join("Bob Mac")
        let alice = try address(of: "Alice iPad")
        let bob = try address(of: "Bob Mac")
        try patcher.connect(alice, to: bob)
        try patcher.connect(bob, to: alice)
        func patches(_ lines: [String]) -> [String] {
            lines.filter { $0.contains("New ALSA connection") && ($0.contains("Bob Mac") || $0.contains("Alice iPad")) }
        }
        let expected = patches(Capture.lines(try Capture.bytes("26.01-basic.log")))
            .map { $0.replacing("midihub-5004", with: "hub-\(port)").replacing("128:", with: "\(alice.client):") }
        #expect(expected.count == 12)
        try eventually("the lines about both patches", seen: process.log) {
            patches(Capture.lines(process.logBytes)).count >= expected.count
        }
        expectSame(patches(Capture.lines(process.logBytes)), expected)
    }

    @Test func `the client and its ports are those of the real daemon`() throws {
        let player = try process.player("Alice", port: port)
        try player.join()
        _ = try address(of: "Alice")
        let clients = text(of: "/proc/asound/seq/clients")
        let mine = clients.components(separatedBy: "\nClient ").first { $0.contains("\"hub-\(port)\"") } ?? clients
        #expect(mine.contains("Port   0 : \"Announcements\" (RW--)\n    Connected From: 0:1\n"))
        #expect(mine.contains("Port   1 : \"Alice\" (RWe-)\n"))
        #expect(mine.contains("Pool size          : 2000"))
    }
}

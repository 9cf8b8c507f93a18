import Glibc
import Linux
import TestSupport
import Testing

/// A program behind rtpmidid, which has a session with each of two hubs that are a pair.
@Suite(.enabled(if: sequencerIsThere && Rtpmidid.isReal, "needs a sequencer and RTPMIDID"), .serialized)
struct PairTests {
    private let hubs: [HubUnderTest]
    private let piano: [NetworkPlayer]
    private let desk: [RealPlayer]

    init() throws {
        let ports = [freeUDPPortPair(), freeUDPPortPair()]
        hubs = try [0, 1].map { number in
            let file = """
                { rooms: { Main: { ports: [\(ports[number])] } }, address: "127.0.0.1", failover: {
                    with: "127.0.0.1:\(ports[1 - number])", secret: "correct horse battery staple",
                    role: "\(number == 0 ? "main" : "backup")", silence: 10000, lockout: 0 } }
                """
            let hub = try HubUnderTest(ports: [ports[number]], configuration: file, options: ["--engine", "embedded"])
            try hub.start()
            try hub.awaitEngines(up: 1)
            return hub
        }
        piano = ports.map { NetworkPlayer("Piano", port: $0) }
        // rtpmidid names a session by the ALSA ports at it, so both bear one name, as a program's port has at both gates.
        desk = try ports.map { try RealPlayer("Desk", rtpmidid: Rtpmidid.path(), port: $0) }
        // The piano does something only when it is asked.
        for one in desk { try one.join() }
        for one in piano { try one.join() }
    }

    private func failover(_ hub: Int) throws -> [String: Any] { try hubs[hub].get("/api/v1/failover").object() }
    private var speaker: Int? {
        get throws {
            switch try [0, 1].map({ try failover($0)["speaks"] as? Bool ?? false }) {
            case [true, false]: 0
            case [false, true]: 1
            default: nil
            }
        }
    }

    private func pumping(_ what: String, _ seen: @autoclosure () -> String = "", _ holds: () throws -> Bool) throws {
        try eventually(within: .seconds(180), what, seen: seen()) {
            for one in piano { _ = try one.received() }
            return try holds()
        }
    }

    private func awaitPair() throws {
        try pumping("a pair, and both on both", "\(String(describing: try? [0, 1].map(failover)))") {
            guard try speaker != nil else { return false }
            return try [0, 1].allSatisfy {
                let participants = try failover($0)["participants"] as? [[String: Any]] ?? []
                return participants.count == 2 && participants.allSatisfy { $0["on"] as? String == "both" }
            }
        }
    }

    @Test func `each note is heard once, through orders and kills, nothing hangs, and its own are heard once`() throws {
        var heard: [[UInt8]] = []
        func hear() throws { for one in desk { heard += try one.received() } }
        var notes: [[UInt8]] = []
        for round in 0..<6 {
            try awaitPair()
            let active = try #require(try speaker)
            for step in 0..<8 {
                if step == 4 {
                    if round % 2 == 0 {
                        #expect(try hubs[active].command("failover", "switch", "--force").code == 0)
                    } else {
                        let pid = try #require(hubs[active].enginePIDs().first)
                        kill(pid_t(pid), SIGKILL)
                    }
                }
                let note = UInt8(30 + round * 8 + step)
                notes.append([0x90, note, 100])
                for message in [[0x90, note, 100], [0x80, note, 64]] { for one in piano { try one.send(message) } }
            }
            try pumping("the round's last note, and its end", "\(heard.map { hex($0) })") {
                try hear()
                return heard.contains(notes.last!) && heard.contains([0x80, notes.last![1], 64])
            }
            try pumping("the other one speaks", "\(String(describing: try? [0, 1].map(failover)))") {
                try speaker == 1 - active
            }
        }
        try hear()
        let begun = heard.filter { $0[0] == 0x90 }
        #expect(Set(begun).count == begun.count, "\(begun.map { hex($0) })")
        // What a hub that is killed had told the other one of, and not sent any more, may be missing: one at most.
        #expect(begun.count >= notes.count - 3 && Set(begun).isSubset(of: Set(notes)), "\(begun.map { hex($0) })")
        for note in begun { #expect(heard.contains([0x80, note[1], 64]), "\(hex(note)) hangs") }

        try awaitPair()
        var back: [[UInt8]] = []
        for one in piano { _ = try one.received() }
        for one in desk { try one.send([0x91, 61, 99]) }
        try eventually(within: .seconds(60), "its note") {
            for one in piano { back += try one.received() }
            return back.contains([0x91, 61, 99])
        }
        for one in desk { try one.send([0x81, 61, 64]) }
        try eventually(within: .seconds(60), "its end") {
            for one in piano { back += try one.received() }
            return back.contains([0x81, 61, 64])
        }
        #expect(back.count { $0 == [0x91, 61, 99] } == 1)
    }
}

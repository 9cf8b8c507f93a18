import EngineProtocol
import Linux
import MIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Two engines that are a pair, and players with a session to each.
final class PairUnderTest {
    static let secret = "correct horse battery staple"
    let ports: (main: UInt16, backup: UInt16)
    private(set) var main: EngineUnderTest
    private(set) var backup: EngineUnderTest
    /// What each hub has given its engine.
    private(set) var plans: (main: EnginePlan, backup: EnginePlan)

    /// `moreRooms`: that other engine processes of each hub serve.
    init(
        silence: Int? = 2_000, moreRooms: Int = 0, secrets: (String, String) = (secret, secret),
        _ change: (_ main: inout EnginePlan, _ backup: inout EnginePlan) -> Void = { _, _ in }
    ) throws {
        ports = (freeUDPPortPair(), freeUDPPortPair())
        var one = Self.plan(ports.main, partner: ports.backup, isMain: true, secrets.0, silence, moreRooms)
        var other = Self.plan(ports.backup, partner: ports.main, isMain: false, secrets.1, silence, moreRooms)
        change(&one, &other)
        plans = (one, other)
        (main, backup) = (try EngineUnderTest(one), try EngineUnderTest(other))
    }

    /// A hub gives its engine another plan.
    func serve(atMain isMain: Bool, _ change: (inout EnginePlan) -> Void) throws {
        if isMain {
            change(&plans.main)
            try main.serve(plans.main)
        } else {
            change(&plans.backup)
            try backup.serve(plans.backup)
        }
    }

    private static func plan(
        _ port: UInt16, partner: UInt16, isMain: Bool, _ secret: String, _ silence: Int?, _ moreRooms: Int
    ) -> EnginePlan {
        var ports = ["room": port]
        for number in 0..<moreRooms { ports["A room whose name is as long as names may be, number \(number)"] = 1 }
        var plan = EngineUnderTest.plan(port: port)
        plan.failover = FailoverPlan(
            host: "127.0.0.1", port: partner, secret: secret, isMain: isMain, silence: silence, ports: ports,
            digest: "the same")
        return plan
    }

    /// They know each other, and one of them speaks.
    func agree() throws {
        try eventually("a pair", seen: seen) { try phases().sorted() == ["active", "standby"] }
    }

    /// Players who stand on both hubs, as both know.
    func players(_ names: [String]) throws -> [DoublePlayer] {
        let players = try names.map { try DoublePlayer($0, [ports.main, ports.backup]) }
        try pumping(players, "everybody on both hubs") { players.allSatisfy(\.isUp) }
        try pumping(players, "both hubs know of them", seen) {
            try [main, backup].allSatisfy { try $0.status().failover?.paired?.count == players.count }
        }
        return players
    }

    var seen: String {
        "\(((try? [main, backup].map { try $0.status().failover }) ?? []).map { String(describing: $0) })"
    }
    func phases() throws -> [String] { try [main, backup].map { "\(try $0.status().failover?.phase.text ?? "-")" } }
}

/// Waits for something while players answer what they are asked.
func pumping(
    _ players: [DoublePlayer], _ what: String, _ seen: @autoclosure () -> String = "", _ holds: () throws -> Bool
) throws {
    try eventually(what, seen: seen()) {
        for one in players { one.pump() }
        return try holds()
    }
}

extension HubRole.Phase { var text: String { "\(self)" } }

/// One who has a session with each of two hubs, as a Mac has, and cannot merge what they send: it hears all of it.
final class DoublePlayer {
    let sessions: [TestPlayer]
    init(_ name: String, _ ports: [UInt16]) throws {
        sessions = try ports.map { try TestPlayer(name, port: $0) }
    }
    func pump() { for one in sessions { one.pump() } }
    var isUp: Bool { sessions.allSatisfy(\.isUp) }
    /// What it plays goes to both.
    func play(_ message: Message) { for one in sessions { one.play(message) } }
    var heard: [[Message]] { sessions.map(\.heard) }
}

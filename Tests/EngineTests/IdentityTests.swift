import Client
import HubLink
import TestSupport
import Testing

/// What a controller is called where it is plugged in is known to all of the room.
struct IdentityTests {
    private let apc = LinkIdentity(client: "APC40", port: "APC40 MIDI 1")!
    private let launchpad = LinkIdentity(client: "Launchpad", port: "Launchpad MIDI 1")!

    private func identify(_ group: GroupUnderTest, _ identity: LinkIdentity?) throws {
        _ = try group.ask { $0.identify(identity) }
    }
    private func instruments(_ group: GroupUnderTest) throws -> [String] {
        try group.ask { $0.instruments.map { "\($0.identity.client) \($0.isHere ? "here" : "away")" } }
    }
    private func knows(_ group: GroupUnderTest, _ wanted: [String]) throws {
        try eventually("\(wanted)", seen: "\((try? instruments(group)) ?? [])") { try instruments(group) == wanted }
    }

    @Test func `it is told to who is there, on a change, and to who comes later`() throws {
        let engine = try EngineUnderTest()
        let player = try GroupUnderTest([engine], name: "Controller")
        let early = try GroupUnderTest([engine], name: "Early")
        try identify(player, apc)
        try knows(early, ["APC40 here"])
        let late = try GroupUnderTest([engine], name: "Late")
        try knows(late, ["APC40 here"])
        try identify(player, launchpad)
        try knows(early, ["Launchpad here"])
        try knows(late, ["Launchpad here"])
    }

    @Test func `it is kept when the controller is away, and one that comes again is the same`() throws {
        let engine = try EngineUnderTest()
        let player = try GroupUnderTest([engine], name: "Controller")
        let hearer = try GroupUnderTest([engine], name: "Hearer")
        try identify(player, apc)
        try knows(hearer, ["APC40 here"])
        player.leave()
        try knows(hearer, ["APC40 away"])
        let late = try GroupUnderTest([engine], name: "Late")
        try knows(late, ["APC40 away"])
        let again = try GroupUnderTest([engine], name: "Controller")
        try identify(again, apc)
        try knows(hearer, ["APC40 here"])
        try knows(late, ["APC40 here"])
    }

    @Test func `the rooms of several hubs are told`() throws {
        let (a, b) = (try EngineUnderTest(), try EngineUnderTest())
        let player = try GroupUnderTest([a, b], name: "Controller")
        try identify(player, apc)
        for engine in [a, b] {
            let hearer = try GroupUnderTest([engine], name: "Hearer")
            try knows(hearer, ["APC40 here"])
        }
    }

    @Test func `nobody can name another's instrument, and a flood of names keeps no note from anybody`() throws {
        let engine = try EngineUnderTest()
        let player = try GroupUnderTest([engine], name: "Controller")
        let hearer = try GroupUnderTest([engine], name: "Hearer")
        let (apc, launchpad) = (apc, launchpad)
        _ = try player.ask { group in
            group.hubs[0].sendLink(.identity(Origin(group.origin.rawValue &+ 1), launchpad))
            for number in 0..<500 {
                let identity = LinkIdentity(client: "Client \(number)", port: "port")!
                group.hubs[0].sendLink(.identity(group.origin, identity))
            }
        }
        player.send([[0x90, 60, 100]])
        try hearer.hears(["903c64"])
        try identify(player, apc)
        // Said again after a while, which it is worth waiting for.
        try knows(hearer, ["APC40 here"])
    }

    @Test func `what it is called last counts`() throws {
        let engine = try EngineUnderTest()
        let player = try GroupUnderTest([engine], name: "Controller")
        let hearer = try GroupUnderTest([engine], name: "Hearer")
        for number in 1...9 { try identify(player, LinkIdentity(client: "C\(number)", port: "p")!) }
        try identify(player, apc)
        try knows(hearer, ["APC40 here"])
    }
}

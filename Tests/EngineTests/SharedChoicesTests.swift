import EngineProtocol
import MIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// What people choose for the rooms of two hubs that are a pair: what is chosen at one counts at both.
struct SharedChoicesTests {
    private let on = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    private func choices(
        _ count: UInt64, epoch: UInt32 = 1, spoke: Bool = true, author: UInt32 = 1, _ blocks: [Block]
    ) -> RoomChoices {
        RoomChoices(stamp: Stamp(epoch: epoch, count: count, spoke: spoke, author: author), blocks: blocks)
    }
    private let block = Block(from: "One", to: "Two")

    /// What an engine tells its hub of what that does not know.
    private func unknown(_ engine: EngineUnderTest) throws -> RoomChoices? {
        try engine.status().failover?.choices?["room"]
    }
    private func agree(_ pair: PairUnderTest) throws {
        try eventually("the same at both", seen: pair.seen) {
            try [pair.main, pair.backup].allSatisfy { try $0.status().failover?.isAlike == true }
        }
    }

    @Test func `a block that is made at one hub counts at the other, whose hub is told until its plan has it`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let one = try pair.backup.player("One")
        let two = try pair.backup.player("Two", others: [one])
        let three = try pair.backup.player("Three", others: [one, two])
        try pumping([one, two, three], "they are known") {
            try pair.main.status().failover?.elsewhere?.count == 3
        }
        let chosen = choices(1, [block])
        try pair.serve(atMain: true) { $0.rooms[0].choices = chosen }
        try eventually("it is told", seen: pair.seen) { try unknown(pair.backup) == chosen }
        one.play(on)
        try pumping([one, two, three], "the note") { three.heard == [on] }
        // A plan that knows nothing of it undoes nothing.
        try pair.serve(atMain: false) { $0.rooms[0].maximum = 7 }
        #expect(try unknown(pair.backup) == chosen)
        one.play(off)
        try pumping([one, two, three], "its end") { three.heard == [on, off] }
        #expect(two.heard == [])
        try pair.serve(atMain: false) { $0.rooms[0].choices = chosen }
        #expect(try unknown(pair.backup) == nil && unknown(pair.main) == nil)
        try agree(pair)
        // And back again, from the other one.
        try pair.serve(atMain: false) { $0.rooms[0].choices = choices(2, []) }
        try eventually("it is lifted", seen: pair.seen) { try unknown(pair.main) == choices(2, []) }
        try agree(pair)
    }

    @Test func `focus and live controllers are chosen at both, where the configuration has them`() throws {
        func configure(_ plan: inout EnginePlan) {
            plan.rooms[0].focus = Focus(controllers: ["APC"])
            plan.rooms[0].inputs = [Input(name: "Keys", of: ["L", "R"], firstOnly: true)]
        }
        let pair = try PairUnderTest {
            configure(&$0)
            configure(&$1)
        }
        try pair.agree()
        var chosen = choices(1, [])
        (chosen.focus, chosen.inputs) = (.init("One"), ["Keys": .init("R")])
        try pair.serve(atMain: false) { $0.rooms[0].choices = chosen }
        try eventually("both", seen: pair.seen) { try unknown(pair.main) == chosen }
        try agree(pair)
    }

    @Test(arguments: [
        (1, true, 2, false), (2, false, 1, true),  // what was chosen later
        (1, true, 1, false), (1, false, 1, true),  // at once: at the hub that spoke
    ])
    func `as two hubs meet, and of two changes at once, the greater stamp counts at both`(
        mainCount: UInt64, mainSpoke: Bool, backupCount: UInt64, backupSpoke: Bool
    ) throws {
        let mains = choices(mainCount, spoke: mainSpoke, [block])
        let backups = choices(backupCount, spoke: backupSpoke, author: 2, [])
        let pair = try PairUnderTest { main, backup in
            main.rooms[0].choices = mains
            backup.rooms[0].choices = backups
        }
        let mainWins = mainCount == backupCount ? mainSpoke : mainCount > backupCount
        try eventually("the other one knows", seen: pair.seen) {
            try unknown(mainWins ? pair.backup : pair.main) == (mainWins ? mains : backups)
        }
        try agree(pair)
        #expect(try unknown(mainWins ? pair.main : pair.backup) == nil)
    }

    @Test func `as many blocks as a hub can have, with the longest names, are told`() throws {
        let name = String(repeating: "\u{1F3B9}", count: 250)
        let many = choices(1, (0..<1000).map { Block(from: "\(name)\($0)", to: "\(name)\($0)") })
        let pair = try PairUnderTest { main, _ in main.rooms[0].choices = many }
        try eventually("all of them") { try unknown(pair.backup) == many }
    }

    @Test func `what was chosen while the other hub was away is told when it is there`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        pair.backup.stop()
        let chosen = choices(1, [block])
        try pair.serve(atMain: true) { $0.rooms[0].choices = chosen }
        let back = try EngineUnderTest(pair.plans.backup)
        try eventually("it knows") { try unknown(back) == chosen }
    }

    @Test func `configurations that differ are told whatever was chosen`() throws {
        let pair = try PairUnderTest { main, _ in main.failover?.digest = "another" }
        try eventually("the difference", seen: pair.seen) {
            try [pair.main, pair.backup].allSatisfy { try $0.status().failover?.isAlike == false }
        }
    }

    @Test func `a panic at the hub that stands by ends what the one that speaks has begun`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let players = try pair.players(["Piano", "Desk"])
        players[0].play(on)
        try pumping(players, "the note", pair.seen) { players[1].heard == [[on], []] }
        _ = try pair.backup.panic()
        try pumping(players, "its end", pair.seen) { players[1].heard[0].contains(off) }
        #expect(players[1].heard[1] == [])
        // Notes that one participant is to end are ended by the hub that speaks to it.
        let desk = try #require(try pair.backup.status().participants.first { $0.name == "Desk" })
        let before = players[1].heard[0].count
        pair.backup.send(.member(id: desk.id, .notesOff(60...61)) { _ in })
        try pumping(players, "note-offs on all channels", pair.seen) { players[1].heard[0].count == before + 32 }
        #expect(players[1].heard[1] == [])
    }

    @Test func `stamps are in one order: epoch, count, who spoke, author`() {
        let all = [
            Stamp(epoch: 0, count: 9, spoke: true, author: 9), Stamp(epoch: 1, count: 1, spoke: false, author: 9),
            Stamp(epoch: 1, count: 1, spoke: true, author: 1), Stamp(epoch: 1, count: 1, spoke: true, author: 2),
            Stamp(epoch: 1, count: 2, spoke: false, author: 1),
        ]
        #expect(all.shuffled().sorted() == all)
        #expect(
            Stamp(after: all[4], epoch: 0, spoke: true, author: 3) == Stamp(epoch: 1, count: 3, spoke: true, author: 3))
        #expect(all[0].isNewer(than: nil) && !all[0].isNewer(than: all[0]))
    }
}

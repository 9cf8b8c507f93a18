import EngineProtocol
import Linux
import MIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// A note that is an order to switch two hubs.
struct NoteTriggerTests {
    private static let channel = Channel(truncating: 15)
    private let trigger = NoteTrigger(channel: 16, note: 127, above: 100, guardNote: 1)
    private let marker = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)

    private func on(_ note: UInt8, _ velocity: UInt8 = 101, channel: Channel = channel) -> Message {
        .noteOn(channel, note: DataByte(truncating: note), velocity: DataByte(truncating: velocity))
    }
    private func off(_ note: UInt8, channel: Channel = channel) -> Message {
        .noteOff(channel, note: DataByte(truncating: note), velocity: 64)
    }
    private let markerEnd = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    /// An engine whose partner is not there.
    private func engine(_ note: NoteTrigger?) throws -> (EngineUnderTest, EnginePlan) {
        var plan = EngineUnderTest.plan(port: freeUDPPortPair())
        plan.failover = FailoverPlan(
            host: "127.0.0.1", port: freeUDPPortPair(), secret: PairUnderTest.secret, isMain: true, silence: 2_000,
            ports: ["room": plan.rooms[0].ports[0]], note: note)
        let engine = try EngineUnderTest(plan)
        try settle(engine, .alone)
        return (engine, plan)
    }
    /// Until a slower copy of a note that has switched cannot be on its way any more.
    private func settle(_ engine: EngineUnderTest, _ phase: HubRole.Phase) throws {
        try eventually("it is \(phase), and has been for a while") {
            let pair = try engine.status().failover
            return pair?.phase == phase && SystemTime.unixMilliseconds > (pair?.since ?? .max - 300) + 300
        }
    }
    private func orders(_ engine: EngineUnderTest) -> Int {
        engine.all.count { if case .triggered = $0 { true } else { false } }
    }
    private func players(_ engine: EngineUnderTest) throws -> (TestPlayer, TestPlayer) {
        let one = try engine.player("One")
        return (one, try engine.player("Two", others: [one]))
    }
    private func order(
        _ engine: EngineUnderTest, _ player: TestPlayer, _ others: [TestPlayer], _ messages: [Message]
    ) throws {
        let before = orders(engine)
        player.play(messages)
        try pumping([player] + others, "the order") { orders(engine) > before }
    }

    @Test func `neither it nor its guard is heard, nor their ends, and who comes late is not told of them`() throws {
        let (engine, _) = try engine(trigger)
        let (one, two) = try players(engine)
        try order(engine, one, [two], [on(1, 5), on(127), .polyPressure(Self.channel, note: 127, pressure: 9)])
        let late = try engine.player("Late", others: [one, two])
        one.play([off(127), on(127, 50), off(127), off(1), marker])
        try pumping([one, two, late], "what follows") { two.heard.contains(marker) && late.heard.contains(marker) }
        #expect(two.heard == [marker] && late.heard == [marker])
        #expect(try engine.sounding().values.allSatisfy { $0.notes.allSatisfy { $0.channel == 1 } })
    }

    @Test func `it counts only while the same participant holds the guard, and only a hard stroke`() throws {
        let (engine, _) = try engine(trigger)
        let (one, two) = try players(engine)
        try order(engine, one, [two], [on(1), on(127), off(127), off(1)])
        let before = orders(engine)
        // Without the guard, with another's, and too soft.
        two.play([on(1)])
        one.play([on(127), off(127), on(1), on(127, 100), off(127), off(1), on(127), off(127), marker])
        try pumping([one, two], "what follows") { two.heard.contains(marker) }
        try order(engine, one, [two], [on(1), on(127), off(127), off(1)])
        #expect(orders(engine) == before + 1)
    }

    @Test
    func `a note that sounded before it became the order is ended, and it is an order no more when it is taken back`()
        throws
    {
        var (engine, plan) = try engine(nil)
        let (one, two) = try players(engine)
        one.play(on(127))
        try pumping([one, two], "the note") { two.heard == [on(127)] }
        plan.failover?.note = NoteTrigger(channel: 16, note: 127)
        try engine.serve(plan)
        one.play(off(127))
        try pumping([one, two], "its end") { two.heard == [on(127), off(127)] }
        try order(engine, one, [two], [on(127), off(127)])
        #expect(two.heard == [on(127), off(127)])
        plan.failover?.note = nil
        try engine.serve(plan)
        one.play(on(127))
        try pumping([one, two], "the note") { two.heard == [on(127), off(127), on(127)] }
    }

    @Test func `who speaks by link orders, too, and nobody hears it`() throws {
        let (engine, _) = try engine(NoteTrigger(channel: 16, note: 127))
        let hearer = try GroupUnderTest([engine], name: "Hearer")
        let player = try GroupUnderTest([engine], name: "Player")
        player.send([[0x9F, 127, 1], [0x8F, 127, 64]])
        try eventually("the order") { orders(engine) == 1 }
        player.send([[0x90, 60, 100]])
        try hearer.hears(["903c64"])
    }

    @Test func `of two hubs that both hear it the one that speaks gives the order, once`() throws {
        let note = NoteTrigger(channel: 16, note: 127)
        let pair = try PairUnderTest {
            $0.failover?.note = note
            $1.failover?.note = note
        }
        try pair.agree()
        let players = try pair.players(["Piano", "Desk"])
        try settle(pair.main, .active)
        for message in [on(127), off(127)] { players[0].play(message) }
        try pumping(players, "the order", pair.seen) { orders(pair.main) == 1 }
        players[0].play(marker)
        try pumping(players, "what follows", pair.seen) { players[1].heard[0].contains(marker) }
        // The other one goes on with the same music.
        #expect(try pair.main.switchHubs() == nil)
        try pumping(players, "the other one speaks", pair.seen) { try pair.phases() == ["standby", "active"] }
        players[0].play(markerEnd)
        try pumping(players, "its end", pair.seen) { players[1].heard[1].contains(markerEnd) }
        #expect(players[1].heard == [[marker], [markerEnd]])
        #expect(orders(pair.backup) == 0)
    }

    @Test func `the next note that is played is learned, and not heard from then on`() throws {
        let (engine, plan) = try engine(trigger)
        let (one, two) = try players(engine)
        engine.send(.learn {})
        _ = try engine.status()
        one.play([on(40, 90, channel: Channel(truncating: 3)), off(40, channel: Channel(truncating: 3)), marker])
        try pumping([one, two], "what follows") { two.heard.contains(marker) }
        let learned = try awaited("what was learned") {
            engine.all.lazy.compactMap { if case .learned(_, let note) = $0 { note } else { nil } }.first
        }
        #expect(learned == NoteTrigger(channel: 4, note: 40, above: 89, guardNote: 1) && two.heard == [marker])
        // The hub's plan has it: it goes before the configuration's, until that is another one.
        var next = plan
        next.failover?.learned = LearnedNote(
            learned, before: trigger, stamp: .init(epoch: 1, count: 1, spoke: true, author: 1))
        #expect(next.failover?.trigger == learned)
        next.failover?.note = nil
        #expect(next.failover?.trigger == nil)
    }

    @Test func `what no note is orders nothing`() {
        for wrong in [
            NoteTrigger(channel: 0, note: 1), NoteTrigger(channel: 17, note: 1), NoteTrigger(channel: 1, note: 128),
            NoteTrigger(channel: 1, note: -1), NoteTrigger(channel: 1, note: 1, above: 127),
            NoteTrigger(channel: 1, note: 1, guardNote: 128),
        ] { #expect(SwitchingNote(wrong) == nil) }
        #expect(SwitchingNote(trigger)?.plan == trigger)
    }
}

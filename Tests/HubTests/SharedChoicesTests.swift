import Client
import EngineProtocol
import Linux
import Rooms
import Store
import TestSupport
import TestTraits
import Testing

@testable import Hub

/// Of two hubs that are a pair: what is chosen at one is kept by both.
@Suite(.ownThread) struct HubSharedChoicesTests {
    private static let secret = "correct horse battery staple"
    private let block = Block(from: "Piano", to: "Desk")

    private func stage(in earlier: HubStage? = nil, note: NoteTrigger? = nil) throws -> HubStage {
        let configure: (inout Configuration) -> Void = { configuration in
            var failover = ConfigurationFailover(with: .init(name: "192.0.2.9"), secret: Self.secret, role: .main)
            failover.note = note
            configuration.failover = failover
            configuration.rooms[0].focus = Focus(controllers: ["APC"])
            configuration.rooms[0].inputs = [Input(name: "Keys", of: ["L", "R"], firstOnly: true)]
        }
        return try earlier.map { try HubStage(in: $0.die(), configure) } ?? HubStage(configure)
    }

    private func status(_ phase: HubRole.Phase = .active) -> EngineStatus.Failover {
        var status = EngineStatus.Failover(
            phase: phase, epoch: 3, since: 0, limit: 150, isConnected: true, isLinked: true)
        status.isAlike = true
        return status
    }
    private func tell(_ stage: HubStage, _ status: EngineStatus.Failover, onBoth: Set<Int64> = []) {
        stage.carrier.pairs = [PairReport(status: status, onBoth: onBoth)]
        stage.hub.lookAtPair(at: .now.advanced(by: .seconds(-10)))
    }
    private func choices(_ stage: HubStage) -> RoomChoices? { stage.carrier.plans.last?.rooms[0].choices }

    @Test func `each choice gets a greater stamp, which is kept over restarts`() throws {
        let stage = try stage()
        #expect(choices(stage)?.stamp == nil)
        tell(stage, status())
        _ = try stage.obey(.block(room: "Main", block, isBlocked: true))
        let first = try #require(choices(stage)?.stamp)
        #expect(first.epoch == 3 && first.count == 1 && first.spoke && first.author == stage.hub.author)
        stage.engine.join("Piano")
        _ = try stage.obey(.focus(room: "Main", "Piano"))
        let second = try #require(choices(stage)?.stamp)
        #expect(second.count == 2 && stage.carrier.plans.last?.rooms[1].stamp == nil)
        let next = try self.stage(in: stage)
        #expect(next.carrier.plans[0].rooms[0].choices == choices(stage) && second > first)
    }

    @Test func `what was chosen at the other hub is obeyed, kept and on record`() throws {
        let stage = try stage()
        var status = status()
        var told = RoomChoices(
            stamp: Stamp(epoch: 3, count: 7, spoke: false, author: 9), blocks: [block], focus: .init("Piano"),
            inputs: ["Keys": .init("R")])
        status.choices = ["Main": told, "Cellar": told]
        tell(stage, status)
        #expect(choices(stage) == told)
        #expect(
            try stage.texts(.block, .focus, .input) == [
                "Desk no longer hears Piano in room Main, at the other hub",
                "Piano has the focus in room Main, at the other hub",
                "R is live in input Keys of room Main, at the other hub",
            ])
        // Told again, or something older, it is nothing.
        let count = stage.carrier.plans.count
        tell(stage, status)
        var older = told
        older.stamp?.count = 6
        older.blocks = []
        status.choices = ["Main": older]
        tell(stage, status)
        #expect(stage.carrier.plans.count == count)
        let next = try self.stage(in: stage)
        #expect(next.carrier.plans[0].rooms[0].choices == told)
        // And taken back.
        told.stamp?.count = 8
        (told.blocks, told.focus, told.inputs) = ([], nil, nil)
        status.choices = ["Main": told]
        tell(next, status)
        #expect(choices(next) == told)
        #expect(
            try next.texts(.unblock, .focus).suffix(2) == [
                "Desk may hear Piano in room Main, at the other hub",
                "Nobody has the focus in room Main any more, at the other hub",
            ])
        // What is ordered here then goes before it.
        _ = try next.obey(.block(room: "Main", block, isBlocked: true))
        #expect(choices(next)?.stamp?.count == 9)
    }

    @Test func `what a hub of before the stamps has left counts as chosen`() throws {
        let stage = try stage()
        _ = try stage.obey(.block(room: "Main", block, isBlocked: true))
        stage.hub.context.recorder.add(.setting(key: Choices.key, value: nil))
        let next = try self.stage(in: stage)
        #expect(next.carrier.plans[0].rooms[0].stamp?.count == 1 && next.carrier.plans[0].rooms[1].stamp == nil)
    }

    @Test func `of two hubs the one that speaks takes the focus from who has left both`() throws {
        let stage = try stage()
        let piano = stage.engine.join("Piano")
        tell(stage, status())
        _ = try stage.obey(.focus(room: "Main", "Piano"))
        var elsewhere = status()
        elsewhere.elsewhere = [
            .init(
                id: 4, name: "Piano", room: "Main", portIndex: 0, host: "192.0.2.1", ssrc: 1, origin: 1, number: 1,
                isLinked: false, since: 0)
        ]
        tell(stage, elsewhere)
        stage.engine.leave(piano, .left("left"))
        stage.hub.judgeMissing("Piano", in: "Main")
        #expect(choices(stage)?.focus?.member == "Piano", "it is at the other hub")
        tell(stage, status(.standby))
        stage.hub.judgeMissing("Piano", in: "Main")
        #expect(choices(stage)?.focus?.member == "Piano", "the other hub sees to it")
        tell(stage, status())
        stage.hub.judgeMissing("Piano", in: "Main")
        #expect(choices(stage)?.focus == nil)
    }

    // MARK: Pairs by hand

    private func withTwins() throws -> (HubStage, Int64) {
        let stage = try stage()
        stage.engine.join("Piano")
        stage.carrier.seats["Piano"] = .init(name: "Piano", host: "192.0.2.1", ssrc: 1)
        var status = status()
        status.elsewhere = ["Main", "Duets"].enumerated().map { index, room in
            .init(
                id: UInt64(4 + index), name: "Pianoforte", room: room, portIndex: 0, host: "192.0.2.2", ssrc: 2,
                origin: 1,
                number: 1, isLinked: false, since: 0)
        }
        tell(stage, status)
        return (stage, try #require(stage.publish().participants.first?.id))
    }

    @Test func `two sessions are paired by hand, kept, and parted again`() throws {
        let (stage, id) = try withTwins()
        let members = try #require(stage.publish().failover?.participants)
        #expect(members.map(\.id) == [id, 4, 5] && members.map(\.on) == [.this, .partner, .partner])
        #expect(
            try stage.obey(.pair(id, with: 4)) == .done("Piano is the same as Pianoforte at the other hub."))
        let pairing = Pairing(
            main: .init(name: "Piano", host: "192.0.2.1", ssrc: 1),
            backup: .init(name: "Pianoforte", host: "192.0.2.2", ssrc: 2))
        #expect(choices(stage)?.pairings == [pairing] && choices(stage)?.stamp?.count == 1)
        _ = try stage.obey(.pair(id, with: 4))
        #expect(choices(stage)?.pairings == [pairing])
        let next = try self.stage(in: stage)
        #expect(next.carrier.plans[0].rooms[0].pairings == [pairing])
        next.engine.join("Piano")
        next.carrier.seats["Piano"] = .init(name: "Piano", host: "192.0.2.1", ssrc: 77)
        let again = try #require(next.publish().participants.first?.id)
        #expect(try next.obey(.unpair(again)) == .done("Piano is no longer paired by hand."))
        #expect(choices(next)?.pairings == nil)
        #expect(try next.obey(.unpair(again)) == .conflict("Piano was not paired by hand."))
    }

    @Test func `who cannot be paired is refused with the reason`() throws {
        let (stage, id) = try withTwins()
        #expect(try stage.obey(.pair(id + 1, with: 4)).outcome == .notFound)
        #expect(
            try stage.obey(.pair(id, with: 9)) == .notFound("There is no participant 9 at the other hub alone."))
        #expect(try stage.obey(.pair(id, with: 5)) == .conflict("The two are in different rooms."))
        tell(stage, status(), onBoth: [id])
        #expect(try stage.obey(.pair(id, with: 4)) == .conflict("Piano stands on both hubs already."))
        #expect(choices(stage)?.pairings == nil)
    }

    // MARK: The note

    @Test func `the note passes the same gate as each order, and an old one is none`() throws {
        let stage = try stage(note: NoteTrigger(channel: 16, note: 127))
        #expect(stage.carrier.plans[0].failover?.trigger == NoteTrigger(channel: 16, note: 127))
        stage.hub.context.triggered("Pad", .now)
        #expect(
            try stage.texts(.pairOrder).last
                == "An order by a note: Not done: the engine does not tell of the other hub yet. Force goes over that.")
        tell(stage, status())
        stage.hub.context.triggered("Pad", .now.advanced(by: .seconds(-5)))
        #expect(stage.carrier.switches == [])
        stage.edit { $0.failover?.settings.confirm = true }
        _ = try stage.obey(.reload)
        stage.hub.context.triggered("Pad", .now)
        #expect(stage.carrier.switches == [])
        stage.hub.context.triggered("Pad", .now)
        #expect(stage.carrier.switches == ["order"])
        #expect(try stage.texts(.pairOrder).last == "The other hub is to speak, by a note of Pad")
        stage.hub.context.triggered("Pad", .now)
        #expect(
            try stage.texts(.pairOrder).last
                == "An order by a note: Not done: the last switch was less than 5 s ago. Force goes over that.")
        #expect(stage.carrier.switches == ["order"])
    }

    @Test func `a note is learned, shown, kept and told to the other hub, until the configuration has another`() throws
    {
        let stage = try stage()
        let answer = stage.tell(.failover(.learn, force: false))
        try stage.loop.run(until: "the question") { stage.carrier.learnings == 1 }
        let note = NoteTrigger(channel: 16, note: 40, above: 9, guardNote: 1)
        stage.hub.context.learned("Pad", note)
        try stage.loop.run(until: "the answer") { answer.withLock { $0 != nil } }
        let text =
            "Note 40 on channel 16 struck harder than 9, while note 1 is held, is an order to switch, and nobody hears it."
        #expect(answer.withLock { $0 } == .done("\(text) Pad has played it."))
        #expect(stage.carrier.plans.last?.failover?.trigger == note)
        let view = try #require(stage.publish().failover?.settings)
        #expect(view.note == note && view.learned == true && view.consequences.last == text)
        // Nobody has asked for another.
        stage.hub.context.learned("Pad", NoteTrigger(channel: 1, note: 1))
        #expect(stage.carrier.plans.last?.failover?.trigger == note)
        let next = try self.stage(in: stage)
        #expect(next.carrier.plans[0].failover?.trigger == note)
        // One that was learned at the other hub later goes before it.
        var status = status()
        let later = NoteTrigger(channel: 2, note: 2)
        status.learned = LearnedNote(later, before: nil, stamp: .init(epoch: 3, count: 5, spoke: true, author: 9))
        tell(next, status)
        #expect(next.carrier.plans.last?.failover?.trigger == later)
        let written = NoteTrigger(channel: 3, note: 3)
        next.edit { $0.failover?.note = written }
        _ = try next.obey(.reload)
        #expect(next.carrier.plans.last?.failover?.trigger == written)
    }

    @Test func `where the engine does not listen for a note, or somebody else asks, that is said`() throws {
        let stage = try stage()
        stage.carrier.learningFailure = "it is too old"
        #expect(
            try stage.obey(.failover(.learn, force: false))
                == .unavailable("The engine does not listen for a note: it is too old."))
        stage.carrier.learningFailure = nil
        let first = stage.tell(.failover(.learn, force: false))
        let second = stage.tell(.failover(.learn, force: false))
        try stage.loop.run(until: "the first answer") { first.withLock { $0 != nil } }
        #expect(first.withLock { $0?.outcome } == .conflict && second.withLock { $0 } == nil)
    }
}

import EngineProtocol
import Linux
import Rooms
import Store
import Synchronization
import TestSupport
import TestTraits
import Testing

@testable import Hub

/// Every command, against a hub whose carrier is the test's.
@Suite(.ownThread) struct HubCommandTests {
    private let key = PianoKey(room: "Main", player: "a")
    private let block = Block(from: "Piano", to: "Drums")

    @Test(arguments: [
        Command.panic(room: "Cellar", all: false), .block(room: "Cellar", Block(from: "a", to: "b"), isBlocked: true),
        .piano(PianoKey(room: "Cellar", player: "a"), []), .leavePiano(PianoKey(room: "Cellar", player: "a")),
        .echo(room: "Cellar", seconds: 5), .endEcho(room: "Cellar"),
    ])
    func `a room that there is not is said, and nobody is told anything`(command: Command) throws {
        let stage = try HubStage()
        #expect(try stage.obey(command) == .notFound("There is no room \"Cellar\"."))
        #expect(stage.carrier.plans.count == 1 && stage.carrier.panics.isEmpty)
    }

    // MARK: Reload

    @Test func `a configuration that is read again is followed, and what changes is told`() throws {
        let stage = try HubStage()
        stage.edit { $0.rooms[0].policy = .all }
        let reply = try stage.obey(.reload)
        #expect(reply == .done("Configuration read again: room Main is now all."))
        #expect(stage.carrier.plans.map { $0.rooms[0].policy } == [.auto, .all])
        #expect(stage.publish().rooms.map(\.policy) == ["all", "pair"])
        let told = try stage.events().last
        #expect(told?.kind == .reload && told?.address == "192.0.2.7")
        #expect(told?.text == "Configuration read again: room Main is now all, by somebody with the token.")
    }

    @Test func `a configuration that is wrong changes nothing`() throws {
        let stage = try HubStage()
        stage.spoilConfiguration()
        #expect(try stage.obey(.reload) == .invalid("The new configuration is not used: line 1: nonsense"))
        #expect(stage.carrier.plans.count == 1)
        #expect(
            try stage.texts(.reloadFailed) == [
                "The new configuration is not used: line 1: nonsense (asked by somebody with the token)"
            ])
    }

    @Test func `what the carrier of now cannot do is not taken from a new configuration`() throws {
        let stage = try HubStage(kind: .rtpmidid)
        stage.edit { $0.maximumPerAddress = 3 }
        let reply = try stage.obey(.reload)
        #expect(reply.outcome == .invalid && reply.text.contains("cannot honour maximumPerAddress"))
        #expect(stage.hub.configuration.maximumPerAddress == nil && stage.carrier.plans.count == 1)
    }

    // MARK: One participant

    @Test(arguments: [
        (MemberCommand.kick, EventKind.kick, "was shown the door by somebody with the token"),
        (.unmute, .unmute, "is no longer muted, by somebody with the token"),
        (.release, .release, "was released: what it held was ended at those who hear it, by somebody with the token"),
        (.notesOff(60...61), .notesOff, "was sent note-offs for notes 60 to 61 by somebody with the token"),
    ])
    func `what is told of a participant reaches its engine, and is on record with who did it`(
        command: MemberCommand, kind: EventKind, text: String
    ) throws {
        let stage = try HubStage()
        stage.engine.join("Piano")
        let drums = stage.engine.join("Drums").visit.id
        #expect(try stage.obey(.member(drums, command)) == .done("Drums \(text)."))
        #expect(stage.engine.commands == ["\(command) \(drums)"])
        let told = try stage.events().last
        #expect(told?.kind == kind && told?.text == "Drums \(text)" && told?.severity == .warning)
        #expect(told?.participant == "Drums" && told?.room == "Main" && told?.engine == "fake")
        #expect(told?.address == "192.0.2.7")
    }

    @Test(arguments: [MemberCommand.kick, .unmute, .release, .notesOff(0...127)])
    func `where there is no such participant that is said`(command: MemberCommand) throws {
        let stage = try HubStage()
        #expect(try stage.obey(.member(77, command)) == .notFound("There is no participant 77."))
    }

    @Test func `what could not be done is not on record`() throws {
        let stage = try HubStage()
        let piano = stage.engine.join("Piano").visit.id
        stage.engine.failure = .unavailable("The engine does not answer.")
        #expect(try stage.obey(.member(piano, .kick)) == .unavailable("The engine does not answer."))
        #expect(try stage.texts(.kick).isEmpty)
    }

    @Test func `over the hub's own socket it was the command line, which has no address`() throws {
        let stage = try HubStage()
        let piano = stage.engine.join("Piano").visit.id
        let reply = try stage.obey(.member(piano, .unmute), by: Author(address: nil))
        #expect(reply.text == "Piano is no longer muted, by the command line.")
        #expect(try stage.events().last?.address == nil)
    }

    // MARK: Panic

    @Test(
        arguments: [
            (room: nil, all: false, told: "all rooms", text: "Panic in all rooms"),
            (room: "Main", all: false, told: "Main", text: "Panic in room Main"),
            (room: "Main", all: true, told: "Main, every note", text: "Panic, every note, in room Main"),
        ] as [(room: String?, all: Bool, told: String, text: String)])
    func `a panic reaches the carrier, and what it ended is replied`(
        order: (room: String?, all: Bool, told: String, text: String)
    ) throws {
        let stage = try HubStage()
        let reply = try stage.obey(.panic(room: order.room, all: order.all))
        #expect(reply == .done("Silenced 2 participants; 1 note was sounding."))
        #expect(stage.carrier.panics == [order.told])
        let told = try stage.events().last
        #expect(told?.text == "\(order.text), by somebody with the token" && told?.room == order.room)
        #expect(told?.kind == .panic && told?.severity == .warning)
    }

    @Test func `a panic that failed is said`() throws {
        let stage = try HubStage()
        stage.carrier.outcome = .failed("The engine does not answer.")
        #expect(try stage.obey(.panic(room: nil, all: false)) == .unavailable("The engine does not answer."))
    }

    // MARK: Blocks

    @Test func `a block is in the plan until it is lifted, and each change is on record once`() throws {
        let stage = try HubStage()
        let wires = "Drums no longer hears Piano in room Main"
        #expect(try stage.obey(.block(room: "Main", block, isBlocked: true)) == .done("\(wires)."))
        #expect(
            try stage.obey(.block(room: "Main", block, isBlocked: true)) == .done("\(wires): it was so before."))
        #expect(
            try stage.obey(.block(room: "Main", block, isBlocked: false)).text == "Drums may hear Piano in room Main.")
        #expect(stage.carrier.plans.map { $0.rooms[0].blocks } == [[], [block], []])
        #expect(
            try stage.texts(.block, .unblock) == [
                "\(wires), by somebody with the token", "Drums may hear Piano in room Main, by somebody with the token",
            ])
    }

    @Test func `a block shows on the page, and who is cut by it`() throws {
        let stage = try HubStage()
        for name in ["Piano", "Drums"] { stage.engine.join(name) }
        _ = try stage.obey(.block(room: "Main", block, isBlocked: true))
        #expect(stage.publish().pairs.map(\.reason) == ["blocked", nil])
        _ = try stage.obey(.block(room: "Main", block, isBlocked: false))
        #expect(stage.publish().pairs.map(\.reason) == [nil, nil])
    }

    @Test func `the next hub knows the blocks`() throws {
        let first = try HubStage()
        _ = try first.obey(.block(room: "Main", block, isBlocked: true))
        let next = try HubStage(in: first.die())
        #expect(next.carrier.plans.map { $0.rooms[0].blocks } == [[block]])
    }

    @Test func `blocks are handed over in an order of their own`() throws {
        let stage = try HubStage()
        for name in ["c", "a", "b"] {
            _ = try stage.obey(.block(room: "Main", Block(from: name, to: "x"), isBlocked: true))
        }
        #expect(stage.carrier.plans.last?.rooms[0].blocks.map(\.from) == ["a", "b", "c"])
    }

    @Test func `there are at most a thousand blocks, and one that is there already is none more`() throws {
        let stage = try HubStage()
        for number in 0..<1000 { stage.hub.blocks["Main", default: []].insert(Block(from: "\(number)", to: "x")) }
        let reply = try stage.obey(.block(room: "Main", block, isBlocked: true))
        #expect(reply == .conflict("There are 1000 blocks already: lift one first."))
        let known = Block(from: "7", to: "x")
        #expect(try stage.obey(.block(room: "Main", known, isBlocked: true)).outcome == .done)
    }

    @Test func `a block that the engine does not follow yet is kept, and that is said`() throws {
        let stage = try HubStage()
        stage.carrier.refusal = "the plan cannot be written"
        let reply = try stage.obey(.block(room: "Main", block, isBlocked: true))
        #expect(
            reply == .unavailable("It is kept, but the engine does not follow it yet: the plan cannot be written"))
        #expect(stage.hub.blocks["Main"] == [block])
    }

    // MARK: Echo

    @Test func `an echo is in the plan and on the page until it ends, and is told once`() throws {
        let stage = try HubStage()
        let on = try stage.obey(.echo(room: "Main", seconds: 600))
        #expect(on == .done("What each plays in room Main comes back to them."))
        _ = try stage.obey(.echo(room: "Main", seconds: 300))
        let shown = stage.publish().participants
        #expect(shown.count == 1 && shown[0].echo == true && shown[0].room == "Main" && shown[0].until != nil)
        #expect(try stage.obey(.endEcho(room: "Main")) == .done("There is no echo in room Main any more."))
        #expect(stage.carrier.plans.map { $0.rooms[0].echoes } == [nil, true, true, nil])
        #expect(stage.publish().participants.isEmpty)
        #expect(try stage.obey(.endEcho(room: "Main")) == .done("There was no echo in room Main."))
        #expect(
            try stage.texts(.echoOn, .echoOff) == [
                "Echo in room Main switched on by somebody with the token, for 10 min",
                "Echo in room Main is off: switched off by somebody with the token",
            ])
    }

    @Test func `who sends the echo back ends it`() throws {
        let stage = try HubStage()
        _ = try stage.obey(.echo(room: "Main", seconds: 600))
        stage.hub.context.echoReturned("Main", "Piano")
        #expect(stage.carrier.plans.last?.rooms[0].echoes == nil)
        let told = try stage.events().last
        #expect(told?.kind == .echoOff && told?.severity == .warning && told?.text.contains("Piano sends back") == true)
    }

    @Test func `who kicks the echo ends it`() throws {
        let stage = try HubStage()
        _ = try stage.obey(.echo(room: "Main", seconds: 600))
        let echo = stage.publish().participants[0].id
        #expect(try stage.obey(.member(echo, .kick)) == .done("There is no echo in room Main any more."))
        #expect(stage.engine.commands.isEmpty)
    }

    @Test func `its time ends it`() throws {
        let stage = try HubStage()
        _ = try stage.obey(.echo(room: "Main", seconds: 0))
        try stage.loop.run(until: "its end") { stage.carrier.plans.count == 3 }
        #expect(try stage.texts(.echoOff) == ["Echo in room Main is off: its time is over"])
    }

    @Test func `in a room where nobody both sends and hears there is no echo`() throws {
        let stage = try HubStage()
        let reply = try stage.obey(.echo(room: "Duets", seconds: 5))
        #expect(reply.outcome == .conflict && reply.text.contains("its policy is pair"))
        #expect(stage.carrier.plans.count == 1)
    }

    @Test func `a room that is gone takes its echo along`() throws {
        let stage = try HubStage()
        _ = try stage.obey(.echo(room: "Main", seconds: 600))
        stage.edit { $0.rooms[0].name = "Hall" }
        _ = try stage.obey(.reload)
        #expect(stage.publish().participants.isEmpty)
    }

    // MARK: Pianos

    @Test func `a piano that leaves before it is in the room leaves nobody without an answer`() throws {
        let stage = try HubStage { $0.address = "127.0.0.1" }
        let played = stage.tell(.piano(key, [Stroke(note: 60, velocity: 100)]))
        #expect(try stage.obey(.leavePiano(key)) == .done("The piano has left."))
        try stage.loop.run(until: "the answer to what was played") { played.withLock { $0 != nil } }
        #expect(played.withLock { $0?.outcome } == .unavailable)
        let told = try stage.events().last
        #expect(told?.kind == .piano && told?.address == "192.0.2.7")
        #expect(told?.text == "Web piano is played on the page in room Main, by somebody with the token")
        #expect(stage.hub.pianos.isEmpty)
    }

    @Test func `a piano that is out of its room is told of once`() throws {
        let stage = try HubStage { $0.address = "127.0.0.1" }
        _ = stage.tell(.piano(key, [Stroke(note: 60, velocity: 100)]))
        try stage.loop.run(until: "the piano") { stage.hub.pianos[key] != nil }
        let number = try #require(stage.hub.pianos[key]?.number)
        for _ in 0..<2 { stage.hub.pianoNews.send(.init(key: key, number: number, reason: "it was sent away")) }
        try stage.loop.run(until: "its end") { stage.hub.pianos.isEmpty }
        #expect(try stage.texts(.pianoLost) == ["Web piano is out of room Main: it was sent away"])
    }

    @Test func `there are at most eight pianos, each with a name of its own`() throws {
        let stage = try HubStage { $0.address = "127.0.0.1" }
        for number in 1...8 { _ = stage.tell(.piano(PianoKey(room: "Main", player: "p\(number)"), [])) }
        #expect(try stage.obey(.piano(key, [])) == .conflict("8 pianos are being played already."))
        #expect(Set(stage.hub.pianos.values.map(\.name)).count == 8)
        stage.hub.endPianos(wait: true)
    }

    // MARK: Engines, alerts and the hub

    @Test func `an engine is restarted by its name`() throws {
        let stage = try HubStage()
        #expect(try stage.obey(.restart(engine: "fake")) == .accepted("fake is being restarted."))
        #expect(try stage.obey(.restart(engine: "other")) == .notFound("There is no engine \"other\"."))
        #expect(try stage.texts(.restart) == ["fake is restarted by somebody with the token"])
    }

    @Test func `a test of the alerts says whether it was taken`() throws {
        let stage = try HubStage { $0.alerts = AlertSettings(url: "http://webhook/") }
        #expect(try stage.obey(.testAlert) == .done("The webhook took the test message."))
        #expect(stage.webhook.taken.withLock { $0.map(\.alert) } == [.test])
        stage.webhook.outcome.withLock { $0 = .answered(status: 404, body: []) }
        #expect(try stage.obey(.testAlert) == .unavailable("The webhook took no alert: it answered 404."))
        stage.edit { $0.alerts = nil }
        _ = try stage.obey(.reload)
        #expect(try stage.obey(.testAlert) == .notFound("No alerts are configured."))
    }

    @Test func `stop says goodbye, and the hub ends when every carrier has`() throws {
        let stage = try HubStage()
        let reply = stage.tell(.stop)
        try stage.loop.run(until: "the goodbye") { stage.carrier.isStopping }
        #expect(reply.withLock { $0 } == .accepted("The hub says goodbye and ends."))
        #expect(try stage.texts(.stopping) == ["The hub ends (midihub stop): goodbye to everyone"])
        #expect(!stage.observer.isStopped && !stage.carrier.isClosed)
        stage.carrier.end()
        try stage.loop.run(until: "its end") { stage.observer.isStopped }
        #expect(stage.carrier.isClosed)
    }

    // MARK: Questions

    @Test func `what sounds is asked once at a time, whoever asks, and told to all`() throws {
        let stage = try HubStage()
        let told = HubStage.Box()
        for _ in 0..<2 {
            stage.hub.requests.send(
                .sounding { all in
                    told.withLock { $0 = .done("\($0?.text ?? "")\(all.keys.sorted())") }
                })
        }
        try stage.loop.run(until: "the question") { stage.carrier.soundingQuestions.count == 1 }
        try stage.settle()
        #expect(stage.carrier.soundingQuestions.count == 1)
        stage.carrier.answerSounding([7: ActiveNotes(HeldState(), ControlState())])
        #expect(told.withLock { $0?.text } == "[7][7]")
    }
}

import EngineProtocol
import Linux
import Rooms
import Store
import Supervisor
import Synchronization
import TestSupport
import TestTraits
import Testing

@testable import Hub

/// What happens on a carrier and in the hub is recorded, told and shown.
@Suite(.ownThread) struct HubEventTests {
    // MARK: Every kind

    @Test func `every kind of event is on record as what it is, and shown to who looks on`() throws {
        let stage = try HubStage()
        let visit = stage.engine.join("Piano").visit
        for kind in EventKind.allCases { stage.hub.context.note(kind, visit: visit, "Piano: \(kind.rawValue)") }
        let events = try stage.events()
        for kind in EventKind.allCases {
            let one = try #require(events.last { $0.kind == kind }, "\(kind)")
            #expect(one.text == "Piano: \(kind.rawValue)" && one.participant == "Piano" && one.room == "Main")
        }
        #expect(stage.observer.events.map(\.id) == events.map(\.id))
        #expect(stage.observer.events.map(\.kind) == events.map(\.kind))
    }

    @Test func `a kind that a newer hub has recorded is unknown here, and all else of it is told`() async throws {
        let directory = TemporaryDirectory()
        // As the newer hub has left it: the schema is the same, the word is not.
        let word = Migration(
            name: "word",
            sql:
                "INSERT INTO event VALUES (NULL, 1, 1, 'tuned', 1, 'Main', NULL, 'Piano', NULL, 'Piano was tuned', NULL)"
        )
        let database = try Database(path: directory.file("hub.sqlite"), migrations: Migration.all + [word])
        let events = RestoredState.load(database).recentEvents
        #expect(events.map(\.kind) == [.unknown] && events[0].severity == .warning)
        #expect(events[0].text == "Piano was tuned" && events[0].participant == "Piano" && events[0].room == "Main")
        // Who asks for it by that word gets it.
        #expect(try await database.events(limit: 9, where: EventFilter(kinds: ["tuned"])).count == 1)
        #expect(try await database.events(limit: 9, where: EventFilter(kinds: ["unknown"])).isEmpty)
    }

    // MARK: Who is there

    @Test func `who joins is on record, told and shown`() throws {
        let stage = try HubStage()
        let one = stage.engine.join("Piano", address: "192.0.2.9:5004")
        let visits = try stage.visits()
        #expect(visits.map(\.name) == ["Piano"] && visits[0].left == nil && visits[0].address == "192.0.2.9:5004")
        #expect(try stage.texts(.joined) == ["Piano joined room Main"])
        let shown = stage.publish()
        #expect(shown.participants.map(\.id) == [one.visit.id] && shown.participants[0].state == .present)
        #expect(shown.rooms.map(\.participants) == [1, 0])
    }

    @Test(arguments: [
        (VisitEnd.left("left"), EventKind.left, EventRecord.Severity.info),
        (.lost("was lost: no sign of it for 60 s"), .lost, .warning),
    ])
    func `how a visit ended is on record with it, and told`(
        end: VisitEnd, kind: EventKind, severity: EventRecord.Severity
    ) throws {
        let stage = try HubStage()
        let one = stage.engine.join("Piano")
        stage.engine.leave(one, end)
        let text = kind == .left ? "left" : "was lost: no sign of it for 60 s"
        let visits = try stage.visits()
        #expect(visits.map(\.reason) == [text] && visits[0].left != nil)
        let told = try stage.events().last
        #expect(told?.kind == kind && told?.severity == severity && told?.text == "Piano \(text) (room Main)")
        #expect(stage.publish().participants.isEmpty)
    }

    @Test func `who falls silent is told of once, and once when it is back`() throws {
        let stage = try HubStage()
        let one = stage.engine.join("Piano")
        for seconds in Int64(25)...27 { stage.engine.attendance.fellSilent(one, for: seconds) }
        #expect(stage.publish().participants.map(\.state) == [.silent])
        for _ in 0..<2 { stage.engine.attendance.cameBack(one) }
        #expect(stage.publish().participants.map(\.state) == [.present])
        #expect(try stage.texts(.silent, .back) == ["Piano has been silent for 25 s", "Piano is back"])
    }

    @Test func `round trips are counted and on record, and the next hub goes on counting`() throws {
        let stage = try HubStage()
        let one = stage.engine.join("Piano")
        for micros in [4000, 8000] { stage.engine.attendance.measured(one, micros) }
        let before = try #require(stage.publish().participants.first?.rtt)
        #expect((before.last, before.average, before.min, before.max, before.samples) == (8, 6, 4, 8, 2))
        let next = try HubStage(in: stage.die())
        let again = next.engine.join("Piano")
        #expect(again.visit.id == one.visit.id)
        next.engine.attendance.measured(again, 12_000)
        let after = try #require(next.publish().participants.first?.rtt)
        #expect((after.last, after.average, after.min, after.max, after.samples) == (12, 8, 4, 12, 3))
        #expect(try next.texts(.joined).count == 1)
    }

    @Test func `who is moved by a reload stays the same visit`() throws {
        let stage = try HubStage()
        let one = stage.engine.join("Piano")
        stage.engine.attendance.moved(one, to: "Hall")
        #expect(try stage.visits().map(\.room) == ["Hall"])
        #expect(try stage.texts(.joined, .left).count == 1)
    }

    @Test func `names are shown where there is nothing to be seen of them`() throws {
        let stage = try HubStage()
        stage.engine.join("\u{200B}")
        #expect(try stage.texts(.joined) == ["(no name) joined room Main"])
    }

    @Test func `what participants play is told to who looks on, and asked for only then`() throws {
        let stage = try HubStage()
        let one = stage.engine.join("Piano")
        stage.hub.context.played(one.visit.id, 3)
        stage.observer.isWatched = true
        for _ in 0..<2 { stage.hub.context.played(one.visit.id, 3) }
        try stage.loop.run(until: "the notes") { !stage.observer.played.isEmpty }
        #expect(stage.observer.played == [[one.visit.id: 6]])
        try stage.loop.run(until: "the question") { stage.carrier.activityRequests > 0 }
    }

    // MARK: What hubs before have left

    @Test func `who left while no hub was there did so after the last one was alive`() throws {
        let first = try HubStage()
        let joined = first.engine.join("Piano").visit.joined
        let next = try HubStage(in: first.die())
        #expect(next.engine.attendance.openVisits.map(\.name) == ["Piano"])
        next.engine.attendance.abandonOpenVisits()
        let visit = try #require(try next.visits().first)
        let left = try #require(visit.left)
        #expect(left.earliest >= joined.earliest && left.earliest < left.latest)
        #expect(visit.reason == "left while the hub was away")
        #expect(try next.texts(.left) == ["Piano left while the hub was away (room Main)"])
    }

    @Test(arguments: [Configuration.EngineChoice.embedded, .rtpmidid])
    func `a visit on an engine that is not wanted any more, and is gone, does not stay open`(
        kind: Configuration.EngineChoice
    ) throws {
        let first = try HubStage(kind: kind)
        let context = first.hub.context
        // A process that is one too many now, a port that is not served any more, and an engine of an unknown kind.
        for engine in ["embedded-2", "rtpmidid-5006", "older"] {
            let visit = Visit(
                id: context.makeVisitID(), room: "Main", engine: engine, port: 5006, name: "Drums",
                joined: TimeRange(.now))
            context.recorder.add(.visit(visit))
        }
        try File.replace(first.state.plan("embedded-2"), with: Array("{}".utf8))
        try File.replace(first.state.record("rtpmidid-5006"), with: Array("{}".utf8))
        let next = try HubStage(in: first.die(), kind: kind, endsReally: true)
        let ended = "left: its engine ended while the hub was away"
        #expect(try next.visits().map(\.reason) == [ended, ended, ended])
        #expect(try next.texts(.left) == Array(repeating: "Drums \(ended) (room Main)", count: 3))
    }

    @Test func `when an engine's process has ended nobody is on it, nor is anybody it was not asked about yet`() throws
    {
        let first = try HubStage()
        for name in ["Piano", "Drums"] { first.engine.join(name) }
        let next = try HubStage(in: first.die())
        next.engine.join("Piano")
        next.engine.receive(.exited(.code(0), expected: true))
        #expect(try next.visits().map(\.reason) == ["left: the engine ended", "left: the engine ended"])
        #expect(next.publish().participants.isEmpty)
    }

    // MARK: Engines

    @Test func `what becomes of an engine's process is told`() throws {
        let stage = try HubStage()
        let engine = stage.engine
        engine.receive(.adopted(pid: 7, how: "its record"))
        engine.run.lastWords = ["one", "two", "three", "four"]
        engine.receive(.exited(.code(3), expected: false))
        for _ in 0..<2 { engine.receive(.cannotStart(reason: "no program")) }
        engine.receive(.started(pid: 8))
        engine.receive(.exited(.code(0), expected: true))
        let events = try stage.events().dropFirst()
        #expect(events.map(\.kind) == [.adopted, .engineExited, .engineCannotStart, .engineStarted, .engineStopped])
        #expect(events.allSatisfy { $0.engine == "fake" })
        #expect(
            events.map(\.text) == [
                "fake, pid 7, adopted (found by its record)", "fake ended: exit code 3: two / three / four",
                "fake cannot start: no program", "fake started, pid 8", "fake stopped (exit code 0)",
            ])
    }

    @Test func `why an engine does not serve is shown with what can be done, and no more once it is started`() throws {
        let stage = try HubStage()
        stage.engine.run.fix = "install it"
        stage.engine.receive(.cannotStart(reason: "no program"))
        #expect(try stage.texts(.engineCannotStart) == ["fake cannot start: no program (fix: install it)"])
        let shown = stage.publish()
        #expect(shown.engines.map(\.reason) == Array(repeating: "no program", count: 3))
        #expect(shown.engines.map(\.fix) == Array(repeating: "install it", count: 3))
        #expect(shown.engines.map(\.port) == [5004, 5010, 5012] && !shown.health.ok)
        stage.engine.receive(.started(pid: 8))
        #expect(stage.publish().engines.allSatisfy { $0.reason == nil && $0.fix == nil && $0.restarts == 0 })
        stage.engine.receive(.started(pid: 9))
        #expect(stage.publish().engines.allSatisfy { $0.restarts == 1 })
    }

    @Test func `what is missing on the machine and what somebody should look at is shown`() throws {
        let stage = try HubStage()
        stage.carrier.carrierProblems = [.init(what: "rtpmidid is missing", fix: "install it")]
        stage.carrier.notices = ["Piano came on 5004, never on 5005"]
        let health = stage.publish().health
        #expect(health.problems.map(\.what).contains("rtpmidid is missing") && health.notices == stage.carrier.notices)
    }

    @Test func `the wires that the carrier has are shown, and who is cut for a feedback loop where it has as wanted`()
        throws
    {
        let stage = try HubStage()
        let (piano, drums) = (stage.engine.join("Piano").visit.id, stage.engine.join("Drums").visit.id)
        stage.carrier.loops = [piano]
        #expect(stage.publish().pairs.map(\.reason) == ["muted: feedback loop", nil])
        stage.carrier.loops = []
        stage.carrier.wires = [.init(from: drums, to: piano)]
        #expect(stage.publish().pairs.map(\.reason) == ["not connected yet", nil])
        #expect(stage.snapshot.wires.map(\.from) == [drums])
    }

    // MARK: The hub itself

    @Test func `a hub that begins ends what one with the other engine has left`() throws {
        let stage = try HubStage()
        #expect(stage.orphaned?.plans.map(\.rooms.count) == [0] && stage.carrier.plans.map(\.rooms.count) == [2])
        #expect(try stage.texts(.engineChosen) == ["The engine is embedded: as configured"])
        #expect(stage.observer.isStarted && stage.observer.snapshots > 0)
    }

    @Test func `a hub that leaves for the next one lets its engines go on`() throws {
        let stage = try HubStage()
        stage.engine.join("Piano")
        stage.hub.handle(signal: 12)  // SIGUSR2
        try stage.loop.run(until: "its end") { stage.observer.isStopped }
        #expect(!stage.carrier.isStopping && stage.carrier.isClosed)
        let next = try HubStage(in: stage.directory)
        #expect(try next.texts(.leftToNext) == ["The hub ends; its engines go on for the next one"])
        #expect(next.engine.attendance.openVisits.map(\.name) == ["Piano"])
    }

    @Test func `a hub that is to end waits for what the other kind has left`() throws {
        let stage = try HubStage()
        let orphaned = try #require(stage.orphaned)
        orphaned.begin(stage.hub.plan)
        stage.hub.handle(signal: 15)  // SIGTERM
        stage.carrier.end()
        try stage.settle()
        #expect(!stage.observer.isStopped)
        orphaned.end()
        try stage.loop.run(until: "its end") { stage.observer.isStopped }
    }

    @Test func `a database that is damaged is set aside, which is told, and the hub runs`() throws {
        let directory = TemporaryDirectory()
        let state = StateDirectory(directory.file("state"))
        try state.create()
        try File.replace(state.database, with: Array(repeating: 7, count: 20_000))
        let stage = try HubStage(in: directory)
        #expect(File.names(in: state.path).contains { $0.hasPrefix("hub.sqlite.damaged-") })
        #expect(try stage.texts(.store).contains { $0.contains("damaged") })
        #expect(stage.publish().store.state == .recording)
    }

    @Test func `a database that is begun anew is told who is here and what is blocked`() throws {
        let stage = try HubStage()
        stage.engine.join("Piano")
        _ = try stage.obey(.block(room: "Main", Block(from: "a", to: "b"), isBlocked: true))
        try stage.settle()
        File.remove(stage.state.database)
        stage.hub.context.recorder.check()
        try stage.loop.run(until: "another") { stage.engine.rerecordings == 1 }
        #expect(try stage.visits().map(\.name) == ["Piano"])
        let database = stage.hub.database()
        #expect(blocking { (try? await database?.blocks())?.count } == 1)
        #expect(try stage.texts(.store).last?.hasPrefix("Recording again.") == true)
    }

    // MARK: Alerts

    private func alerting() throws -> HubStage {
        try HubStage { configuration in
            var settings = AlertSettings(url: "http://webhook/")
            (settings.rtt, settings.loss, settings.disk, settings.patience) = (50, 0, 0, 1)
            configuration.alerts = settings
        }
    }
    private func taken(_ stage: HubStage) -> [String] {
        stage.webhook.taken.withLock { $0.map { "\($0.alert.rawValue) \($0.state.rawValue)" } }
    }

    @Test func `who is lost is told to the webhook, and that it is back; who says goodbye is not`() throws {
        let stage = try alerting()
        let (piano, drums) = (stage.engine.join("Piano"), stage.engine.join("Drums"))
        stage.engine.leave(drums, .left("left"))
        stage.engine.leave(piano, .lost("was lost: no sign of it for 60 s"))
        try stage.loop.run(until: "the alert") { !taken(stage).isEmpty }
        #expect(
            stage.webhook.taken.withLock { $0[0].text }
                == "MIDI Hub: Piano was lost: no sign of it for 60 s (room Main)")
        stage.engine.join("Piano")
        stage.hub.alerter.look(stage.publish())
        try stage.loop.run(until: "its end") { taken(stage).count == 2 }
        #expect(taken(stage) == ["participant-lost firing", "participant-lost resolved"])
    }

    @Test func `a figure over its limit is told when it has lasted, and asked for what goes on`() throws {
        let stage = try alerting()
        let piano = stage.engine.join("Piano")
        stage.engine.attendance.measured(piano, 80_000)
        let (now, shown) = (Timestamp.now.milliseconds, stage.publish())
        stage.hub.alerter.look(shown, now: now)
        #expect(stage.hub.alerter.state.told.isEmpty)
        stage.hub.alerter.look(shown, now: now + 1000)
        try stage.loop.run(until: "the alert") { taken(stage) == ["round-trip firing"] }
        let told = HubStage.Box()
        stage.hub.requests.send(.alerts { state in told.withLock { $0 = .done("\(state.told.map(\.alert))") } })
        try stage.loop.run(until: "what goes on") { told.withLock { $0 != nil } }
        #expect(told.withLock { $0?.text.contains("roundTrip") } == true)
    }

    @Test func `an alert that is not taken is tried again, and told once when it fails and once when it is taken`()
        throws
    {
        let stage = try alerting()
        stage.webhook.outcome.withLock { $0 = .failed("no answer in time") }
        stage.engine.leave(stage.engine.join("Piano"), .lost("was lost"))
        try stage.loop.run(until: "the failure") { stage.observer.events.contains { $0.kind == .alertFailed } }
        let now = Timestamp.now.milliseconds
        stage.webhook.outcome.withLock { $0 = .answered(status: 200, body: []) }
        // Later than any wait that it has come to meanwhile.
        stage.hub.alerter.look(stage.publish(), now: now + 600_000)
        try stage.loop.run(until: "it") { stage.observer.events.contains { $0.kind == .alertSent } }
        #expect(
            try stage.texts(.alertFailed, .alertSent) == [
                "The webhook took no alert: no answer in time. It is tried again and again",
                "The webhook takes alerts again",
            ])
        #expect(taken(stage) == ["participant-lost firing"])
    }

    @Test func `the next hub knows what has been told`() throws {
        let stage = try alerting()
        stage.engine.leave(stage.engine.join("Piano"), .lost("was lost"))
        try stage.loop.run(until: "the alert") { taken(stage) == ["participant-lost firing"] }
        let directory = try stage.die()
        let next = try HubStage(in: directory) { $0.alerts = AlertSettings(url: "http://webhook/") }
        #expect(next.hub.alerter.state.told.map(\.alert) == [.participantLost])
        next.engine.leave(next.engine.join("Piano"), .lost("was lost"))
        #expect(next.hub.alerter.state.waiting == 0)
    }
}

import EngineProtocol
import Glibc
import Linux
import Rooms
import Store
import TestSupport
import TestTraits
import Testing

@testable import Client
@testable import Hub

/// A hub that is locked for a show: what it obeys, what it keeps, and what it does at the unlock.
@Suite(.ownThread) struct ShowLockTests {
    private static let piano = PianoKey(room: "Main", player: "a")
    private static let block = Block(from: "Piano", to: "Drums")
    private static let insisting = Author(address: "192.0.2.7", insists: true)

    /// Whatever could change a room.
    private static let refused: [Command] = [
        .reload, .member(1, .kick), .member(1, .unmute), .block(room: "Main", block, isBlocked: true),
        .block(room: "Main", block, isBlocked: false), .piano(piano, []), .echo(room: "Main", seconds: 5),
        .endEcho(room: "Main"), .focus(room: "Main", "Piano"), .focus(room: "Main", nil),
        .choose(room: "Main", input: "Keys", "Left"), .choose(room: "Main", input: "Keys", nil),
        .connect(room: "Main", Initiator.Host(name: "192.0.2.9", port: 5004), name: "Desk"),
        .disconnect(room: "Main", name: "Desk"), .failover(.mute, force: false), .failover(.learn, force: false),
        .pair(1, with: 2), .unpair(1), .restart(engine: "fake"), .stop,
    ]
    private static let obeyed: [Command] = [
        .panic(room: nil, all: true), .member(1, .release), .member(1, .notesOff(0...127)), .leavePiano(piano),
        .testAlert, .lock(by: "Bert"), .putOffRestart, .failover(.switch, force: false),
        .failover(.unmute, force: false),
    ]

    private func locked(in directory: TemporaryDirectory = TemporaryDirectory()) throws -> HubStage {
        let stage = try HubStage(in: directory)
        #expect(try stage.obey(.lock(by: "Anna")).outcome == .done)
        return stage
    }

    @Test func `what could change a room is refused, with since when and by whom, and nothing of it is done`() throws {
        let stage = try locked()
        stage.engine.join("Piano")
        let since = Output.time(stage.hub.startedAt.milliseconds).dropFirst(11).prefix(3)
        for command in Self.refused {
            let reply = try stage.obey(command)
            #expect(reply.outcome == .locked, "\(command): \(reply.text)")
            #expect(reply.text.hasPrefix("The hub is locked since \(since)"), "\(reply.text)")
            #expect(reply.text.contains(" by Anna, and ") && reply.text.contains("--force"), "\(reply.text)")
        }
        #expect(stage.carrier.plans.count == 1 && stage.engine.commands.isEmpty && !stage.carrier.isStopping)
        #expect(try stage.texts(.forced, .kick, .block, .restart, .reload, .connect).isEmpty)
    }

    @Test func `forced, it is as if there were no lock, and on record`() throws {
        let stage = try locked()
        for (command, number) in zip(Self.refused, 1...) {
            let reply = try stage.obey(command, by: Self.insisting)
            #expect(reply.outcome != .locked, "\(command): \(reply.text)")
            #expect(try stage.texts(.forced).count == number, "\(command)")
        }
        let told = try stage.events().last { $0.kind == .forced }
        #expect(told?.text.hasPrefix("Forced by somebody with the token, though the hub is locked since ") ?? false)
        #expect(told?.severity == .warning && told?.address == "192.0.2.7")
        #expect(stage.publish().lock?.by == "Anna", "it stays locked")
    }

    @Test func `what only ends sound, or reaches nobody, is obeyed`() throws {
        let stage = try locked()
        for command in Self.obeyed {
            #expect(try stage.obey(command).outcome != .locked, "\(command)")
        }
        #expect(try stage.texts(.forced).isEmpty)
    }

    @Test func `without a lock everything is obeyed, and force means nothing`() throws {
        let stage = try HubStage()
        for command in Self.refused {
            #expect(try stage.obey(command, by: Self.insisting).outcome != .locked, "\(command)")
        }
        #expect(try stage.texts(.forced).isEmpty)
    }

    @Test func `who plays on the page already goes on`() throws {
        let stage = try HubStage()
        let played = stage.tell(.piano(Self.piano, [Stroke(note: 60, velocity: 100)]))
        _ = try stage.obey(.lock(by: nil))
        #expect(stage.hub.lockRule(of: .piano(Self.piano, [])) == .obeyed)
        #expect(stage.hub.lockRule(of: .piano(PianoKey(room: "Main", player: "b"), [])) != .obeyed)
        _ = try stage.obey(.leavePiano(Self.piano))
        try stage.loop.run(until: "an answer to who played") { played.withLock { $0 != nil } }
    }

    @Test func `SIGHUP, which would read the configuration again, is refused`() throws {
        let stage = try locked()
        stage.edit { $0.rooms[0].policy = .all }
        stage.hub.handle(signal: SIGHUP)
        #expect(stage.carrier.plans.count == 1)
        let told = try stage.events().last
        #expect(told?.kind == .reloadFailed && told?.text.hasPrefix("SIGHUP: The hub is locked since ") ?? false)
    }

    // MARK: Locking

    @Test func `since when and by whom is shown and on record, and a second lock changes nothing`() throws {
        let stage = try locked()
        let lock = try #require(stage.publish().lock)
        #expect(lock.by == "Anna" && lock.since >= stage.hub.startedAt.milliseconds && lock.putOff.isEmpty)
        #expect(try stage.obey(.lock(by: "Bert")).text.hasSuffix(" by Anna: it was so before."))
        #expect(try stage.texts(.locked) == ["The hub is locked by Anna"])
        #expect(try stage.obey(.unlock) == .done("The hub is unlocked."))
        #expect(stage.snapshot.lock == nil && !File.exists(stage.state.showLock))
        #expect(try stage.texts(.unlocked).first?.hasPrefix("The hub is unlocked by somebody with the token") ?? false)
        #expect(try stage.obey(.unlock) == .done("The hub is not locked."))
    }

    @Test func `a name is 1 to 64 characters, and may be left out`() throws {
        let stage = try HubStage()
        for name in ["", String(repeating: "x", count: 65)] {
            #expect(try stage.obey(.lock(by: name)).outcome == .invalid)
        }
        #expect(stage.publish().lock == nil)
        #expect(try stage.obey(.lock(by: nil)).outcome == .done)
        #expect(stage.publish().lock?.by == "somebody with the token")
    }

    @Test func `it holds over restarts of the hub`() throws {
        let first = try locked()
        let lock = try #require(first.publish().lock)
        let second = try HubStage(in: first.die())
        #expect(second.publish().lock == lock)
        #expect(try second.obey(.reload).outcome == .locked)
    }

    @Test(arguments: ["", "{", #"{"v": 9, "since": 1, "by": "Anna"}"#, #"{"v": 1, "since": "x"}"#])
    func `a file that cannot be read is a lock all the same, and unlocking removes it`(text: String) throws {
        let directory = TemporaryDirectory()
        try StateDirectory(directory.file("state")).create()
        directory.write("state/lock.json", text)
        let stage = try HubStage(in: directory)
        #expect(try stage.obey(.reload).outcome == .locked)
        #expect(stage.snapshot.lock?.by.contains("cannot be read") ?? false)
        #expect(try stage.obey(.unlock).outcome == .done)
        #expect(try stage.obey(.reload).outcome == .done)
    }

    @Test func `a lock that cannot be kept is none`() throws {
        let stage = try HubStage()
        try File.makeDirectory("\(stage.state.showLock).new")
        #expect(try stage.obey(.lock(by: "Anna")).outcome == .unavailable)
        #expect(try stage.obey(.reload).outcome == .done)
    }

    @Test func `another day has its date`() {
        let day: Int64 = 86_400_000
        let now = Timestamp.now.milliseconds
        #expect(ShowLock.text(since: now, by: "A", now: now).count == "since 20:15 by A".count)
        #expect(ShowLock.text(since: now - 2 * day, by: "A", now: now).count == "since 2026-01-01 20:15 by A".count)
    }

    // MARK: What is put off

    @Test func `a restart is put off until the unlock, over restarts too, and then is begun once`() throws {
        let first = try locked()
        #expect(try first.obey(.putOffRestart).outcome == .done)
        #expect(try first.obey(.putOffRestart).outcome == .done)
        #expect(try first.texts(.putOff).count == 1 && first.restarts.count == 0)
        let second = try HubStage(in: first.die())
        #expect(second.publish().lock?.putOff == ["the hub gives way to the version that was installed"])
        #expect(try second.obey(.unlock).text.contains("gives way"))
        #expect(second.restarts.count == 1)
        #expect(try second.obey(.unlock) == .done("The hub is not locked."))
        #expect(second.restarts.count == 1)
    }

    @Test func `a hub that is of the new version already, since it was killed, is not restarted`() throws {
        let directory = TemporaryDirectory()
        try StateDirectory(directory.file("state")).create()
        directory.write("state/lock.json", #"{"v": 1, "since": 1, "by": "Anna", "outdated": "0.0.1"}"#)
        let stage = try HubStage(in: directory)
        #expect(stage.publish().lock?.putOff == [])
        #expect(try stage.obey(.unlock) == .done("The hub is unlocked."))
        #expect(stage.restarts.count == 0)
    }

    @Test func `a restart that fails is told`() throws {
        let stage = try locked()
        stage.restarts.program = "/bin/false"
        _ = try stage.obey(.putOffRestart)
        _ = try stage.obey(.unlock)
        try stage.loop.run(until: "the word that it failed") {
            stage.observer.events.contains { $0.kind == .restart && $0.text.contains("exit code 1") }
        }
    }

    @Test func `without a lock there is nothing to put off`() throws {
        let stage = try HubStage()
        #expect(try stage.obey(.putOffRestart).outcome == .conflict)
        #expect(stage.restarts.count == 0)
    }
}

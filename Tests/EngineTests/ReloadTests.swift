import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Another plan under people who play.
@Suite struct ReloadTests {
    private let second = freeUDPPortPair()
    private func note(_ number: UInt8) -> Message {
        .noteOn(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 100)
    }
    private func off(_ number: UInt8) -> Message {
        .noteOff(Channel(truncating: 0), note: DataByte(truncating: number), velocity: 64)
    }
    private func plan(_ rooms: (name: String, ports: [UInt16])..., policy: Policy = .all) -> EnginePlan {
        EnginePlan(
            rooms: rooms.map { .init(name: $0.name, displayName: "Hub", policy: policy, ports: $0.ports) },
            host: "127.0.0.1")
    }

    /// An engine whose one room has two ports, two players on the first and one on the second; each holds a note.
    private struct Stage {
        let engine: EngineUnderTest
        let one, two, far: TestPlayer
        var all: [TestPlayer] { [one, two, far] }
    }
    private func stage(policy: Policy = .all) throws -> Stage {
        let engine = try EngineUnderTest(policy: policy)
        engine.send(.serve(plan(("room", [engine.port, second]), policy: policy)))
        try eventually("the second port") {
            engine.all.contains { if case .listening(second) = $0 { true } else { false } }
        }
        let one = try engine.player("One")
        let two = try engine.player("Two", others: [one])
        let far = try TestPlayer("Far", port: second)
        try pumping([one, two, far], "the third") { far.isUp }
        one.play(note(60))
        two.play(note(62))
        far.play(note(64))
        return Stage(engine: engine, one: one, two: two, far: far)
    }
    /// With everybody to everybody.
    private func playing() throws -> Stage {
        let stage = try stage()
        try pumping(stage.all, "the notes") { stage.all.allSatisfy { $0.heard.count == 2 } }
        for player in stage.all { player.forget() }
        return stage
    }
    /// The participants in these rooms receive nothing unexpected: after a clock exchange nothing earlier can still
    /// arrive.
    private func hear(_ stage: Stage, _ expected: [(TestPlayer, Set<Message>)]) throws {
        try pumping(stage.all, "the releases", seen: "\(stage.all.map(\.heard))") {
            expected.allSatisfy { Set($0.0.heard) == $0.1 }
        }
        _ = try stage.engine.status()
        for player in stage.all { player.pump() }
        for (player, messages) in expected { #expect(Set(player.heard) == messages, "\(player.name)") }
    }

    @Test func `a port that goes takes its own with it, and those on the others keep session and notes`() throws {
        let stage = try playing()
        var onData: [String] = []
        stage.far.onDatagram = { path, bytes in
            guard path == .data else { return }
            if bytes.starts(with: [0xFF, 0xFF, 0x42, 0x59]) { onData.append("BY") }
            if bytes.count > 12, bytes[1] & 0x7F == 0x61, bytes[12] & 0x0F > 0 { onData.append("MIDI") }
        }
        stage.engine.send(.serve(plan(("room", [stage.engine.port]))))
        try pumping(stage.all, "the goodbye") { stage.far.ended == .bye && onData.contains("BY") }
        #expect(onData.first == "MIDI", "what it hears is ended first: \(onData)")
        try hear(stage, [(stage.one, [off(64)]), (stage.two, [off(64)]), (stage.far, [off(60), off(62)])])
        #expect(stage.one.ended == nil && stage.two.ended == nil)
        #expect(try stage.engine.status().participants.map(\.name) == ["One", "Two"])
        // What was held across it is still known.
        stage.one.leave()
        try pumping([stage.two], "the release") { stage.two.heard.contains(off(60)) }
    }

    @Test func `a room that is renamed is the same for all who are in it`() throws {
        let stage = try playing()
        stage.engine.send(.serve(plan(("another", [stage.engine.port, second]))))
        try hear(stage, [(stage.one, []), (stage.two, []), (stage.far, [])])
        let status = try stage.engine.status()
        #expect(status.participants.map(\.name) == ["One", "Two", "Far"])
        #expect(status.participants.allSatisfy { $0.room == "another" })
        stage.one.play(off(60))
        try hear(stage, [(stage.two, [off(60)]), (stage.far, [off(60)])])
        #expect(stage.all.allSatisfy { $0.ended == nil })
    }

    @Test func `a room that is split ends what crosses the split, and nobody's session`() throws {
        let stage = try playing()
        stage.engine.send(.serve(plan(("room", [stage.engine.port]), ("far", [second]))))
        try hear(stage, [(stage.one, [off(64)]), (stage.two, [off(64)]), (stage.far, [off(60), off(62)])])
        stage.one.play(off(60))
        try pumping(stage.all, "its end where it is heard") { stage.two.heard.contains(off(60)) }
        #expect(stage.all.allSatisfy { $0.ended == nil })
        // And together again, where each hears with the others' sounds.
        let program = Message.programChange(Channel(truncating: 0), program: 19)
        stage.one.play(program)
        try pumping(stage.all, "the program") { stage.two.heard.contains(program) }
        stage.far.forget()
        stage.engine.send(.serve(plan(("room", [stage.engine.port, second]))))
        try pumping(stage.all, "the program where it was not heard") { stage.far.heard == [program] }
        stage.one.play(note(70))
        try pumping(stage.all, "the note") { stage.far.heard == [program, note(70)] }
    }

    @Test func `a port that has moved in its room or into another keeps those on it`() throws {
        let stage = try playing()
        stage.engine.send(.serve(plan(("room", [second, stage.engine.port]))))
        try hear(stage, [(stage.one, []), (stage.two, []), (stage.far, [])])
        stage.engine.send(.serve(plan(("second", [second]), ("room", [stage.engine.port]))))
        try hear(stage, [(stage.one, [off(64)]), (stage.two, [off(64)]), (stage.far, [off(60), off(62)])])
        #expect(stage.all.allSatisfy { $0.ended == nil })
    }

    @Test func `a pair that is turned round ends what sounded and goes the other way, in the same sessions`() throws {
        let stage = try stage(policy: .pair)
        try pumping(stage.all, "the notes at the second port") { stage.far.heard.count == 2 }
        stage.far.forget()
        stage.engine.send(.serve(plan(("room", [second, stage.engine.port]), policy: .pair)))
        try hear(stage, [(stage.far, [off(60), off(62)]), (stage.one, []), (stage.two, [])])
        stage.far.play(note(72))
        try pumping(stage.all, "the note the other way") {
            stage.one.heard == [note(72)] && stage.two.heard == [note(72)]
        }
        #expect(stage.all.allSatisfy { $0.ended == nil })
    }

    @Test func `when the engine stops, what each hears is ended before its goodbye`() throws {
        let stage = try playing()
        stage.engine.stop()
        try pumping(stage.all, "the goodbyes") { stage.all.allSatisfy { $0.ended == .bye } }
        try pumping(stage.all, "the ends of what sounded", seen: "\(stage.all.map(\.heard))") {
            Set(stage.one.heard) == [off(62), off(64)] && Set(stage.two.heard) == [off(60), off(64)]
                && Set(stage.far.heard) == [off(60), off(62)]
        }
    }
}

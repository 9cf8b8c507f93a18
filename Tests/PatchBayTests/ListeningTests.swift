import Foundation
import Glibc
import Linux
import MIDI
import PatchBay
import Rooms
import Sequencer
import Synchronization
import TestSupport
import Testing

extension OnTheSequencer {
    /// The listener never refuses an event: a sender is told of each event that one of its hearers does not accept.
    @Suite struct Listening {
        @Test func `nothing that is played is refused, whatever it is`() throws {
            let stage = try Stage()
            let hearers = try stage.players("A")
            // Of this thread, so one of the engine's ports.
            let client = try SequencerClient(name: Array("player".utf8))
            let port = client.createPort(Array("B".utf8))
            try stage.until("B is wired") { stage.kernelWires(hearers + [address(client, port)]).count == 2 }
            var refusals: [String] = []
            let exclusive = [0xF0] + [UInt8](repeating: 3, count: 20_000) + [0xF7]
            for message: [UInt8] in [
                [0xF8], [0xFA], [0xFB], [0xFC], [0xFE], [0xFF], [0xF6], [0xF1, 3], [0xF2, 1, 2], [0xF3, 1], exclusive,
                [0x90, 60, 100],
            ] {
                try client.sendOrDrop(message, from: port) { refusals.append("\(hex(message.prefix(3))): \($0)") }
            }
            #expect(refusals.isEmpty)
            try stage.until("the note is known") { try stage.soundingNotes() == [60] }
        }

        @Test func `a hub that does nothing for a while refuses nobody, and knows afterwards what is held`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            try stage.until("the listener has begun") { !stage.listening.isEmpty }
            let listener = try stage.listenerPID()
            let end = DispatchSemaphore(value: 0)
            // Answered on the patch bay's own thread.
            stage.bay.send(.panic(room: "no such room") { _ in end.wait() })
            let refused = stage.playSteadily(3000, players[0], note: 61)
            stage.play(on(60), players[0])
            end.signal()
            #expect(refused == 0)
            #expect(try stage.soundingNotes() == [60])
            #expect(try stage.listenerPID() == listener, "it was well all the time")
            #expect(stage.problems.isEmpty)
        }

        @Test(arguments: [SIGSTOP, SIGKILL])
        func `a listener that is stopped or killed is replaced, and nobody is refused meanwhile`(signal: CInt) throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            #expect(try stage.soundingNotes() == [60])
            try stage.until("the listener has begun") { !stage.listening.isEmpty }
            let old = try stage.listenerPID()
            kill(old, signal)
            // Plays until another listener has begun, and longer than the kernel keeps unread events.
            var refused = 0
            var played = 0
            try stage.until("another has begun") {
                refused += stage.playSteadily(100, players[0], note: 61)
                played += 100
                return stage.listening.count == 2 && played >= 3000
            }
            #expect(refused == 0)
            #expect(try stage.listenerPID() != old && stage.listening == [nil, nil])
            #expect(stage.engine.hearers(of: players[0]).count == 2)
            stage.play(on(62), players[0])
            try stage.until("what is played is heard again") { try stage.soundingNotes().contains(62) }
            stage.forgetHeard()
            try stage.leave(players[0])
            try stage.until("what was held before is released too") {
                Set(stage.heard(players[1])).isSuperset(of: [off(60), off(62)])
            }
        }

        @Test func `without a listener MIDI flows, nobody is tapped and it is told; with one again that too`() throws {
            let directory = TemporaryDirectory()
            var tuning = Tuning()
            tuning.reconcile = .milliseconds(300)
            let program = directory.file("midihub")
            // It ends at once, as one that cannot run on this machine does.
            try FileManager.default.createSymbolicLink(atPath: program, withDestinationPath: "/bin/false")
            let stage = try Stage(tuning: tuning, listener: program)
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            try stage.until("it is told") { stage.listening.contains { $0?.contains("does not begin") == true } }
            try stage.until("nobody is tapped") { stage.engine.hearers(of: players[0]) == [players[1]] }
            #expect(stage.playSteadily(2500, players[0], note: 61) == 0)
            try FileManager.default.removeItem(atPath: program)
            try FileManager.default.createSymbolicLink(
                atPath: program, withDestinationPath: try builtProduct("midihub"))
            try stage.until("it listens") { stage.listening.last == .some(nil) }
            #expect(stage.listening.count == 2, "each is said once")
            stage.play(on(60), players[0])
            try stage.until("it is heard") { try stage.soundingNotes().contains(60) }
        }

        @Test func `a listener whose hub has gone lets go of everybody before it ends`() throws {
            let tap = try SequencerHandle(name: "tap")
            let port = try tap.createPort(name: [], [.write, .noExport])
            let engine = try SequencerHandle(name: "engine")
            let players = try ["A", "B"].map { try engine.createPort(name: Array($0.utf8), .participant) }
            for player in players { _ = tap.subscribe(from: player, to: port) }
            let pair = try Sockets.pair()
            let child = ChildProgram(
                path: try builtProduct("midihub"), arguments: ["listener"], environment: [:], output: nil)
            let pid = try child.spawn(reading: tap.descriptor, writing: pair.theirs.number)
            #expect(players.allSatisfy { engine.hearers(of: $0) == [port] })
            close(pair)
            var exit: ChildExit?
            try eventually("its end") {
                exit = ChildProgram.reap(pid)
                return exit != nil
            }
            #expect(exit == .code(0))
            // The client is still there, for we have it open.
            #expect(players.allSatisfy { engine.hearers(of: $0).isEmpty })
        }

        private func close(_ pair: consuming Sockets.Pair) {}

        private func address(_ client: SequencerClient, _ port: Int) -> Address {
            Address(client: UInt8(client.client), port: UInt8(port))
        }
    }
}

extension Stage {
    /// Of this process's listeners, those that live.
    func listeners() -> [Int32] {
        ProcessIdentity.withArguments(["listener"]).filter { pid in
            let fields = text(of: "/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 1 && fields[0] != "Z" && Int32(fields[1]) == getpid()
        }
    }

    func listenerPID() throws -> Int32 {
        var found: [Int32] = []
        try until("there is one listener") {
            found = listeners()
            return found.count == 1
        }
        return found[0]
    }

    var listening: [String?] { news.compactMap { if case .listening(let words) = $0 { .some(words) } else { nil } } }

    /// Strikes and ends a note again and again, a thousand events a second: how many of them were refused.
    func playSteadily(_ events: Int, _ player: Address, note: DataByte) -> Int {
        let begin = ContinuousClock.now
        var refused = 0
        for index in 0..<events {
            if case .sent = engine.send(index.isMultiple(of: 2) ? on(note) : off(note), from: player.port) {
            } else {
                refused += 1
            }
            // What comes to the engine is read as it comes: it is a hearer too.
            if index % 20 == 19 {
                forgetHeard()
                let ahead = ContinuousClock.now.duration(to: begin + .milliseconds(index))
                if ahead > .zero { usleep(UInt32(ahead.milliseconds) * 1000) }
            }
        }
        return refused
    }

    func soundingNotes() throws -> Set<Int> {
        forgetSounding()
        bay.send(.sounding)
        return Set(try awaitSounding().values.flatMap(\.notes).map(\.note))
    }
}
